//! The hub's API as the tests ask it.

use std::time::Duration;

use serde_json::Value;

use crate::http::{self, client};
use crate::hub::Hub;

/// What the tests read of an order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The hub's id.
    pub id: String,
    /// The hub's reference.
    pub reference: String,
    /// The shop's number.
    pub order_no: String,
    /// The newest version.
    pub version: u64,
    /// The customer's note.
    pub note: String,
    /// All of it.
    pub whole: Value,
}

/// Asks for JSON; an error status is a panic with the answer.
pub async fn get(hub: &Hub, path: &str) -> Value {
    let answer = client().get(hub.url(path)).send().await.unwrap_or_else(|e| panic!("{path}: {e}"));
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}"))
}

/// Hands in a document of a system; it is stored when this ends.
pub async fn take_in(hub: &Hub, system: &str, document: &str, body: String) {
    let url = hub.url(&format!("/api/v1/intake/{system}/{document}"));
    let request = client().post(url).header("content-type", "application/json").body(body);
    let answer = request.send().await.expect("the hub answers");
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    assert!(status.is_success(), "{status}: {text}");
}

/// Every order of the hub, page by page.
pub async fn all_orders(hub: &Hub) -> Vec<Order> {
    let mut orders = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(hub, &format!("/api/v1/orders?limit=500{cursor}")).await;
        for order in page["items"].as_array().expect("a list has items") {
            orders.push(read(order));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}

fn read(order: &Value) -> Order {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Order {
        id: text(&order["id"]),
        reference: text(&order["ref"]),
        order_no: text(&order["order_no"]),
        version: order["version"].as_u64().expect("an order has a version"),
        note: text(&order["notes"]["customer"]),
        whole: order.clone(),
    }
}

/// What waits for all systems together.
pub async fn pending(hub: &Hub) -> u64 {
    pending_but(hub, "").await
}

/// The same without a system.
async fn pending_but(hub: &Hub, but: &str) -> u64 {
    let page = get(hub, "/api/v1/systems").await;
    let systems = page["items"].as_array().expect("a list has items");
    let others = systems.iter().filter(|system| system["system"] != but);
    others.map(|system| system["backlog"].as_u64().expect("a system has a backlog")).sum()
}

/// Waits until no message is being taken in and no lane wants anything, three looks in a row.
pub async fn until_idle(hub: &Hub, bound: Duration) {
    until_idle_but(hub, "", bound).await;
}

/// The same, whatever waits for one system.
pub async fn until_idle_but(hub: &Hub, but: &str, bound: Duration) {
    let mut before = (0, 0);
    let mut same = 0;
    let looking = async {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        while same < 3 {
            tick.tick().await;
            let now = (pending_but(hub, but).await, stored(hub).await);
            same = if now.0 == 0 && now == before { same + 1 } else { 0 };
            before = now;
        }
    };
    let quiet = tokio::time::timeout(bound, looking).await;
    quiet.unwrap_or_else(|_| panic!("after {bound:?} still busy: pending, stored {before:?}"));
}

/// Messages stored since the start, by the metric.
async fn stored(hub: &Hub) -> u64 {
    let text = http::text(&hub.url("/metrics")).await.unwrap();
    let counts = text.lines().filter(|line| line.starts_with("orderhub_intake_total"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}
