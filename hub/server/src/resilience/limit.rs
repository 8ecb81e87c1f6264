//! How fast a system is called: its named limits, as its files declare them and settings lower them.
//!
//! governor counts (GCRA, per name, and per key where the limit is keyed), or all processes together do
//! ([`Share`]); what a system says itself (`Retry-After`) pauses the name for every caller. In memory: one counter a name, and at most
//! [`MOST_KEYS`] keys a name before those that are idle are let go.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed, RateLimiter};
use governor::{NotUntil, Quota};
use tokio::time::Instant;

use super::share::Share;

/// Keys of one limit that are remembered before idle ones are let go. An idle key has a full burst,
/// so forgetting it changes nothing.
const MOST_KEYS: usize = 10_000;

/// One limit: a call each `every`, and so many at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time in which one call becomes free again; above zero.
    pub every: Duration,
    /// Calls that may start at once after a quiet time.
    pub burst: NonZeroU32,
}

impl Rate {
    /// So many calls in `per`. `None`: no time, or no calls.
    pub fn new(calls: u32, per: Duration, burst: NonZeroU32) -> Option<Self> {
        let every = per.checked_div(calls)?;
        (!every.is_zero()).then_some(Self { every, burst })
    }

    /// Settings may only lower what the files declare.
    #[must_use]
    pub fn lowered(self, by: Rate) -> Self {
        Self { every: self.every.max(by.every), burst: self.burst.min(by.burst) }
    }

    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.every)?.allow_burst(self.burst))
    }
}

/// Tokio's clock for governor: it never goes back, and tests may pause it.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    start: Instant,
}

/// Time since the limiter was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tick(Duration);

impl std::ops::Add<governor::nanos::Nanos> for Tick {
    type Output = Self;

    fn add(self, time: governor::nanos::Nanos) -> Self {
        Self(self.0.saturating_add(time.into()))
    }
}

impl Reference for Tick {
    fn duration_since(&self, earlier: Self) -> governor::nanos::Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, time: governor::nanos::Nanos) -> Self {
        Self(self.0.checked_sub(time.into()).unwrap_or(self.0))
    }
}

impl Clock for Ticks {
    type Instant = Tick;

    fn now(&self) -> Tick {
        Tick(self.start.elapsed())
    }
}

impl Named {
    fn new(rate: Rate, clock: Ticks) -> Option<Self> {
        let quota = rate.quota()?;
        let direct = RateLimiter::direct_with_clock(quota, clock);
        let keyed = RateLimiter::new(quota, DashMapStateStore::default(), clock);
        let line = tokio::sync::Mutex::new(InHand { calls: 0, until: clock.start });
        Some(Self { rate, direct, keyed, line })
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
}

struct Named {
    rate: Rate,
    direct: Direct,
    keyed: Keyed,
    /// Calls in hand of those that all share; who waits for one, waits in line.
    line: tokio::sync::Mutex<InHand>,
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
        let limits = Self { clock, named: RwLock::default(), paused: Mutex::default(), share };
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

    /// The same where all processes count together, one question at a time.
    async fn acquire_shared(
        &self,
        share: &dyn Share,
        named: &Named,
        (name, key): (&str, Option<&str>),
        latest: Instant,
    ) -> Result<(), Duration> {
        let line = tokio::time::timeout_at(latest, named.line.lock()).await;
        let mut in_hand = line.map_err(|_| named.rate.every)?;
        loop {
            let now = Instant::now();
            let wait = match self.pause_left(name) {
                Some(wait) => wait,
                None if key.is_none() && in_hand.calls > 0 && now < in_hand.until => {
                    in_hand.calls -= 1;
                    return Ok(());
                }
                None => match share.take(name, key, named.rate, named.want(key)).await {
                    Ok(calls) => {
                        let calls = calls.saturating_sub(1);
                        *in_hand = InHand { calls, until: now + AT_ONCE };
                        return Ok(());
                    }
                    Err(wait) => wait,
                },
            };
            if Instant::now() + wait > latest {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
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
mod tests {
    use super::*;

    fn rate_of(text: &str, burst: u32) -> Rate {
        let rate: crate::config::Rate = text.parse().unwrap();
        Rate::new(rate.calls.get(), rate.per, burst.try_into().unwrap()).unwrap()
    }

    fn limits(name: &str, rate: &str, burst: u32) -> Limits {
        Limits::new(&BTreeMap::from([(name.to_owned(), rate_of(rate, burst))]))
    }

    #[test]
    fn settings_only_lower() {
        let declared = rate_of("10/s", 20);
        let faster = rate_of("100/s", 40);
        let slower = rate_of("1/s", 2);
        assert_eq!(declared.lowered(faster), declared);
        assert_eq!(declared.lowered(slower), slower);
    }

    #[tokio::test(start_paused = true)]
    async fn other_rates_take_the_place_of_those_that_changed_only() {
        let limits = limits("default", "1/s", 1);
        assert!(limits.take("default", None).is_ok());
        let both = |rate| BTreeMap::from([("default".to_owned(), rate), ("new".to_owned(), rate)]);
        limits.renew(&both(rate_of("1/s", 1)));
        assert!(limits.take("default", None).is_err(), "it goes on where it was");
        limits.renew(&both(rate_of("1/s", 2)));
        assert!(limits.take("default", None).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_beyond_the_burst_is_waited_for() {
        let limits = limits("default", "10/s", 2);
        assert!(limits.take("default", None).is_ok());
        assert!(limits.take("default", None).is_ok());
        let wait = limits.take("default", None).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        let start = Instant::now();
        limits.acquire("default", None, Duration::from_secs(1)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(99));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_longer_than_allowed_is_told_at_once_and_takes_nothing() {
        let limits = limits("parcel", "1/30m", 1);
        assert!(limits.take("parcel", Some("A")).is_ok());
        let start = Instant::now();
        let longest = Duration::from_secs(2);
        let wait = limits.acquire("parcel", Some("A"), longest).await.unwrap_err();
        assert!(wait > Duration::from_secs(1700));
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(limits.take("parcel", Some("B")).is_ok(), "each key has its own");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_by_the_system_holds_every_caller_of_that_name_only() {
        let limits = limits("default", "100/s", 100);
        limits.pause("default", Instant::now() + Duration::from_secs(30));
        limits.pause("default", Instant::now() + Duration::from_secs(5));
        assert!(limits.take("default", None).unwrap_err() > Duration::from_secs(29));
        assert!(limits.take("other", None).is_ok());
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(limits.take("default", None).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_nobody_declared_is_free_until_the_system_throttles() {
        let limits = Limits::new(&BTreeMap::new());
        assert!(limits.take("default", None).is_ok());
        limits.pause("default", Instant::now() + Duration::from_secs(1));
        assert!(limits.take("default", None).is_err());
    }
}
