//! Health, refusals, todos: what needs no integration.

use axum::http::{Method, Request, StatusCode, header};
use futures_util::FutureExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{Running, open, start};
use crate::bundle::Files;
use crate::http;

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
async fn a_hub_that_serves_all_it_can_is_still_seen_to_be_alive() {
    let hub = start().await;
    // Each sends a body that never ends.
    let slow = (0..http::limits::MOST_CALLS).map(|_| {
        let body = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request =
            Request::post("/api/v1/intake/nobody/order").header(header::HOST, "localhost");
        let request = request.body(axum::body::Body::from_stream(body)).unwrap();
        hub.router.clone().oneshot(request)
    });
    let mut slow = futures_util::future::join_all(slow);
    assert!((&mut slow).now_or_never().is_none(), "all have begun, and none ends");
    assert_eq!(hub.get("/api/v1/todo").await.status, StatusCode::TOO_MANY_REQUESTS);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(hub.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_ne!(hub.get("/metrics").await.status, StatusCode::TOO_MANY_REQUESTS);
    drop(slow);
    assert_eq!(hub.get("/api/v1/todo").await.status, StatusCode::OK);
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
        assert!(http::is_this_machine(host), "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example"] {
        assert!(!http::is_this_machine(host), "{host}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_act() {
    let hub = start().await;
    for (origin, code) in [
        ("https://evil.example", "foreign_origin"),
        ("null", "foreign_origin"),
        ("http://localhost:8080", "not_found"),
    ] {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/todo/1/discard?reason=x")
            .header(header::ORIGIN, origin);
        assert_eq!(hub.send(request, "").await.body["code"], code, "{origin}");
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
        ("/api/v1/receipts?class=fine", 400, "bad_request"),
        ("/api/v1/receipts?cursor=x", 400, "bad_request"),
        ("/api/v1/receipts?system=moon", 400, "bad_request"),
        ("/api/v1/receipts?order=1001", 404, "not_found"),
        ("/api/v1/orders?cursor=seven", 400, "bad_request"),
        ("/api/v1/orders?system=moon", 400, "bad_request"),
        ("/api/v1/orders?limit=501", 400, "bad_request"),
        ("/api/v1/todo?cursor=x", 400, "bad_request"),
        ("/api/v1/todo?kind=urgent", 400, "bad_request"),
        ("/api/v1/todo?system=moon", 400, "bad_request"),
        ("/api/v1/todo?limit=0", 400, "bad_request"),
        ("/api/v1/orders?colour=red", 400, "bad_request"),
        ("/api/v1/todo/seven", 400, "bad_request"),
        ("/api/v1/todo/7/replay", 405, "method_not_allowed"),
        ("/healthz/x", 404, "no_such_call"),
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
async fn what_was_published_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        let hub = open(folder.path(), "", Files::new()).await;
        let router = http::router(hub.api().clone());
        let running = Running { hub, router, _folder: tempfile::tempdir().unwrap() };
        running.todo().await;
        let open = running.get("/api/v1/todo").await.body["items"].as_array().unwrap().len();
        assert_eq!(open, round);
        running.hub.stop().await;
    }
}
