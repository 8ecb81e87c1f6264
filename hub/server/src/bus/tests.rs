//! The contract of a source, on the bus without a broker. RabbitMQ's side is in the end-to-end tests.

use std::collections::HashMap;

use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use tempfile::TempDir;

use super::MOST_IN_PROCESS;
use crate::apply::Word;
use crate::bundle::Files;
use crate::clock::Clock;
use crate::intake::Envelope;
use crate::store::{Scope, StoreError, TodoFilter};
use crate::{Hub, Start, config};

async fn hub(folder: &TempDir) -> Hub {
    hub_with(folder, "", Files::new()).await
}

async fn hub_with(folder: &TempDir, systems: &str, files: Files) -> Hub {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n{systems}",
        folder.path().join("hub.db").display()
    );
    let config = config::parse("test", &text, &HashMap::new()).unwrap().config;
    let start = Start { config, files, env: HashMap::new(), clock: Clock::system() };
    Hub::start(start).await.unwrap()
}

/// A message of a system that nobody knows: stored, as a todo.
fn envelope(id: usize) -> Envelope {
    Envelope {
        source: "process".into(),
        system: SystemName::new("nobody"),
        document: "order".into(),
        message_id: Some(id.to_string()),
        body: id.to_string().into(),
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    }
}

async fn stored(hub: &Hub) -> usize {
    let filter = TodoFilter { limit: 500, ..TodoFilter::default() };
    hub.api().store.todos(&Scope::All, &filter).await.unwrap().items.len()
}

#[tokio::test]
async fn an_acknowledged_envelope_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&folder).await;
    let outcome = hub.bus().publish(envelope(1)).await.unwrap();
    assert_eq!(outcome.documents[0].outcome, Word::Todo);
    assert_eq!(stored(&hub).await, 1);
    let again = hub.bus().publish(envelope(1)).await.unwrap();
    assert_eq!(again.documents[0].outcome, Word::Duplicate);
}

#[tokio::test]
async fn envelopes_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&folder).await;
    let mut sent = Vec::new();
    for id in 0..300 {
        sent.push(hub.bus().send(envelope(id)).await.unwrap());
    }
    let mut rows = Vec::new();
    for published in sent {
        rows.push(published.acknowledged().await.unwrap().message.unwrap());
    }
    assert!(rows.is_sorted(), "message rows are numbered in the order of sending");
}

#[tokio::test]
async fn no_more_than_its_bound_is_unacknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&folder).await;
    let mut sent = Vec::new();
    for id in 0..MOST_IN_PROCESS {
        sent.push(hub.bus().send(envelope(id)).await.unwrap());
    }
    let full = tokio::time::timeout(std::time::Duration::from_millis(50), async {
        hub.bus().send(envelope(MOST_IN_PROCESS)).await
    });
    assert!(full.await.is_err(), "the bus is full: sending waits");
    sent.pop().unwrap().acknowledged().await.unwrap();
    hub.bus().send(envelope(MOST_IN_PROCESS)).await.unwrap();
}

#[tokio::test]
async fn stopping_stores_what_was_taken_and_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let first = hub(&folder).await;
    let bus = first.bus().clone();
    let mut sent = Vec::new();
    for id in 0..100 {
        sent.push(bus.send(envelope(id)).await.unwrap());
    }
    let acknowledging = tokio::spawn(async move {
        for published in sent {
            published.acknowledged().await.unwrap();
        }
    });
    first.stop().await;
    acknowledging.await.unwrap();
    assert!(matches!(bus.send(envelope(100)).await, Err(StoreError::Closed)));
    assert_eq!(stored(&hub(&folder).await).await, 100);
}

/// The same cases as on a queue: `what_cannot_be_applied_is_a_todo_and_its_neighbours_are_untouched`.
#[tokio::test]
async fn what_no_store_can_hold_is_a_todo_and_its_neighbours_are_applied() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str| {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sources/told");
        (format!("told/{name}"), std::fs::read(format!("{data}/{name}")).unwrap())
    };
    let files = ["integration.yaml", "connector.yaml", "order.yaml"].map(told);
    let system = "[systems.shop]\nintegration = \"told\"\nbase_url = \"https://shop.example\"\n";
    let hub = hub_with(&folder, system, Files::from(files)).await;
    let order = |id: &str, note: &str| {
        let body = serde_json::json!({ "id": id, "updated": "2026-03-01T09:00:00Z", "note": note });
        let system = SystemName::new("shop");
        Envelope { system, message_id: None, body: body.to_string().into(), ..envelope(0) }
    };
    let long = "1234567".repeat(10_000);
    let cases = [
        (order("1", "a"), Word::Applied),
        (order("2", "a\0b"), Word::Todo),
        (order("3\0", "a"), Word::Todo),
        (order(&long, "a"), Word::Todo),
        (order("5", "a"), Word::Applied),
    ];
    let mut sent = Vec::new();
    for (envelope, expected) in cases {
        sent.push((hub.bus().send(envelope).await.unwrap(), expected));
    }
    for (place, (published, expected)) in sent.into_iter().enumerate() {
        let outcome = published.acknowledged().await.unwrap();
        assert_eq!(outcome.documents[0].outcome, expected, "{place}: {:?}", outcome.documents);
    }
    assert_eq!(stored(&hub).await, 3);
}
