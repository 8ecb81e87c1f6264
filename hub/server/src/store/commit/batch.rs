//! A batch taken apart, on its way to its commit.

use std::sync::Arc;

use jiff::Timestamp;

use super::ahead::DoneAhead;
use super::plan::Prepared;
use crate::apply::Unit;
use crate::bundle::Bundle;
use crate::store::Lease;
use crate::store::forecast::Turn;

/// Units that are committed together, with what could be done of them before their turn.
#[derive(Debug)]
pub struct Batch {
    pub(crate) works: Vec<Prepared>,
    /// What was folded while the batch before it was committed.
    pub(crate) ahead: DoneAhead,
    /// What decides.
    pub(crate) bundle: Arc<Bundle>,
    /// The time of the commit: when it closed.
    pub(crate) now: Timestamp,
    /// Its place among those under way.
    pub(crate) turn: Option<Turn>,
    /// The leases under which its units were taken, each once, by name.
    pub(crate) leases: Vec<Lease>,
}

impl Batch {
    /// A batch of which nothing is done yet.
    pub fn new(units: Vec<Unit>, bundle: Arc<Bundle>, now: Timestamp) -> Self {
        let works = units.into_iter().map(Prepared::new).collect();
        Self { works, ahead: DoneAhead::default(), bundle, now, turn: None, leases: Vec::new() }
    }

    /// Committed only while these leases are held.
    #[must_use]
    pub fn under(mut self, leases: impl IntoIterator<Item = Lease>) -> Self {
        self.leases.extend(leases);
        self.leases.sort_by(|a, b| (a.name(), a.epoch()).cmp(&(b.name(), b.epoch())));
        self.leases.dedup_by(|a, b| (a.name(), a.epoch()) == (b.name(), b.epoch()));
        self
    }

    /// Forgets the leases of units that were taken out.
    pub(crate) fn keep_leases<'l>(&mut self, still: impl Iterator<Item = &'l Lease> + Clone) {
        self.leases.retain(|lease| still.clone().any(|held| held.epoch() == lease.epoch()));
    }

    /// How many units it has.
    pub fn len(&self) -> usize {
        self.works.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.works.is_empty()
    }

    /// Takes units out, by their place, before the commit. What was folded of the others is folded again
    /// where it depended on their place; their bodies are packed again.
    pub fn keep(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let (mut place, all) = (0, self.works.len());
        self.works.retain(|_| {
            place += 1;
            keep(place - 1)
        });
        if self.works.len() < all {
            // Where a body lay that is freed now, anything may lie later.
            self.ahead.forget_bodies();
        }
    }
}
