//! How often, and after which wait: the short retries inside one call, and the long ones of a lane.
//!
//! `backoff` gives the growing intervals; the waiting, the budget and the jitter (only upwards) are
//! here. No short wait is longer than
//! [`Retries::longest_wait`], and no long one begins after three days; jitter lengthens a wait by up to a fifth.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use tokio::time::Instant;

/// Randomness, injected. Waits are lengthened by up to a fifth, never shortened: a `Retry-After` is a
/// lower bound.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl std::fmt::Debug for Jitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jitter")
    }
}

impl Jitter {
    /// None at all, for tests.
    pub fn none() -> Self {
        Self(Arc::new(|| 0.0))
    }

    /// The machine's randomness.
    pub fn random() -> Self {
        Self(Arc::new(rand::random::<f64>))
    }

    /// From any source of numbers in `0..1`.
    pub fn from_source(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The time, lengthened by up to a fifth.
    pub fn upward(&self, time: Duration) -> Duration {
        let share = (self.0)().clamp(0.0, 1.0);
        time.saturating_add((time / 5).mul_f64(share))
    }
}

/// The interval before retry `nth` (from 1): it grows from `first` to `longest`.
fn interval(first: Duration, factor: f64, longest: Duration, nth: u32) -> Duration {
    let mut policy: ExponentialBackoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(first)
        .with_multiplier(factor)
        .with_max_interval(longest)
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let mut interval = first;
    // Beyond 64 doublings every interval is the longest.
    for _ in 0..nth.min(64) {
        interval = policy.next_backoff().unwrap_or(longest);
    }
    interval.min(longest)
}

/// The short retries inside one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Attempts of one call, the first included.
    pub attempts: u32,
    /// The wait before the second.
    pub first_wait: Duration,
    /// No wait inside a call is longer: what must wait longer goes back to its lane.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(2),
        }
    }
}

impl Retries {
    /// The wait before retry `nth` (from 1); `None`: not inside this call.
    pub fn wait(&self, nth: u32, at_least: Option<Duration>, jitter: &Jitter) -> Option<Duration> {
        if nth >= self.attempts {
            return None;
        }
        let wait = interval(self.first_wait, 2.0, self.longest_wait, nth);
        let wait = jitter.upward(wait.max(at_least.unwrap_or_default()));
        (at_least.unwrap_or_default() <= self.longest_wait).then_some(wait)
    }
}

/// The long retries of a lane: 5 s to 24 h over 3 days, then a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redelivery {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait between two attempts.
    pub longest: Duration,
    /// When the waits add up to more, it is given up.
    pub over: Duration,
}

impl Default for Redelivery {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(24 * 3600),
            over: Duration::from_secs(3 * 24 * 3600),
        }
    }
}

/// A `Retry-After` beyond this is taken for this: a system that means more must be paused by a person.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

impl Redelivery {
    /// The wait after `attempts` spent attempts (from 1), a system's own wish as lower bound; `None`:
    /// the retries are used up.
    pub fn wait(
        &self,
        attempts: u32,
        at_least: Option<Duration>,
        jitter: &Jitter,
    ) -> Option<Duration> {
        let spent: Duration = (1..attempts).map(|nth| self.interval(nth)).sum();
        if spent >= self.over {
            return None;
        }
        let at_least = at_least.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        Some(jitter.upward(self.interval(attempts.max(1)).max(at_least)))
    }

    fn interval(&self, nth: u32) -> Duration {
        interval(self.first, 2.0, self.longest, nth)
    }
}

/// How many retries inside calls a system gets: a tenth of its calls, and one a second.
///
/// **Invariant:** however many callers fail, retries add at most a tenth to the calls of a busy
/// system, plus one a second, after at most [`Budget::MOST`] saved up. Test:
/// `the_budget_is_a_tenth_of_the_calls_and_one_a_second`.
#[derive(Debug)]
pub struct Budget {
    inner: Mutex<Purse>,
}

#[derive(Debug)]
struct Purse {
    /// Thousandths of a retry.
    left: u64,
    filled: Instant,
}

impl Budget {
    /// Retries that can be saved up.
    pub const MOST: u64 = 10;
    const WHOLE: u64 = 1000;
    const PER_CALL: u64 = 100;

    /// A full purse.
    pub fn new(now: Instant) -> Self {
        Self { inner: Mutex::new(Purse { left: Self::MOST * Self::WHOLE, filled: now }) }
    }

    /// A call began: a tenth of a retry more.
    pub fn deposit(&self) {
        let mut purse = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        purse.left = (purse.left + Self::PER_CALL).min(Self::MOST * Self::WHOLE);
    }

    /// Takes a retry; `false`: there is none left now.
    pub fn withdraw(&self, now: Instant) -> bool {
        let mut purse = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(purse.filled).as_millis();
        let gained = u64::try_from(passed).unwrap_or(u64::MAX);
        purse.left = purse.left.saturating_add(gained).min(Self::MOST * Self::WHOLE);
        purse.filled = now;
        if purse.left < Self::WHOLE {
            return false;
        }
        purse.left -= Self::WHOLE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_lengthens() {
        let time = Duration::from_secs(10);
        assert_eq!(Jitter::none().upward(time), time);
        for share in [0.0, 0.5, 0.999, 7.0, -3.0] {
            let jittered = Jitter::from_source(move || share).upward(time);
            assert!(jittered >= time && jittered <= Duration::from_secs(12), "{jittered:?}");
        }
    }

    #[test]
    fn short_retries_grow_and_end() {
        let retries = Retries { attempts: 4, ..Retries::default() };
        let wait = |nth| retries.wait(nth, None, &Jitter::none()).map(|wait| wait.as_millis());
        assert_eq!([wait(1), wait(2), wait(3), wait(4)], [Some(100), Some(200), Some(400), None]);
    }

    #[test]
    fn a_wish_of_the_system_is_a_lower_bound_and_too_long_a_wish_leaves_the_call() {
        let retries = Retries::default();
        let wished = |seconds| {
            retries.wait(1, Some(Duration::from_secs(seconds)), &Jitter::from_source(|| 0.9))
        };
        assert!(wished(2).unwrap() >= Duration::from_secs(2));
        assert_eq!(wished(3), None);
    }

    #[test]
    fn long_retries_reach_three_days_and_then_give_up() {
        let policy = Redelivery::default();
        let wait = |attempts| policy.wait(attempts, None, &Jitter::none());
        assert_eq!(wait(1), Some(Duration::from_secs(5)));
        assert_eq!(wait(2), Some(Duration::from_secs(10)));
        let all: Vec<Duration> = (1..).map_while(wait).collect();
        let sum: Duration = all.iter().sum();
        assert!(sum >= policy.over && sum < policy.over + policy.longest, "{sum:?}");
        assert_eq!(all.last(), Some(&policy.longest));
        assert!(all.len() < 20);
    }

    #[test]
    fn a_long_wish_moves_the_next_attempt_and_an_absurd_one_is_capped() {
        let policy = Redelivery::default();
        let wait =
            |seconds| policy.wait(1, Some(Duration::from_secs(seconds)), &Jitter::none()).unwrap();
        assert_eq!(wait(120), Duration::from_secs(120));
        assert_eq!(wait(1_000_000_000), LONGEST_RETRY_AFTER);
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_a_tenth_of_the_calls_and_one_a_second() {
        let start = Instant::now();
        let budget = Budget::new(start);
        let spend = |now| std::iter::from_fn(|| budget.withdraw(now).then_some(())).count();
        assert_eq!(spend(start), 10, "what was saved up");
        (0..25).for_each(|_| budget.deposit());
        assert_eq!(spend(start), 2);
        assert_eq!(spend(start + Duration::from_secs(3)), 3);
        assert_eq!(spend(start + Duration::from_secs(1000)), 10);
    }
}
