//! The gate: exactly one probe, late answers, cancelled calls, forced states.

use futures_util::future::BoxFuture;

use super::*;
use crate::resilience::limit::Rate;

fn policy() -> BreakerPolicy {
    BreakerPolicy { consecutive: 3, ..BreakerPolicy::default() }
}

fn gate() -> Arc<Gate> {
    Gate::new(&policy(), Jitter::none()).unwrap()
}

fn fail(gate: &Arc<Gate>, now: Instant) {
    let mut admission = gate.admit(now).unwrap();
    admission.begin();
    admission.settle(Health::Ill, now);
}

fn opened(now: Instant) -> Arc<Gate> {
    let gate = gate();
    for _ in 0..3 {
        fail(&gate, now);
    }
    assert_eq!(gate.state(now), GateState::Open);
    gate
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_and_time_lets_one_probe_pass() {
    let now = Instant::now();
    let gate = opened(now);
    assert_eq!(gate.admit(now).unwrap_err().until, Some(now + Duration::from_secs(2)));
    let later = now + Duration::from_secs(2);
    assert_eq!(gate.state(later), GateState::HalfOpen);
    let probe = gate.admit(later).unwrap();
    assert!(probe.is_probe());
    assert_eq!(gate.admit(later).unwrap_err(), Shut { until: None }, "exactly one");
    probe.settle(Health::Well, later);
    assert_eq!(gate.state(later), GateState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_it_for_longer() {
    let now = Instant::now();
    let gate = opened(now);
    let later = now + Duration::from_secs(2);
    fail(&gate, later);
    assert_eq!(gate.admit(later).unwrap_err().until, Some(later + Duration::from_secs(4)));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_changes_nothing_while_it_is_open_or_probing() {
    let now = Instant::now();
    let gate = gate();
    let mut early = gate.admit(now).unwrap();
    let mut second = gate.admit(now).unwrap();
    early.begin();
    second.begin();
    for _ in 0..3 {
        fail(&gate, now);
    }
    early.settle(Health::Well, now);
    assert_eq!(gate.state(now), GateState::Open);
    let later = now + Duration::from_secs(2);
    let probe = gate.admit(later).unwrap();
    second.settle(Health::Ill, later);
    assert_eq!(gate.state(later), GateState::HalfOpen, "only the probe ends it");
    probe.settle(Health::Well, later);
    assert_eq!(gate.state(later), GateState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_half_way_counts_as_failed() {
    let now = Instant::now();
    let gate = opened(now);
    tokio::time::advance(Duration::from_secs(2)).await;
    let later = Instant::now();
    let mut probe = gate.admit(later).unwrap();
    probe.begin();
    drop(probe);
    assert_eq!(gate.state(later), GateState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_began_is_given_back() {
    let now = Instant::now();
    let gate = opened(now);
    let later = now + Duration::from_secs(2);
    drop(gate.admit(later).unwrap());
    assert_eq!(gate.state(later), GateState::HalfOpen);
    assert!(gate.admit(later).unwrap().is_probe());
}

#[tokio::test(start_paused = true)]
async fn asking_whether_it_would_pass_takes_no_probe() {
    let now = Instant::now();
    let gate = opened(now);
    let later = now + Duration::from_secs(2);
    assert!(gate.would_admit(now).is_err());
    assert!(gate.would_admit(later).is_ok());
    assert!(gate.would_admit(later).is_ok());
    let _probe = gate.admit(later).unwrap();
    assert!(gate.would_admit(later).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_person_overrules_the_detector() {
    let now = Instant::now();
    let gate = opened(now);
    gate.force(Some(Force::Closed));
    fail(&gate, now);
    assert_eq!(gate.state(now), GateState::Closed);
    gate.force(Some(Force::Open));
    assert_eq!(gate.admit(now).unwrap_err(), Shut { until: None });
    gate.force(None);
    assert_eq!(gate.state(now), GateState::Closed);
}

#[test]
fn a_policy_that_would_make_the_detector_panic_is_refused() {
    let half = Duration::from_millis(500);
    let cases = [
        (BreakerPolicy { first_open: half, ..policy() }, PolicyError::BelowOneSecond("first")),
        (BreakerPolicy { longest_open: half, ..policy() }, PolicyError::BelowOneSecond("longest")),
        (BreakerPolicy { window: half, ..policy() }, PolicyError::BelowOneSecond("window")),
        (
            BreakerPolicy { longest_open: Duration::from_secs(1), ..policy() },
            PolicyError::LongestBelowFirst,
        ),
        (BreakerPolicy { consecutive: 0, ..policy() }, PolicyError::NoFailures),
        (BreakerPolicy { success_rate: 1.5, ..policy() }, PolicyError::Rate),
        (BreakerPolicy { success_rate: f64::NAN, ..policy() }, PolicyError::Rate),
    ];
    for (policy, error) in cases {
        assert_eq!(Gate::new(&policy, Jitter::none()).unwrap_err(), error);
    }
}

/// What a gate told the others.
#[derive(Debug, Default)]
struct Others(Mutex<Vec<String>>);

impl Others {
    fn note(&self, told: String) {
        self.0.lock().unwrap().push(told);
    }
}

impl Share for Others {
    fn shut(&self, operation: &str, left: Duration, delay: Duration) {
        self.note(format!("{operation} shut for {} s of {}", left.as_secs(), delay.as_secs()));
    }

    fn opened(&self, operation: &str) {
        self.note(format!("{operation} opened"));
    }

    fn throttled(&self, limit: &str, _: Duration) {
        self.note(format!("{limit} throttled"));
    }

    fn may_probe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }

    fn take<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        Box::pin(std::future::ready(Ok(want)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_tells_the_others_and_heeds_them() {
    let others = Arc::new(Others::default());
    let share = Some((Arc::<Others>::clone(&others) as Arc<dyn Share>, "create".into()));
    let gate = Gate::shared(&policy(), Jitter::none(), share).unwrap();
    let now = Instant::now();
    for _ in 0..3 {
        fail(&gate, now);
    }
    let later = now + Duration::from_secs(2);
    gate.admit(later).unwrap().settle(Health::Well, later);
    assert_eq!(*others.0.lock().unwrap(), ["create shut for 2 s of 2", "create opened"]);

    gate.opened_by_others();
    let until = later + Duration::from_secs(4);
    gate.shut_by_others(until, Duration::from_secs(4), later);
    assert_eq!(gate.admit(later).unwrap_err().until, Some(until));
    assert_eq!(gate.state(until), GateState::HalfOpen, "it may be tried");
    gate.opened_by_others();
    assert_eq!(gate.state(later), GateState::Closed);
    gate.shut_by_others(later, Duration::from_secs(4), later);
    assert_eq!(gate.state(later), GateState::Closed, "an old word");
    assert_eq!(others.0.lock().unwrap().len(), 2, "what was heard is not told again");
}

#[tokio::test(start_paused = true)]
async fn what_the_others_do_not_know_yet_is_not_over() {
    let gate = opened(Instant::now());
    gate.opened_by_others();
    assert_eq!(gate.state(Instant::now()), GateState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_another_process_makes_is_waited_for() {
    let now = Instant::now();
    let gate = opened(now);
    let later = now + Duration::from_secs(2);
    let again = later + Duration::from_secs(1);
    let defer = || gate.admit(later).unwrap().defer(again);
    defer();
    assert_eq!(gate.admit(later).unwrap_err().until, Some(again));
    assert_eq!(gate.would_admit(later).unwrap_err().until, Some(again));
    assert_eq!(gate.state(later), GateState::HalfOpen, "it is being tried");
    // An old word of the others says nothing of what they find now.
    gate.shut_by_others(now, Duration::from_secs(2), later);
    assert_eq!(gate.state(later), GateState::HalfOpen);
    assert!(gate.admit(again).unwrap().is_probe(), "nobody has said what came of it");

    defer();
    let until = later + Duration::from_secs(4);
    gate.shut_by_others(until, Duration::from_secs(4), later);
    assert_eq!(gate.state(again), GateState::Open, "it came to nothing");
    assert_eq!(gate.admit(again).unwrap_err().until, Some(until));
    gate.admit(until).unwrap().defer(until + Duration::from_secs(1));
    gate.opened_by_others();
    assert_eq!(gate.state(until), GateState::Closed, "it was answered");
}
