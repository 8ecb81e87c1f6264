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
  groups: { do: get_group, args: [id], fresh_for: 1h }
",
    ),
    (
        "connector.yaml",
        "orderhub: 1
connector: till
base: \"{base_url}\"
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
",
    ),
];

fn folder(port: u16, system: &System) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"sqlite:hub.db\"\n\
         [mappings]\npath = \"mappings\"\n[egress]\nallow_private = [\"127.0.0.1/32\"]\n\
         [systems.till]\nintegration = \"till\"\nbase_url = \"{}\"\n",
        system.url()
    );
    std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    std::fs::create_dir_all(folder.path().join("mappings/till")).unwrap();
    for (name, text) in FILES {
        std::fs::write(folder.path().join("mappings/till").join(name), text).unwrap();
    }
    folder
}

/// Hands in orders as one message; what became of each.
async fn hand_in(hub: &Hub, orders: Value) -> Vec<(String, String)> {
    let body = json!({ "orders": orders });
    let sent = client().post(hub.url("/api/v1/intake/till/orders")).json(&body).send().await;
    let answer = sent.unwrap().json::<Value>().await.unwrap();
    let all = answer["items"].as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.iter().map(|one| (text(&one["outcome"]), text(&one["why"]))).collect()
}

async fn tier(hub: &Hub, number: u32) -> Value {
    api::get(hub, &format!("/api/v1/orders/till-{number}")).await["customer"]["tier"].clone()
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
    let came = hand_in(&hub, orders).await;
    assert!(came.iter().all(|(outcome, _)| outcome == "applied"), "{came:?}");
    assert_eq!((tier(&hub, 1).await, tier(&hub, 2).await), (json!("gold"), json!("gold")));
    assert_eq!(system.calls(), ["/orders/G1"], "one call, whatever is taken of its answer");

    let unknown = hand_in(&hub, json!([{ "number": "3", "group": "G9" }])).await;
    assert_eq!(unknown[0].0, "todo", "{unknown:?}");
    assert!(unknown[0].1.contains("gives no `note`"), "{unknown:?}");
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
    assert!(came[0].1.contains("by the read `groups`"), "{came:?}");
    wait::until("the system answers again, and the order is there", PATIENCE, || async {
        let orders = api::all_orders(&hub).await;
        orders.iter().any(|order| order.order_no == "1").then_some(())
    })
    .await;
    assert_eq!(tier(&hub, 1).await, "gold");
    assert!(hub.terminate().await.success());
}
