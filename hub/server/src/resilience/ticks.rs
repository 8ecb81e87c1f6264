//! The clock of limits.

use std::time::Duration;

use governor::clock::{Clock, Reference};
use tokio::time::Instant;

/// Tokio's clock for governor: it never goes back, and tests may pause it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    pub(super) start: Instant,
}

/// Time since the limiter was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(Duration);

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
