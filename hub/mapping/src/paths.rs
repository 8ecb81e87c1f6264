//! Small things about paths that several parts need.

use orderhub_lang::path::{Path, Root};

/// `.`
pub(crate) fn here() -> Path {
    Path { root: Root::Here, segments: Vec::new() }
}
