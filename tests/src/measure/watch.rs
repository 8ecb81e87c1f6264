//! A stopwatch: the one place where benches look at the machine's clock.

use std::time::{Duration, Instant};

/// A running stopwatch.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Instant);

impl Watch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "what is measured takes the machine's time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
