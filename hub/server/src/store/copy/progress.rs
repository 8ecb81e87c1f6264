//! How far a copy is, for whoever looks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is being done now.
#[derive(Debug, Default)]
pub struct Progress {
    now: Mutex<Now>,
    rows: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Now {
    step: &'static str,
    table: &'static str,
    of: u64,
    /// What the check counted.
    counts: HashMap<&'static str, u64>,
}

/// One look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `checking`, `copying`, `comparing`
    pub step: &'static str,
    /// The table.
    pub table: &'static str,
    /// Its rows so far.
    pub rows: u64,
    /// All of its rows; zero: not known.
    pub of: u64,
    /// Bytes since the step began.
    pub bytes: u64,
}

impl Progress {
    /// How far it is.
    pub fn look(&self) -> Seen {
        let now = self.now();
        let (rows, bytes) = (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        Seen { step: now.step, table: now.table, rows, of: now.of, bytes }
    }

    pub(crate) fn step(&self, step: &'static str) {
        self.now().step = step;
        self.bytes.store(0, Ordering::Relaxed);
        self.rows.store(0, Ordering::Relaxed);
    }

    pub(crate) fn table(&self, table: &'static str, of: u64) {
        let mut now = self.now();
        (now.table, now.of) = (table, of);
        self.rows.store(0, Ordering::Relaxed);
    }

    pub(crate) fn done(&self, rows: u64, bytes: usize) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn count(&self, table: &'static str, rows: u64) {
        self.now().counts.insert(table, rows);
    }

    pub(crate) fn counted(&self, table: &str) -> u64 {
        self.now().counts.get(table).copied().unwrap_or(0)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
