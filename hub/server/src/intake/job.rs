//! A listing that the system works out: it is begun there, asked for from time to time, and read when it is done.
//!
//! **Invariant:** what is worked out is of the time that it was begun for, whatever has passed meanwhile, and by the files
//! that began it: others begin it anew. Test: `a_listing_that_the_system_works_out_is_waited_for_and_survives_a_failure`.
//!
//! It is in memory only. A process that ends leaves nothing behind but work that nobody reads: whoever holds the lease
//! next begins anew, from where the last listing ended. Bound: [`LONGEST`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::Memo;

use super::window::{Window, later, until};

/// How long a system may work on one listing.
pub(super) const LONGEST: Duration = Duration::from_secs(1_800);

/// What is said of one that takes longer.
pub(super) fn too_long() -> String {
    let minutes = LONGEST.as_secs() / 60;
    format!(
        "the system worked on the listing for {minutes} minutes and was not done; it is begun anew"
    )
}

/// A listing that was begun.
#[derive(Debug)]
pub(super) struct Job {
    /// Where it stands.
    memo: Memo,
    /// What it is about.
    pub(super) window: Window,
    /// By which files.
    bundle: Arc<str>,
    began: Timestamp,
    /// Not before this.
    due: Timestamp,
}

impl Job {
    /// One that waits so long.
    pub(super) fn new(
        memo: Memo,
        window: Window,
        bundle: &Arc<str>,
        (began, now, every): (Timestamp, Timestamp, Duration),
    ) -> Self {
        Self { memo, window, bundle: Arc::clone(bundle), began, due: later(now, every) }
    }

    /// How long it is to be left alone still; `None`: it is due.
    pub(super) fn rests(&self, now: Timestamp) -> Option<Duration> {
        (self.due > now).then(|| until(now, self.due))
    }

    /// Whether it may be gone on with.
    pub(super) fn lasts(&self, bundle: &str, now: Timestamp) -> bool {
        *self.bundle == *bundle && !self.is_late(now)
    }

    /// Whether it takes too long.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        later(self.began, LONGEST) < now
    }

    /// When it began, and where it stands.
    pub(super) fn into_parts(self) -> (Timestamp, Memo) {
        (self.began, self.memo)
    }
}
