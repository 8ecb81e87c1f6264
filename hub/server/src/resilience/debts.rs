//! Calls that counted as several under their limit, which is known only when they are answered: the rest is paid before
//! the next call.
//!
//! **Invariant:** a debt ends by what was paid of it, and by nothing else: who pays is one at a time, and dropped there leaves
//! what is left; who comes meanwhile sees it, and waits. Test: `a_payment_that_is_dropped_forgets_no_debt`.
//!
//! In memory, of this process alone: by limit, and by key where it is keyed; at most [`MOST`] of them, beyond which a
//! debt is let go.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Limits and keys that owe something.
const MOST: usize = 10_000;
/// One call counts as no more than this.
const MOST_CALLS: u32 = 10_000;

/// A limit and a key.
type At = (Box<str>, Box<str>);

#[derive(Debug, Default)]
struct Debt {
    calls: u32,
    /// Somebody pays.
    claimed: bool,
}

/// What is owed.
#[derive(Debug, Default)]
pub(super) struct Debts {
    owed: Mutex<HashMap<At, Debt>>,
    /// Somebody paid, or gave it up.
    settled: Notify,
}

/// What is found of a debt.
pub(super) enum Claim<'d> {
    /// Nothing is owed.
    Nothing,
    /// Another one pays.
    Others,
    /// Whoever holds this pays.
    Ours(Claimed<'d>),
}

/// A debt in payment; dropped, what is left of it is owed as before.
pub(super) struct Claimed<'d> {
    debts: &'d Debts,
    at: At,
}

impl Debts {
    /// So many calls more are owed.
    pub(super) fn add(&self, name: &str, key: Option<&str>, calls: u32) {
        if calls == 0 {
            return;
        }
        let mut owed = self.lock();
        let at = at(name, key);
        if owed.len() < MOST || owed.contains_key(&at) {
            let debt = owed.entry(at).or_default();
            debt.calls = debt.calls.saturating_add(calls).min(MOST_CALLS);
        }
    }

    /// Takes over to pay it.
    pub(super) fn claim(&self, name: &str, key: Option<&str>) -> Claim<'_> {
        let mut owed = self.lock();
        if owed.is_empty() {
            return Claim::Nothing;
        }
        let at = at(name, key);
        match owed.get_mut(&at) {
            None => Claim::Nothing,
            Some(debt) if debt.claimed => Claim::Others,
            Some(debt) => {
                debt.claimed = true;
                Claim::Ours(Claimed { debts: self, at })
            }
        }
    }

    /// The same; while others pay, it waits until they have, or until `latest`.
    pub(super) async fn claim_before(
        &self,
        name: &str,
        key: Option<&str>,
        latest: Instant,
    ) -> Claim<'_> {
        let mut settled = pin!(self.settled.notified());
        // Before the claim is seen: what ends in between is heard.
        settled.as_mut().enable();
        let claim = self.claim(name, key);
        if matches!(claim, Claim::Others) {
            // Of any debt: whoever waits looks again.
            drop(tokio::time::timeout_at(latest, settled).await);
        }
        claim
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<At, Debt>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(name: &str, key: Option<&str>) -> At {
    (name.into(), key.unwrap_or_default().into())
}

impl Claimed<'_> {
    /// Calls that are owed still.
    pub(super) fn left(&self) -> u32 {
        self.debts.lock().get(&self.at).map_or(0, |debt| debt.calls)
    }

    /// So many of them are paid.
    pub(super) fn paid(&self, calls: u32) {
        if let Some(debt) = self.debts.lock().get_mut(&self.at) {
            debt.calls = debt.calls.saturating_sub(calls);
        }
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        let at = std::mem::take(&mut self.at);
        if let Entry::Occupied(mut debt) = self.debts.lock().entry(at) {
            debt.get_mut().claimed = false;
            if debt.get().calls == 0 {
                debt.remove();
            }
        }
        self.debts.settled.notify_waiters();
    }
}
