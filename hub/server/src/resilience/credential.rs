//! Whether a system takes our credential: a state of the account, not a reason to retry.
//!
//! After a refusal nothing is sent but one probe each [`PROBE_EVERY`]: hammering a login locks accounts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A refused credential is tried again so often.
pub const PROBE_EVERY: Duration = Duration::from_secs(300);

/// What the system said of our credential last.
#[derive(Debug, Default)]
pub struct Credential {
    refused: Mutex<Option<Refused>>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    next_probe: Instant,
}

impl Credential {
    /// Lets a call pass; while refused, one in [`PROBE_EVERY`].
    ///
    /// # Errors
    ///
    /// The time until the next probe.
    pub fn admit(self: &Arc<Self>, now: Instant) -> Result<Probe, Duration> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match *refused {
            None => Ok(Probe { taken: None }),
            Some(Refused { next_probe }) if now < next_probe => Err(next_probe - now),
            Some(Refused { next_probe }) => {
                *refused = Some(Refused { next_probe: now + PROBE_EVERY });
                Ok(Probe { taken: Some((Arc::clone(self), next_probe)) })
            }
        }
    }

    /// A probe that was taken and not sent.
    fn give_back(&self, due: Instant) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.is_some() {
            *refused = Some(Refused { next_probe: due });
        }
    }

    /// Whether a call could pass now. Takes nothing.
    ///
    /// # Errors
    ///
    /// The time until the next probe.
    pub fn would_admit(&self, now: Instant) -> Result<(), Duration> {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused {
            Some(Refused { next_probe }) if now < next_probe => Err(next_probe - now),
            Some(Refused { .. }) | None => Ok(()),
        }
    }

    /// The system refused it. `true`: it did not before, so somebody must be told, once.
    pub fn refuse(&self, now: Instant) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let first = refused.is_none();
        *refused = Some(Refused { next_probe: now + PROBE_EVERY });
        first
    }

    /// The system answered, or a person changed it.
    pub fn accept(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether it is refused.
    pub fn is_refused(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Leave to send, and of a refused credential its one probe: given back when dropped before it is used.
#[derive(Debug)]
#[must_use]
pub struct Probe {
    taken: Option<(Arc<Credential>, Instant)>,
}

impl Probe {
    /// The call went out.
    pub fn used(mut self) {
        self.taken = None;
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some((credential, due)) = self.taken.take() {
            credential.give_back(due);
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
