//! The router by `oneshot`, without a listener, over a real store in a temporary folder.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::bundle::Files;
use crate::clock::Clock;
use crate::config;
use crate::intake::Envelope;
use crate::{Hub, Start};

/// A hub without systems, and its router.
struct Running {
    hub: Hub,
    router: Router,
    _folder: TempDir,
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n",
        folder.path().join("hub.db").display()
    );
    let config = config::parse("test", &text, &Default::default()).unwrap().config;
    let start =
        Start { config, files: Files::new(), env: Default::default(), clock: Clock::system() };
    let hub = Hub::start(start).await.unwrap();
    let router = super::router(hub.api().clone());
    Running { hub, router, _folder: folder }
}

struct Answer {
    status: StatusCode,
    kind: String,
    body: Value,
}

impl Running {
    async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path), body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "").await
    }

    async fn send(&self, request: axum::http::request::Builder, body: &str) -> Answer {
        let named = request.headers_ref().is_some_and(|h| h.contains_key(header::HOST));
        let request = if named { request } else { request.header(header::HOST, "localhost:8080") };
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, kind, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Leaves a todo behind: a message of a system that nobody knows.
    async fn todo(&self) -> i64 {
        let envelope = Envelope {
            source: "process".into(),
            system: SystemName::new("nobody"),
            document: "order".into(),
            message_id: None,
            body: "{\"id\":1}".into(),
            headers: Vec::new(),
            received: Timestamp::UNIX_EPOCH,
            suspect: false,
        };
        self.hub.bus().publish(envelope).await.unwrap();
        self.get("/api/v1/todo").await.body["items"][0]["id"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn a_running_hub_is_alive_and_ready() {
    let hub = start().await;
    assert_eq!(hub.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(hub.get("/readyz").await.status, StatusCode::OK);
    hub.hub.stop().await;
}

#[tokio::test]
async fn readiness_names_every_part_that_cannot_work() {
    let hub = start().await;
    hub.hub.api().readiness.not("queue:orders", "queue `orders` cannot be read");
    let answer = hub.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["code"], "not_ready");
    assert_eq!(answer.body["reasons"]["queue:orders"], "queue `orders` cannot be read");
}

#[tokio::test]
async fn a_foreign_host_is_refused_but_not_for_webhooks() {
    let hub = start().await;
    let foreign = |path: &str| {
        Request::builder().method(Method::POST).uri(path).header(header::HOST, "evil.example")
    };
    let answer = hub.send(foreign("/api/v1/todo/1/replay"), "").await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(answer.body["code"], "foreign_host");
    let answer = hub.send(foreign("/webhooks/shop"), "{}").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "no such system, but the host is no matter");
    for host in ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"] {
        assert!(super::is_this_machine(host), "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example"] {
        assert!(!super::is_this_machine(host), "{host}");
    }
}

#[tokio::test]
async fn every_error_is_a_problem_document_with_a_code() {
    let hub = start().await;
    let cases = [
        ("/nowhere", 404, "no_such_call"),
        ("/api/v1/orders/1001", 404, "not_found"),
        ("/api/v1/orders/1001/why", 404, "not_found"),
        ("/api/v1/systems/shop", 404, "not_found"),
        ("/api/v1/todo/77", 404, "not_found"),
        ("/api/v1/receipts", 400, "bad_request"),
        ("/api/v1/orders?colour=red", 400, "bad_request"),
        ("/api/v1/todo/seven", 400, "bad_request"),
        ("/api/v1/todo/7/replay", 405, "method_not_allowed"),
    ];
    for (path, status, code) in cases {
        let answer = hub.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.kind, "application/problem+json", "{path}");
        assert_eq!(answer.body["code"], code, "{path}");
        assert_eq!(answer.body["status"], status, "{path}");
    }
}

#[tokio::test]
async fn a_document_of_an_unknown_system_is_refused_at_the_api() {
    let hub = start().await;
    let answer = hub.call(Method::POST, "/api/v1/intake/nobody/order", "{}").await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (404, &Value::from("not_found")));
}

#[tokio::test]
async fn a_body_over_16_mib_is_refused() {
    let hub = start().await;
    let body = "x".repeat((16 << 20) + 1);
    let answer = hub.call(Method::POST, "/api/v1/intake/nobody/order", &body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.body["code"], "too_large");
}

#[tokio::test]
async fn a_todo_is_shown_with_its_message_and_discarded_with_a_reason() {
    let hub = start().await;
    let id = hub.todo().await;
    let shown = hub.get(&format!("/api/v1/todo/{id}")).await.body;
    assert_eq!(shown["cause"], "unknown_system");
    assert_eq!(shown["state"], "open");
    assert_eq!(shown["raw"]["body"], "{\"id\":1}");
    let discard = format!("/api/v1/todo/{id}/discard");
    assert_eq!(hub.call(Method::POST, &discard, "").await.status, StatusCode::BAD_REQUEST);
    let discard = format!("{discard}?reason=a+test");
    assert_eq!(hub.call(Method::POST, &discard, "").await.status, StatusCode::OK);
    assert_eq!(hub.call(Method::POST, &discard, "").await.status, StatusCode::CONFLICT);
    assert_eq!(hub.get("/api/v1/todo").await.body["items"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn looking_at_todos_consumes_none() {
    let hub = start().await;
    let id = hub.todo().await;
    for _ in 0..3 {
        assert_eq!(hub.get(&format!("/api/v1/todo/{id}")).await.body["state"], "open");
        assert_eq!(hub.get("/api/v1/todo?kind=parked").await.body["items"][0]["id"], id);
    }
    let none = hub.get("/api/v1/todo?kind=dead").await.body;
    assert_eq!(none["items"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_stopping_hub_takes_no_new_work() {
    let hub = start().await;
    hub.hub.api().stopping.cancel();
    let answer = hub.call(Method::POST, "/webhooks/shop", "{}").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["code"], "stopping");
}

#[tokio::test]
async fn stopping_twice_in_a_row_loses_nothing_that_was_published() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n",
        folder.path().join("hub.db").display()
    );
    let config = config::parse("test", &text, &Default::default()).unwrap().config;
    for round in 1..=2 {
        let start = Start {
            config: config.clone(),
            files: Files::new(),
            env: Default::default(),
            clock: Clock::system(),
        };
        let hub = Hub::start(start).await.unwrap();
        let router = super::router(hub.api().clone());
        let running = Running { hub, router, _folder: tempfile::tempdir().unwrap() };
        running.todo().await;
        let open = running.get("/api/v1/todo").await.body["items"].as_array().unwrap().len();
        assert_eq!(open, round);
        running.hub.stop().await;
    }
}
