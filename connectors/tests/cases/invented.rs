//! Answers that are made up of what a file reads: the connector takes them, and they lead through all of its steps.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_connectors::invent::{ANY, Invents, Page};

use super::*;

/// Steps that are reached from the beginning of an operation, and whether one way ends.
fn reached(connector: &Declared, operation: &str, document: &[u8]) -> (BTreeSet<String>, bool) {
    let text = Value::text(ANY);
    let settings: BTreeMap<String, String> =
        connector.needs().settings.iter().map(|(name, _)| (name.clone(), ANY.to_owned())).collect();
    let xrefs: BTreeMap<String, Value> = ["order", "customer", "fulfilment", "shipment"]
        .map(|kind| (kind.to_owned(), text.clone()))
        .into();
    let args: BTreeMap<String, Value> =
        ["id", "sku", "number", "since", "until"].map(|arg| (arg.to_owned(), text.clone())).into();
    let call = Call {
        operation,
        document,
        changed: None,
        media: "application/json",
        key: "K",
        attempt: 1,
        base_url: "https://system.example.com",
        settings: &settings,
        xrefs: &xrefs,
        args: &args,
        fields: &[],
    };
    let (mut open, mut seen, mut ends) = (vec![Memo::default()], BTreeSet::new(), false);
    for _ in 0..100 {
        let Some(mut memo) = open.pop() else { break };
        memo.go_on();
        match connector.next(&call, &memo) {
            Ok(NextStep::Send(request)) => seen.insert(request.step),
            Ok(NextStep::Done(_)) => {
                ends = true;
                continue;
            }
            other => panic!("{operation}: {other:?}"),
        };
        for answer in connector.answers(&call, &memo) {
            let mut after = memo.clone();
            connector.answer(&call, &mut after, &answer).unwrap();
            open.push(after);
        }
    }
    (seen, ends)
}

#[test]
fn made_up_answers_lead_through_every_step_of_a_file() {
    let document = br#"{"ref":"71","sale":{},"lines":[{"id":"71","ref":"71","sku":"71","qty":1}]}"#;
    for (file, operation) in [
        ("rest_wms.yaml", "create_fulfilment"),
        ("looking.yaml", "make_and_read"),
        ("counting.yaml", "make"),
        ("batch_out.yaml", "put_lines"),
        ("batch_out.yaml", "label"),
        ("batch_out.yaml", "queued"),
    ] {
        let connector = connector(file);
        let (seen, ends) = reached(&connector, operation, document);
        let steps: BTreeSet<String> =
            connector.steps(operation).iter().map(|step| step.name.to_owned()).collect();
        assert_eq!(seen, steps, "{file}: {operation}");
        assert!(ends, "{file}: {operation}");
    }
}

#[test]
fn a_made_up_listing_has_as_many_things_as_are_asked_for() {
    let connector = connector("paging.yaml");
    let (none, nothing) = (BTreeMap::new(), BTreeMap::new());
    let mut listed = 0;
    for operation in connector.operations() {
        let call = Call {
            operation: &operation.name,
            document: b"",
            changed: None,
            media: "application/json",
            key: "K",
            attempt: 1,
            base_url: "https://system.example.com",
            settings: &none,
            xrefs: &nothing,
            args: &nothing,
            fields: &[],
        };
        let Page::Taken(answer, count) = connector.page(&call, 0, 1_001) else { continue };
        let mut memo = Memo::default();
        connector.answer(&call, &mut memo, &answer).unwrap();
        let Ok(NextStep::Done(reply)) = connector.next(&call, &memo) else {
            panic!("{operation:?}")
        };
        assert_eq!(reply.documents.len(), count, "{operation:?}");
        assert!(reply.next.is_some(), "{operation:?}");
        listed += 1;
    }
    assert!(listed >= 3, "{listed}");
}
