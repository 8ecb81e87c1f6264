//! Now and sleep as values: nothing else asks the machine what time it is. Waits are measured by tokio's
//! clock, which tests pause.

use std::time::Duration;

use jiff::Timestamp;

/// Where the time comes from. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The machine's clock.
    System,
    /// Tokio's clock from a fixed start: tests pause and advance it.
    Tokio { base: Timestamp, start: tokio::time::Instant },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at `base` and moves with tokio's, which tests may pause.
    pub fn starting_at(base: Timestamp) -> Self {
        Self(Source::Tokio { base, start: tokio::time::Instant::now() })
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            Source::Tokio { base, start } => {
                let passed = jiff::SignedDuration::try_from(start.elapsed());
                passed.ok().and_then(|passed| base.checked_add(passed).ok()).unwrap_or(base)
            }
        }
    }

    /// Waits so long.
    pub async fn sleep(&self, for_so_long: Duration) {
        tokio::time::sleep(for_so_long).await;
    }
}
