//! How fast calls may be.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

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

    pub(super) fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.every)?.allow_burst(self.burst))
    }
}
