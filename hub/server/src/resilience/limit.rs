//! How fast a system is called: its named limits, as its files declare them, its answers tell them and settings lower
//! them.
//!
//! governor counts (GCRA, per name, and per key where the limit is keyed), or all processes together do
//! ([`Share`]); what a system says itself (`Retry-After`) pauses the name for every caller. In memory: one counter a name, and at most
//! [`MOST_KEYS`] keys a name before those that are idle are let go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use governor::NotUntil;
use governor::clock::Clock as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::debts::{Claim, Debts};
use super::learned::Given;
use super::named::{AT_ONCE, InHand, MOST_KEYS, Named};
use super::purse::Purses;
pub use super::rate::Rate;
use super::share::Share;
use super::ticks::{Tick, Ticks};

/// The limits of one system, by name.
pub struct Limits {
    pub(super) clock: Ticks,
    /// Locked before the limits.
    pub(super) given: Mutex<Given>,
    pub(super) named: RwLock<BTreeMap<String, Arc<Named>>>,
    /// Pauses by name, also of names without a rate: a system may throttle what it never declared.
    paused: Mutex<BTreeMap<String, Instant>>,
    /// Who else calls under these limits: then they count, and not this process alone.
    pub(super) share: Option<Arc<dyn Share>>,
    /// What calls counted as beyond one each.
    debts: Debts,
    /// What calls set aside that count as several.
    pub(super) purses: Purses,
    /// A rate is another: who waits asks anew.
    pub(super) changed: Notify,
}

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
        let (given, purses, changed) = (Mutex::default(), Purses::default(), Notify::new());
        let limits = Self { clock, given, named, paused, share, debts, purses, changed };
        limits.renew(rates);
        limits
    }

    /// Takes other rates; what stays as it was goes on where it is.
    pub fn renew(&self, rates: &BTreeMap<String, Rate>) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.renew(rates);
        let rates = given.rates();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.retain(|name, named| rates.get(name) == Some(&named.rate));
        for (name, rate) in rates {
            if !named.contains_key(&name)
                && let Some(new) = Named::new(rate, self.clock)
            {
                named.insert(name, Arc::new(new));
            }
        }
        drop(named);
        self.changed.notify_waiters();
    }

    /// Time in which one call of a limit becomes free again; `None`: it has no rate.
    pub fn every(&self, name: &str) -> Option<Duration> {
        self.rate(name).map(|rate| rate.every)
    }

    /// The rate in use; `None`: it has none.
    pub(super) fn rate(&self, name: &str) -> Option<Rate> {
        self.named(name).map(|named| named.rate)
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

    /// The same of calls without a key, whatever becomes of the name meanwhile.
    pub(super) fn charge_all(&self, name: &str, calls: u32) {
        self.debts.add(name, None, calls);
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

    /// Takes a token, waiting for it no longer than `longest`, by whatever rate holds meanwhile.
    ///
    /// **Invariant:** who waits when a rate changes neither waits nor calls by the old one. Test:
    /// `who_waits_goes_by_the_rate_that_is_told_meanwhile`.
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
        loop {
            // Before it is asked: what changes in between is heard.
            let changed = self.changed.notified();
            let asked = match (&self.share, self.named(name)) {
                (Some(share), Some(named)) => {
                    self.take_shared(share.as_ref(), &named, (name, key), latest).await
                }
                (None, _) | (_, None) => self.take(name, key),
            };
            let Err(wait) = asked else { return Ok(()) };
            if Instant::now() + wait > latest {
                return Err(wait);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// The same where all processes count together. Nobody sleeps in a line: who must wait stands in nobody's
    /// way, and asks again when there may be a call.
    ///
    /// **Invariant:** who waits for one key holds up no other. Test: `who_waits_for_a_key_holds_up_no_other`.
    async fn take_shared(
        &self,
        share: &dyn Share,
        named: &Arc<Named>,
        (name, key): (&str, Option<&str>),
        latest: Instant,
    ) -> Result<(), Duration> {
        let none = self.pause_left(name).or_else(|| named.none_for(key, Instant::now()));
        if let Some(wait) = none {
            return Err(wait);
        }
        self.pay(share, named, (name, key), latest).await?;
        self.ask(share, named, (name, key), latest).await
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
        &self,
        share: &dyn Share,
        named: &Arc<Named>,
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
        if !self.named(name).is_some_and(|used| Arc::ptr_eq(&used, named)) {
            // Told while others were before it in the line: by that rate, at once.
            return Err(Duration::ZERO);
        }
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
#[cfg(test)]
#[path = "waits_tests.rs"]
mod waits;
