//! What a mapping looks up at the system itself, by a cached read: recorded with the message, waited for while there is no
//! answer, and told where there is no such thing.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::system::System;
use orderhub_tests::{api, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

mod refused;
mod seen;
mod woken;

const PATIENCE: Duration = Duration::from_secs(60);

const FILES: &[(&str, &str)] = &[
    (
        "integration.yaml",
        "orderhub: 1
integration: till
role: channel
connector: declared
intake:
  - { message: orders, ordering: queue }
reads:
  groups: { do: get_group, args: [id], fresh_for: FRESH }
",
    ),
    (
        "connector.yaml",
        "orderhub: 1
connector: till
base: \"{base_url}\"
limits: { default: { rate: RATE, burst: BURST } }
webhooks: { verify: none, format: json, each: body.events, kind: item.kind, document: item }
operations:
  get_group: { kind: read, args: [id], steps: [{ id: get, method: GET, path: \"/orders/{args.id}\" }], document: body.order }
",
    ),
    (
        "orders.yaml",
        "orderhub: 1
mapping: till.orders
key: number
documents: { at: [orders.*] }
fields:
  - { hub: order_no, system: number }
  - { hub: customer.tier, system: group, direction: in, as: { lookup: { read: groups, take: note } } }
  - { hub: ext.language, system: group, direction: in, as: { lookup: { read: groups, take: language, on_unknown: ignore } } }
  - { hub: tags, system: rows.*.no, direction: in, as: [{ lookup: { read: groups, take: note } }, { join: \",\" }, { split: \",\" }] }
",
    ),
];

fn folder(port: u16, system: &System) -> TempDir {
    folder_of(port, &[("till", system)], ("1000/s", "1h"))
}

/// Systems of the same files, with the limit of their calls, and how long an answer is good for.
fn folder_of(port: u16, systems: &[(&str, &System)], (rate, fresh): (&str, &str)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"sqlite:hub.db\"\n\
         [mappings]\npath = \"mappings\"\n[egress]\nallow_private = [\"127.0.0.1/32\"]\n\
         [intake]\npark_above_bytes = 10000\n"
    );
    for (name, system) in systems {
        let url = system.url();
        let table = format!("[systems.{name}]\nintegration = \"till\"\nbase_url = \"{url}\"\n");
        settings.push_str(&table);
    }
    std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    std::fs::create_dir_all(folder.path().join("mappings/till")).unwrap();
    for (name, text) in FILES {
        let text = text
            .replace("RATE", rate)
            .replace("BURST", if rate == "2/s" { "1" } else { "1000" })
            .replace("FRESH", fresh);
        std::fs::write(folder.path().join("mappings/till").join(name), text).unwrap();
    }
    folder
}

/// Hands in orders as one message; what became of each.
async fn hand_in(hub: &Hub, orders: Value) -> Vec<(String, String)> {
    hand_in_of(hub, "till", orders).await
}

async fn hand_in_of(hub: &Hub, system: &str, orders: Value) -> Vec<(String, String)> {
    let body = json!({ "orders": orders });
    let url = hub.url(&format!("/api/v1/intake/{system}/orders"));
    let sent = client().post(url).json(&body).send().await;
    let answer = sent.unwrap().json::<Value>().await.unwrap();
    let all = answer["items"].as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.iter().map(|one| (text(&one["outcome"]), text(&one["why"]))).collect()
}

async fn tier(hub: &Hub, number: u32) -> Value {
    api::get(hub, &format!("/api/v1/orders/till-{number}")).await["customer"]["tier"].clone()
}

/// Waits until so many orders are there.
async fn until_there(hub: &Hub, orders: usize) {
    wait::until("the orders are there", PATIENCE, || async {
        (api::all_orders(hub).await.len() == orders).then_some(())
    })
    .await;
}

/// What-if with the same files: (messages looked at, those that give something else).
fn again(folder: &Path) -> (Value, Value) {
    let file = folder.join("mappings/till/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}# changes nothing\n")).unwrap();
    let arguments = ["mapping", "what-if", "mappings", "-o", "json"];
    let ran = Command::new(binary()).args(arguments).current_dir(folder).output().unwrap();
    let words = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{words}");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["not_replayable"], json!({}), "{report:#}");
    (report["messages"].clone(), report["otherwise"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_read_answers_is_asked_for_once_and_recorded() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let orders = json!([{ "number": "1", "group": "G1" }, { "number": "2", "group": "G1" }]);
    hand_in(&hub, orders).await;
    until_there(&hub, 2).await;
    assert_eq!((tier(&hub, 1).await, tier(&hub, 2).await), (json!("gold"), json!("gold")));
    assert_eq!(system.calls(), ["/orders/G1"], "one call, whatever is taken of its answer");

    hand_in(&hub, json!([{ "number": "3", "group": "G9" }])).await;
    let todos = wait::until("what there is not is a todo", PATIENCE, || async {
        let todos = api::get(&hub, "/api/v1/todo").await["items"].clone();
        (!todos.as_array().unwrap().is_empty()).then_some(todos)
    })
    .await;
    assert!(todos[0]["why"].as_str().unwrap().contains("gives no `note`"), "{todos:?}");
    assert!(hub.terminate().await.success());

    system.put("G1", "silver", "2026-01-02");
    assert_eq!(again(folder.path()), (json!(2), json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_not_answered_is_waited_for() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    system.refuse([503; 6]);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let orders = json!([{ "number": "1", "group": "G1" }, { "number": "2" }]);
    let came = hand_in(&hub, orders).await;
    let outcomes: Vec<&str> = came.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["waiting", "applied"], "{came:?}");
    assert!(came[0].1.contains("an answer of `till` (read `groups`)"), "{came:?}");
    wait::until("the system answers again, and the order is there", PATIENCE, || async {
        let orders = api::all_orders(&hub).await;
        orders.iter().any(|order| order.order_no == "1").then_some(())
    })
    .await;
    assert_eq!(tier(&hub, 1).await, "gold");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_system_holds_up_no_other() {
    let (slow, quick) = (System::start().await, System::start().await);
    slow.hold(true);
    let port = free_port();
    let folder = folder_of(port, &[("till", &slow), ("pos", &quick)], ("1000/s", "1h"));
    let hub = Hub::start(folder.path(), port).await;
    let order =
        |number: u32| json!({ "number": number.to_string(), "group": format!("G{number}") });
    let orders: Vec<Value> = (1..=50).map(order).collect();
    let came = hand_in(&hub, json!(orders)).await;
    assert!(came.iter().all(|(outcome, _)| outcome == "waiting"), "{came:?}");

    // What one system says and another person takes up again goes on meanwhile.
    let large = json!([{ "number": "99", "note": "x".repeat(20_000) }]);
    assert_eq!(hand_in_of(&hub, "pos", large).await[0].0, "todo");
    let todos = api::get(&hub, "/api/v1/todo").await;
    let replay = hub.url(&format!("/api/v1/todo/{}/replay", todos["items"][0]["id"]));
    assert!(client().post(replay).send().await.unwrap().status().is_success());
    wait::until("the replay is an order", Duration::from_secs(15), || async {
        let orders = api::all_orders(&hub).await;
        orders.iter().any(|order| order.order_no == "99").then_some(())
    })
    .await;
    let metrics = client().get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let waiting = "orderhub_intake_waiting{why=\"reading\"} 50";
    assert!(metrics.lines().any(|line| line == waiting), "{metrics}");
    let asked = client().get(hub.url("/api/v1/orders/7")).send().await.unwrap();
    assert_eq!(asked.status(), 404);
    let words = asked.text().await.unwrap();
    assert!(words.contains("for an answer of `till` (read `groups`)"), "{words}");

    (1..=50).for_each(|number: u32| slow.put(&format!("G{number}"), "gold", "2026-01-01"));
    slow.hold(false);
    until_there(&hub, 51).await;
    assert_eq!(tier(&hub, 50).await, "gold");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_slower_than_the_patience_of_intake_is_answered_in_the_end() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    system.put("G2", "blue", "2026-01-01");
    system.hold(true);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let first = hand_in(&hub, json!([{ "number": "1", "group": "G1" }])).await;
    assert_eq!(first[0].0, "waiting", "{first:?}");
    assert!(first[0].1.contains("it has not come yet"), "{first:?}");
    let second = hand_in(&hub, json!([{ "number": "2", "group": "G2" }])).await;
    assert!(second[0].1.contains("it was slow a moment ago"), "{second:?}");
    system.hold(false);
    until_there(&hub, 2).await;
    assert_eq!((tier(&hub, 1).await, tier(&hub, 2).await), (json!("gold"), json!("blue")));
    let mut calls = system.calls();
    calls.sort();
    assert_eq!(calls, ["/orders/G1", "/orders/G2"], "the question that took long was the answer");

    let known = hand_in(&hub, json!([{ "number": "3", "group": "G1" }])).await;
    assert_eq!(known[0].0, "applied", "what is at hand is taken, slow or not: {known:?}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_stored_before_its_system_is_asked() {
    let system = System::start().await;
    system.hold(true);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let event = |number: u32| {
        let order = json!({ "number": number.to_string(), "group": format!("G{number}") });
        json!({ "kind": "orders", "orders": [order] })
    };
    let events: Vec<Value> = (1..=20).map(event).collect();
    let request = client().post(hub.url("/webhooks/till")).json(&json!({ "events": events }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    // Nobody has waited for the system in vain: who takes the next message in still asks it.
    let next = hand_in(&hub, json!([{ "number": "21", "group": "G21" }])).await;
    assert!(next[0].1.contains("it has not come yet"), "{next:?}");

    (1..=21).for_each(|number: u32| system.put(&format!("G{number}"), "gold", "2026-01-01"));
    system.hold(false);
    until_there(&hub, 21).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_lines_under_a_slow_limit_end() {
    let system = System::start().await;
    (1..=60).for_each(|number: u32| system.put(&format!("L{number}"), "x", "2026-01-01"));
    let port = free_port();
    let folder = folder_of(port, &[("till", &system)], ("2/s", "10s"));
    let hub = Hub::start(folder.path(), port).await;
    let rows: Vec<Value> =
        (1..=60).map(|number: u32| json!({ "no": format!("L{number}") })).collect();
    let came = hand_in(&hub, json!([{ "number": "1", "rows": rows }])).await;
    assert_eq!(came[0].0, "waiting", "{came:?}");
    until_there(&hub, 1).await;
    let tags = api::get(&hub, "/api/v1/orders/till-1").await["tags"].clone();
    assert_eq!(tags.as_array().map(Vec::len), Some(60), "{tags}");
    let calls = system.calls().len();
    assert!(calls <= 70, "what was answered is not asked for again: {calls}");
    assert!(hub.terminate().await.success());
}
