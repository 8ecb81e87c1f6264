//! The embedded store: one writer thread, WAL, `synchronous=FULL`, four readers with a deadline.

use std::path::PathBuf;
use std::time::Duration;

/// How the file is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// How long one read may take before it is stopped.
    pub read_deadline: Duration,
    /// Pages the file may grow to; `None`: as far as the disk goes.
    pub most_pages: Option<u32>,
}

impl Options {
    /// A file with the usual bounds.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read_deadline: Duration::from_secs(5), most_pages: None }
    }
}
