//! What took effect at a twin: the outside judge of the hub's promises.
//!
//! A twin writes an [`Effect`] whenever it really did something (made a sale, took a release), never
//! because a request came in: a refused or recognised request is counted, not written. What "twice"
//! and "out of order" mean is counted while writing, so that asking for the counts is cheap however
//! long the list is.
//!
//! **Invariant:** entries are in the order in which they took effect and are never changed. Test:
//! `entries_come_in_order_and_page_by_sequence`.
//! **Bound:** [`MAX_ENTRIES`]; past it a twin refuses to act ([`Ledger::is_full`]) instead of forgetting.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// Entries that a ledger holds: some hundred megabytes, hours of the fastest run.
pub const MAX_ENTRIES: usize = 2_000_000;

/// Something that a twin did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What: `sale.created`, `release.created`, `order.changed`.
    pub kind: String,
    /// The idempotency key that asked for it, where one came along.
    pub key: Option<String>,
    /// What it was for, by the asker's reference: an order, a fulfilment, a shipment.
    pub reference: String,
    /// What it made or changed here, by the twin's own id.
    pub subject: String,
    /// The asker's version of what it sent: must rise per reference.
    pub version: Option<u64>,
}

/// A written effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// Twin time.
    pub at: Timestamp,
    /// What was done.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What a ledger counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests by operation, refused ones too.
    pub received: BTreeMap<String, u64>,
    /// Effects by kind.
    pub effects: BTreeMap<String, u64>,
    /// Distinct references that something took effect for.
    pub references: u64,
    /// Requests that were recognised as done before and did nothing.
    pub repeated: u64,
    /// Effects that happened twice: a kind that may happen once per reference, one key with two
    /// effects, one version under two keys.
    pub doubled: u64,
    /// Effects with a version below the last one of their reference.
    pub out_of_order: u64,
    /// Requests answered with a scripted fault.
    pub faults: u64,
}

/// The ledger of one twin. Clones share it.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Kinds that may take effect only once per reference.
    once: &'static [&'static str],
    clock: Clock,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    counts: Counts,
    keys: HashSet<(String, String)>,
    once: HashSet<(String, String)>,
    versions: HashMap<String, u64>,
}

impl Ledger {
    /// An empty ledger; `once` names the kinds that may take effect only once per reference.
    pub fn new(clock: Clock, once: &'static [&'static str]) -> Self {
        Self(Arc::new(Inner { once, clock, book: Mutex::default() }))
    }

    /// Counts a request of an operation, whatever becomes of it.
    pub fn received(&self, operation: &str) {
        let mut book = self.book();
        match book.counts.received.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                book.counts.received.insert(operation.to_owned(), 1);
            }
        }
    }

    /// Counts a request that got a scripted fault.
    pub fn faulted(&self) {
        self.book().counts.faults += 1;
    }

    /// Counts a request that was recognised as done before.
    pub fn repeated(&self) {
        self.book().counts.repeated += 1;
    }

    /// Whether the next effect would pass the bound: the twin then answers 507 and does nothing.
    pub fn is_full(&self) -> bool {
        self.book().entries.len() >= MAX_ENTRIES
    }

    /// Writes what took effect.
    pub fn wrote(&self, effect: Effect) {
        let mut book = self.book();
        let at = self.0.clock.now();
        book.write(at, effect, self.0.once);
    }

    /// Writes it unless its key took effect before, for twins that honour keys: then it is counted as
    /// repeated. One step, so that of two requests at the same moment one is the repetition. False:
    /// repeated.
    pub fn wrote_new(&self, effect: Effect) -> bool {
        let mut book = self.book();
        let known = effect.key.as_ref().map(|key| (effect.kind.clone(), key.clone()));
        if known.is_some_and(|known| book.keys.contains(&known)) {
            book.counts.repeated += 1;
            return false;
        }
        let at = self.0.clock.now();
        book.write(at, effect, self.0.once);
        true
    }

    /// The counts.
    pub fn counts(&self) -> Counts {
        self.book().counts.clone()
    }

    /// Up to `limit` entries after `after`, in order.
    pub fn entries(&self, after: u64, limit: usize) -> Vec<Entry> {
        let book = self.book();
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        book.entries.iter().skip(from).take(limit).cloned().collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn write(&mut self, at: Timestamp, effect: Effect, once: &[&str]) {
        self.judge(&effect, once);
        match self.counts.effects.get_mut(&effect.kind) {
            Some(count) => *count += 1,
            None => {
                self.counts.effects.insert(effect.kind.clone(), 1);
            }
        }
        let seq = self.entries.len() as u64 + 1;
        self.entries.push(Entry { seq, at, effect });
    }

    /// Counts what should not be.
    fn judge(&mut self, effect: &Effect, once: &[&str]) {
        let mut doubled = false;
        if let Some(key) = &effect.key {
            doubled |= !self.keys.insert((effect.kind.clone(), key.clone()));
        }
        if once.contains(&effect.kind.as_str()) {
            doubled |= !self.once.insert((effect.kind.clone(), effect.reference.clone()));
        }
        // 0 stands for "no version": real ones start at 1.
        let version = effect.version.unwrap_or(0);
        match self.versions.entry(effect.reference.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(version);
                self.counts.references += 1;
            }
            Slot::Occupied(mut slot) => {
                let last = *slot.get();
                if effect.version.is_some() && last > 0 {
                    doubled |= version == last;
                    self.counts.out_of_order += u64::from(version < last);
                }
                slot.insert(last.max(version));
            }
        }
        self.counts.doubled += u64::from(doubled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(Clock::new(1.0, Timestamp::UNIX_EPOCH), &["sale.created"])
    }

    fn effect(kind: &str, key: &str, reference: &str, version: u64) -> Effect {
        Effect {
            kind: kind.to_owned(),
            key: Some(key.to_owned()),
            reference: reference.to_owned(),
            subject: String::new(),
            version: Some(version),
        }
    }

    #[test]
    fn rising_versions_under_fresh_keys_are_clean() {
        let ledger = ledger();
        ledger.wrote(effect("sale.created", "a", "o-1", 1));
        ledger.wrote(effect("sale.updated", "b", "o-1", 2));
        ledger.wrote(effect("sale.created", "c", "o-2", 1));
        let counts = ledger.counts();
        assert_eq!((counts.doubled, counts.out_of_order, counts.references), (0, 0, 2));
    }

    #[test]
    fn two_sales_for_one_reference_are_doubled_whatever_their_keys() {
        let ledger = ledger();
        ledger.wrote(effect("sale.created", "a", "o-1", 1));
        ledger.wrote(effect("sale.created", "b", "o-1", 2));
        assert_eq!(ledger.counts().doubled, 1);
    }

    #[test]
    fn one_key_with_two_effects_is_doubled_and_one_version_under_two_keys_too() {
        let ledger = ledger();
        ledger.wrote(effect("order.changed", "a", "o-1", 1));
        ledger.wrote(effect("order.changed", "a", "o-1", 2));
        ledger.wrote(effect("order.changed", "b", "o-1", 2));
        assert_eq!(ledger.counts().doubled, 2);
    }

    #[test]
    fn a_version_below_the_last_is_out_of_order_and_does_not_hide_the_next() {
        let ledger = ledger();
        ledger.wrote(effect("order.changed", "a", "o-1", 5));
        ledger.wrote(effect("order.changed", "b", "o-1", 3));
        ledger.wrote(effect("order.changed", "c", "o-1", 4));
        assert_eq!(ledger.counts().out_of_order, 2);
    }

    #[test]
    fn entries_come_in_order_and_page_by_sequence() {
        let ledger = ledger();
        for n in 1..=5 {
            ledger.wrote(effect("order.changed", &n.to_string(), "o-1", n));
        }
        let page = ledger.entries(2, 2);
        assert_eq!(page.iter().map(|entry| entry.seq).collect::<Vec<_>>(), vec![3, 4]);
    }
}
