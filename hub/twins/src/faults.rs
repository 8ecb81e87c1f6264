//! What goes wrong at a twin, by script: in a window of time, or for a number of requests.
//!
//! A fault is more than a status: whether the twin *took effect* before, after or never is what the
//! hub must find out by itself. Times are twin time, from the moment the script was set. Scripts are
//! set in code, or by `POST /_twin/faults`; the first rule that fits a request decides.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::serve::Wire;

/// Rules that a script may hold.
pub const MAX_RULES: usize = 64;

/// How long a hanging twin holds a request: longer than anybody's timeout, yet bounded (our time).
const HANGS: Duration = Duration::from_secs(600);

/// One rule of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests of this operation; all if none.
    #[serde(default)]
    pub operation: Option<String>,
    /// What the caller gets instead of the answer.
    pub fault: Fault,
    /// Whether the twin does what was asked.
    #[serde(default)]
    pub acts: Acts,
    /// Only so many requests; any number if none.
    #[serde(default)]
    pub count: Option<u32>,
    /// From this twin time after the script was set.
    #[serde(default)]
    pub from_s: f64,
    /// Until this twin time after the script was set; for ever if none.
    #[serde(default)]
    pub until_s: Option<f64>,
    /// Only requests beyond a rate; all if none.
    #[serde(default)]
    pub beyond: Option<Allowed>,
}

/// A rate that a twin allows: a bucket that leaks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Requests that become free again in a second of twin time.
    pub per_s: f64,
    /// Requests at once after a quiet time.
    pub burst: u32,
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// This status with a body that is not the system's own, like a gateway's.
    Status(u16),
    /// 429.
    Throttled {
        /// `Retry-After`, real seconds: the header's unit.
        retry_after_s: u64,
    },
    /// The right answer, so much later (twin time).
    SlowMs(u64),
    /// No answer.
    Hang,
    /// The connection closes before the first byte of an answer.
    Close,
}

/// Whether the twin does what was asked, when the caller does not get the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acts {
    /// It does nothing.
    #[default]
    Never,
    /// It has done it before the caller sees the fault.
    Before,
    /// It does it so much later than the caller sees the fault (twin time): a gateway's 504 does not
    /// mean that the system behind it has stopped.
    LaterMs(u64),
}

impl Rule {
    /// A fault for every request of an operation, without effect.
    pub fn on(operation: &str, fault: Fault) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            fault,
            acts: Acts::Never,
            count: None,
            from_s: 0.0,
            until_s: None,
            beyond: None,
        }
    }

    /// A fault for every request, without effect.
    pub fn all(fault: Fault) -> Self {
        Self { operation: None, ..Self::on("", fault) }
    }

    /// A gateway's 504 before the effect: nothing was done there. For the caller it is the same, to the
    /// byte, as [`Rule::lost_after_effect`]: it may have acted.
    pub fn lost_before_effect(operation: &str) -> Self {
        Self::on(operation, Fault::Status(504))
    }

    /// A gateway's 504 after the effect: it was done, and only the answer is lost.
    pub fn lost_after_effect(operation: &str) -> Self {
        Self::lost_before_effect(operation).acting(Acts::Before)
    }

    /// The same with an effect.
    pub fn acting(self, acts: Acts) -> Self {
        Self { acts, ..self }
    }

    /// The same for so many requests only.
    pub fn times(self, count: u32) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same for requests beyond a rate only.
    pub fn beyond(self, per_s: f64, burst: u32) -> Self {
        Self { beyond: Some(Allowed { per_s, burst }), ..self }
    }

    /// The same in a window of twin time only.
    pub fn between(self, from: Duration, until: Duration) -> Self {
        Self { from_s: from.as_secs_f64(), until_s: Some(until.as_secs_f64()), ..self }
    }
}

/// The script of one twin. Clones share it.
#[derive(Clone, Debug)]
pub struct Faults {
    clock: Clock,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    since: Duration,
    rules: Vec<Rule>,
    hits: Vec<u32>,
    buckets: Vec<Bucket>,
}

/// What is in the bucket of a rule.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    level: f64,
    at: Duration,
}

impl Bucket {
    /// Whether a request finds room.
    fn takes(&mut self, allowed: Allowed, now: Duration) -> bool {
        let leaked = now.saturating_sub(self.at).as_secs_f64() * allowed.per_s;
        (self.level, self.at) = ((self.level - leaked).max(0.0), now);
        let takes = self.level + 1.0 <= f64::from(allowed.burst);
        self.level += f64::from(u8::from(takes));
        takes
    }
}

impl Faults {
    /// No faults.
    pub fn none(clock: Clock) -> Self {
        Self { clock, script: Arc::default() }
    }

    /// Replaces the script; its windows begin now. Rules past [`MAX_RULES`] are not taken.
    pub fn set(&self, mut rules: Vec<Rule>) {
        rules.truncate(MAX_RULES);
        let (hits, buckets) = (vec![0; rules.len()], vec![Bucket::default(); rules.len()]);
        *self.script() = Script { since: self.clock.elapsed(), rules, hits, buckets };
    }

    /// The rules, each with how often it struck.
    pub fn shown(&self) -> Vec<(Rule, u32)> {
        let script = self.script();
        script.rules.iter().cloned().zip(script.hits.iter().copied()).collect()
    }

    /// The rule that strikes a request of an operation now, if any; it counts as used.
    pub fn strike(&self, operation: &str) -> Option<(Fault, Acts)> {
        let now = self.clock.elapsed();
        let mut script = self.script();
        let since = now.saturating_sub(script.since).as_secs_f64();
        let Script { rules, hits, buckets, .. } = &mut *script;
        for ((rule, hits), bucket) in rules.iter().zip(hits.iter_mut()).zip(buckets.iter_mut()) {
            let names = rule.operation.as_deref().is_none_or(|name| name == operation);
            let within = since >= rule.from_s && rule.until_s.is_none_or(|until| since < until);
            let left = rule.count.is_none_or(|count| *hits < count);
            if names && within && left && !rule.beyond.is_some_and(|rate| bucket.takes(rate, now)) {
                *hits += 1;
                return Some((rule.fault, rule.acts));
            }
        }
        None
    }

    /// Lets a fault come between a request and its effect.
    ///
    /// The effect runs in a task of its own where the caller may be gone before it ends: systems do
    /// not stop because nobody waits any more.
    pub async fn between<F>(&self, fault: (Fault, Acts), wire: &Wire, effect: F) -> Response
    where
        F: Future<Output = Response> + Send + 'static,
    {
        if let (Fault::SlowMs(ms), _) = fault {
            let clock = self.clock.clone();
            let late = tokio::spawn(async move {
                clock.sleep(Duration::from_millis(ms)).await;
                effect.await
            });
            return late.await.unwrap_or_else(|_| broken());
        }
        match fault.1 {
            Acts::Never => {}
            Acts::Before => {
                if tokio::spawn(effect).await.is_err() {
                    return broken();
                }
            }
            Acts::LaterMs(ms) => {
                let clock = self.clock.clone();
                tokio::spawn(async move {
                    clock.sleep(Duration::from_millis(ms)).await;
                    effect.await
                });
            }
        }
        fault.0.answer(wire).await
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    async fn answer(self, wire: &Wire) -> Response {
        match self {
            Fault::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                (status, "<html><body>the gateway gave up</body></html>").into_response()
            }
            Fault::Throttled { retry_after_s } => (
                StatusCode::TOO_MANY_REQUESTS,
                [(header::RETRY_AFTER, retry_after_s.to_string())],
                axum::Json(serde_json::json!({ "message": "too many requests" })),
            )
                .into_response(),
            Fault::Hang => {
                tokio::time::sleep(HANGS).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            // Slow requests were answered by their effect.
            Fault::Close | Fault::SlowMs(_) => {
                wire.cut();
                StatusCode::BAD_GATEWAY.into_response()
            }
        }
    }
}

fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "the twin failed while it acted").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn faults() -> Faults {
        Faults::none(Clock::new(60.0, Timestamp::UNIX_EPOCH))
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_strikes_so_often_and_only_its_operation() {
        let faults = faults();
        faults.set(vec![Rule::on("create", Fault::Status(504)).times(2)]);
        assert_eq!(faults.strike("read"), None);
        assert!(faults.strike("create").is_some());
        assert!(faults.strike("create").is_some());
        assert_eq!(faults.strike("create"), None);
        assert_eq!(faults.shown()[0].1, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_opens_and_closes_on_the_twins_clock() {
        let faults = faults();
        let rule = Rule::all(Fault::Close);
        faults.set(vec![rule.between(Duration::from_secs(60), Duration::from_secs(120))]);
        assert_eq!(faults.strike("create"), None);
        tokio::time::advance(Duration::from_millis(1_100)).await;
        assert!(faults.strike("create").is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(faults.strike("create"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_beyond_a_rate_strikes_what_comes_too_fast() {
        let faults = faults();
        faults.set(vec![Rule::all(Fault::Throttled { retry_after_s: 1 }).beyond(1.0, 2)]);
        let strikes = |count| (0..count).filter(|_| faults.strike("create").is_some()).count();
        assert_eq!(strikes(3), 1);
        // A second and a half of the twin, whose clock runs sixty times as fast.
        tokio::time::advance(Duration::from_millis(25)).await;
        assert_eq!(strikes(2), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_effect_comes_before_the_fault_after_it_or_never() {
        for (acts, at_answer, later) in
            [(Acts::Never, 0, 0), (Acts::Before, 1, 1), (Acts::LaterMs(60_000), 0, 1)]
        {
            let faults = faults();
            let done = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&done);
            let effect = async move {
                count.fetch_add(1, Ordering::SeqCst);
                StatusCode::CREATED.into_response()
            };
            let wire = Wire::default();
            let answer = faults.between((Fault::Status(504), acts), &wire, effect).await;
            assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
            assert_eq!(done.load(Ordering::SeqCst), at_answer, "{acts:?}");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(done.load(Ordering::SeqCst), later, "{acts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_connection_is_cut_without_an_answer() {
        let wire = Wire::default();
        let effect = async { StatusCode::CREATED.into_response() };
        faults().between((Fault::Close, Acts::Before), &wire, effect).await;
        assert!(wire.is_cut());
    }

    #[test]
    fn a_script_reads_as_people_write_it() {
        let text = r#"[{ "operation": "create_sale", "fault": { "status": 504 }, "acts": "before", "count": 3 },
            { "fault": { "throttled": { "retry_after_s": 2 } }, "until_s": 10 },
            { "fault": "hang", "acts": { "later_ms": 500 } }]"#;
        let rules: Vec<Rule> = serde_json::from_str(text).unwrap();
        assert_eq!(rules[0].acts, Acts::Before);
        assert_eq!(rules[1].fault, Fault::Throttled { retry_after_s: 2 });
        assert_eq!(rules[2].acts, Acts::LaterMs(500));
    }
}
