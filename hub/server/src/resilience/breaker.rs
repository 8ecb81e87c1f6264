//! When a system counts as ill: the detector behind a gate, which is failsafe's, and its policy.

use std::time::Duration;

use failsafe::FailurePolicy;
use failsafe::backoff::{self, Exponential};
use failsafe::failure_policy::{
    ConsecutiveFailures, SuccessRateOverTimeWindow, consecutive_failures,
    success_rate_over_time_window,
};

/// When the gate shuts, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// So many failures in a row shut it, however few calls there are.
    pub consecutive: u32,
    /// So does a success rate below this (0 to 1), counted by failsafe on the machine's own clock.
    pub success_rate: f64,
    /// Calls that the rate needs before it counts.
    pub least_calls: u32,
    /// The window of the rate.
    pub window: Duration,
    /// How long it stays shut the first time; doubled by every failed probe.
    pub first_open: Duration,
    /// The longest time between two probes.
    pub longest_open: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            consecutive: 5,
            success_rate: 0.5,
            least_calls: 10,
            window: Duration::from_secs(60),
            first_open: Duration::from_secs(2),
            longest_open: Duration::from_secs(60),
        }
    }
}

/// A policy that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The detector counts whole seconds and panics below one.
    #[error("`{0}` of the breaker is below 1 s; give at least 1 s")]
    BelowOneSecond(&'static str),
    /// The longest is shorter than the first.
    #[error("the breaker's longest time open is shorter than its first; raise it")]
    LongestBelowFirst,
    /// It would never close.
    #[error("the breaker would open at no failure at all; give at least 1")]
    NoFailures,
    /// Not a share.
    #[error("the breaker's success rate is not between 0 and 1")]
    Rate,
}

impl BreakerPolicy {
    /// # Errors
    ///
    /// [`PolicyError`]: the detector would panic on it.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let second = Duration::from_secs(1);
        let times =
            [("first", self.first_open), ("longest", self.longest_open), ("window", self.window)];
        if let Some((name, _)) = times.iter().find(|(_, time)| *time < second) {
            return Err(PolicyError::BelowOneSecond(name));
        }
        if self.longest_open.as_secs() < self.first_open.as_secs() {
            return Err(PolicyError::LongestBelowFirst);
        }
        if self.consecutive == 0 {
            return Err(PolicyError::NoFailures);
        }
        if !(0.0..=1.0).contains(&self.success_rate) {
            return Err(PolicyError::Rate);
        }
        Ok(())
    }

    pub(super) fn detector(&self) -> Detector {
        let open = || backoff::exponential(self.first_open, self.longest_open);
        let rate =
            success_rate_over_time_window(self.success_rate, self.least_calls, self.window, open());
        Detector { in_a_row: consecutive_failures(self.consecutive, open()), rate }
    }
}

/// failsafe's two policies; either may shut the gate.
pub(super) struct Detector {
    in_a_row: ConsecutiveFailures<Exponential>,
    rate: SuccessRateOverTimeWindow<Exponential>,
}

impl Detector {
    pub(super) fn success(&mut self) {
        self.in_a_row.record_success();
        self.rate.record_success();
    }

    pub(super) fn failure(&mut self) -> Option<Duration> {
        self.in_a_row.mark_dead_on_failure().max(self.rate.mark_dead_on_failure())
    }

    pub(super) fn revived(&mut self) {
        self.in_a_row.revived();
        self.rate.revived();
    }
}
