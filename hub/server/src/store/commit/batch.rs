//! A batch taken apart, on its way to its commit.

use std::sync::Arc;

use jiff::Timestamp;

use super::ahead::DoneAhead;
use super::plan::Prepared;
use crate::apply::Unit;
use crate::bundle::Bundle;
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
}

impl Batch {
    /// A batch of which nothing is done yet.
    pub fn new(units: Vec<Unit>, bundle: Arc<Bundle>, now: Timestamp) -> Self {
        let works = units.into_iter().map(Prepared::new).collect();
        Self { works, ahead: DoneAhead::default(), bundle, now, turn: None }
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
