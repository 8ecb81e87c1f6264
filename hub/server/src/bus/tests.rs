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
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n",
        folder.path().join("hub.db").display()
    );
    let config = config::parse("test", &text, &HashMap::new()).unwrap().config;
    let start = Start { config, files: Files::new(), env: HashMap::new(), clock: Clock::system() };
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
