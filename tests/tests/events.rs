//! The hub's own events at a real RabbitMQ: CloudEvents on a topic exchange, through a crash of the broker, once in
//! effect and in the order of each order's history; and what nobody is bound to waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use orderhub_tests::broker::{Node, REGISTERED, shared_url};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, http, wait};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

/// A topic exchange, and a queue that may be bound to it.
struct Bus {
    channel: Channel,
    exchange: String,
    queue: String,
    _connection: Connection,
}

impl Bus {
    async fn open(url: &str, name: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let exchange = format!("{name}.events");
        let topic = ExchangeKind::Topic;
        let none = FieldTable::default;
        channel.exchange_declare(exchange.as_str().into(), topic, durable, none()).await.unwrap();
        let mut quorum = none();
        let kind = AMQPValue::LongString(LongString::from("quorum"));
        quorum.insert("x-queue-type".into(), kind);
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        let queue = format!("{name}.heard");
        channel.queue_declare(queue.as_str().into(), durable, quorum).await.unwrap();
        Self { channel, exchange, queue, _connection: connection }
    }

    async fn bind(&self, pattern: &str) {
        let (queue, exchange) = (self.queue.as_str(), self.exchange.as_str());
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(
            queue.into(),
            exchange.into(),
            pattern.into(),
            options,
            FieldTable::default(),
        );
        bound.await.unwrap();
    }

    /// Reads until so many different events were heard, in the order in which they came first.
    async fn hear(&self, count: usize) -> Vec<Heard> {
        let options = BasicConsumeOptions::default();
        let queue = self.queue.as_str();
        let mut consumer = self
            .channel
            .basic_consume(queue.into(), "test".into(), options, FieldTable::default())
            .await
            .unwrap();
        let (mut heard, mut ids) = (Vec::new(), BTreeSet::new());
        let hearing = async {
            while heard.len() < count {
                let delivery = consumer.next().await.unwrap().unwrap();
                let event: Value = serde_json::from_slice(&delivery.data).unwrap();
                let (id, kind) = (text(&event["id"]), text(&event["type"]));
                assert_eq!(delivery.routing_key.as_str(), kind);
                let properties = &delivery.properties;
                assert_eq!(properties.delivery_mode(), &Some(2), "persistent");
                let content = properties.content_type().as_ref().unwrap().as_str().to_owned();
                assert_eq!(content, "application/cloudevents+json");
                assert_eq!(properties.message_id().as_ref().unwrap().as_str(), id);
                if ids.insert(id) {
                    heard.push(Heard { order: text(&event["subject"]), kind, event });
                }
                delivery.ack(BasicAckOptions::default()).await.unwrap();
            }
        };
        let ended = tokio::time::timeout(PATIENCE, hearing).await;
        assert!(ended.is_ok(), "{} of {count} events were heard", heard.len());
        heard
    }
}

struct Heard {
    order: String,
    kind: String,
    event: Value,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

async fn hub(url: &str, exchange: &str, events: &[&str]) -> (Hub, TempDir) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let bus =
        format!("[bus]\nurl = \"{url}\"\nevents_exchange = \"{exchange}\"\nevents = {events:?}");
    Settings::new(port).shop("shop_eu", "http://127.0.0.1:1").table(&bus).write(folder.path());
    (Hub::start(folder.path(), port).await, folder)
}

/// Takes in orders `numbers`, each as it is after so many changes.
async fn take(hub: &Hub, numbers: std::ops::Range<u64>, change: u64) {
    let bodies: Vec<_> =
        numbers.map(|number| Order::paid("shop_eu", number, change).body()).collect();
    let answer = http::client()
        .post(hub.url("/api/v1/intake/shop_eu/order_rest"))
        .header("content-type", "application/x-ndjson")
        .body(bodies.join("\n"))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test]
async fn events_come_through_a_crash_once_and_in_order() {
    const ORDERS: u64 = 60;
    let place = tempfile::tempdir().unwrap();
    let node = Node::start(place.path());
    let url = node.url().to_owned();
    let bus = Bus::open(&url, "crash").await;
    bus.bind("order.*").await;
    // So old that a crash does not forget the queue.
    let born = tokio::time::Instant::now();
    tokio::time::sleep_until(born + REGISTERED).await;
    let exchange = bus.exchange.clone();
    drop(bus);
    let events = ["order.created", "order.changed"];
    let (hub, _folder) = hub(&url, &exchange, &events).await;
    take(&hub, 0..ORDERS, 1).await;
    wait::until("some events are published", PATIENCE, || async {
        (api::pending(&hub).await < ORDERS).then_some(())
    })
    .await;
    take(&hub, 0..ORDERS, 2).await;
    let crashing = tokio::task::spawn_blocking(move || {
        node.crash_and_restart();
        node
    });
    take(&hub, 0..ORDERS, 3).await;
    let _node = crashing.await.unwrap();

    let bus = Bus::open(&url, "crash").await;
    let expected = usize::try_from(ORDERS).unwrap() * 4;
    let heard = bus.hear(expected).await;
    api::until_idle(&hub, PATIENCE).await;
    let mut histories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Heard { order, kind, event } in &heard {
        assert_eq!((&event["specversion"], &event["source"]), (&"1.0".into(), &"/orderhub".into()));
        assert_eq!(&event["data"]["order"], order);
        let step = format!("{kind} {}", event["data"]["version"]);
        histories.entry(order.clone()).or_default().push(step);
    }
    assert_eq!(histories.len(), usize::try_from(ORDERS).unwrap());
    let whole = ["order.created 1", "order.changed 1", "order.changed 2", "order.changed 3"];
    for (order, history) in &histories {
        assert_eq!(history, &whole, "{order}");
    }
    let all = format!("{:?}", heard.iter().map(|one| &one.event).collect::<Vec<_>>());
    for private in ["example.com", "Harbour", "19.90"] {
        assert!(!all.contains(private), "{private} is in an event");
    }
}

#[tokio::test]
async fn an_event_that_nobody_is_bound_to_waits_for_a_binding() {
    let url = shared_url();
    let bus = Bus::open(&url, &format!("unbound-{}", free_port())).await;
    let (hub, _folder) = hub(&url, &bus.exchange, &["order.created"]).await;
    take(&hub, 7..8, 1).await;
    let events = wait::until("the return is seen", PATIENCE, || async {
        let events = api::get(&hub, "/api/v1/systems/events").await;
        events["last_error"].is_object().then_some(events)
    })
    .await;
    let why = events["last_error"]["why"].as_str().unwrap();
    assert!(why.contains("no queue is bound") && why.contains("`order.created`"), "{events}");
    assert_eq!(events["backlog"], 1, "it stays wanted: {events}");
    bus.bind("#").await;
    let heard = bus.hear(1).await;
    assert_eq!(heard[0].kind, "order.created");
    api::until_idle(&hub, PATIENCE).await;
    assert!(hub.terminate().await.success());
}
