//! A batch taken apart, on its way to its commit.

use std::sync::Arc;

use jiff::Timestamp;

use super::ahead::DoneAhead;
use super::plan::Prepared;
use crate::apply::{Unit, UnitOutcome};
use crate::bundle::Bundle;
use crate::store::forecast::Turn;
use crate::store::{Lease, StoreError};

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
    /// The lease under which each unit was taken, in their order; shorter: the rest was taken under none.
    leases: Vec<Option<Lease>>,
}

/// What became of each unit of a batch, in order: one under a lease that is not held any more is refused, and
/// nothing of it is stored.
pub type Outcomes = Vec<Result<UnitOutcome, StoreError>>;

impl Batch {
    /// A batch of which nothing is done yet.
    pub fn new(units: Vec<Unit>, bundle: Arc<Bundle>, now: Timestamp) -> Self {
        let works = units.into_iter().map(Prepared::new).collect();
        Self { works, ahead: DoneAhead::default(), bundle, now, turn: None, leases: Vec::new() }
    }

    /// Each unit is committed only while its lease is held, if it has one; in the order of the units.
    #[must_use]
    pub fn under(mut self, leases: impl IntoIterator<Item = Option<Lease>>) -> Self {
        self.leases = leases.into_iter().collect();
        self
    }

    /// The leases of its units, each once, by name.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        let mut leases: Vec<Lease> = self.leases.iter().flatten().cloned().collect();
        leases.sort_by(|a, b| (a.name(), a.epoch()).cmp(&(b.name(), b.epoch())));
        leases.dedup_by(|a, b| (a.name(), a.epoch()) == (b.name(), b.epoch()));
        leases
    }

    /// Takes out the units that were taken under one of these leases; says of each unit whether it stays.
    pub(crate) fn without(&mut self, lost: &[i64]) -> Vec<bool> {
        let is_lost = |lease: &Option<Lease>| {
            lease.as_ref().is_some_and(|lease| lost.contains(&lease.epoch()))
        };
        let mut stays: Vec<bool> = self.leases.iter().map(|lease| !is_lost(lease)).collect();
        stays.resize(self.works.len(), true);
        self.keep(|place| stays.get(place).copied().unwrap_or(true));
        stays
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
        let all = self.works.len();
        let stays: Vec<bool> = (0..all).map(&mut keep).collect();
        let mut place = stays.iter();
        self.works.retain(|_| place.next().is_none_or(|stays| *stays));
        let mut place = stays.iter();
        self.leases.retain(|_| place.next().is_none_or(|stays| *stays));
        if self.works.len() < all {
            // Where a body lay that is freed now, anything may lie later.
            self.ahead.forget_bodies();
        }
    }
}
