//! The lanes of one system that this process has in hand: what to take next, what waits for what.
//!
//! Pure, so that its bounds can be tested. Memory per system: [`Ring::BOUND`] live keys, as many due
//! ones, [`Ring::PARKED`] parked ones, of which [`Ring::LIMITED`] may wait for limits; what has no room goes back to
//! the store, which finds it again: at once, or for what waits for a limit when its turn comes ([`super::line`]).

use std::collections::{BTreeMap, HashMap, VecDeque};

use orderhub_order::ids::OrderKey;
use tokio::time::Instant;

use super::line::{Came, Free, Lines};

/// What a lane waits for, besides its turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// The gate of this operation.
    Gate(String),
    /// What the probe of this operation, which is out, comes to.
    Probe(String),
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
    /// Lanes of limits that wait in the store.
    lines: Lines,
}

impl Ring {
    /// Live keys, and due keys.
    pub(super) const BOUND: usize = 1024;
    /// Parked keys.
    pub(super) const PARKED: usize = 4096;
    /// Parked keys that wait for limits: claims go on however many are throttled.
    pub(super) const LIMITED: usize = 2048;
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

    /// The lanes that wait for gates.
    pub(super) fn at_gates(&self) -> Vec<OrderKey> {
        let gates = self.parked.iter().filter(|(wait, _)| matches!(wait, Wait::Gate(_)));
        gates.flat_map(|(_, group)| group.keys.values().copied()).collect()
    }

    /// A lane that waits for a gate has a wish that does not: it is offered anew, and goes behind the others of its gate
    /// if nothing else comes of it. `false`: it waits for none.
    pub(super) fn unpark(&mut self, key: OrderKey) -> bool {
        if self.places.get(&key) != Some(&Place::Parked) {
            return false;
        }
        let gates = self.parked.iter_mut().filter(|(wait, _)| matches!(wait, Wait::Gate(_)));
        for (wait, group) in gates {
            let place =
                group.keys.iter().find(|(_, parked)| **parked == key).map(|(place, _)| *place);
            let Some(place) = place else { continue };
            group.keys.remove(&place);
            self.places.remove(&key);
            self.parked_keys -= 1;
            if group.keys.is_empty() {
                let wait = wait.clone();
                self.parked.remove(&wait);
            }
            return true;
        }
        false
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
    /// `a_key_that_is_used_up_holds_up_no_other`, `a_key_with_thousands_waiting_holds_up_no_other`.
    pub(super) fn behind(&self, key: OrderKey, wait: &Wait, now: Instant) -> Option<Instant> {
        let parked = self.parked.get(wait)?;
        let asks = self.asking.get(&key).is_some_and(|(asked, _)| asked == wait);
        (!asks).then_some(parked.until.unwrap_or(now))
    }

    /// When a running lane that must wait for its limit shall come back from the store; `None`: it may wait here.
    pub(super) fn turn(
        &mut self,
        (key, came): (OrderKey, Came),
        wait: &Wait,
        free: Free,
    ) -> Option<Instant> {
        if self.asking.get(&key).is_some_and(|(asked, _)| asked == wait) {
            return None;
        }
        let limits = self.parked.iter().filter(|(wait, _)| matches!(wait, Wait::Limit(..)));
        let room = Self::LIMITED.saturating_sub(limits.map(|(_, group)| group.keys.len()).sum());
        let here = self.parked.get(wait).map_or(0, |group| group.keys.len());
        self.lines.turn(wait, (came, here, room), free)
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

    /// What was known of limits does not hold any more: whoever waits for one may ask. Whether some wait in the store.
    pub(super) fn hurry(&mut self) -> bool {
        let limits = self.parked.iter_mut().filter(|(wait, _)| matches!(wait, Wait::Limit(..)));
        limits.for_each(|(_, parked)| parked.until = None);
        self.lines.forget()
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
#[path = "ring_tests.rs"]
mod tests;
