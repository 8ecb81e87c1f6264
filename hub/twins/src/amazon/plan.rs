//! The vendor's usage plans: a bucket for each operation, in twin time, and what answers say of it.
//!
//! Rates and bursts of the models' descriptions, for one application and one seller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::routes::failed;
use crate::clock::Clock;
use crate::frame::{Frame, lock};

/// What a refused call is counted as, behind the operation's name.
pub(super) const REFUSED: &str = " refused for its rate";

/// An operation with its plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) operation: &'static str,
    /// Calls in a second of twin time.
    rate: f64,
    burst: f64,
}

/// searchOrders
pub(super) const SEARCH: usize = 0;
/// getOrder
pub(super) const GET: usize = 1;
/// confirmShipment
pub(super) const CONFIRM: usize = 2;

const PLANS: [Plan; 3] = [
    Plan { operation: "search_orders", rate: 0.0056, burst: 20.0 },
    Plan { operation: "get_order", rate: 0.5, burst: 30.0 },
    Plan { operation: "confirm_shipment", rate: 2.0, burst: 10.0 },
];

/// What is left of each.
#[derive(Clone, Debug)]
pub(super) struct Plans(Arc<Mutex<[Level; 3]>>);

#[derive(Clone, Copy, Debug)]
struct Level {
    calls: f64,
    at: Duration,
}

impl Plans {
    pub(super) fn full(clock: &Clock) -> Self {
        let full = PLANS.map(|plan| Level { calls: plan.burst, at: clock.elapsed() });
        Self(Arc::new(Mutex::new(full)))
    }

    /// Takes a call; whether there was one.
    fn take(&self, which: usize, now: Duration) -> bool {
        let mut levels = lock(&self.0);
        let (Some(level), Some(plan)) = (levels.get_mut(which), PLANS.get(which)) else {
            return false;
        };
        let passed = now.saturating_sub(level.at).as_secs_f64();
        let calls = (level.calls + passed * plan.rate).min(plan.burst);
        let there = calls >= 1.0;
        *level = Level { calls: calls - f64::from(u8::from(there)), at: now };
        there
    }

    /// The way of every call under a plan: refused, or answered with the rate that holds.
    pub(super) async fn run(
        &self,
        frame: &Frame,
        which: usize,
        effect: impl Future<Output = Response>,
    ) -> Response {
        let Some(plan) = PLANS.get(which) else { return failed(404, "NotFound", "", None) };
        if !self.take(which, frame.clock.elapsed()) {
            frame.ledger.received(&format!("{}{REFUSED}", plan.operation));
            let why = "You exceeded your quota for the requested resource.";
            let kind = [("x-amzn-errortype", "QuotaExceeded")];
            return (kind, failed(429, "QuotaExceeded", why, Some(""))).into_response();
        }
        let mut answer = effect.await;
        // The callers' unit: calls in a second of ours. Failures of the vendor's own say nothing of it.
        let rate = HeaderValue::from_str(&format!("{}", plan.rate * frame.clock.speed()));
        if let Ok(rate) = rate
            && answer.status() < StatusCode::INTERNAL_SERVER_ERROR
        {
            answer.headers_mut().insert("x-amzn-ratelimit-limit", rate);
        }
        answer
    }

    pub(super) fn operation(which: usize) -> &'static str {
        PLANS.get(which).map_or("nothing", |plan| plan.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_runs_out_and_comes_back_one_call_at_a_time() {
        let clock = Clock::new(60.0, jiff::Timestamp::UNIX_EPOCH);
        let plans = Plans::full(&clock);
        let now = |seconds: u64| Duration::from_secs(seconds);
        assert!((0..20).all(|_| plans.take(SEARCH, now(0))), "the whole burst");
        assert!(!plans.take(SEARCH, now(170)), "one in 178.6 seconds");
        assert!(plans.take(SEARCH, now(179)) && !plans.take(SEARCH, now(180)));
        assert!(plans.take(CONFIRM, now(0)), "each has its own");
        assert!((0..20).all(|_| plans.take(SEARCH, now(100_000))), "no more than the burst");
        assert!(!plans.take(SEARCH, now(100_000)));
    }
}
