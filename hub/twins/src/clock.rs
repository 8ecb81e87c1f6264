//! The twins' clock: how fast their days go by.
//!
//! A warehouse needs hours and a parcel days; a demonstration has a minute. Every delay of a twin is
//! said in *twin time* and goes through [`Clock::sleep`]; every timestamp that a twin writes comes from
//! [`Clock::now`]. What the clock does is shown at `GET /_twin/ledger`, so that nobody takes a scaled
//! run for a real one. Built on tokio's clock: a test that pauses it owns the time of all twins.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;

/// The slowest and the fastest clock: beyond them durations lose their meaning.
const SPEED: (f64, f64) = (0.001, 1_000_000.0);

/// Twin time since an origin, `speed` times as fast as ours. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    speed: f64,
    origin: Timestamp,
    started: Instant,
}

/// What a clock says about itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Shown {
    /// Twin seconds in one of ours.
    pub speed: f64,
    /// Twin time now.
    pub now: Timestamp,
    /// Twin time when the clock was made.
    pub origin: Timestamp,
}

impl Clock {
    /// A clock that starts at `origin` and runs `speed` times as fast as ours (kept within bounds).
    pub fn new(speed: f64, origin: Timestamp) -> Self {
        let speed = if speed.is_finite() { speed.clamp(SPEED.0, SPEED.1) } else { 1.0 };
        Self { speed, origin, started: Instant::now() }
    }

    /// A clock that began `before` (twin time) ago: a fast one then stays behind the real time for a
    /// while, so that what it stamps does not lie in the future.
    pub fn started_before(speed: f64, before: Duration) -> Self {
        let before = SignedDuration::try_from(before).unwrap_or(SignedDuration::ZERO);
        let now = wall_now();
        Self::new(speed, now.checked_sub(before).unwrap_or(now))
    }

    /// Twin seconds in one of ours.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Twin time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.twin(self.started.elapsed())
    }

    /// Twin time now, whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let since = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.origin.checked_add(SignedDuration::from_millis(since)).unwrap_or(Timestamp::MAX)
    }

    /// Our time now, from the same origin, whole milliseconds: what a twin stamps whose callers bound their questions
    /// by their own clock.
    pub fn ours(&self) -> Timestamp {
        let since = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.origin.checked_add(SignedDuration::from_millis(since)).unwrap_or(Timestamp::MAX)
    }

    /// How long `twin` time takes on our clock.
    pub fn real(&self, twin: Duration) -> Duration {
        Duration::try_from_secs_f64(twin.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }

    /// How much twin time goes by in `real` time.
    pub fn twin(&self, real: Duration) -> Duration {
        Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).unwrap_or(Duration::MAX)
    }

    /// Waits for `twin` time to go by.
    pub async fn sleep(&self, twin: Duration) {
        tokio::time::sleep(self.real(twin)).await;
    }

    /// What the clock says about itself.
    pub fn shown(&self) -> Shown {
        Shown { speed: self.speed, now: self.now(), origin: self.origin }
    }
}

/// The one place where the twins look at the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the outside world's own `clock`")]
fn wall_now() -> Timestamp {
    Timestamp::now()
}

/// `2026-11-22T10:00:00Z`, whole seconds, as most systems write times.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_twin_time_passes_in_a_second_at_speed_3600() {
        let clock = Clock::new(3600.0, Timestamp::UNIX_EPOCH);
        let before = Instant::now();
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(before.elapsed().as_secs(), 1);
        assert!(clock.now().as_second() >= 3600);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_keeps_its_speed_within_bounds_and_says_it() {
        assert!((Clock::new(f64::NAN, Timestamp::UNIX_EPOCH).speed() - 1.0).abs() < 1e-9);
        let shown = Clock::new(1e12, Timestamp::UNIX_EPOCH).shown();
        assert!((shown.speed - SPEED.1).abs() < 1e-9);
    }
}
