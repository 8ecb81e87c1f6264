//! How fast a system is called: its named limits, as its files declare them and settings lower them.
//!
//! governor counts (GCRA, per name, and per key where the limit is keyed), or all processes together do
//! ([`Share`]); what a system says itself (`Retry-After`) pauses the name for every caller. In memory: one counter a name, and at most
//! [`MOST_KEYS`] keys a name before those that are idle are let go.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use governor::NotUntil;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed, RateLimiter};
use tokio::time::Instant;

use super::debts::{Claim, Debts};
pub use super::rate::Rate;
use super::share::Share;
use super::ticks::{Tick, Ticks};

/// Keys of one limit that are remembered before idle ones are let go. An idle key has a full burst,
/// so forgetting it changes nothing.
const MOST_KEYS: usize = 10_000;

impl Named {
    fn new(rate: Rate, clock: Ticks) -> Option<Self> {
        let quota = rate.quota()?;
        let direct = RateLimiter::direct_with_clock(quota, clock);
        let keyed = RateLimiter::new(quota, DashMapStateStore::default(), clock);
        let line = tokio::sync::Mutex::new(InHand { calls: 0, until: clock.start });
        Some(Self { rate, direct, keyed, line, none_before: Mutex::default() })
    }

    /// Calls that are taken together: those of [`AT_ONCE`]; of a key, one.
    fn want(&self, key: Option<&str>) -> u32 {
        let each = self.rate.every.as_nanos().max(1);
        let calls = u32::try_from(AT_ONCE.as_nanos() / each).unwrap_or(u32::MAX);
        if key.is_some() { 1 } else { calls.clamp(1, self.rate.burst.get()) }
    }
}

type Direct = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Tick>>;
type Keyed = RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Tick>>;

/// The limits of one system, by name.
pub struct Limits {
    clock: Ticks,
    named: RwLock<BTreeMap<String, Arc<Named>>>,
    /// Pauses by name, also of names without a rate: a system may throttle what it never declared.
    paused: Mutex<BTreeMap<String, Instant>>,
    /// Who else calls under these limits: then they count, and not this process alone.
    share: Option<Arc<dyn Share>>,
    /// What calls counted as beyond one each.
    debts: Debts,
}

struct Named {
    rate: Rate,
    direct: Direct,
    keyed: Keyed,
    /// Calls in hand of those that all share; who asks for more, asks in line.
    line: tokio::sync::Mutex<InHand>,
    /// What the others' answer was: no call before then, by key. At most [`MOST_KEYS`]; one without room is
    /// asked for again, which is slower, not wrong.
    none_before: Mutex<HashMap<Box<str>, Instant>>,
}

impl Named {
    /// When to come again who owes calls and waits for the next: what is free by then is no more than the burst, and
    /// more would be lost.
    fn until_paid(&self, wait: Duration, owed: u32) -> Duration {
        let more = owed.min(self.rate.burst.get().saturating_sub(1));
        wait.saturating_add(self.rate.every.saturating_mul(more))
    }

    /// How long there is no call, as far as is known.
    fn none_for(&self, key: Option<&str>, now: Instant) -> Option<Duration> {
        let none_before = self.none_before.lock().unwrap_or_else(PoisonError::into_inner);
        none_before.get(key.unwrap_or_default()).filter(|at| **at > now).map(|at| *at - now)
    }

    fn none_before(&self, key: Option<&str>, at: Instant) {
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

/// Calls that were taken for several, to be made at once.
#[derive(Debug)]
struct InHand {
    calls: u32,
    until: Instant,
}

/// Calls that are taken together are made within this time: the limit allowed them then, not later.
const AT_ONCE: Duration = Duration::from_millis(100);

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(named.iter().map(|(name, named)| (name, named.rate))).finish()
    }
}

impl Limits {
    /// The limits of a system.
    pub fn new(rates: &BTreeMap<String, Rate>) -> Self {
        Self::shared(rates, None)
    }

    /// The limits of a system that others call, too.
    pub fn shared(rates: &BTreeMap<String, Rate>, share: Option<Arc<dyn Share>>) -> Self {
        let clock = Ticks { start: Instant::now() };
        let (named, paused, debts) = (RwLock::default(), Mutex::default(), Debts::default());
        let limits = Self { clock, named, paused, share, debts };
        limits.renew(rates);
        limits
    }

    /// Takes other rates; what stays as it was goes on where it is.
    pub fn renew(&self, rates: &BTreeMap<String, Rate>) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.retain(|name, named| rates.get(name) == Some(&named.rate));
        for (name, rate) in rates {
            if !named.contains_key(name)
                && let Some(new) = Named::new(*rate, self.clock)
            {
                named.insert(name.clone(), Arc::new(new));
            }
        }
    }

    /// Time in which one call of a limit becomes free again; `None`: it has no rate.
    pub fn every(&self, name: &str) -> Option<Duration> {
        self.named(name).map(|named| named.rate.every)
    }

    fn named(&self, name: &str) -> Option<Arc<Named>> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        named.get(name).map(Arc::clone)
    }

    /// Takes a token, or says how long to wait before asking again. A name without a rate is free.
    ///
    /// # Errors
    ///
    /// The wait; no token was taken.
    pub fn take(&self, name: &str, key: Option<&str>) -> Result<(), Duration> {
        if let Some(wait) = self.pause_left(name) {
            return Err(wait);
        }
        let Some(named) = self.named(name) else { return Ok(()) };
        match self.debts.claim(name, key) {
            Claim::Nothing => {}
            Claim::Others => return Err(AT_ONCE),
            Claim::Ours(debt) => {
                while debt.left() > 0 {
                    if let Err(wait) = self.token(&named, key) {
                        return Err(named.until_paid(wait, debt.left()));
                    }
                    debt.paid(1);
                }
            }
        }
        self.token(&named, key)
    }

    /// A call counted as so many more: they are paid before the next.
    ///
    /// **Invariant:** over any time the system is called no faster than the limit allows, whatever calls count as.
    /// Tests: `what_a_call_counted_as_is_paid_before_the_next`, `processes_pay_together_what_a_call_counted_as`.
    pub fn charge(&self, name: &str, key: Option<&str>, calls: u32) {
        if self.named(name).is_some() {
            self.debts.add(name, key, calls);
        }
    }

    fn token(&self, named: &Named, key: Option<&str>) -> Result<(), Duration> {
        let outcome = match key {
            None => named.direct.check(),
            Some(key) => {
                if named.keyed.len() >= MOST_KEYS {
                    named.keyed.retain_recent();
                }
                named.keyed.check_key(&key.to_owned())
            }
        };
        outcome.map_err(|until| self.wait(&until))
    }

    /// Takes a token, waiting for it no longer than `longest`.
    ///
    /// # Errors
    ///
    /// The wait that is still ahead, if it is longer than `longest` allows.
    ///
    /// # Cancel safety
    ///
    /// A dropped wait took no token.
    pub async fn acquire(
        &self,
        name: &str,
        key: Option<&str>,
        longest: Duration,
    ) -> Result<(), Duration> {
        let latest = Instant::now() + longest;
        if let (Some(share), Some(named)) = (&self.share, self.named(name)) {
            return self.acquire_shared(share.as_ref(), &named, (name, key), latest).await;
        }
        loop {
            let Err(wait) = self.take(name, key) else { return Ok(()) };
            if Instant::now() + wait > latest {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// The same where all processes count together. Nobody sleeps in a line: who must wait stands in nobody's
    /// way, and asks again when there may be a call.
    ///
    /// **Invariant:** who waits for one key holds up no other. Test: `who_waits_for_a_key_holds_up_no_other`.
    async fn acquire_shared(
        &self,
        share: &dyn Share,
        named: &Named,
        (name, key): (&str, Option<&str>),
        latest: Instant,
    ) -> Result<(), Duration> {
        loop {
            let now = Instant::now();
            let none = self.pause_left(name).or_else(|| named.none_for(key, now));
            let wait = match none {
                Some(wait) => wait,
                None => {
                    let paid = self.pay(share, named, (name, key), latest).await;
                    let asked = match paid {
                        Ok(()) => Self::ask(share, named, (name, key), latest).await,
                        Err(wait) => Err(wait),
                    };
                    match asked {
                        Ok(()) => return Ok(()),
                        Err(wait) => wait,
                    }
                }
            };
            if Instant::now() + wait > latest {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Pays from what all share, or waits for who does.
    ///
    /// # Cancel safety
    ///
    /// Dropped, what is not paid is owed still; what was asked for and not answered is paid once more.
    async fn pay(
        &self,
        share: &dyn Share,
        named: &Named,
        (name, key): (&str, Option<&str>),
        latest: Instant,
    ) -> Result<(), Duration> {
        let debt = match self.debts.claim_before(name, key, latest).await {
            Claim::Nothing => return Ok(()),
            // Asked again at once, what they were told is known.
            Claim::Others if Instant::now() < latest => return Err(Duration::ZERO),
            Claim::Others => return Err(named.rate.every),
            Claim::Ours(debt) => debt,
        };
        loop {
            let owed = debt.left().min(named.rate.burst.get());
            if owed == 0 {
                return Ok(());
            }
            match share.take(name, key, named.rate, owed).await {
                Ok(calls) => debt.paid(calls.max(1)),
                Err(wait) => {
                    named.none_before(key, Instant::now() + wait);
                    return Err(named.until_paid(wait, debt.left()));
                }
            }
        }
    }

    /// Asks for calls: of a key for one, else for several, and one process one question at a time.
    async fn ask(
        share: &dyn Share,
        named: &Named,
        (name, key): (&str, Option<&str>),
        latest: Instant,
    ) -> Result<(), Duration> {
        let mut in_hand = match key {
            Some(_) => None,
            None => {
                let line = tokio::time::timeout_at(latest, named.line.lock()).await;
                Some(line.map_err(|_| named.rate.every)?)
            }
        };
        let now = Instant::now();
        if let Some(in_hand) = in_hand.as_mut().filter(|hand| hand.calls > 0 && now < hand.until) {
            in_hand.calls -= 1;
            return Ok(());
        }
        // Who was before in the line may know by now.
        if let Some(wait) = named.none_for(key, now) {
            return Err(wait);
        }
        match share.take(name, key, named.rate, named.want(key)).await {
            Ok(calls) => {
                if let Some(in_hand) = &mut in_hand {
                    **in_hand = InHand { calls: calls.saturating_sub(1), until: now + AT_ONCE };
                }
                Ok(())
            }
            Err(wait) => {
                named.none_before(key, Instant::now() + wait);
                Err(wait)
            }
        }
    }

    /// The system asked for peace: nobody calls under this name for so long, in no process.
    pub fn throttled(&self, name: &str, left: Duration) {
        self.pause(name, Instant::now() + left);
        if let Some(share) = &self.share {
            share.throttled(name, left);
        }
    }

    /// Nobody of this process calls under this name before `until`.
    pub fn pause(&self, name: &str, until: Instant) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let at = paused.entry(name.to_owned()).or_insert(until);
        *at = (*at).max(until);
    }

    /// How long the name is still paused by the system; it takes nothing.
    pub fn pause_left(&self, name: &str) -> Option<Duration> {
        let now = Instant::now();
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *paused.get(name)?;
        if until <= now {
            paused.remove(name);
            return None;
        }
        Some(until - now)
    }

    /// The rates in use, with what is left of pauses.
    pub fn shown(&self) -> Vec<(String, Option<Rate>, Option<Duration>)> {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rates: BTreeMap<String, Rate> = {
            let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
            named.iter().map(|(name, named)| (name.clone(), named.rate)).collect()
        };
        let others = paused.keys().filter(|name| !rates.contains_key(*name));
        let names: Vec<String> = rates.keys().chain(others).cloned().collect();
        let row = |name: String| {
            let (rate, left) = (rates.get(&name).copied(), self.pause_left(&name));
            (name, rate, left)
        };
        names.into_iter().map(row).collect()
    }

    fn wait(&self, until: &NotUntil<Tick>) -> Duration {
        // At least a tick, so that a rounding to zero does not spin.
        until.wait_time_from(self.clock.now()).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
