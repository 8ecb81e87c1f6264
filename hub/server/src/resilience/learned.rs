//! Rates that a system tells with its answers: each takes the place of what was declared, lower or higher, until the
//! next one; what an operator allows at most stands above it. In memory: a process that begins knows what is declared.
//!
//! **Invariant:** a rate that changes gives no calls that were not there before. Tests:
//! `a_rate_that_is_told_gives_no_fresh_burst`, `a_rate_that_is_told_gives_none_to_processes_together`. Who waits goes by
//! the new one: [`Limits::acquire`].

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orderhub_connectors::contract::ToldLimit;

use super::limit::Limits;
use super::named::Named;
use super::rate::Rate;

/// Where the rate of a name comes from.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Of the files, lowered by settings.
    declared: BTreeMap<String, Rate>,
    /// What settings allow, whatever is told.
    most: BTreeMap<String, Rate>,
    /// What answers told last.
    told: BTreeMap<String, ToldLimit>,
}

impl Given {
    /// Other files: what was told of a name that they do not declare is forgotten.
    pub(super) fn renew(&mut self, declared: &BTreeMap<String, Rate>) {
        self.declared.clone_from(declared);
        self.told.retain(|name, _| declared.contains_key(name));
    }

    /// The rate in use.
    pub(super) fn rate(&self, name: &str) -> Option<Rate> {
        let declared = *self.declared.get(name)?;
        let Some(told) = self.told.get(name) else { return Some(declared) };
        let every = told.every.unwrap_or(declared.every);
        let rate = Rate { every, burst: told.burst.unwrap_or(declared.burst) };
        Some(self.most.get(name).map_or(rate, |most| rate.lowered(*most)))
    }

    /// All names that are declared, with the rates in use.
    pub(super) fn rates(&self) -> BTreeMap<String, Rate> {
        let names = self.declared.keys();
        names.filter_map(|name| Some((name.clone(), self.rate(name)?))).collect()
    }

    /// Whether it is news.
    fn hear(&mut self, name: &str, told: ToldLimit) -> bool {
        if !self.declared.contains_key(name) {
            return false;
        }
        let known = self.told.entry(name.to_owned()).or_default();
        let (every, burst) = (told.every.or(known.every), told.burst.or(known.burst));
        let heard = ToldLimit { every, burst, left: None };
        std::mem::replace(known, heard) != heard
    }
}

impl Limits {
    /// What settings allow under each name, whatever answers tell.
    pub fn allow(&self, most: &BTreeMap<String, Rate>) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).most.clone_from(most);
    }

    /// An answer told the limit of a name that is declared: it holds from now on.
    pub fn told(&self, name: &str, told: ToldLimit) {
        // What there is now is no rate: it is settled with the call ([`Limits::settle`]).
        let told = ToldLimit { left: None, ..told };
        if told == ToldLimit::default() {
            return;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if !given.hear(name, told) {
            return;
        }
        let Some(rate) = given.rate(name) else { return };
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let changes = |old: &&Arc<Named>| old.rate != rate && is_counted(rate);
        let Some(old) = named.get(name).filter(changes).map(Arc::clone) else { return };
        if let Some(new) = old.at(rate, self.clock) {
            if self.share.is_some() {
                // What all processes count is a time, in which a slower rate has room that was used up already.
                self.charge_all(name, fresh(old.rate, rate));
            }
            named.insert(name.to_owned(), Arc::new(new));
            self.changed.notify_waiters();
            self.purses.ask_again();
        }
    }
}

/// Whether a burst can be counted at all: in nanoseconds, of which there are centuries.
fn is_counted(rate: Rate) -> bool {
    let all = rate.every.as_nanos().saturating_mul(rate.burst.get().into());
    all < u128::from(u64::MAX / 4)
}

/// Calls that an empty limit would seem to have by another rate.
fn fresh(old: Rate, new: Rate) -> u32 {
    let full: Duration = old.every.saturating_mul(old.burst.get());
    let used = full.as_nanos() / new.every.as_nanos().max(1);
    new.burst.get().saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
}

/// What settings allow of a name, where they say a rate and perhaps a burst.
pub fn most(rate: (u32, Duration), burst: Option<NonZeroU32>) -> Option<Rate> {
    Rate::new(rate.0, rate.1, burst.unwrap_or(NonZeroU32::MAX))
}
