//! The lanes of one system that this process has in hand: what to take next, what waits for what.
//!
//! Pure, so that its bounds can be tested. Memory per system: [`Ring::BOUND`] live keys, as many due
//! ones, [`Ring::PARKED`] parked ones; what has no room goes back to the store, which finds it again.

use std::collections::{BTreeMap, HashMap, VecDeque};

use orderhub_order::ids::OrderKey;
use tokio::time::Instant;

/// What a lane waits for, besides its turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// The gate of this operation.
    Gate(String),
    /// A token of this limit, and key within it.
    Limit(String, Option<String>),
    /// That this trouble of our own is over.
    Trouble(&'static str),
}

/// Where a key stands. Each key stands in one place only: two calls of one lane never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Queued,
    Parked,
    /// A delivery runs; `again`: a commit wanted more meanwhile.
    Running {
        again: bool,
    },
}

/// What became of an offered key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is in hand.
    Taken,
    /// No room: it goes back to the store.
    Full,
    /// It is not in hand any more, and wants nothing now.
    Rested,
}

#[derive(Debug, Default)]
struct Parked {
    keys: VecDeque<OrderKey>,
    /// Not before; `None`: only the readiness of what it waits for counts.
    until: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ring {
    places: HashMap<OrderKey, Place>,
    live: VecDeque<OrderKey>,
    due: VecDeque<OrderKey>,
    parked: BTreeMap<Wait, Parked>,
    parked_keys: usize,
    taken: u32,
}

impl Ring {
    /// Live keys, and due keys.
    pub(super) const BOUND: usize = 1024;
    /// Parked keys.
    pub(super) const PARKED: usize = 4096;
    /// One take in so many serves a retry first, so that a busy system does not starve them.
    const RETRY_EACH: u32 = 8;

    /// A commit reserved the lane.
    pub(super) fn offer(&mut self, key: OrderKey) -> Offer {
        match self.places.get_mut(&key) {
            Some(Place::Running { again }) => {
                *again = true;
                Offer::Taken
            }
            Some(Place::Queued | Place::Parked) => Offer::Taken,
            None if self.live.len() >= Self::BOUND => Offer::Full,
            None => {
                self.places.insert(key, Place::Queued);
                self.live.push_back(key);
                Offer::Taken
            }
        }
    }

    /// The store says that these are due; those in hand already are passed over. How many were new.
    pub(super) fn add_due(&mut self, keys: impl IntoIterator<Item = OrderKey>) -> usize {
        let mut new = 0;
        for key in keys {
            if self.due.len() >= Self::BOUND {
                break;
            }
            if self.places.contains_key(&key) {
                continue;
            }
            self.places.insert(key, Place::Queued);
            self.due.push_back(key);
            new += 1;
        }
        new
    }

    /// Room for more due keys.
    pub(super) fn room(&self) -> usize {
        Self::BOUND.saturating_sub(self.due.len())
    }

    /// Keys that wait for a gate or a limit.
    pub(super) fn parked(&self) -> usize {
        self.parked_keys
    }

    /// Keys that wait for their turn; parked keys do not count.
    pub(super) fn queued(&self) -> usize {
        self.live.len() + self.due.len()
    }

    /// Whether nothing is queued; parked keys do not count.
    pub(super) fn is_idle(&self) -> bool {
        self.live.is_empty() && self.due.is_empty()
    }

    /// The next key to serve: of what was parked and is `ready`, else live, else due.
    pub(super) fn take(&mut self, now: Instant, ready: impl Fn(&Wait) -> bool) -> Option<OrderKey> {
        let key = match self.take_parked(now, ready) {
            Some(key) => key,
            None => {
                self.taken = self.taken.wrapping_add(1);
                let (first, second) = match self.taken.is_multiple_of(Self::RETRY_EACH) {
                    true => (&mut self.due, &mut self.live),
                    false => (&mut self.live, &mut self.due),
                };
                first.pop_front().or_else(|| second.pop_front())?
            }
        };
        self.places.insert(key, Place::Running { again: false });
        Some(key)
    }

    fn take_parked(&mut self, now: Instant, ready: impl Fn(&Wait) -> bool) -> Option<OrderKey> {
        let open = self
            .parked
            .iter_mut()
            .find(|(wait, parked)| parked.until.is_none_or(|until| until <= now) && ready(wait));
        let (wait, parked) = open?;
        let key = parked.keys.pop_front();
        if parked.keys.is_empty() {
            let wait = wait.clone();
            self.parked.remove(&wait);
        }
        self.parked_keys -= usize::from(key.is_some());
        key
    }

    /// Whether a parked key could be taken.
    pub(super) fn any_ready(&self, now: Instant, ready: impl Fn(&Wait) -> bool) -> bool {
        let mut groups = self.parked.iter();
        groups.any(|(wait, parked)| parked.until.is_none_or(|at| at <= now) && ready(wait))
    }

    /// When the next parked keys may be ready; those without a time are not counted.
    pub(super) fn next_ready(&self) -> Option<Instant> {
        self.parked.values().filter_map(|parked| parked.until).min()
    }

    /// A running lane must wait. `Full`: it goes back to the store.
    pub(super) fn park(&mut self, key: OrderKey, wait: Wait, until: Option<Instant>) -> Offer {
        if self.parked_keys >= Self::PARKED {
            self.places.remove(&key);
            return Offer::Full;
        }
        self.places.insert(key, Place::Parked);
        self.parked_keys += 1;
        let parked = self.parked.entry(wait).or_default();
        parked.keys.push_back(key);
        parked.until = until;
        Offer::Taken
    }

    /// A running lane is to be served again, first of all: nothing came of taking it.
    pub(super) fn put_back(&mut self, key: OrderKey) {
        self.places.insert(key, Place::Queued);
        self.live.push_front(key);
    }

    /// A running lane has come to rest. `Full`: it wants more and goes back to the store.
    pub(super) fn done(&mut self, key: OrderKey) -> Offer {
        match self.places.remove(&key) {
            Some(Place::Running { again: true }) => self.offer(key),
            Some(Place::Running { again: false } | Place::Queued | Place::Parked) | None => {
                Offer::Rested
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(number: usize) -> OrderKey {
        OrderKey(i64::try_from(number).unwrap())
    }

    fn take(ring: &mut Ring) -> Option<OrderKey> {
        ring.take(Instant::now(), |_| true)
    }

    #[test]
    fn live_lanes_go_first_and_retries_are_not_starved() {
        let mut ring = Ring::default();
        ring.add_due([key(100)]);
        (0..20).for_each(|number| assert_eq!(ring.offer(key(number)), Offer::Taken));
        let taken: Vec<_> = std::iter::from_fn(|| take(&mut ring)).collect();
        assert_eq!(taken.len(), 21);
        assert_eq!(taken[..7], (0..7).map(key).collect::<Vec<_>>());
        assert_eq!(taken[7], key(100));
    }

    #[test]
    fn a_lane_is_in_one_place_only() {
        let mut ring = Ring::default();
        ring.offer(key(1));
        ring.offer(key(1));
        assert_eq!(ring.add_due([key(1)]), 0);
        assert_eq!(take(&mut ring), Some(key(1)));
        ring.offer(key(1));
        assert_eq!(ring.add_due([key(1)]), 0);
        assert_eq!(take(&mut ring), None, "it runs");
        ring.done(key(1));
        assert_eq!(take(&mut ring), Some(key(1)), "more was wanted meanwhile");
        ring.done(key(1));
        assert_eq!((take(&mut ring), ring.places.len()), (None, 0));
    }

    #[test]
    fn what_has_no_room_goes_back() {
        let mut ring = Ring::default();
        (0..Ring::BOUND).for_each(|number| assert_eq!(ring.offer(key(number)), Offer::Taken));
        assert_eq!(ring.offer(key(5000)), Offer::Full);
        assert_eq!(ring.offer(key(5)), Offer::Taken, "it is there already");
        assert_eq!(ring.add_due((10_000..20_000).map(key)), Ring::BOUND);
        assert_eq!(ring.room(), 0);
        for number in 0..=Ring::PARKED {
            let taken = take(&mut ring).unwrap_or(key(30_000 + number));
            let offer = ring.park(taken, Wait::Gate("create".to_owned()), None);
            ring.parked.get_mut(&Wait::Gate("create".to_owned())).unwrap().until =
                Some(Instant::now() + Duration::from_secs(3600));
            assert_eq!(offer == Offer::Full, number == Ring::PARKED);
        }
    }

    #[test]
    fn a_shut_gate_holds_its_own_lanes_only_and_opens_in_order() {
        let mut ring = Ring::default();
        let gate = || Wait::Gate("create".to_owned());
        for number in 0..3 {
            ring.offer(key(number));
            let taken = ring.take(Instant::now(), |_| false).unwrap();
            ring.park(taken, gate(), None);
        }
        ring.offer(key(9));
        let now = Instant::now();
        assert_eq!(ring.take(now, |wait| *wait != gate()), Some(key(9)));
        assert_eq!(ring.take(now, |_| false), None);
        assert_eq!((take(&mut ring), take(&mut ring)), (Some(key(0)), Some(key(1))));
        assert_eq!(ring.parked(), 1);
    }

    #[test]
    fn a_limited_lane_waits_for_its_time() {
        let mut ring = Ring::default();
        let (now, wait) = (Instant::now(), Duration::from_secs(5));
        ring.offer(key(1));
        let taken = take(&mut ring).unwrap();
        ring.park(taken, Wait::Limit("parcel".to_owned(), None), Some(now + wait));
        assert_eq!(ring.take(now, |_| true), None);
        assert_eq!(ring.next_ready(), Some(now + wait));
        assert_eq!(ring.take(now + wait, |_| true), Some(key(1)));
    }

    #[test]
    fn a_lane_that_is_put_back_comes_first() {
        let mut ring = Ring::default();
        ring.offer(key(1));
        ring.offer(key(2));
        let taken = take(&mut ring).unwrap();
        ring.put_back(taken);
        assert_eq!(take(&mut ring), Some(key(1)));
    }
}
