//! Calls that count as several, all of which must be there before one is made: a system that works out beforehand what
//! a call may count as refuses it where its own bucket does not hold that.
//!
//! What is set aside is given back by what the answer says that the call counted as; what is there is lowered to what
//! the system says that there is. Counted as the generic cell rate algorithm does: one moment a limit, at which it is
//! full again.
//!
//! **Invariant:** what is set aside at once is never more than the limit allows, by its rate and by what the system said
//! last (where several processes count in a store: by what it said when it throttled one). Tests: `what_calls_may_count_as_is_set_aside_before`, `what_a_system_says_is_left_is_not_exceeded`, and
//! `eight_reads_at_once_overdraw_nothing` of the whole program.
//!
//! In memory, of this process; where several call together, their store counts in the same way ([`Share::set_aside`]).

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limit::Limits;
use super::rate::Rate;
#[cfg(doc)]
use super::share::Share;

/// While calls of this process are under way, it is asked again after so long at the latest.
const GIVES_BACK: Duration = Duration::from_millis(250);
/// The same where others may have calls under way, of which nobody hears here.
const OTHERS_GIVE_BACK: Duration = Duration::from_millis(500);

/// Calls that one may have counted as beyond those that were set aside: no answer shuts a limit for good.
const MOST_MORE: u32 = 10_000;

/// An operation and its step.
type OfStep = (Box<str>, Box<str>);

/// What the calls of a process set aside.
#[derive(Debug, Default)]
pub(super) struct Purses {
    by_limit: Mutex<BTreeMap<Box<str>, Purse>>,
    /// A call is over: some of what was set aside may be there again.
    settled: Notify,
    /// What calls may count as, as their answers said: by operation and step, which the files bound.
    known: Mutex<BTreeMap<OfStep, u32>>,
}

#[derive(Debug, Default)]
struct Purse {
    /// When all of it is there again; none: it is.
    full: Option<Instant>,
    /// By this time for one call.
    every: Duration,
    /// Calls that are set aside for attempts under way.
    flying: u32,
    /// Calls that were ever set aside for attempts.
    begun: u64,
    /// Who waits, one after the other: the many that need little would else never let one that needs much have it.
    line: Arc<tokio::sync::Mutex<()>>,
    /// Who waits behind them, of whom one stands in the line.
    behind: Arc<tokio::sync::Mutex<()>>,
}

/// Where one stands who waits for calls to be set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the line: what begins a delivery.
    First,
    /// Behind it.
    Behind,
}

/// What one attempt at a step sets aside.
#[derive(Debug)]
pub struct Reserve {
    calls: u32,
    held: Mutex<Option<Held>>,
}

/// What is set aside for an attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    calls: u32,
    /// Calls that were set aside for others when it began.
    others: u32,
    /// Calls that were ever set aside by then.
    begun: u64,
}

impl Reserve {
    /// Of so many calls.
    pub fn new(calls: u32) -> Self {
        Self { calls, held: Mutex::default() }
    }

    /// How many.
    pub(super) fn calls(&self) -> u32 {
        self.calls
    }

    /// They are set aside for the attempt that begins.
    pub(super) fn hold(&self, held: Held) {
        *lock(&self.held) = Some(held);
    }

    /// What is set aside and not settled: whoever takes it settles it.
    pub fn take(&self) -> Option<Held> {
        lock(&self.held).take()
    }
}

impl Purse {
    /// The calls that are not there, as time at this rate: at another rate they are as many.
    fn used(&mut self, rate: Rate, now: Instant) -> Duration {
        let used = self.full.map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        let before = std::mem::replace(&mut self.every, rate.every);
        let calls = used.as_nanos().div_ceil(before.as_nanos().max(1));
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let used = if before == rate.every { used } else { time(rate, calls) };
        self.full = now.checked_add(used);
        used
    }

    fn take(&mut self, rate: Rate, calls: u32, now: Instant) -> Result<(), Duration> {
        let used = self.used(rate, now);
        let wanted = used.saturating_add(time(rate, calls));
        let wait = wanted.saturating_sub(time(rate, rate.burst.get()));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full = now.checked_add(wanted);
        Ok(())
    }

    fn settle(&mut self, rate: Rate, settled: Settled, now: Instant) {
        let back = time(rate, settled.back);
        let used = self.used(rate, now).saturating_add(time(rate, settled.more));
        let least = settled.left.map(|left| time(rate, rate.burst.get().saturating_sub(left)));
        self.full = now.checked_add(used.saturating_sub(back).max(least.unwrap_or(Duration::ZERO)));
    }
}

/// The time in which so many calls become free.
fn time(rate: Rate, calls: u32) -> Duration {
    rate.every.saturating_mul(calls)
}

/// What a call that was made changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Calls that it did not count as.
    pub back: u32,
    /// Calls that it counted as beyond those that were set aside; none where some come back.
    pub more: u32,
    /// Calls that the system says there are now.
    pub left: Option<u32>,
}

impl Purse {
    /// An attempt begins for which calls are set aside.
    fn begin(&mut self, calls: u32) -> Held {
        let others = self.flying;
        self.flying = others.saturating_add(calls);
        self.begun = self.begun.saturating_add(calls.into());
        Held { calls, others, begun: self.begun }
    }

    /// It is over; the calls that were set aside for others meanwhile, at one time or another: a system that says what is
    /// left may or may not have taken each of them, and what came back of them since.
    fn end(&mut self, held: Held) -> u32 {
        self.flying = self.flying.saturating_sub(held.calls);
        let since = self.begun.saturating_sub(held.begun);
        held.others.saturating_add(u32::try_from(since).unwrap_or(u32::MAX))
    }
}

impl Settled {
    /// Of what was set aside, what it counted as, where that is known, and what the system says is left.
    fn of(held: u32, cost: Option<u32>, left: Option<u32>) -> Self {
        // Where nobody says what it counted as, it counted as all of it.
        let cost = cost.unwrap_or(held);
        let more = cost.saturating_sub(held).min(MOST_MORE);
        Self { back: held.saturating_sub(cost), more, left }
    }
}

impl Purses {
    /// Who waits asks anew.
    pub(super) fn ask_again(&self) {
        self.settled.notify_waiters();
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Purse) -> T) -> T {
        work(lock(&self.by_limit).entry(name.into()).or_default())
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Limits {
    /// What a call may count as, as its last answer said.
    pub fn may_cost(&self, operation: &str, step: &str) -> Option<u32> {
        lock(&self.purses.known).get(&(operation.into(), step.into())).copied()
    }

    /// An answer said what the call might have counted as.
    pub fn learn(&self, operation: &str, step: &str, calls: u32) {
        lock(&self.purses.known).insert((operation.into(), step.into()), calls);
    }

    /// Sets so many calls aside, waiting for them no longer than `longest`; more than the burst are the burst. Answers
    /// how many. A name without a rate is free. Of those who wait [`Line::Behind`] one at a time stands in line with the
    /// others: reads are many, and would else keep what is to be delivered waiting.
    ///
    /// # Errors
    ///
    /// The wait that is still ahead, if it is longer than `longest` allows: nothing is set aside.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait set nothing aside, but where the store was asked and did not answer yet.
    pub async fn set_aside(
        &self,
        name: &str,
        calls: u32,
        longest: Duration,
        turn: Line,
    ) -> Result<u32, Duration> {
        let latest = Instant::now() + longest;
        let lines =
            self.purses.with(name, |purse| [Arc::clone(&purse.behind), Arc::clone(&purse.line)]);
        let mut turns = Vec::with_capacity(lines.len());
        for line in lines.iter().skip(usize::from(turn == Line::First)) {
            let Ok(turn) = tokio::time::timeout_at(latest, line.lock()).await else {
                return Err(self.every(name).unwrap_or_default().saturating_mul(calls));
            };
            turns.push(turn);
        }
        loop {
            let mut settled = pin!(self.purses.settled.notified());
            // Before it is asked: what comes back in between is heard.
            settled.as_mut().enable();
            let wait = match self.try_aside(name, calls).await {
                Ok(calls) => return Ok(calls),
                Err(wait) => wait,
            };
            let wait = wait.min(self.again(name));
            if Instant::now() + wait > latest {
                return Err(wait);
            }
            drop(tokio::time::timeout(wait, settled).await);
        }
    }

    /// When to ask again at the latest: what is under way gives back most of what was set aside for it.
    fn again(&self, name: &str) -> Duration {
        match self.share {
            Some(_) => OTHERS_GIVE_BACK,
            None if self.purses.with(name, |purse| purse.flying > 0) => GIVES_BACK,
            None => Duration::MAX,
        }
    }

    async fn try_aside(&self, name: &str, calls: u32) -> Result<u32, Duration> {
        if let Some(wait) = self.pause_left(name) {
            return Err(wait);
        }
        let Some(rate) = self.rate(name) else { return Ok(calls) };
        let calls = calls.min(rate.burst.get());
        let taken = match &self.share {
            Some(share) => share.set_aside(name, rate, calls).await,
            None => self.purses.with(name, |purse| purse.take(rate, calls, Instant::now())),
        };
        taken.map(|()| calls)
    }

    /// An attempt begins for which so many calls are set aside.
    pub(super) fn begin(&self, name: &str, calls: u32) -> Held {
        self.purses.with(name, |purse| purse.begin(calls))
    }

    /// An attempt is over: what was set aside for it, what it counted as, where that is known, and how many calls there
    /// are, where the system says it. One that was throttled counted as nothing.
    pub fn settle(&self, name: &str, held: Option<Held>, told: &Told) {
        let others = held.map(|held| self.purses.with(name, |purse| purse.end(held)));
        let left = match (&self.share, told.throttled) {
            // It has too few: so many, whatever others have under way.
            (_, true) => told.left,
            (Some(_), false) => None,
            (None, false) => {
                told.left.zip(others).map(|(left, others)| left.saturating_add(others))
            }
        };
        let cost = if told.throttled { Some(0) } else { told.cost };
        let settled = Settled::of(held.map_or(0, |held| held.calls), cost, left);
        let Some(rate) = self.rate(name).filter(|_| settled != Settled::default()) else { return };
        match &self.share {
            Some(share) => share.settle(name, rate, settled),
            None => self.purses.with(name, |purse| purse.settle(rate, settled, Instant::now())),
        }
        self.purses.settled.notify_waiters();
    }
}

/// What an answer says of what was set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What the call counted as.
    pub cost: Option<u32>,
    /// Calls that there are now.
    pub left: Option<u32>,
    /// It was not made: there were too few.
    pub throttled: bool,
}

#[cfg(test)]
#[path = "purse_tests.rs"]
mod tests;
