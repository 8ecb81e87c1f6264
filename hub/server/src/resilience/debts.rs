//! Calls that counted as several under their limit, which is known only when they are answered: the rest is paid before
//! the next call.
//!
//! In memory, of this process alone: by limit, and by key where it is keyed; at most [`MOST`] of them, beyond which a
//! debt is let go.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Limits and keys that owe something.
const MOST: usize = 10_000;
/// One call counts as no more than this.
const MOST_CALLS: u32 = 10_000;

/// Calls by limit and key.
type Owed = HashMap<(Box<str>, Box<str>), u32>;

/// What is owed.
#[derive(Debug, Default)]
pub(super) struct Debts(Mutex<Owed>);

impl Debts {
    /// So many calls more are owed.
    pub(super) fn add(&self, name: &str, key: Option<&str>, calls: u32) {
        if calls == 0 {
            return;
        }
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (name.into(), key.unwrap_or_default().into());
        if owed.len() < MOST || owed.contains_key(&at) {
            let owed = owed.entry(at).or_default();
            *owed = owed.saturating_add(calls).min(MOST_CALLS);
        }
    }

    /// Takes the debt over: whoever does pays it, or gives back what is left.
    pub(super) fn claim(&self, name: &str, key: Option<&str>) -> u32 {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if owed.is_empty() {
            return 0;
        }
        owed.remove(&(name.into(), key.unwrap_or_default().into())).unwrap_or(0)
    }
}
