//! May the hub take work? Every part that cannot says why, under its own name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Reasons why the hub is not ready. Cheap to clone; clones share them. Bounded: one per part.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<String, String>>>);

impl Readiness {
    /// `part` cannot work, for this reason in an operator's words.
    pub fn not(&self, part: &str, why: impl Into<String>) {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.insert(part.to_owned(), why.into());
    }

    /// `part` works again.
    pub fn ready(&self, part: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Every part that cannot work, with why; empty: ready.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
