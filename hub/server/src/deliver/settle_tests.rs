//! Verdicts as a table, and references of replies.

use orderhub_order::catalogue::FieldId;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::WantKey;

use super::*;

const NOW: &str = "2026-11-22T10:00:00Z";

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

fn verdict(error: CallError, idempotency: Idempotency, attempt: u32) -> Verdict {
    let end = End::Failed {
        doubt: matches!(error, CallError::MayHaveActed { .. }),
        failure: error.into(),
        idempotency,
        began: at("09:59:55"),
        timeout: Duration::from_secs(10),
    };
    judged(&end, attempt)
}

fn judged(end: &End, attempt: u32) -> Verdict {
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
    let denied = CallError::NotAllowed { why: why() };
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
        (already, Safe, 1, C::Already, None, None),
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
    let end = |idempotency| End::Failed {
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
fn looking_alone_changes_nothing_there() {
    let end = End::Failed {
        failure: lost().into(),
        doubt: false,
        idempotency: Idempotency::Safe,
        began: at("10:00:00"),
        timeout: Duration::from_secs(10),
    };
    let verdict = judged(&end, 1);
    assert_eq!(verdict.class, ReceiptClass::NotActed);
    assert_eq!(
        touched(verdict).class,
        ReceiptClass::MayHaveActed,
        "but something was written before"
    );
}

#[test]
fn a_lapsed_flight_is_repeated_looked_for_or_shown_to_a_person() {
    let end = |idempotency| End::Lapsed {
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

fn line(id: &str) -> At {
    At::of(Collection::Lines, ElementId::new(id))
}

fn order() -> Order {
    let system = SystemName::new("shop");
    let mut order = Order::new(OrderKey(1), "shop-1001".into(), system, "default".into());
    for collection in [Collection::Lines, Collection::Lines, Collection::Fulfilments] {
        let id = order.next_id(collection);
        let element = orderhub_order::model::Element::new(id, None);
        order.collections.entry(collection).or_default().push(element);
    }
    order
}

fn flight(subject: At, entity: Entity, sent: &[At]) -> Flight {
    let values = sent.iter().map(|at| (at.clone(), FieldId(1), None)).collect();
    Flight {
        want: WantKey { rule: "r".into(), subject, fact: None },
        operation: "create".into(),
        entity,
        creates: true,
        attempt: 1,
        fence: 1,
        deadline: at("10:01:00"),
        version: 1,
        bundle: "b".into(),
        inputs: Vec::new(),
        hash: [0; 16],
        memo: Vec::new(),
        key: "k".into(),
        values,
        may_have_acted: false,
        in_air: true,
        began: None,
    }
}

#[test]
fn references_of_a_reply_find_our_things_by_id_and_by_position() {
    let order = order();
    let fulfilment = At::of(Collection::Fulfilments, ElementId::new("F1"));
    let within = |id: &str| fulfilment.with(Collection::FulfilmentLines, ElementId::new(id));
    let sent = [fulfilment.clone(), within("L2"), within("L2"), within("L1")];
    let flight = flight(fulfilment.clone(), Entity::Fulfilment, &sent);
    let xref = |kind: &str, ours| ReplyXref { kind: kind.to_owned(), ours, ext_id: "9".to_owned() };
    let id = |id: &str| Some(Ours::Id(id.to_owned()));
    let cases = [
        (xref("fulfilment", None), Some(fulfilment.clone())),
        (xref("order", None), Some(At::ROOT)),
        (xref("customer", None), Some(fulfilment.clone())),
        (xref("shipment", None), None),
        (xref("line", id("L1")), Some(line("L1"))),
        (xref("line", id("L7")), None),
        (xref("fulfilment", id("shop-1001-F1")), Some(fulfilment.clone())),
        (xref("line", Some(Ours::Position(0))), Some(line("L2"))),
        (xref("line", Some(Ours::Position(1))), Some(line("L1"))),
        (xref("line", Some(Ours::Position(2))), None),
        (xref("release_line", Some(Ours::Position(1))), Some(within("L1"))),
    ];
    for (xref, expected) in cases {
        assert_eq!(place(&xref, &flight, &order), expected, "{xref:?}");
    }
    let (bound, lost) = bind(&[xref("line", id("L1")), xref("line", id("L7"))], &flight, &order);
    assert_eq!((bound.len(), lost), (1, 1));
}
