//! What a test may set of a shop: what it takes and what it allows.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{BulkWays, Shop};
use crate::frame::lock;

/// Objects that a listing goes as deep as ("Pagination limits" of the vendor's page on API limits, read 2026-11).
const DEEPEST: usize = 25_000;

/// How a shop answers.
#[derive(Clone, Debug)]
pub struct Ways {
    /// Objects behind which a listing is refused.
    pub deepest: usize,
    /// How long a query runs, twin time: what it may cost is out of the bucket meanwhile.
    pub runs: Duration,
    /// Fields at the root of a document for which the app has no scope.
    pub denied: BTreeSet<String>,
    /// How bulk operations go.
    pub bulk: BulkWays,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            deepest: DEEPEST,
            runs: Duration::ZERO,
            denied: BTreeSet::new(),
            bulk: BulkWays::default(),
        }
    }
}

impl Shop {
    /// Changes how it answers from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Ways)) {
        change(&mut lock(&self.ways));
    }

    /// How it answers.
    pub(super) fn ways(&self) -> Ways {
        lock(&self.ways).clone()
    }

    /// Another program of the same app leaves so many points in the bucket.
    pub fn leave(&self, points: u32) {
        self.bucket.leave(points, self.frame.clock.now());
    }

    /// The names of the queries that the bucket held, in their order; of many the last.
    pub fn asked(&self) -> Vec<&'static str> {
        self.bucket.held()
    }

    /// Queries that were refused because the bucket did not hold what they may cost.
    pub fn throttled(&self) -> u64 {
        self.bucket.refused()
    }
}
