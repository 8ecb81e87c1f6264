//! Lanes that this process holds for its dispatcher: those that its commits handed over, and those that
//! it claimed.
//!
//! That a lane is held stands in its row, with the number of the process, so that nobody else claims it;
//! which of them the dispatcher still has in its ring stands here. When the process is gone, what it held is
//! free: see [`Store::claim`](super::Store::claim).
//!
//! **Invariant:** a commit hands over no more than the ring has room for: what a busy process cannot serve
//! soon stays free for the others. Test: `a_lane_beyond_the_room_of_its_ring_is_free_for_others`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use orderhub_order::ids::{OrderKey, SystemName};

/// A reservation that nobody spoke for lapses after so long: the ring that held it is gone.
const RESERVED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Lanes of one system that commits hand over before the dispatcher has served some.
pub(crate) const ROOM: usize = 1_024;
/// Lanes of one system that are held before lapsed ones are looked for: more than all rings hold.
const PRUNE_AT: usize = 16_384;

/// Which lanes, and since when.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<HashMap<SystemName, Held>>);

/// The lanes of one system.
#[derive(Debug, Default)]
struct Held {
    since: HashMap<OrderKey, Timestamp>,
    /// Twice what was left after the last look, so that looking costs little per lane.
    prune_at: usize,
    /// How many of them wait for a time or a gate in the dispatcher's ring.
    parked: usize,
}

impl Reserved {
    /// After a commit: some reservations ended, others begin.
    pub(crate) fn update<'a>(
        &self,
        ended: &[(SystemName, OrderKey)],
        new: impl Iterator<Item = &'a (SystemName, OrderKey)>,
        now: Timestamp,
    ) {
        let mut all = self.all();
        remove(&mut all, ended);
        for (system, key) in new {
            insert(&mut all, system, *key, now);
        }
    }

    /// Lanes were claimed.
    pub(crate) fn claimed(&self, system: &SystemName, keys: &[OrderKey], now: Timestamp) {
        let mut all = self.all();
        keys.iter().for_each(|key| insert(&mut all, system, *key, now));
    }

    /// The dispatcher has no room for these.
    pub(crate) fn release(&self, lanes: &[(SystemName, OrderKey)]) {
        remove(&mut self.all(), lanes);
    }

    /// Whether a lane is the dispatcher's.
    pub(crate) fn holds(&self, system: &SystemName, key: OrderKey, now: Timestamp) -> bool {
        let all = self.all();
        let since = all.get(system).and_then(|held| held.since.get(&key));
        since.is_some_and(|since| lasts(*since, now))
    }

    /// So many lanes of the system are parked.
    pub(crate) fn parked(&self, system: &SystemName, count: usize) {
        let mut all = self.all();
        match all.get_mut(system) {
            Some(held) => held.parked = count,
            None => all.entry(system.clone()).or_default().parked = count,
        }
    }

    /// Whether so many more may be handed over. What is parked takes no room: it has its own bound.
    pub(crate) fn has_room(&self, system: &SystemName, more: usize) -> bool {
        self.in_hand(system) + more <= ROOM
    }

    /// Lanes of a system that are held, without those that are parked.
    pub(crate) fn in_hand(&self, system: &SystemName) -> usize {
        self.all().get(system).map_or(0, |held| held.since.len().saturating_sub(held.parked))
    }

    /// This process was taken for gone: all that it held is free.
    pub(crate) fn forget_all(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<SystemName, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(all: &mut HashMap<SystemName, Held>, system: &SystemName, key: OrderKey, now: Timestamp) {
    let held = match all.get_mut(system) {
        Some(held) => held,
        None => all.entry(system.clone()).or_default(),
    };
    held.since.insert(key, now);
    if held.since.len() > held.prune_at.max(PRUNE_AT) {
        held.since.retain(|_, since| lasts(*since, now));
        held.prune_at = held.since.len() * 2;
    }
}

fn remove(all: &mut HashMap<SystemName, Held>, lanes: &[(SystemName, OrderKey)]) {
    for (system, key) in lanes {
        if let Some(held) = all.get_mut(system) {
            held.since.remove(key);
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
        assert!(reserved.has_room(&erp, ROOM - 2) && !reserved.has_room(&erp, ROOM - 1));
        reserved.parked(&erp, 1);
        assert!(reserved.has_room(&erp, ROOM - 1), "what is parked takes no room");
        reserved.parked(&erp, 0);
        assert_eq!(reserved.in_hand(&erp), 2);
        reserved.release(&more);
        assert!(reserved.has_room(&erp, ROOM));
    }
}
