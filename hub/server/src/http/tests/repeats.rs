//! Webhooks that come again, after the settings have changed.

use std::path::Path;

use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use super::orders::{SYSTEMS, files, order, proof};
use super::{Running, open};

/// The hub of this folder, with these settings.
async fn at(folder: &Path, settings: &str) -> Running {
    let hub = open(folder, settings, files()).await;
    let router = crate::http::router(hub.api().clone());
    Running { hub, router, _folder: tempfile::tempdir().unwrap() }
}

/// The same each time.
fn webhook(body: &str) -> Builder {
    Request::builder()
        .method(Method::POST)
        .uri("/webhooks/shop_eu")
        .header("x-shopify-topic", "orders/create")
        .header("x-shopify-event-id", "e-7")
        .header("x-shopify-hmac-sha256", proof(body))
}

#[tokio::test]
async fn a_repeat_is_known_whichever_secrets_are_named_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.secret");
    std::fs::write(&file, "a-secret-of-today-81").unwrap();
    let named = format!("token = {{ file = \"{}\" }}", file.display());
    let renewed = SYSTEMS.replacen("token = { env = \"HUSH\" }", &named, 1);
    let mut order = order(7, "#1007", "5.00");
    order["note"] = json!("a-secret-of-today-81");
    let body = order.to_string();
    let mut seen = Vec::new();
    // Known for a secret from the second time on, and not any more at the last.
    for settings in [SYSTEMS, renewed.as_str(), SYSTEMS] {
        let hub = at(folder.path(), settings).await;
        let taken = hub.send(webhook(&body), &body).await;
        assert_eq!(taken.status, StatusCode::OK);
        let todos = hub.get("/api/v1/todo?cause=reused_id").await.body;
        assert_eq!(todos["items"], json!([]), "{todos}");
        let shown = hub.get("/api/v1/orders/1007").await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        seen.push(shown.body["version"].clone());
        hub.hub.stop().await;
    }
    assert!(seen.iter().all(|shown| *shown == seen[0]), "a repeat changes nothing: {seen:?}");
}
