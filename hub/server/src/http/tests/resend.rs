//! An order that is sent to a system again.

use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::orders::{order, shops};
use super::{Answer, Running};

async fn resend(hub: &Running, system: &str, query: &str, key: Option<&str>) -> Answer {
    let uri = format!("/api/v1/orders/1001/lanes/{system}/resend?{query}");
    let request = Request::builder().method(Method::POST).uri(uri);
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    hub.send(request, "").await
}

#[tokio::test]
async fn what_is_sent_again_is_told_before_and_asked_for_once() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let version = hub.get("/api/v1/orders/1001").await.body["version"].as_u64().unwrap();
    // It waits to be sent already: that is said, and nothing is done.
    for query in ["dry_run=true", "reason=is%20it%20there"] {
        let waits = resend(&hub, "erp", query, None).await.body;
        assert_eq!((&waits["outcome"], &waits["version"]), (&json!("unchanged"), &json!(version)));
        assert_eq!(waits["calls"][0]["rule"], "order.accepted/create_sale", "{waits}");
    }
    let preview = resend(&hub, "erp", "all=true&dry_run=true", None).await.body;
    assert_eq!((&preview["outcome"], &preview["system"]), (&json!("preview"), &json!("erp")));
    assert_eq!(preview["version"], version + 1, "{preview}");
    let call = &preview["calls"][0];
    assert_eq!(
        (&call["rule"], &call["subject"]),
        (&json!("order.accepted/create_sale"), &json!("order"))
    );
    assert_eq!((&call["sent"], &call["code"]), (&json!(false), &json!("paused")), "{preview}");
    assert_eq!(hub.get("/api/v1/orders/1001").await.body["version"], version, "nothing was done");

    let query = "all=true&reason=lost%20there";
    let done = resend(&hub, "erp", query, Some("k1")).await;
    assert_eq!((done.status, &done.body["version"]), (StatusCode::OK, &json!(version + 1)));
    let again = resend(&hub, "erp", query, Some("k1")).await;
    assert!(again.replayed && again.body == done.body, "{}", again.body);
    assert_eq!(hub.get("/api/v1/orders/1001").await.body["version"], version + 1);
    let log = hub.get("/api/v1/orders/1001/versions").await.body;
    let of = |member: &str| -> Vec<Value> {
        let items = log["items"].as_array().unwrap().iter();
        items.map(|item| item[member].clone()).collect()
    };
    assert!(of("cause").contains(&json!("resend_all:erp")), "{log}");
    assert!(of("reason").contains(&json!("lost there")), "{log}");
    assert!(of("actor").contains(&json!("person:local")), "{log}");
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_said() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    for (system, query, status, code, cause) in [
        ("moon", "reason=x", StatusCode::NOT_FOUND, "not_found", Value::Null),
        ("erp", "", StatusCode::BAD_REQUEST, "bad_request", Value::Null),
        ("erp", "reason=x&whole=true", StatusCode::BAD_REQUEST, "bad_request", Value::Null),
        ("shop_us", "reason=x", StatusCode::CONFLICT, "conflict", json!("not_released")),
        ("shop_us", "dry_run=true", StatusCode::CONFLICT, "conflict", json!("not_released")),
    ] {
        let answer = resend(&hub, system, query, None).await;
        let told = (answer.status, &answer.body["code"], &answer.body["cause"]);
        assert_eq!(told, (status, &json!(code), &cause), "{system} {query}: {}", answer.body);
    }
}
