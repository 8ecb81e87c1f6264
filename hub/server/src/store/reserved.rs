//! Lanes that commits of this process handed to its dispatcher.
//!
//! Only in memory: when the process ends, its reservations end, and the lanes are simply due again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use orderhub_order::ids::{OrderKey, SystemName};

/// A reservation that nobody spoke for lapses after so long: the ring that held it is gone.
const RESERVED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Orders that are held before lapsed ones are looked for.
const PRUNE_AT: usize = 16_384;

/// Which lanes, and since when.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    lanes: HashMap<OrderKey, Vec<(SystemName, Timestamp)>>,
    /// Twice what was left after the last look, so that looking costs little per lane.
    prune_at: usize,
}

impl Reserved {
    /// After a commit: some reservations ended, others begin.
    pub(crate) fn update<'a>(
        &self,
        ended: &[(SystemName, OrderKey)],
        new: impl Iterator<Item = &'a (SystemName, OrderKey)>,
        now: Timestamp,
    ) {
        let mut held = self.held();
        held.remove(ended);
        for (system, key) in new {
            let systems = held.lanes.entry(*key).or_default();
            systems.retain(|(other, _)| other != system);
            systems.push((system.clone(), now));
        }
        if held.lanes.len() > held.prune_at.max(PRUNE_AT) {
            held.lanes.retain(|_, systems| {
                systems.retain(|(_, since)| lasts(*since, now));
                !systems.is_empty()
            });
            held.prune_at = held.lanes.len() * 2;
        }
    }

    /// The dispatcher has no room for these.
    pub(crate) fn release(&self, lanes: &[(SystemName, OrderKey)]) {
        self.held().remove(lanes);
    }

    /// Whether a lane is the dispatcher's.
    pub(crate) fn holds(&self, system: &SystemName, key: OrderKey, now: Timestamp) -> bool {
        let held = self.held();
        let mut systems = held.lanes.get(&key).into_iter().flatten();
        systems.any(|(other, since)| other == system && lasts(*since, now))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn remove(&mut self, ended: &[(SystemName, OrderKey)]) {
        for (system, key) in ended {
            if let Some(systems) = self.lanes.get_mut(key) {
                systems.retain(|(other, _)| other != system);
                if systems.is_empty() {
                    self.lanes.remove(key);
                }
            }
        }
    }
}

fn lasts(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) < RESERVED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(key: i64) -> (SystemName, OrderKey) {
        (SystemName::new("erp"), OrderKey(key))
    }

    #[test]
    fn a_reservation_lapses_and_is_forgotten() {
        let (reserved, start) = (Reserved::default(), Timestamp::UNIX_EPOCH);
        let later = start.checked_add(RESERVED_FOR).unwrap();
        let most = i64::try_from(PRUNE_AT).unwrap();
        let first: Vec<_> = (0..most).map(lane).collect();
        reserved.update(&[], first.iter(), start);
        let (erp, key) = lane(7);
        assert!(reserved.holds(&erp, key, start));
        assert!(!reserved.holds(&erp, key, later));
        let more = [lane(most), lane(most + 1)];
        reserved.update(&[], more.iter(), later);
        assert_eq!(reserved.held().lanes.len(), 2);
        reserved.release(&more);
        assert_eq!(reserved.held().lanes.len(), 0);
    }
}
