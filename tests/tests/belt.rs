//! A queue that the hub reads: it is no listing, and gives the same again while nobody takes it off.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::{api, wait};
use orderhub_twins::serve::{Served, serve_anywhere};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// Orders of an answer.
const AT_ONCE: usize = 2;

/// Orders that wait, and whether what is confirmed stays there all the same.
#[derive(Debug, Default)]
struct Belt {
    orders: Mutex<Vec<Value>>,
    stuck: Mutex<bool>,
    asked: Mutex<usize>,
}

impl Belt {
    fn put(&self, ids: std::ops::Range<u32>) {
        let line = |id: u32| json!([{ "id": format!("{id}-1"), "sku": "A", "qty": 1 }]);
        let order = |id: u32| json!({ "id": id.to_string(), "updated": "2026-03-02T10:00:00Z", "note": "x", "lines": line(id) });
        self.orders.lock().unwrap().extend(ids.map(order));
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    fn front(&self) -> Vec<Value> {
        *self.asked.lock().unwrap() += 1;
        self.orders.lock().unwrap().iter().take(AT_ONCE).cloned().collect()
    }

    fn taken(&self, ids: &[Value]) {
        if !*self.stuck.lock().unwrap() {
            self.orders.lock().unwrap().retain(|order| !ids.contains(&order["id"]));
        }
    }
}

async fn answer(
    State(belt): State<Arc<Belt>>,
    method: Method,
    uri: Uri,
    body: axum::body::Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (method.as_str(), uri.path()) {
        ("GET", "/belt") => Json(json!({ "orders": belt.front() })).into_response(),
        ("POST", "/taken") => {
            belt.taken(body["ids"].as_array().map_or(&[][..], Vec::as_slice));
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn started(belt: &Arc<Belt>) -> (Hub, Served, TempDir) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let router = Router::new().fallback(answer).with_state(Arc::clone(belt));
    let served = serve_anywhere(router).await.unwrap();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/belt").canonicalize().unwrap();
    let settings = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"sqlite:hub.db\"\n\
         [mappings]\npath = \"{}\"\n[egress]\nallow_private = [\"127.0.0.1/32\"]\n\
         [systems.belt]\nintegration = \"belt\"\nbase_url = \"{}\"\n",
        files.display(),
        served.url()
    );
    std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    let hub = Hub::start(folder.path(), port).await;
    (hub, served, folder)
}

async fn until_known(hub: &Hub, orders: usize) {
    wait::until(&format!("{orders} orders"), PATIENCE, || async {
        (api::all_orders(hub).await.len() >= orders).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_gives_the_same_again_is_asked_at_its_next_turn() {
    let belt = Arc::<Belt>::default();
    belt.put(0..2);
    *belt.stuck.lock().unwrap() = true;
    let (hub, _served, _folder) = started(&belt).await;
    until_known(&hub, 2).await;
    let before = belt.asked();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let asked = belt.asked() - before;
    assert!((3..=8).contains(&asked), "once a second: {asked}");
    assert!(!hub.log().contains("a poll did not go on"), "it is no failure: {}", hub.log());
    // What has waited behind is read at once.
    belt.put(2..42);
    *belt.stuck.lock().unwrap() = false;
    let before = belt.asked();
    let began = tokio::time::Instant::now();
    until_known(&hub, 42).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(belt.asked() - before >= 21, "two at once");
    assert!(hub.terminate().await.success());
}
