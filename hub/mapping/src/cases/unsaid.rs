//! What a case's document looks up, and the case says nothing of: most often the reason why it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::facts::{Facts, Looked, LookupKey};

/// Look-ups that are named.
const MOST: usize = 5;

/// What a case says of look-ups, and which of them it says nothing of.
#[derive(Debug)]
pub(super) struct Unsaid<'c> {
    known: &'c BTreeMap<(String, String), String>,
    asked: Mutex<BTreeSet<(String, String)>>,
}

impl<'c> Unsaid<'c> {
    pub(super) fn new(known: &'c BTreeMap<(String, String), String>) -> Self {
        Self { known, asked: Mutex::default() }
    }

    /// What to write into the case; `None`: it says everything.
    pub(super) fn hint(&self) -> Option<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<String> =
            asked.iter().take(MOST).map(|(name, id)| format!("$lookup.{name}.{id}: …")).collect();
        let more = if asked.len() > MOST { ", …" } else { "" };
        (!lines.is_empty()).then(|| {
            format!(
                "the case does not say what it looks up: add `context: {{ {}{more} }}`",
                lines.join(", ")
            )
        })
    }
}

impl Facts for Unsaid<'_> {
    fn look(&self, key: &LookupKey) -> Looked {
        let looked = self.known.look(key);
        if looked == Looked::Unknown {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.len() <= MOST {
                asked.insert((key.name.to_string(), key.id.to_string()));
            }
        }
        looked
    }
}
