//! Calls that a person has made again, by connectors as files write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use orderhub_connectors::contract::Answer;
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

/// Lines behind an order that can be found.
const LINES: &str = r#"
      - { id: find, method: GET, path: /orders, save: { id: body.items.one.id } }
      - { id: order, method: POST, path: /orders, when: memo.id == (), idempotency: { find_first: find, settles: 30s }, save: { id: body.id ?? () } }
      - { id: lines, each: [x, y], method: POST, path: /lines, idempotency: unsafe }
    reply: { xrefs: { order: memo.id } }
"#;

/// A question by `POST` behind an order that nobody can look for.
const ASKED: &str = r#"
      - { id: party, method: POST, path: /parties, idempotency: unsafe, save: { party: body.id } }
      - { id: order, method: POST, path: /orders, idempotency: unsafe, save: { id: body.id ?? () } }
      - { id: read, method: POST, path: /read, idempotency: safe }
    reply: { xrefs: { order: memo.id } }
"#;

/// An order that is left out where it was found, and that nobody can look for once it was told.
const LEFT_OUT: &str = r#"
      - { id: party, method: POST, path: /parties, idempotency: unsafe, save: { party: body.id } }
      - { id: ask, method: POST, path: /ask, idempotency: safe, save: { no: body.no ?? () } }
      - { id: order, method: POST, path: /orders, when: "!has(memo.party)", idempotency: unsafe, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
"#;

/// All of it may be sent again.
const SAFE: &str = r#"
      - { id: order, method: PUT, path: /orders/1, idempotency: safe, save: { id: body.id ?? () } }
      - { id: read, method: POST, path: /read, idempotency: safe }
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

/// What is made of the call to a connector of these steps.
fn called<T>(steps: &str, run: impl FnOnce(&Declared, &Call<'_>) -> T) -> T {
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
    run(&connector, &call)
}

/// The step that is next.
fn named(connector: &Declared, call: &Call<'_>, memo: &Memo) -> String {
    match connector.next(call, memo) {
        Ok(NextStep::Send(request)) => request.step,
        Ok(NextStep::Done(_)) => "done".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The step at which the call goes on, from a memo at a step.
fn next(steps: &str, step: u32, asks: Asks) -> (String, Option<Timestamp>) {
    called(steps, |connector, call| {
        let mut memo = Memo { step, ..Memo::default() };
        memo.saved.insert("party".to_owned(), Value::Int(7));
        let until = look_first(connector, call, &mut memo, asks);
        assert_eq!(memo.saved["party"], Value::Int(7), "what is known is kept");
        (named(connector, call, &memo), until)
    })
}

/// The steps that are sent once a person has a call made again that came to its end at a step and position.
fn sent(steps: &str, (step, position): (u32, u32), answers: &[&'static str]) -> Vec<String> {
    called(steps, |connector, call| {
        let mut memo = Memo { step, position, ..Memo::default() };
        memo.saved.insert("party".to_owned(), Value::Int(7));
        look_first(connector, call, &mut memo, Asks::Person(None, Duration::ZERO));
        let mut sent = Vec::new();
        let mut answers = answers.iter();
        loop {
            go_on(connector, call, &mut memo);
            let step = named(connector, call, &memo);
            let ends = step == "done";
            sent.push(step);
            let Some(body) = answers.next().filter(|_| !ends) else { return sent };
            // As it is stored on the way.
            memo = Memo::from_bytes(&memo.to_bytes()).unwrap();
            let body = Bytes::from_static(body.as_bytes());
            let answer = Answer { status: 200, headers: Vec::new(), body };
            connector.answer(call, &mut memo, &answer).unwrap();
        }
    })
}

#[test]
fn what_has_come_to_its_end_goes_on_at_its_last_step_that_writes() {
    let person = Asks::Person(None, Duration::ZERO);
    assert_eq!(next(FOUND, 4, person).0, "find", "never the party a second time");
    assert_eq!(next(UNSAFE, 2, person).0, "order");
    assert_eq!(next(ASKED, 3, person).0, "order", "what only asks by another method is behind it");
    assert_eq!(next(LEFT_OUT, 2, person).0, "ask", "never the party a second time");
    assert_eq!(next(SAFE, 2, person).0, "order");
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

#[test]
fn what_the_look_finds_goes_on_where_it_had_ended() {
    let (found, none) = (r#"{"items":[{"id":7}]}"#, r#"{"items":[]}"#);
    let ended = (2, 2);
    assert_eq!(sent(LINES, ended, &[found, "{}"]), ["find", "done"], "no line a second time");
    let all = ["find", "order", "lines", "lines", "done"];
    assert_eq!(sent(LINES, ended, &[none, r#"{"id":7}"#, "{}", "{}"]), all);
    assert_eq!(sent(LINES, ended, &[none, "{}", "{}", "{}"]), all, "without a name, too");
}

#[test]
fn what_another_program_has_led_on_is_not_led_back() {
    called(LINES, |connector, call| {
        let mut memo = Memo { step: 2, position: 2, ..Memo::default() };
        look_first(connector, call, &mut memo, Asks::Person(None, Duration::ZERO));
        (memo.step, memo.position) = (2, 1);
        go_on(connector, call, &mut memo);
        assert_eq!((memo.step, memo.position), (2, 1), "its second line is not left out");
        assert!(!memo.saved.contains_key(ENDED));
    });
}
