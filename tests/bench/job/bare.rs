//! The yardsticks: what a team writes by hand. Consume, parse with serde, POST, acknowledge. With more
//! than one lane, orders are spread by id, so that each order keeps its order. No store, no retry, no
//! history, no duplicate detection.

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// As many as the hub asks for.
const PREFETCH: u16 = 512;

/// Printed when everything has been acknowledged.
pub(crate) const DONE: &str = "done";

/// What is read of an order.
#[derive(Debug, Deserialize)]
struct Order {
    id: u64,
    name: String,
    processed_at: String,
    financial_status: String,
    current_total_price_set: Set,
    line_items: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Set {
    shop_money: Money,
}

#[derive(Debug, Deserialize, Serialize)]
struct Money {
    amount: String,
    #[serde(rename(deserialize = "currency_code"))]
    currency: String,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: u64,
    sku: String,
    quantity: u64,
}

/// What the sink gets.
#[derive(Debug, Serialize)]
struct Event {
    order: String,
    version: u64,
    order_no: String,
    placed_at: String,
    payment: String,
    total: Money,
    lines: Vec<EventLine>,
}

#[derive(Debug, Serialize)]
struct EventLine {
    id: u64,
    sku: String,
    ordered: u64,
}

impl From<Order> for Event {
    fn from(order: Order) -> Self {
        let line = |line: Line| EventLine { id: line.id, sku: line.sku, ordered: line.quantity };
        Self {
            order: format!("shop_eu-{}", order.id),
            version: 1,
            order_no: order.name,
            placed_at: order.processed_at,
            payment: order.financial_status,
            total: order.current_total_price_set.shop_money,
            lines: order.line_items.into_iter().map(line).collect(),
        }
    }
}

/// Empties the queue of so many messages, says so, and waits to be killed.
pub(crate) async fn run(lanes: usize, count: u64, amqp: &str, queue: &str, sink: &str) {
    let connecting = Connection::connect(amqp, ConnectionProperties::default());
    let connection = connecting.await.expect("RabbitMQ answers");
    let channel = connection.create_channel().await.expect("a channel");
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("a window");
    let options = BasicConsumeOptions::default();
    let consuming =
        channel.basic_consume(queue.into(), "bare".into(), options, FieldTable::default());
    let mut consumer = consuming.await.expect("a consumer");
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build();
    let client = client.expect("an HTTP client");
    let url = format!("{sink}/events");
    let mut tasks = Vec::new();
    let mut queues = Vec::new();
    for _ in 0..lanes {
        let (queue, mut orders) = mpsc::channel::<(u64, Order)>(usize::from(PREFETCH));
        queues.push(queue);
        let (client, url, channel) = (client.clone(), url.clone(), channel.clone());
        tasks.push(tokio::spawn(async move {
            while let Some((tag, order)) = orders.recv().await {
                send(&client, &url, order).await;
                channel.basic_ack(tag, BasicAckOptions::default()).await.expect("acknowledged");
            }
        }));
    }
    for _ in 0..count {
        let delivery = consumer.next().await.expect("the queue is full").expect("a delivery");
        let order: Order = serde_json::from_slice(&delivery.data).expect("an order");
        let lane = usize::try_from(order.id).expect("64 bits") % lanes;
        queues[lane].send((delivery.delivery_tag, order)).await.expect("the lane runs");
    }
    drop(queues);
    for task in tasks {
        task.await.expect("the lane ends");
    }
    println!("{DONE}");
    // Whoever started this still wants to see what it used, and kills it. Until then the connection
    // stands, so that the broker has time to apply the last acknowledgements.
    let _standing = connection;
    std::future::pending().await
}

async fn send(client: &reqwest::Client, url: &str, order: Order) {
    let key = format!("{}-1", order.id);
    let request = client.post(url).header("idempotency-key", key).json(&Event::from(order));
    let answer = request.send().await.expect("the sink answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.bytes().await.expect("the sink answers");
}
