//! Verdicts as a table.

use super::*;

const NOW: &str = "2026-11-22T10:00:00Z";

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

fn verdict(error: CallError, idempotency: Idempotency, attempt: u32) -> Settlement {
    let end = AttemptEnd::Failed {
        doubt: matches!(error, CallError::MayHaveActed { .. }),
        failure: error.into(),
        idempotency,
        began: at("09:59:55"),
        timeout: Duration::from_secs(10),
    };
    judged(&end, attempt)
}

fn judged(end: &AttemptEnd, attempt: u32) -> Settlement {
    let (redelivery, jitter) = (Redelivery::default(), Jitter::none());
    let now = NOW.parse().unwrap();
    judge(end, Policy { redelivery: &redelivery, jitter: &jitter, attempt, now })
}

fn why() -> String {
    "x".to_owned()
}

fn lost() -> CallError {
    CallError::MayHaveActed { why: why() }
}

fn find() -> Idempotency {
    Idempotency::FindFirst { step: 2, settles: Duration::from_secs(30) }
}

#[test]
fn each_failure_has_its_class_and_its_next_attempt() {
    use Idempotency::{Safe, Unsafe};
    use ReceiptClass as C;
    let busy = |wait: Option<u64>| CallError::NotActed {
        why: why(),
        retry_after: wait.map(Duration::from_secs),
    };
    let throttled = |wait: u64| CallError::Throttled {
        why: why(),
        retry_after: Some(Duration::from_secs(wait)),
    };
    let no = CallError::SaidNo { status: 422, why: why() };
    let denied = CallError::NotAllowed { status: Some(401), why: why() };
    let already = CallError::Already { why: why() };
    let cases = [
        (busy(None), Unsafe, 1, C::NotActed, Some("10:00:05"), None),
        (busy(Some(60)), Unsafe, 1, C::NotActed, Some("10:01:00"), None),
        (busy(None), Unsafe, 2, C::NotActed, Some("10:00:10"), None),
        (busy(None), Unsafe, 99, C::Dead, None, None),
        (lost(), Safe, 1, C::MayHaveActed, Some("10:00:05"), None),
        (lost(), find(), 1, C::MayHaveActed, Some("10:00:35"), Some(2)),
        (lost(), find(), 9, C::MayHaveActed, Some("10:21:20"), Some(2)),
        (lost(), Unsafe, 1, C::InDoubt, None, None),
        (throttled(120), Unsafe, 99, C::Throttled, Some("10:02:00"), None),
        (no, Unsafe, 1, C::SaidNo, None, None),
        (denied, Unsafe, 1, C::NotAllowed, Some("10:05:00"), None),
        (already.clone(), find(), 1, C::MayHaveActed, Some("10:00:00"), Some(2)),
        (already.clone(), Safe, 1, C::Already, None, None),
        (already, Unsafe, 1, C::InDoubt, None, None),
    ];
    for (error, idempotency, attempt, class, due, resume) in cases {
        let name = format!("{error} {idempotency:?} {attempt}");
        let verdict = verdict(error, idempotency, attempt);
        assert_eq!(verdict.class, class, "{name}");
        assert_eq!(verdict.next_due, due.map(at), "{name}");
        assert_eq!(verdict.resume, resume, "{name}");
    }
}

#[test]
fn what_may_have_acted_before_is_looked_for_whatever_came_last() {
    let failure = Failure {
        cause: Cause::Call(CallError::NotActed { why: why(), retry_after: None }),
        earlier_may_have_acted: true,
    };
    let end = |idempotency| AttemptEnd::Failed {
        failure: failure.clone(),
        doubt: true,
        idempotency,
        began: at("10:00:00"),
        timeout: Duration::from_secs(10),
    };
    assert_eq!(judged(&end(Idempotency::Unsafe), 1).class, ReceiptClass::InDoubt);
    assert_eq!(judged(&end(find()), 1).resume, Some(2));
}

#[test]
fn what_is_given_up_may_be_there_whatever_it_is_shown_as() {
    let already = || CallError::Already { why: why() };
    let busy = || CallError::NotActed { why: why(), retry_after: None };
    for (error, last, shown, there) in [
        (already(), 99, "already", true),
        (lost(), 99, "may_have_acted", true),
        (busy(), 99, "not_acted", false),
        (already(), 1, "already", false),
    ] {
        let verdict = verdict(error, find(), last);
        assert_eq!((verdict.shown, verdict.may_be_there), (shown, there), "{verdict:?}");
    }
    let no = verdict(CallError::SaidNo { status: 422, why: why() }, find(), 99);
    assert!(!no.may_be_there);
}

#[test]
fn looking_alone_changes_nothing_there() {
    let end = AttemptEnd::Failed {
        failure: lost().into(),
        doubt: false,
        idempotency: Idempotency::Safe,
        began: at("10:00:00"),
        timeout: Duration::from_secs(10),
    };
    assert_eq!(judged(&end, 1).class, ReceiptClass::NotActed);
}

#[test]
fn a_lapsed_flight_is_repeated_looked_for_or_shown_to_a_person() {
    let end = |idempotency| AttemptEnd::Lapsed {
        idempotency,
        began: at("09:59:30"),
        timeout: Duration::from_secs(10),
    };
    let safe = judged(&end(Idempotency::Safe), 1);
    assert_eq!((safe.class, safe.next_due), (ReceiptClass::MayHaveActed, Some(at("10:00:00"))));
    let look = judged(&end(find()), 1);
    assert_eq!((look.next_due, look.resume), (Some(at("10:00:10")), Some(2)));
    assert_eq!(judged(&end(Idempotency::Unsafe), 1).class, ReceiptClass::InDoubt);
}

fn waits(asked: u32) -> AttemptEnd {
    AttemptEnd::Waits(Wait { every: Duration::from_secs(30), asked })
}

#[test]
fn a_job_that_never_ends_is_given_up() {
    let often = judged(&waits(MOST_ASKED), 1);
    assert_eq!((often.class, often.next_due), (ReceiptClass::Throttled, Some(at("10:00:30"))));
    assert!(often.why.contains("each 30 s"), "{}", often.why);
    // From then on each time spends an attempt, and none comes sooner than the file says.
    let patient = judged(&waits(MOST_ASKED + 1), 1);
    assert_eq!((patient.class, patient.next_due), (ReceiptClass::NotActed, Some(at("10:00:30"))));
    let longer = judged(&waits(MOST_ASKED + 5), 5);
    assert_eq!(longer.next_due, Some(at("10:01:20")));
    let ended = judged(&waits(MOST_ASKED + 99), 99);
    assert_eq!((ended.class, ended.next_due), (ReceiptClass::Dead, None));
}

#[test]
fn what_was_refused_of_a_step_is_tried_again_or_shown_and_the_lane_waits_for_the_person() {
    let refused = orderhub_connectors::contract::Refused { ours: "L2".to_owned(), why: why() };
    let part = |again| {
        let (step, xrefs) = ("put".to_owned(), Vec::new());
        let refused = vec![refused.clone()];
        AttemptEnd::Part(Box::new(Part { step, refused, of: 3, again, xrefs }))
    };
    let later = judged(&part(true), 1);
    assert_eq!((later.class, later.next_due), (ReceiptClass::NotActed, Some(at("10:00:05"))));
    for (again, attempt) in [(false, 1), (true, 99)] {
        let shown = judged(&part(again), attempt);
        assert_eq!((shown.class, shown.shown), (ReceiptClass::InDoubt, "said_no"));
        let what = if again { "were not taken" } else { "were refused" };
        assert!(shown.why.contains(&format!("1 of 3 {what}: `L2`: x")), "{}", shown.why);
        assert_eq!((shown.next_due, shown.resume), (None, None));
    }
}
