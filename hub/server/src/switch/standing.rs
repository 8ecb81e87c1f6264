//! What is said of the bundle in use, to the API and to metrics: since when, and what was refused.
//!
//! **Bound:** the warnings of the last switch ([`super::judged`]); the last refusal of the folder and the last of the store, [`MOST_FINDINGS`] findings each.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use metrics::{counter, gauge};
use orderhub_lang::diagnostic::Severity;
use serde::Serialize;
use serde_json::Value;

use super::judged::Warning;
use crate::bundle::BundleError;

/// Findings that are kept of files that were refused; the check names all.
const MOST_FINDINGS: usize = 100;

/// Results of a switch, as its counter names them.
pub(crate) const RESULTS: [&str; 2] = ["switched", "refused"];

/// Where files come from that are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The folder of this process.
    Folder,
    /// What another process on the same store has switched to.
    Store,
}

/// Files that are not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    /// Their name; `None`: they could not be read whole.
    pub hash: Option<Arc<str>>,
    /// When they were refused.
    pub at: Timestamp,
    /// Whose they are.
    pub from: From,
    /// Why, in a sentence.
    pub why: String,
    /// Errors at their places, as `orderhub check -o json` writes them; the first [`MOST_FINDINGS`].
    pub findings: Vec<Value>,
}

impl Refused {
    pub(super) fn new(hash: Option<Arc<str>>, at: Timestamp, from: From, why: String) -> Self {
        Self { hash, at, from, why, findings: Vec::new() }
    }

    /// The same with what is wrong with the files.
    pub(super) fn because_of(mut self, error: &BundleError) -> Self {
        if let BundleError::Files(found) = error {
            let errors = found.iter().filter(|finding| finding.severity == Severity::Error);
            let shown = errors.take(MOST_FINDINGS);
            // Plain data: it is always written.
            let shown = shown.map(|one| serde_json::to_value(one.to_json()).unwrap_or_default());
            self.findings = shown.collect();
        }
        self
    }
}

/// A folder that does not stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changing {
    /// Since when.
    pub since: Timestamp,
    /// What is said of it.
    pub why: String,
}

/// Files that are not switched to before the programs of an earlier version have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Their name.
    pub hash: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// For whom and for what.
    pub why: String,
}

/// What is so now. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Standing(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    since: Timestamp,
    /// The folder cannot be read whole.
    unread: Option<Refused>,
    folder: Option<Refused>,
    store: Option<Refused>,
    changing: Option<Changing>,
    held: Option<Held>,
    warnings: Vec<Warning>,
}

impl Standing {
    /// A bundle in use since then, and nothing refused.
    pub fn new(since: Timestamp) -> Self {
        let (unread, folder, store, changing, held) = (None, None, None, None, None);
        let warnings = Vec::new();
        let state = State { since, unread, folder, store, changing, held, warnings };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Since when this process uses the bundle that it uses.
    pub fn since(&self) -> Timestamp {
        self.with(|state| state.since)
    }

    /// What was refused last and still stands in the folder, or in the store.
    pub fn refused(&self) -> Option<Refused> {
        self.with(|state| {
            let all = [&state.unread, &state.folder, &state.store];
            all.into_iter().flatten().max_by_key(|refused| refused.at).cloned()
        })
    }

    /// The folder, where it has not stood still for long.
    pub fn is_changing(&self) -> Option<Changing> {
        self.with(|state| state.changing.clone())
    }

    /// The files that wait for the end of programs of an earlier version.
    pub fn held(&self) -> Option<Held> {
        self.with(|state| state.held.clone())
    }

    /// What is probably not meant in the files in use, as far as their own cases tell; of files that were switched to.
    pub fn warnings(&self) -> Vec<Warning> {
        self.with(|state| state.warnings.clone())
    }

    pub(super) fn changing(&self, changing: Option<Changing>) {
        self.with(|state| state.changing = changing);
    }

    pub(super) fn hold(&self, held: Option<Held>) {
        self.with(|state| state.held = held);
    }

    pub(super) fn warn(&self, warnings: Vec<Warning>) {
        self.with(|state| state.warnings = warnings);
    }

    pub(super) fn switched(&self, at: Timestamp) {
        counter!("orderhub_bundle_switch_total", "result" => RESULTS[0]).increment(1);
        self.change(|state| state.since = at);
    }

    pub(super) fn refuse(&self, refused: Refused) {
        counter!("orderhub_bundle_switch_total", "result" => RESULTS[1]).increment(1);
        self.change(|state| match refused.from {
            From::Folder => state.folder = Some(refused),
            From::Store => state.store = Some(refused),
        });
    }

    /// The folder holds what is in use, or what can be used; the store names it.
    pub(super) fn agrees(&self, from: From) {
        self.change(|state| match from {
            From::Folder => state.folder = None,
            From::Store => state.store = None,
        });
    }

    /// The folder cannot be read whole, or can be again.
    pub(super) fn unread(&self, refused: Option<Refused>) {
        self.change(|state| state.unread = refused);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.with(change);
        gauge!("orderhub_bundle_refused").set(f64::from(u8::from(self.refused().is_some())));
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
