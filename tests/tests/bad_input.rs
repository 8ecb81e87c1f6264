//! Bad input from a real queue: each ends as the design says, in a todo with a reason, and its neighbours
//! are untouched.

use std::time::Duration;

use orderhub_tests::broker::{self, Broker, Message};
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use serde_json::Value;

/// Longest time until a message is dealt with.
const PATIENCE: Duration = Duration::from_secs(60);

fn message(id: &str, body: impl Into<Vec<u8>>) -> Message {
    let headers = vec![("x-system", "shop_eu".to_owned())];
    Message { id: Some(id.to_owned()), headers, body: body.into() }
}

fn changed(order: Order<'_>, from: &str, to: &str) -> Message {
    let body = order.body();
    assert!(body.contains(from), "`{from}` stands in the body");
    message(&format!("changed-{}", order.number), body.replace(from, to))
}

/// What is published: why, the message, and the cause of the todo that it must end as.
fn wrong() -> Vec<(&'static str, Message, &'static str)> {
    let order = |number| Order::paid("shop_eu", number, 1);
    let id = |number| format!("\"id\":{},", order(number).id());
    let endless = format!("\"id\":\"{}\",", "1234567".repeat(10_000));
    vec![
        ("NUL in a text", changed(order(16), "change 1", "a\\u0000b"), "nul_character"),
        ("an id of 70,000 letters", changed(order(17), &id(17), &endless), "too_long"),
        ("malformed JSON", message("bad-1", &b"{\"id\": 1, "[..]), "malformed"),
        ("wrong root", message("bad-2", &b"[1, 2]"[..]), ""),
        ("invalid UTF-8", message("bad-3", &b"{\"id\": \"\xff\xfe\"}"[..]), ""),
        ("no key", changed(order(11), &format!("\"id\":{},", order(11).id()), ""), "key_missing"),
        (
            "too many decimals",
            changed(order(12), "\"total_price\":\"19.90\"", "\"total_price\":\"19.901\""),
            "",
        ),
        (
            "an unknown currency",
            changed(order(13), "\"currency\":\"EUR\"", "\"currency\":\"EUX\""),
            "",
        ),
    ]
}

async fn todos(hub: &Hub) -> Vec<Value> {
    let page = api::get(hub, "/api/v1/todo?limit=500").await;
    page["items"].as_array().expect("a list has items").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_applied_is_a_todo_and_its_neighbours_are_untouched() {
    let queue = "bad.orders";
    let broker = Broker::connect(&broker::shared_url()).await;
    broker.quorum_queue(queue, Some("bad.dead")).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = hub::free_port();
    Settings::new(port)
        .queue(broker.url(), queue)
        .shop("shop_eu", "http://127.0.0.1:1")
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;

    let wrong = wrong();
    let mut messages = Vec::new();
    for (number, (_, message, _)) in (100..).zip(&wrong) {
        messages.push(Order::paid("shop_eu", number, 1).message());
        messages.push(message.clone());
    }
    let unknown = [("x-system", "nobody".to_owned())].to_vec();
    let body = Order::paid("shop_eu", 14, 1).body().into_bytes();
    messages.push(Message { id: Some("unknown-system".to_owned()), headers: unknown, body });
    let first = Order::paid("shop_eu", 200, 1);
    messages.push(first.message());
    messages.push(Message {
        body: Order { change: 2, ..first }.body().into_bytes(),
        ..first.message()
    });
    messages.push(changed(Order::paid("shop_eu", 15, 1), "\"paid\"", "\"lent\""));
    messages.push(message("huge", vec![b' '; 20 << 20]));
    messages.push(Order::paid("shop_eu", 300, 1).message());
    broker.publish(queue, messages).await;

    let log = folder.path().join("hub.log");
    wait::until(&format!("the last order is stored; log {}", log.display()), PATIENCE, || async {
        api::all_orders(&hub).await.iter().any(|order| order.order_no == "300").then_some(())
    })
    .await;
    let orders = api::all_orders(&hub).await;
    for number in (100..100 + wrong.len() as u64).chain([200, 300]) {
        let found = orders.iter().find(|order| order.order_no == number.to_string());
        assert!(found.is_some(), "the neighbour {number} is missing");
    }
    let todos = todos(&hub).await;
    let parked = todos.iter().filter(|todo| todo["kind"] == "parked").count();
    assert!(parked >= wrong.len(), "{parked} of {} parked: {todos:#?}", wrong.len());
    for (why, _, cause) in &wrong {
        let found = cause.is_empty() || todos.iter().any(|todo| todo["cause"] == *cause);
        assert!(found, "{why}: no todo `{cause}` in {todos:#?}");
    }
    assert!(todos.iter().any(|todo| todo["cause"] == "reused_id"), "{todos:#?}");
    let unknown = orders.iter().find(|order| order.order_no == "15").expect("it is stored");
    let order = api::get(&hub, &format!("/api/v1/orders/{}", unknown.id)).await;
    assert_eq!(order["holds"][0]["code"], "unknown_value", "{order}");
    wait::until("the 20 MB message is a dead letter", PATIENCE, || async {
        (broker.ready("bad.dead").await == 1).then_some(())
    })
    .await;
    wait::until("the queue is empty", PATIENCE, || async {
        (broker.ready(queue).await == 0).then_some(())
    })
    .await;
    let shown = hub.log();
    assert!(!shown.contains("Harbour Street"), "an address stands in the log");
}
