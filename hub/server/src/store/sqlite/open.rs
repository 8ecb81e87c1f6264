//! Opening the file: what is asked of it, and what works on it then.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::heads::Heads;
use super::readers::Readers;
use super::scout::Scout;
use super::{SqliteStore, schema, writer};
use crate::config::Keep;
use crate::store::counted::Counted;
use crate::store::forecast::Forecast;
use crate::store::keep::Kept;
use crate::store::reserved::Reserved;
use crate::store::{StoreError, Wanted};

/// How the file is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file; its folder must exist.
    pub path: PathBuf,
    /// How long one read may take before it is stopped.
    pub read_deadline: Duration,
    /// Pages the file may grow to; `None`: as far as the disk goes.
    pub most_pages: Option<u32>,
    /// How long ids of messages are remembered, in days.
    pub seen_days: u16,
    /// How it is searched.
    pub search: Wanted,
    /// How long everything else is kept that grows with every message.
    pub keep: Keep,
}

impl Options {
    /// A file with the usual bounds.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            read_deadline: Duration::from_secs(5),
            most_pages: None,
            seen_days: 30,
            search: Wanted::default(),
            keep: Keep::default(),
        }
    }
}

impl SqliteStore {
    /// Opens the file, or makes it. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`]; [`StoreError::Failed`] with a sentence when the file cannot be opened or another
    /// process has it.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let opened = schema::open(options)?;
        let (install, process) = (opened.install.clone(), opened.process);
        let search = opened.search.clone();
        let reserved = Arc::new(Reserved::default());
        let heads = Arc::new(Heads::default());
        let forecast = Arc::new(Forecast::default());
        let scout = Scout::new(options.path.clone(), Arc::clone(&heads), Arc::clone(&forecast));
        let jobs = writer::start(opened, Arc::clone(&heads), Arc::clone(&reserved), forecast)?;
        let readers = Readers::new(options.path.clone(), options.read_deadline);
        let kept = Kept { keep: options.keep, seen_days: options.seen_days };
        let scout = Arc::new(scout);
        let (lanes, todos) = (Counted::default(), Counted::default());
        let (resting, waiting) = (Counted::default(), Counted::default());
        Ok(Self {
            install,
            process,
            kept,
            search,
            jobs,
            readers,
            scout,
            heads,
            reserved,
            lanes,
            resting,
            waiting,
            todos,
            closing: AtomicBool::new(false),
        })
    }
}
