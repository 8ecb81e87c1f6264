//! Calls that a person has made again, by connectors as files write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_connectors::declared::{Declared, compile};
use orderhub_lang::diagnostic::Source;
use orderhub_lang::value::Value;

use super::*;

const HEAD: &str = "orderhub: 1\nconnector: erp\nbase: \"{base_url}\"\noperations:\n  make:\n    kind: state\n    \
                    entity: order\n    creates: true\n    steps:\n";

/// A party that nobody can look for, and an order that can be found.
const FOUND: &str = r#"
      - { id: party, method: POST, path: /parties, idempotency: unsafe, save: { party: body.id } }
      - { id: find, method: GET, path: /orders, save: { id: body.items.0.id } }
      - { id: order, method: POST, path: /orders, when: "!has(memo.id)", idempotency: { find_first: find, settles: 30s }, save: { id: body.id } }
      - { id: look, method: GET, path: /orders/last }
    reply: { xrefs: { order: memo.id } }
"#;

/// A party and an order that nobody can look for.
const UNSAFE: &str = r#"
      - { id: party, method: POST, path: /parties, idempotency: unsafe, save: { party: body.id } }
      - { id: order, method: POST, path: /orders, idempotency: unsafe, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
"#;

/// The last step cannot be built.
const BROKEN: &str = r#"
      - { id: order, method: POST, path: /orders, idempotency: unsafe, save: { id: body.id } }
      - { id: confirm, method: POST, path: /confirm, idempotency: safe, body: { at: "{int(doc.word)}" } }
    reply: { xrefs: { order: memo.id } }
"#;

fn connector(steps: &str) -> Declared {
    let source = Arc::new(Source::new("connector.yaml", format!("{HEAD}{steps}")));
    compile(&source).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// The step at which the call goes on, from a memo at a step.
fn next(steps: &str, step: u32, asks: Asks) -> (String, Option<Timestamp>) {
    let connector = connector(steps);
    let (none, values) = (BTreeMap::new(), BTreeMap::new());
    let call = Call {
        operation: "make",
        document: br#"{"word":"no number"}"#,
        changed: None,
        media: "application/json",
        key: "k",
        attempt: 1,
        base_url: "http://erp",
        settings: &none,
        xrefs: &values,
        args: &values,
        fields: &[],
    };
    let mut memo = Memo { step, ..Memo::default() };
    memo.saved.insert("party".to_owned(), Value::Int(7));
    let until = look_first(&connector, &call, &mut memo, asks);
    assert_eq!(memo.saved["party"], Value::Int(7), "what is known is kept");
    let named = match connector.next(&call, &memo) {
        Ok(NextStep::Send(request)) => request.step,
        other => format!("{other:?}"),
    };
    (named, until)
}

#[test]
fn what_has_come_to_its_end_goes_on_at_its_last_step_that_writes() {
    let person = Asks::Person(None, Duration::ZERO);
    assert_eq!(next(FOUND, 4, person).0, "find", "never the party a second time");
    assert_eq!(next(UNSAFE, 2, person).0, "order");
    assert_eq!(next(UNSAFE, 1, person).0, "order", "what is not at its end goes on there");
    let (stands, _) = next(BROKEN, 1, person);
    assert!(stands.starts_with("Err("), "what cannot be built makes nothing anew: {stands}");
}

#[test]
fn a_look_waits_until_the_system_has_settled() {
    let began = Timestamp::UNIX_EPOCH;
    let asks = Asks::Person(Some(began), Duration::from_secs(15));
    let (named, until) = next(FOUND, 2, asks);
    assert_eq!((named.as_str(), until), ("find", Some(later(began, Duration::from_secs(45)))));
    assert_eq!(next(FOUND, 2, Asks::Retry), ("find".to_owned(), None), "a retry has its own time");
    assert_eq!(next(UNSAFE, 1, asks).1, None, "what nobody can look for does not wait");
}
