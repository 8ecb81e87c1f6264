//! The vendor's limit: points that run out and come back, and what each answer says of them.
//!
//! "Rate limits" of the Admin API, read 2026-11: the bucket must hold what a query may cost; what it did not cost is
//! given back at once. The smallest plan has 2,000 points, and 100 more a second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::frame::lock;

/// Points of a full bucket, and how many come back in a second (of the twin's).
const FULL: f64 = 2_000.0;
const PER_SECOND: f64 = 100.0;
/// What one query may cost at most.
pub(super) const MOST: u64 = 1_000;

/// Calls that are remembered, the last ones.
const REMEMBERED: usize = 10_000;

/// The bucket of one app in one shop.
#[derive(Clone, Debug)]
pub(super) struct Bucket(Arc<Mutex<Level>>);

#[derive(Debug)]
struct Level {
    points: f64,
    at: Timestamp,
    /// Queries that it did not hold.
    refused: u64,
    /// Those that it held, by their names.
    held: VecDeque<&'static str>,
}

impl Bucket {
    pub(super) fn full(clock: &Clock) -> Self {
        Self(Arc::new(Mutex::new(Level::full(clock.now()))))
    }

    /// Takes what a query of this name may cost. False: the bucket does not hold it.
    pub(super) fn take(&self, name: &'static str, points: u64, now: Timestamp) -> bool {
        let mut level = lock(&self.0);
        level.refill(now);
        let points = f64::from(u32::try_from(points).unwrap_or(u32::MAX));
        let holds = level.points >= points;
        if holds {
            level.points -= points;
            if level.held.len() == REMEMBERED {
                level.held.pop_front();
            }
            level.held.push_back(name);
        } else {
            level.refused += 1;
        }
        holds
    }

    /// Takes all but so many points.
    pub(super) fn leave(&self, points: u32, now: Timestamp) {
        let mut level = lock(&self.0);
        level.refill(now);
        level.points = level.points.min(f64::from(points));
    }

    pub(super) fn held(&self) -> Vec<&'static str> {
        lock(&self.0).held.iter().copied().collect()
    }

    pub(super) fn refused(&self) -> u64 {
        lock(&self.0).refused
    }

    /// Gives back what it did not cost, and what the answer says of it; `None` cost: it was not run.
    pub(super) fn settle(&self, requested: u64, actual: Option<u64>, now: Timestamp) -> Value {
        let mut level = lock(&self.0);
        level.refill(now);
        if let Some(actual) = actual {
            let back = u32::try_from(requested.saturating_sub(actual)).unwrap_or(0);
            level.points = (level.points + f64::from(back)).min(FULL);
        }
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": FULL, "currentlyAvailable": level.points.floor(), "restoreRate": PER_SECOND,
            },
        })
    }
}

impl Level {
    fn full(at: Timestamp) -> Self {
        Self { points: FULL, at, refused: 0, held: VecDeque::new() }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.points = (self.points + passed * PER_SECOND).min(FULL);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn points_run_out_come_back_and_are_given_back() {
        let bucket = Bucket(Arc::new(Mutex::new(Level::full(Timestamp::UNIX_EPOCH))));
        let at = |seconds: i64| {
            Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs(seconds)).unwrap()
        };
        let take = |points, seconds| bucket.take("read", points, at(seconds));
        assert!(take(1_000, 0) && take(1_000, 0) && !take(1, 0));
        assert!(take(200, 2) && !take(1, 2));
        let said = bucket.settle(200, Some(50), at(2));
        assert_eq!(said["throttleStatus"]["currentlyAvailable"], 150.0);
        assert!(take(150, 2));
        assert_eq!(bucket.refused(), 2);
        assert_eq!(bucket.settle(900, None, at(3))["actualQueryCost"], Value::Null);
        assert_eq!(bucket.held(), ["read"; 4], "what was refused is none of them");
        bucket.leave(40, at(3));
        assert!(!take(41, 3) && take(40, 3));
    }
}
