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

/// The same each time, for this event.
fn webhook(event: &str, body: &str) -> Builder {
    Request::builder()
        .method(Method::POST)
        .uri("/webhooks/shop_eu")
        .header("x-shopify-topic", "orders/create")
        .header("x-shopify-event-id", event)
        .header("x-shopify-hmac-sha256", proof(body))
}

#[tokio::test]
async fn a_repeat_is_known_whichever_secrets_are_named_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhook.secret");
    std::fs::write(&file, "a-secret-of-today-81").unwrap();
    // While one secret takes the place of the other, a webhook may be proved by either.
    let named = format!("webhook = [{{ env = \"HUSH\" }}, {{ file = \"{}\" }}]", file.display());
    let renewed = SYSTEMS.replacen("webhook = { env = \"HUSH\" }", &named, 1);
    let said = |number: u64| {
        let mut order = order(number, &format!("#100{number}"), "5.00");
        order["note"] = json!("a-secret-of-today-81");
        order.to_string()
    };
    let (body, mut seen, mut notes) = (said(7), Vec::new(), Vec::new());
    // Known for a secret that proves webhooks the second time, and not any more at the last.
    for (run, settings) in [SYSTEMS, renewed.as_str(), SYSTEMS].into_iter().enumerate() {
        let hub = at(folder.path(), settings).await;
        let taken = hub.send(webhook("e-7", &body), &body).await;
        assert_eq!(taken.status, StatusCode::OK);
        let todos = hub.get("/api/v1/todo?cause=reused_id").await.body;
        assert_eq!(todos["items"], json!([]), "{todos}");
        let shown = hub.get("/api/v1/orders/1007").await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        seen.push(shown.body["version"].clone());
        // Another one shows what is taken out of all that come now.
        let number = u64::try_from(run).unwrap();
        let other = said(number);
        let taken = hub.send(webhook(&format!("e-{number}"), &other), &other).await;
        assert_eq!(taken.status, StatusCode::OK);
        let shown = hub.get(&format!("/api/v1/orders/100{number}")).await;
        notes.push(shown.body["notes"]["customer"].clone());
        hub.hub.stop().await;
    }
    assert_eq!(notes, ["a-secret-of-today-81", "***", "a-secret-of-today-81"]);
    assert!(seen.iter().all(|shown| *shown == seen[0]), "a repeat changes nothing: {seen:?}");
}
