//! One named limit of a system: how fast it is, and what is used of it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed, RateLimiter};
use tokio::time::Instant;

use super::rate::Rate;
use super::ticks::{Tick, Ticks};

/// Keys of one limit that are remembered before idle ones are let go. An idle key has a full burst,
/// so forgetting it changes nothing.
pub(super) const MOST_KEYS: usize = 10_000;

/// Calls that are taken together are made within this time: the limit allowed them then, not later.
pub(super) const AT_ONCE: Duration = Duration::from_millis(100);

type Direct = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Tick>>;
type Keyed = RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Tick>>;

pub(super) struct Named {
    pub(super) rate: Rate,
    pub(super) direct: Direct,
    pub(super) keyed: Keyed,
    /// Calls in hand of those that all share; who asks for more, asks in line.
    pub(super) line: tokio::sync::Mutex<InHand>,
    /// What the others' answer was: no call before then, by key. At most [`MOST_KEYS`]; one without room is
    /// asked for again, which is slower, not wrong.
    none_before: Mutex<HashMap<Box<str>, Instant>>,
}

/// Calls that were taken for several, to be made at once.
#[derive(Debug)]
pub(super) struct InHand {
    pub(super) calls: u32,
    pub(super) until: Instant,
}

impl Named {
    pub(super) fn new(rate: Rate, clock: Ticks) -> Option<Self> {
        let quota = rate.quota()?;
        let direct = RateLimiter::direct_with_clock(quota, clock);
        let keyed = RateLimiter::new(quota, DashMapStateStore::default(), clock);
        let line = tokio::sync::Mutex::new(InHand { calls: 0, until: clock.start });
        Some(Self { rate, direct, keyed, line, none_before: Mutex::default() })
    }

    /// At another rate, with the calls that are left in this one, all of which it takes: no more than fit.
    pub(super) fn at(&self, rate: Rate, clock: Ticks) -> Option<Self> {
        let new = Self::new(rate, clock)?;
        let left = self.drained();
        if let Some(used) = NonZeroU32::new(rate.burst.get().saturating_sub(left)) {
            // No more than the burst: it is taken.
            let _taken = new.direct.check_n(used);
        }
        Some(new)
    }

    /// Takes all calls that there are now; how many.
    fn drained(&self) -> u32 {
        // Halves of what may be left, from the largest on: each is there once at most. More than the burst is never
        // asked for: governor counts in nanoseconds, which so many calls would not fit.
        let burst = self.rate.burst.get();
        let parts = (0..=burst.ilog2()).rev().filter_map(|bit| NonZeroU32::new(1 << bit));
        let there = |part: &NonZeroU32| matches!(self.direct.check_n(*part), Ok(Ok(())));
        parts.filter(there).map(NonZeroU32::get).sum()
    }

    /// Calls that are taken together: those of [`AT_ONCE`]; of a key, one.
    pub(super) fn want(&self, key: Option<&str>) -> u32 {
        let each = self.rate.every.as_nanos().max(1);
        let calls = u32::try_from(AT_ONCE.as_nanos() / each).unwrap_or(u32::MAX);
        if key.is_some() { 1 } else { calls.clamp(1, self.rate.burst.get()) }
    }

    /// When to come again who owes calls and waits for the next: what is free by then is no more than the burst, and
    /// more would be lost.
    pub(super) fn until_paid(&self, wait: Duration, owed: u32) -> Duration {
        let more = owed.min(self.rate.burst.get().saturating_sub(1));
        wait.saturating_add(self.rate.every.saturating_mul(more))
    }

    /// How long there is no call, as far as is known.
    pub(super) fn none_for(&self, key: Option<&str>, now: Instant) -> Option<Duration> {
        let none_before = self.none_before.lock().unwrap_or_else(PoisonError::into_inner);
        none_before.get(key.unwrap_or_default()).filter(|at| **at > now).map(|at| *at - now)
    }

    pub(super) fn none_before(&self, key: Option<&str>, at: Instant) {
        let mut none_before = self.none_before.lock().unwrap_or_else(PoisonError::into_inner);
        if none_before.len() >= MOST_KEYS {
            let now = Instant::now();
            none_before.retain(|_, at| *at > now);
        }
        if none_before.len() < MOST_KEYS {
            none_before.insert(key.unwrap_or_default().into(), at);
        }
    }
}
