//! Whether a system takes our credential: a state of the account, not a reason to retry.
//!
//! A 403 may be about the one article, order or person that was asked for: it is a refusal of the credential where
//! [`DIFFERENT`] requests get it and none is answered in between. Test:
//! `what_is_forbidden_for_one_stops_no_other_until_it_repeats_for_different_ones`.
//!
//! After a refusal nothing is sent but one probe each [`PROBE_EVERY`], of all processes together: hammering a
//! login locks accounts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A refused credential is tried again so often.
pub const PROBE_EVERY: Duration = Duration::from_secs(300);

/// So many different requests that are forbidden, one after the other, are refused for who asks.
pub const DIFFERENT: usize = 3;

/// What the system said of our credential last.
#[derive(Debug, Default)]
pub struct Credential {
    refused: Mutex<Option<Refused>>,
    /// Requests that were forbidden since one was answered, each once.
    forbidden: Mutex<Vec<u64>>,
    taken_again: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    next_probe: Instant,
    /// The other processes know of it.
    told: bool,
}

impl Credential {
    fn lock(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call pass; while refused, one in [`PROBE_EVERY`].
    ///
    /// # Errors
    ///
    /// The time until the next probe.
    pub fn admit(self: &Arc<Self>, now: Instant) -> Result<Probe, Duration> {
        let mut refused = self.lock();
        match &mut *refused {
            None => Ok(Probe { taken: None }),
            Some(Refused { next_probe, .. }) if now < *next_probe => Err(*next_probe - now),
            Some(Refused { next_probe, .. }) => {
                let due = std::mem::replace(next_probe, now + PROBE_EVERY);
                Ok(Probe { taken: Some((Arc::clone(self), due)) })
            }
        }
    }

    /// The next probe is due then, and no sooner: one that was taken was not sent, or another process probes.
    pub(super) fn defer(&self, due: Instant) {
        if let Some(refused) = &mut *self.lock() {
            refused.next_probe = due;
        }
    }

    /// Whether a call could pass now. Takes nothing.
    ///
    /// # Errors
    ///
    /// The time until the next probe.
    pub fn would_admit(&self, now: Instant) -> Result<(), Duration> {
        match *self.lock() {
            Some(Refused { next_probe, .. }) if now < next_probe => Err(next_probe - now),
            Some(Refused { .. }) | None => Ok(()),
        }
    }

    /// The system forbade a request. `true`: so many others, too, or who asks was refused already, that it is about him.
    pub fn forbids(&self, about: u64) -> bool {
        let mut forbidden = self.forbidden();
        if !forbidden.contains(&about) {
            forbidden.push(about);
        }
        let refused = forbidden.len() >= DIFFERENT || self.is_refused();
        if refused {
            forbidden.clear();
        }
        refused
    }

    /// The system answered to it: what it forbade before was about those requests alone.
    pub fn answered(&self) {
        self.forbidden().clear();
    }

    fn forbidden(&self) -> MutexGuard<'_, Vec<u64>> {
        self.forbidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The system refused it. `true`: it did not before, so somebody must be told, once.
    pub fn refuse(&self, now: Instant) -> bool {
        let mut refused = self.lock();
        let told = refused.is_some_and(|refused| refused.told);
        let before = refused.replace(Refused { next_probe: now + PROBE_EVERY, told });
        before.is_none()
    }

    /// The system answered, or a person changed it. `true`: it was refused before.
    pub fn accept(&self) -> bool {
        self.answered();
        let refused = self.lock().take().is_some();
        self.taken_again.fetch_add(u64::from(refused), Ordering::AcqRel);
        refused
    }

    /// Another process was refused: nobody tries before `until`.
    pub(super) fn refused_by_others(&self, until: Instant) {
        let mut refused = self.lock();
        let next_probe = refused.map_or(until, |refused| refused.next_probe.max(until));
        *refused = Some(Refused { next_probe, told: true });
    }

    /// The others know of no refusal: what they knew of is over.
    pub(super) fn accepted_by_others(&self) {
        let mut refused = self.lock();
        if refused.is_some_and(|refused| refused.told) {
            *refused = None;
            self.taken_again.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How often it was taken, or replaced, after it had been refused.
    pub fn taken_again(&self) -> u64 {
        self.taken_again.load(Ordering::Acquire)
    }

    /// Whether it is refused.
    pub fn is_refused(&self) -> bool {
        self.lock().is_some()
    }
}

/// Leave to send, and of a refused credential its one probe: given back when dropped before it is used.
#[derive(Debug)]
#[must_use]
pub struct Probe {
    taken: Option<(Arc<Credential>, Instant)>,
}

impl Probe {
    /// Whether it is the one call that tries whether the credential is taken again.
    pub(super) fn is_probe(&self) -> bool {
        self.taken.is_some()
    }

    /// The call went out.
    pub fn used(mut self) {
        self.taken = None;
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some((credential, due)) = self.taken.take() {
            credential.defer(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_gets_one_probe_each_five_minutes() {
        let credential = Arc::new(Credential::default());
        let now = Instant::now();
        credential.admit(now).unwrap().used();
        assert!(credential.refuse(now), "the first refusal is news");
        assert!(!credential.refuse(now));
        assert_eq!(credential.admit(now).unwrap_err(), PROBE_EVERY);
        let later = now + PROBE_EVERY;
        assert!(credential.would_admit(later).is_ok());
        drop(credential.admit(later).unwrap());
        credential.admit(later).expect("the one before was not sent").used();
        assert!(credential.admit(later).is_err(), "exactly one");
        credential.accept();
        assert!(credential.admit(later).is_ok());
    }
}
