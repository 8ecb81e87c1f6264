//! Entries of `deliver:` that are others: what is told of an order that is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_mapping::Mapped;
use orderhub_order::fold::{Act, DocumentAct, Facts, Outcome, create, fold};
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::lane::{Sent, WantKey};
use orderhub_order::model::State;

use super::tests::{SETTINGS, Stored, config, drive, files, paid};
use super::*;
use crate::bundle::Files;

const SINK: &str = "sink/integration.yaml";
const CONNECTOR: &str = "sink/connector.yaml";
const OPERATION: &str = "{ kind: state, entity: order, steps: [{ id: send, method: POST, path: /also, body: '{doc}', \
                         idempotency: safe }] }";
const ENTRY: &str = "  - on: order.changed\n    do: changed\n    with: order\n";
const RULE: &str = "order.changed/changed";
/// Holds for the order of the message, and does not.
const OPEN: &str = "    when: { state.lifecycle: [open] }\n";
const CLOSED: &str = "    when: { state.lifecycle: [closed] }\n";

/// The shipped files with other entries of `deliver:` of the sink.
fn entries(entries: &str) -> Files {
    let mut files = files("", "");
    let text = String::from_utf8(files[SINK].clone()).unwrap();
    assert!(text.contains(ENTRY), "{text}");
    files.insert(SINK.to_owned(), text.replace(ENTRY, entries).into_bytes());
    files
}

fn entry(when: &str) -> Files {
    entries(&format!("{ENTRY}{when}"))
}

/// The order of the message, as it stands by some files. `sent`: the sink was told of it by this rule.
fn order(bundle: &Bundle, drive: &Drive, sent: Option<&str>) -> State {
    let gave = documents(bundle.receive(&drive.envelope)).unwrap();
    let [Mapped::Document(said)] = &gave[..] else { panic!("{gave:?}") };
    let (rules, now) = (bundle.rules(), Timestamp::UNIX_EPOCH);
    let mut state = create(OrderKey(7), "shop_eu-1001".into(), said, &rules, now).unwrap();
    let contribution = (**said).clone();
    let act = Act::Document(DocumentAct { contribution, at: Some(At::ROOT), parent: None });
    let folded = fold(&mut state, &act, &rules, &Facts::default(), now);
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    let sink = SystemName::new("sink");
    if let Some(rule) = sent {
        let key = WantKey { rule: rule.into(), subject: At::ROOT, fact: None };
        let sent = Sent { version: 1, hash: [1; 16], overwritten: false };
        let lane = state.lanes.get_mut(&sink).unwrap();
        lane.sent.insert(key.text(), sent);
        lane.wants.clear();
        lane.due_at = None;
    }
    state
}

/// What is told of the sink, where it was told of the order by this rule, or not yet.
async fn told(old: &Files, new: &Files, sent: Option<&str>) -> Vec<String> {
    let config = config(SETTINGS);
    let [was, is] = [old, new].map(|files| Bundle::compile(files, &config).unwrap());
    let one = drive(1, &Bundle::name(old), paid());
    let order = Some(Arc::new(order(&was, &one, sent)));
    let bundles = BTreeMap::from([(Bundle::name(old), old.clone())]);
    let mut stored = Stored { drives: vec![one], bundles, order };
    let (now, since) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let asked = Asked { now, since, system: None, limit: 100 };
    let report = what_if(&mut stored, (&is, new), &config, &asked, &mut |_| {}).await.unwrap();
    assert_eq!((report.documents, report.differ), (1, 0), "{report:#?}");
    assert_eq!(report.is_same(), report.deliveries.is_empty());
    let tell = |call: &Call| {
        let Call { what, system, rule, operation, code, orders, why, examples, .. } = call;
        assert_eq!((&**system, *orders, &*examples[0]), ("sink", 1, "shop_eu-1001"));
        let operation = operation.as_deref().unwrap_or("-");
        let code = code.map(|code| format!(" {code:?}")).unwrap_or_default();
        let why = why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{what} {rule} {operation}{code}{why}")
    };
    report.deliveries.iter().map(tell).collect()
}

#[tokio::test]
async fn what_a_when_holds_back_is_told() {
    let (always, open, closed) = (entry(""), entry(OPEN), entry(CLOSED));
    // One that waits goes out as soon as the new files are in use.
    for free in [&always, &open] {
        let calls = told(&closed, free, None).await;
        assert_eq!(calls, ["newly_delivered order.changed/changed changed"]);
    }
    // It was sent by files before those: new ones, and changes.
    let calls = told(&closed, &always, Some(RULE)).await;
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert!(
        call.starts_with("newly_delivered order.changed/changed changed: new orders"),
        "{call}"
    );
    for sent in [Some(RULE), None] {
        let calls = told(&always, &closed, sent).await;
        let [call] = &calls[..] else { panic!("{calls:?}") };
        assert!(call.starts_with("held_back order.changed/changed changed Held"), "{call}");
        assert_eq!(told(&always, &open, sent).await, [] as [&str; 0]);
        assert_eq!(told(&closed, &closed, sent).await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn entries_that_come_and_go_are_told() {
    let always = entry("");
    let nothing = entries("  - on: order.changed\n    do: none\n");
    let text = String::from_utf8(files("", "")[SINK].clone()).unwrap();
    let mut none = files("", "");
    none.insert(SINK.to_owned(), text.replace(&format!("deliver:\n{ENTRY}"), "").into_bytes());
    for without in [&nothing, &none] {
        let calls = told(without, &always, None).await;
        let [call] = &calls[..] else { panic!("{calls:?}") };
        assert!(call.starts_with("newly_delivered order.changed/changed changed: new"), "{call}");
        let calls = told(&always, without, Some(RULE)).await;
        let [call] = &calls[..] else { panic!("{calls:?}") };
        assert!(
            call.starts_with("no_longer_delivered order.changed/changed -: no entry"),
            "{call}"
        );
    }
}

/// The same with another operation of the sink's, which does the same.
fn with_operation(mut files: Files, from: &str, to: &str) -> Files {
    let connector = String::from_utf8(files[CONNECTOR].clone()).unwrap();
    let other = connector.replace(from, to);
    assert_ne!(other, connector);
    files.insert(CONNECTOR.to_owned(), other.into_bytes());
    files
}

#[tokio::test]
async fn one_of_several_entries_is_told() {
    let also = format!("\n  also: {OPERATION}\n  changed:\n");
    let more = ENTRY.replace("do: changed", "do: also");
    let [one, both] = [entry(""), entries(&format!("{ENTRY}{more}"))]
        .map(|files| with_operation(files, "\n  changed:\n", &also));
    let calls = told(&one, &both, Some(RULE)).await;
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert!(call.starts_with("newly_delivered order.changed/also also: new orders"), "{call}");
    let calls = told(&both, &one, Some(RULE)).await;
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert!(call.starts_with("no_longer_delivered order.changed/also also: its entry"), "{call}");
}

#[tokio::test]
async fn an_entry_that_is_only_called_otherwise_is_told_of_by_nothing() {
    let always = entry("");
    let renamed = entries(&ENTRY.replace("do: changed", "do: altered"));
    let renamed = with_operation(renamed, "\n  changed:\n", "\n  altered:\n");
    for sent in [Some(RULE), None] {
        assert_eq!(told(&always, &renamed, sent).await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn half_of_an_entry_that_comes_or_goes_is_told() {
    let entry = |half: &str| entries(&ENTRY.replace("do: changed", &format!("do: {{ {half} }}")));
    let both = entry("create: changed, update: changed");
    let (updates, creates) = (entry("update: changed"), entry("create: changed, update: none"));
    for (old, new, is) in [
        (
            &both,
            &updates,
            format!("no_longer_delivered {RULE} changed: {}", super::routed::NO_CREATE),
        ),
        (
            &both,
            &creates,
            format!("no_longer_delivered {RULE} changed: {}", super::routed::NO_UPDATE),
        ),
        (&updates, &both, format!("newly_delivered {RULE} changed: {}", super::routed::CREATES)),
        (&creates, &both, format!("newly_delivered {RULE} changed: {}", super::routed::UPDATES)),
    ] {
        assert_eq!(told(old, new, Some(RULE)).await, [is]);
    }
}

#[tokio::test]
async fn a_role_that_is_another_is_not_compared_and_said() {
    let (old, config) = (files("", ""), config(SETTINGS));
    let mut new = old.clone();
    let text = String::from_utf8(old[SINK].clone()).unwrap().replace("role: sink", "role: crm");
    new.insert(SINK.to_owned(), text.into_bytes());
    let is = Bundle::compile(&new, &config).unwrap();
    let bundles = BTreeMap::from([(Bundle::name(&old), old.clone())]);
    let drives = vec![drive(1, &Bundle::name(&old), paid())];
    let mut stored = Stored { drives, bundles, order: None };
    let (now, since) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let asked = Asked { now, since, system: None, limit: 100 };
    let report = what_if(&mut stored, (&is, &new), &config, &asked, &mut |_| {}).await.unwrap();
    assert_eq!(report.not_looked_at, [SINK]);
}
