//! Now and sleep as values: nothing else asks the machine what time it is. Waits are measured by tokio's
//! clock, which tests pause.
//!
//! Where several processes work on one store, the machine's clock is corrected by the server's: what one of
//! them makes due in a minute is due for all of them then, though a machine's clock be ten minutes wrong.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How far the machine's clock is behind the store's, in microseconds: of the process, as the machine's clock is.
static BEHIND: AtomicI64 = AtomicI64::new(0);

/// Corrections below this would follow the way to the server and back, not the clocks.
const WORTH_CORRECTING: SignedDuration = SignedDuration::from_millis(200);

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
    /// The machine's clock, corrected as far as anybody said how.
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
            Source::System => {
                let behind = SignedDuration::from_micros(BEHIND.load(Ordering::Relaxed));
                Timestamp::now().saturating_add(behind).unwrap_or(Timestamp::MAX)
            }
            Source::Tokio { base, start } => {
                let passed = jiff::SignedDuration::try_from(start.elapsed());
                passed.ok().and_then(|passed| base.checked_add(passed).ok()).unwrap_or(base)
            }
        }
    }

    /// A server says that it was `theirs` between two moments of this clock. Answers by how much the clock is
    /// corrected, if that is worth it.
    pub fn correct(
        (before, after): (Timestamp, Timestamp),
        theirs: Timestamp,
    ) -> Option<SignedDuration> {
        let behind = behind((before, after), theirs);
        if behind.abs() < WORTH_CORRECTING {
            return None;
        }
        let micros = i64::try_from(behind.as_micros()).unwrap_or(0);
        BEHIND.fetch_add(micros, Ordering::Relaxed);
        Some(behind)
    }

    /// Waits so long.
    pub async fn sleep(&self, for_so_long: Duration) {
        tokio::time::sleep(for_so_long).await;
    }
}

/// How far a clock is behind theirs, that answered half-way between two of its moments; what lies between
/// them is not told apart.
fn behind((before, after): (Timestamp, Timestamp), theirs: Timestamp) -> SignedDuration {
    let half = after.duration_since(before) / 2;
    let behind = theirs.duration_since(before) - half;
    if behind.abs() <= half.abs() { SignedDuration::ZERO } else { behind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_behind_by_what_the_way_there_does_not_explain() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let seconds = SignedDuration::from_secs;
        assert_eq!(behind((at(100), at(102)), at(701)), seconds(600));
        assert_eq!(behind((at(700), at(702)), at(101)), seconds(-600));
        assert_eq!(behind((at(100), at(102)), at(102)), SignedDuration::ZERO, "a slow answer");
        assert_eq!(behind((at(100), at(100)), at(100)), SignedDuration::ZERO);
    }
}
