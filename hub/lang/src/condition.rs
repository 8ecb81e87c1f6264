//! The grammar of `when` and `where`: all keys must hold, a list is any of; `none` (empty), `present`
//! (there and not null), `absent` (missing or null), `{ not: [...] }`, `{ from: rank }`,
//! `linked: <role>`. One grammar for the flow (over orders) and mappings (over documents).

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::path::Path;
use crate::yaml::Node;

/// A parsed condition: every test must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The tests, in file order.
    pub tests: Vec<PathTest>,
}

/// A test of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTest {
    /// What is looked at; the name `linked` is a path too: its user decides.
    pub path: Path,
    /// Where the path stands in the file.
    pub span: Span,
    /// What must hold. A fan-out holds if any does.
    pub test: Test,
}

/// What must hold for one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Its text is one of these (numbers and booleans by their text).
    AnyOf(Vec<String>),
    /// Missing, null, or none of these.
    NotAnyOf(Vec<String>),
    /// There and not null.
    Present,
    /// Missing or null.
    Absent,
    /// No elements (`holds: none`), or absent.
    None,
    /// At this rank of its machine or higher.
    From(String),
}

impl Condition {
    /// Reads a condition from its YAML mapping.
    ///
    /// # Errors
    ///
    /// Every mistake, at its place.
    pub fn parse(_source: &Arc<Source>, _node: &Node) -> Result<Self, Vec<Diagnostic>> {
        Err(Vec::new())
    }
}
