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

/// Lanes that wait for one thing, in the order in which they found that they must.
#[derive(Debug, Default)]
struct Parked {
    /// By when they came; one that asks again keeps its place.
    keys: BTreeMap<u64, OrderKey>,
    /// Not before; `None`: only the readiness of what it waits for counts.
    until: Option<Instant>,
    /// Of those that wait for a limit the one that asks now: the others would ask in vain.
    asking: Option<OrderKey>,
}

impl Parked {
    fn is_ready(&self, wait: &Wait, now: Instant, ready: &impl Fn(&Wait) -> bool) -> bool {
        let may = self.asking.is_none() && !self.keys.is_empty();
        may && self.until.is_none_or(|until| until <= now) && ready(wait)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ring {
    places: HashMap<OrderKey, Place>,
    live: VecDeque<OrderKey>,
    due: VecDeque<OrderKey>,
    parked: BTreeMap<Wait, Parked>,
    parked_keys: usize,
    /// Lanes of limits that were taken to ask, with their place in the line.
    asking: HashMap<OrderKey, (Wait, u64)>,
    came: u64,
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
        let mut groups = self.parked.iter_mut();
        let (wait, parked) = groups.find(|(wait, group)| group.is_ready(wait, now, &ready))?;
        let (place, key) = parked.keys.pop_first()?;
        self.parked_keys -= 1;
        let wait = wait.clone();
        if matches!(wait, Wait::Limit(..)) {
            parked.asking = Some(key);
            self.asking.insert(key, (wait, place));
        } else if parked.keys.is_empty() {
            self.parked.remove(&wait);
        }
        Some(key)
    }

    /// The lane asks for its limit no more: it has what it asked for, or wants nothing. The next may ask.
    pub(super) fn asked(&mut self, key: OrderKey) {
        let Some((wait, _)) = self.asking.remove(&key) else { return };
        let Some(parked) = self.parked.get_mut(&wait) else { return };
        parked.asking = None;
        if parked.keys.is_empty() {
            self.parked.remove(&wait);
        }
    }

    /// Until when the lane must wait for its key of a limit, because others wait for the same already: they
    /// came first.
    ///
    /// **Invariant:** lanes that wait for one key of a limit go in the order in which they came, and those of
    /// another key do not wait for them. Tests: `lanes_of_one_key_go_in_their_order_and_one_asks_at_a_time`,
    /// `a_key_that_is_used_up_holds_up_no_other`.
    pub(super) fn behind(&self, key: OrderKey, wait: &Wait, now: Instant) -> Option<Instant> {
        let parked = self.parked.get(wait)?;
        let asks = self.asking.get(&key).is_some_and(|(asked, _)| asked == wait);
        (!asks).then_some(parked.until.unwrap_or(now))
    }

    /// Whether a parked key could be taken.
    pub(super) fn any_ready(&self, now: Instant, ready: impl Fn(&Wait) -> bool) -> bool {
        self.parked.iter().any(|(wait, parked)| parked.is_ready(wait, now, &ready))
    }

    /// When the next parked keys may be ready; those without a time are not counted, nor those that one of
    /// them asks for now.
    pub(super) fn next_ready(&self) -> Option<Instant> {
        let quiet = self.parked.values().filter(|parked| parked.asking.is_none());
        quiet.filter_map(|parked| parked.until).min()
    }

    /// A running lane must wait. `Full`: it goes back to the store.
    pub(super) fn park(&mut self, key: OrderKey, wait: Wait, until: Option<Instant>) -> Offer {
        let asked = self.asking.get(&key).filter(|(before, _)| *before == wait);
        let place = asked.map(|(_, place)| *place);
        let known = self.parked.get(&wait).and_then(|parked| parked.until);
        self.asked(key);
        if self.parked_keys >= Self::PARKED {
            self.places.remove(&key);
            return Offer::Full;
        }
        self.places.insert(key, Place::Parked);
        self.parked_keys += 1;
        self.came += 1;
        // A limit that is used up until then is so for all who wait for it.
        let until = if matches!(wait, Wait::Limit(..)) { until.max(known) } else { until };
        let parked = self.parked.entry(wait).or_default();
        parked.keys.insert(place.unwrap_or(self.came), key);
        parked.until = until;
        Offer::Taken
    }

    /// What was known of limits does not hold any more: whoever waits for one may ask.
    pub(super) fn hurry(&mut self) {
        let limits = self.parked.iter_mut().filter(|(wait, _)| matches!(wait, Wait::Limit(..)));
        limits.for_each(|(_, parked)| parked.until = None);
    }

    /// A running lane is to be served again, first of all: nothing came of taking it.
    pub(super) fn put_back(&mut self, key: OrderKey) {
        self.asked(key);
        self.places.insert(key, Place::Queued);
        self.live.push_front(key);
    }

    /// A running lane has come to rest. `Full`: it wants more and goes back to the store.
    pub(super) fn done(&mut self, key: OrderKey) -> Offer {
        self.asked(key);
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
    fn lanes_of_one_key_go_in_their_order_and_one_asks_at_a_time() {
        let mut ring = Ring::default();
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let wait = |name: &str| Wait::Limit("parcel".to_owned(), Some(name.to_owned()));
        for number in 0..4 {
            ring.offer(key(number));
            let taken = take(&mut ring).unwrap();
            assert_eq!(ring.behind(taken, &wait("A"), now).is_some(), number > 0);
            ring.park(taken, wait("A"), Some(now + second));
        }
        assert!(ring.behind(key(9), &wait("B"), now).is_none(), "another key is another line");
        let then = now + second;
        assert_eq!(ring.take(now, |_| true), None);
        assert_eq!(ring.take(then, |_| true), Some(key(0)));
        assert_eq!(ring.take(then, |_| true), None, "the others would ask in vain");
        assert_eq!(ring.behind(key(0), &wait("A"), now), None);
        // In vain: it keeps its place, and all wait.
        ring.park(key(0), wait("A"), Some(then + second));
        assert_eq!(ring.take(then, |_| true), None);
        let then = then + second;
        assert_eq!(ring.take(then, |_| true), Some(key(0)));
        ring.asked(key(0));
        assert_eq!(ring.take(then, |_| true), Some(key(1)), "while the first calls");
        ring.done(key(1));
        assert_eq!(ring.take(then, |_| true), Some(key(2)));
        ring.put_back(key(2));
        ring.hurry();
        assert_eq!(ring.take(now, |_| true), Some(key(3)));
        ring.asked(key(3));
        assert!(ring.parked.is_empty() && ring.asking.is_empty() && ring.parked() == 0);
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
