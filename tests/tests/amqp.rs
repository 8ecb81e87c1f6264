//! The RabbitMQ reader against a real broker: nothing is lost, nothing is acknowledged before it is
//! stored, and what cannot be taken is said.
//!
//! The messages here are of a system that no settings name: each ends as a todo, so that these tests
//! stand on intake and store alone.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::broker::{Broker, Message, Node, REGISTERED, shared_url};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::{http, wait};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for a backlog to be stored.
const STORED_WITHIN: Duration = Duration::from_secs(40);

/// A folder with settings that read `queue`.
fn folder(url: &str, queue: &str, port: u16) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mappings = concat!(env!("CARGO_MANIFEST_DIR"), "/../mappings");
    let settings = format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
[mappings]
path = "{mappings}"
[bus]
url = "{url}"
[bus.consume.in]
queue = "{queue}"
system = {{ header = "x-system" }}
document = {{ fixed = "order" }}
message_id = {{ property = "message_id" }}
"#
    );
    std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    folder
}

fn message(id: usize) -> Message {
    Message {
        id: Some(format!("m-{id}")),
        headers: vec![("x-system", "nobody".to_owned())],
        body: format!("{{\"id\":{id}}}").into_bytes(),
    }
}

/// A queue name that no other test uses.
fn queue(test: &str) -> String {
    format!("{test}-{}-{}", std::process::id(), free_port())
}

/// All open todos, over every page.
async fn todos(hub: &Hub) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), "/api/v1/todo?limit=500".to_owned());
    loop {
        let page = http::json(&hub.url(&path)).await;
        all.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/todo?limit=500&cursor={next}"),
            None => return all,
        }
    }
}

async fn stored(hub: &Hub, count: usize) {
    let what = format!("{count} messages are stored");
    wait::until(&what, STORED_WITHIN, || async {
        let stored = open_todos(hub).await;
        assert!(stored <= count as u64, "{stored} of {count}: something was taken twice");
        (stored == count as u64).then_some(())
    })
    .await;
}

/// Waits until readiness says these words.
async fn readiness_says(hub: &Hub, words: &str) {
    wait::until(words, STORED_WITHIN, || async {
        http::text(&hub.url("/readyz")).await?.contains(words).then_some(())
    })
    .await;
}

async fn emptied(broker: &Broker, queue: &str) {
    wait::until("the queue is empty", STORED_WITHIN, || async {
        (broker.ready(queue).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_message_is_stored_once_and_then_acknowledged() {
    let (url, queue, port) = (shared_url(), queue("plain"), free_port());
    let broker = Broker::connect(&url).await;
    broker.quorum_queue(&queue, None).await;
    broker.publish(&queue, (0..1_500).map(message)).await;
    let folder = folder(&url, &queue, port);
    let hub = Hub::start(folder.path(), port).await;
    stored(&hub, 1_500).await;
    assert!(hub.terminate().await.success());
    // Whatever had not been acknowledged would be ready again, now that the reader is gone.
    assert_eq!(broker.ready(&queue).await, 0);
}

#[tokio::test]
async fn a_message_that_names_no_system_is_kept_with_its_reason() {
    let (url, queue, port) = (shared_url(), queue("nameless"), free_port());
    let broker = Broker::connect(&url).await;
    broker.quorum_queue(&queue, None).await;
    let nameless = Message { headers: Vec::new(), ..message(1) };
    broker.publish(&queue, [nameless]).await;
    let folder = folder(&url, &queue, port);
    let hub = Hub::start(folder.path(), port).await;
    stored(&hub, 1).await;
    let todo = todos(&hub).await.remove(0);
    assert_eq!(todo["cause"], "unknown_system");
    assert!(todo["why"].as_str().unwrap().contains("header `x-system`"), "{todo}");
}

#[tokio::test]
async fn a_queue_that_is_missing_is_named_and_read_once_it_is_there() {
    let (url, queue, port) = (shared_url(), queue("missing"), free_port());
    let broker = Broker::connect(&url).await;
    let folder = folder(&url, &queue, port);
    let hub = Hub::spawn(folder.path(), port);
    readiness_says(&hub, "create it").await;
    broker.quorum_queue(&queue, None).await;
    broker.publish(&queue, [message(1)]).await;
    hub.ready().await;
    stored(&hub, 1).await;
}

#[tokio::test]
async fn a_body_over_16_mib_goes_to_the_dead_letter_queue_and_hurts_no_neighbour() {
    let (url, queue, port) = (shared_url(), queue("large"), free_port());
    let dead = format!("{queue}-dead");
    let broker = Broker::connect(&url).await;
    broker.quorum_queue(&queue, Some(&dead)).await;
    let large = Message { body: vec![b'x'; 20 << 20], ..message(2) };
    broker.publish(&queue, [message(1), large, message(3)]).await;
    let folder = folder(&url, &queue, port);
    let hub = Hub::start(folder.path(), port).await;
    stored(&hub, 2).await;
    wait::until("the large one is dead-lettered", STORED_WITHIN, || async {
        (broker.ready(&dead).await == 1).then_some(())
    })
    .await;
    readiness_says(&hub, "true").await;
}

#[tokio::test]
async fn without_a_dead_letter_queue_the_reader_stops_and_readiness_names_it() {
    let (url, queue, port) = (shared_url(), queue("stuck"), free_port());
    let broker = Broker::connect(&url).await;
    broker.quorum_queue(&queue, None).await;
    let large = Message { body: vec![b'x'; 20 << 20], ..message(2) };
    broker.publish(&queue, [message(1), large, message(3)]).await;
    let folder = folder(&url, &queue, port);
    let hub = Hub::spawn(folder.path(), port);
    readiness_says(&hub, "no dead-letter target").await;
    stored(&hub, 1).await;
    wait::until("what was not stored is in the queue again", STORED_WITHIN, || async {
        (broker.ready(&queue).await == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_crash_of_the_broker_and_cut_connections_lose_and_double_nothing() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(state.path());
    let (queue, port) = (queue("crash"), free_port());
    let broker = Broker::connect(node.url()).await;
    broker.quorum_queue(&queue, None).await;
    tokio::time::sleep(REGISTERED).await;
    broker.publish(&queue, (0..6_000).map(message)).await;
    let folder = folder(node.url(), &queue, port);
    let hub = Hub::start(folder.path(), port).await;
    wait::until("some are stored", STORED_WITHIN, || async {
        (open_todos(&hub).await > 200).then_some(())
    })
    .await;
    node.crash_and_restart();
    // A queue that has no leader yet refuses messages: go on once the hub reads it to its end.
    stored(&hub, 6_000).await;
    let broker = Broker::connect(node.url()).await;
    broker.publish(&queue, (6_000..7_000).map(message)).await;
    node.cut_connections();
    let broker = Broker::connect(node.url()).await;
    broker.publish(&queue, (7_000..7_500).map(message)).await;
    stored(&hub, 7_500).await;
    emptied(&broker, &queue).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test]
async fn a_killed_hub_goes_on_where_it_was() {
    let (url, queue, port) = (shared_url(), queue("kill"), free_port());
    let broker = Broker::connect(&url).await;
    broker.quorum_queue(&queue, None).await;
    broker.publish(&queue, (0..12_000).map(message)).await;
    let folder = folder(&url, &queue, port);
    kill_at(folder.path(), port, 500).await;
    kill_at(folder.path(), port, 3_000).await;
    let hub = Hub::start(folder.path(), port).await;
    stored(&hub, 12_000).await;
    assert!(hub.terminate().await.success());
    assert_eq!(broker.ready(&queue).await, 0);
}

/// Kills the hub in the middle of its work, once so many todos stand in the store.
async fn kill_at(folder: &Path, port: u16, count: u64) {
    let hub = Hub::start(folder, port).await;
    wait::until("enough are stored", STORED_WITHIN, || async {
        (open_todos(&hub).await >= count).then_some(())
    })
    .await;
    assert!(open_todos(&hub).await < 12_000, "the kill must come before the end");
    hub.kill();
}

/// The count that the metrics show: cheap enough to be asked all the time.
async fn open_todos(hub: &Hub) -> u64 {
    let text = http::text(&hub.url("/metrics")).await.unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("orderhub_todo{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
