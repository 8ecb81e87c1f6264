//! Orders from the way in to the API, with the shipped integration files and paused targets.

use axum::http::{Method, Request, StatusCode, header};
use orderhub_twins::sign::Sign;
use serde_json::{Value, json};

use super::{Answer, Running, SECRET, start_with};
use crate::bundle::{Bundle, Files};

pub(super) const SYSTEMS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
mode = "paused"
[systems.shop_eu.secrets]
client_secret = { env = "HUSH" }
webhook = { env = "HUSH" }
[systems.shop_eu.settings]
client_id = "app"
money = "shop_money"
location_id = "1"
[systems.shop_us]
integration = "shopify"
base_url = "https://shop-us.example"
mode = "paused"
[systems.shop_us.secrets]
client_secret = { env = "HUSH" }
webhook = { env = "HUSH" }
[systems.shop_us.settings]
client_id = "app"
money = "shop_money"
location_id = "2"
[systems.erp]
integration = "rest_erp"
base_url = "https://erp.example"
mode = "paused"
[systems.erp.secrets]
token = { env = "HUSH" }
webhook = { env = "HUSH" }
"#;

pub(super) fn files() -> Files {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mappings");
    Bundle::read(std::path::Path::new(folder)).unwrap()
}

pub(super) async fn shops() -> Running {
    start_with(SYSTEMS, files()).await
}

/// An order in the shop's shape.
pub(super) fn order(id: u64, name: &str, total: &str) -> Value {
    json!({
        "id": id, "name": name, "currency": "EUR", "presentment_currency": "EUR",
        "created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid", "taxes_included": true,
        "total_price": total, "current_subtotal_price": total, "current_total_discounts": "0.00",
        "current_total_tax": "0.00",
        "line_items": [{ "id": id * 10, "sku": "MUG", "name": "Mug", "quantity": 1, "price": total,
                         "requires_shipping": true }],
    })
}

impl Running {
    pub(super) async fn take(&self, system: &str, body: &str) -> Answer {
        self.call(Method::POST, &format!("/api/v1/intake/{system}/order_rest"), body).await
    }

    async fn webhook(&self, system: &str, topic: &str, body: &str, proof: &str) -> Answer {
        let request = Request::post(format!("/webhooks/{system}"))
            .header("x-shopify-topic", topic)
            .header("x-shopify-event-id", format!("{topic}-{}", body.len()))
            .header("x-shopify-hmac-sha256", proof);
        self.send(request, body).await
    }
}

pub(super) fn proof(body: &str) -> String {
    let header = "X-Shopify-Hmac-Sha256";
    Sign::HmacBase64 { header, secret: SECRET.to_owned() }.header(body.as_bytes()).1
}

#[tokio::test]
async fn a_document_by_api_is_an_order_found_by_id_ref_and_number() {
    let hub = shops().await;
    let taken = hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    assert_eq!(taken.body["outcome"], "applied", "{}", taken.body);
    let id = taken.body["order"].as_str().unwrap();
    for word in [id, "1001", "shop_eu-1001"] {
        let shown = hub.get(&format!("/api/v1/orders/{word}")).await.body;
        assert_eq!(shown["id"], id, "{word}");
        assert_eq!(shown["totals"]["total"], json!({ "amount": "12.50", "currency": "EUR" }));
        assert_eq!(shown["lines"][0]["sku"], "MUG");
        assert_eq!(shown["xrefs"][0]["ext_id"], "1");
    }
    let listed = hub.get("/api/v1/orders?system=shop_eu").await.body;
    assert_eq!(listed["items"][0]["ref"], "shop_eu-1001");
}

#[tokio::test]
async fn the_same_document_again_is_unchanged_and_the_same_key_a_duplicate() {
    let hub = shops().await;
    let body = order(1, "#1001", "12.50").to_string();
    hub.take("shop_eu", &body).await;
    assert_eq!(hub.take("shop_eu", &body).await.body["outcome"], "unchanged");
    let keyed =
        |key| Request::post("/api/v1/intake/shop_eu/order_rest").header("idempotency-key", key);
    assert_eq!(hub.send(keyed("k-1"), &body).await.body["outcome"], "unchanged");
    assert_eq!(hub.send(keyed("k-1"), &body).await.body["outcome"], "duplicate");
    // No key is no key, however it is written.
    let other = order(2, "#1002", "12.50").to_string();
    assert_eq!(hub.send(keyed(""), &body).await.body["outcome"], "unchanged");
    assert_eq!(hub.send(keyed(" "), &other).await.body["outcome"], "applied");
}

#[tokio::test]
async fn a_number_that_two_shops_use_answers_with_the_candidates() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    hub.take("shop_us", &order(1, "#1001", "99.00").to_string()).await;
    let answer = hub.get("/api/v1/orders/1001").await;
    assert_eq!(answer.status, StatusCode::MULTIPLE_CHOICES);
    assert_eq!(answer.body["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(answer.body["code"], "several_orders");
}

#[tokio::test]
async fn ndjson_gives_an_outcome_for_each_line_and_a_bad_one_hurts_no_neighbour() {
    let hub = shops().await;
    let (first, last) = (order(1, "#1", "1.00"), order(2, "#2", "2.00"));
    let body = format!("{first}\n{{\"id\":\n\n{last}\n");
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/intake/shop_eu/order_rest")
        .header(header::CONTENT_TYPE, "application/x-ndjson");
    let items = hub.send(request, &body).await.body["items"].clone();
    let outcomes: Vec<_> = items.as_array().unwrap().iter().map(|i| &i["outcome"]).collect();
    assert_eq!(outcomes, ["applied", "todo", "applied"], "{items}");
    assert!(items[1]["why"].is_string(), "{items}");
    hub.hub.api().store.close().await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/intake/shop_eu/order_rest")
        .header(header::CONTENT_TYPE, "application/x-ndjson");
    let answer = hub.send(request, &body).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "nothing of it is stored");
}

#[tokio::test]
async fn what_cannot_be_taken_waits_for_a_person_with_its_cause() {
    let hub = shops().await;
    let large = format!("{{\"id\":1,\"note\":\"{}\"}}", "x".repeat(2 << 20));
    let many = (0..1_001).map(|i| json!({ "id": i, "sku": "A", "quantity": 1, "price": "1.00" }));
    let mut long = order(7, "#7", "1.00");
    long["line_items"] = many.collect();
    let cases = [
        (large, "too_large"),
        (long.to_string(), "too_large"),
        ("[1,2".to_owned(), "malformed"),
        (order(8, "#8", "1.005").to_string(), "amount_scale"),
    ];
    for (body, cause) in cases {
        let taken = hub.take("shop_eu", &body).await;
        assert_eq!(taken.body["outcome"], "todo", "{cause}: {}", taken.body);
        let found = hub.get(&format!("/api/v1/todo?cause={cause}")).await.body;
        assert_eq!(found["items"][0]["kind"], "parked", "{cause}");
        assert_eq!(found["items"][0]["system"], "shop_eu", "{cause}");
    }
}

#[tokio::test]
async fn a_document_that_no_intake_takes_is_refused_with_the_names_of_those_that_are() {
    let hub = shops().await;
    let body = order(1, "#1001", "12.50").to_string();
    let answer = hub.call(Method::POST, "/api/v1/intake/shop_eu/order_rset", &body).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.body["code"], "unknown_document");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean `order_rest`?"), "{detail}");
    assert!(answer.body["documents"].as_array().unwrap().contains(&json!("order_rest")));
    let none = hub.call(Method::POST, "/api/v1/intake/erp/weather", "{}").await;
    assert_eq!(none.body["code"], "unknown_document", "{}", none.body);
    assert_eq!(hub.get("/api/v1/todo").await.body["items"], json!([]), "nothing is stored");
}

#[tokio::test]
async fn a_parked_large_body_is_taken_when_a_person_replays_it() {
    let hub = shops().await;
    let mut large = order(9, "#9", "1.00");
    large["note"] = "x".repeat(2 << 20).into();
    hub.take("shop_eu", &large.to_string()).await;
    let id = hub.get("/api/v1/todo?cause=too_large").await.body["items"][0]["id"].clone();
    let replayed = hub.call(Method::POST, &format!("/api/v1/todo/{id}/replay"), "").await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "{}", replayed.body);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..500 {
        tick.tick().await;
        if hub.get("/api/v1/orders/9").await.status == StatusCode::OK {
            return;
        }
    }
    panic!("the replay made no order: {}", hub.get("/api/v1/todo").await.body);
}

#[tokio::test]
async fn a_webhook_is_verified_stored_and_only_then_answered() {
    let hub = shops().await;
    let body = order(5, "#1005", "5.00").to_string();
    let forged = hub.webhook("shop_eu", "orders/create", &body, "bm9wZQ==").await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hub.get("/api/v1/orders/1005").await.status, StatusCode::NOT_FOUND);
    let taken = hub.webhook("shop_eu", "orders/create", &body, &proof(&body)).await;
    assert_eq!(taken.status, StatusCode::OK);
    assert_eq!(hub.get("/api/v1/orders/1005").await.status, StatusCode::OK);
    let ignored = hub.webhook("shop_eu", "themes/publish", &body, &proof(&body)).await;
    assert_eq!(ignored.status, StatusCode::OK, "a kind that no intake names is skipped");
    let packed = Request::builder()
        .method(Method::POST)
        .uri("/webhooks/shop_eu")
        .header(header::CONTENT_ENCODING, "gzip");
    assert_eq!(hub.send(packed, &body).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_webhook_that_could_not_be_read_stays_a_todo_when_it_is_replayed() {
    let hub = shops().await;
    let body = "no order";
    hub.webhook("shop_eu", "orders/create", body, &proof(body)).await;
    let todo = "/api/v1/todo?cause=unreadable_webhook";
    let id = hub.get(todo).await.body["items"][0]["id"].as_i64().unwrap();
    hub.call(Method::POST, &format!("/api/v1/todo/{id}/replay"), "").await;
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..500 {
        tick.tick().await;
        let again = hub.get(todo).await.body["items"][0]["id"].as_i64();
        if again.is_some_and(|again| again != id) {
            return;
        }
    }
    panic!("nobody is told of it any more: {}", hub.get("/api/v1/todo").await.body);
}

#[tokio::test]
async fn a_person_edits_with_the_version_that_was_seen() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let edit = |tag: Option<&str>| {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/orders/1001?reason=customer+called")
            .header(header::CONTENT_TYPE, "application/json");
        match tag {
            Some(tag) => request.header(header::IF_MATCH, tag),
            None => request,
        }
    };
    let patch = json!({ "notes": { "internal": "call first" } }).to_string();
    let unseen = hub.send(edit(None), &patch).await;
    assert_eq!(unseen.status, StatusCode::PRECONDITION_REQUIRED);
    let future = hub.send(edit(Some("\"9\"")), &patch).await;
    assert_eq!(future.status, StatusCode::PRECONDITION_FAILED);
    let wrong = json!({ "notes.interna": "call first" }).to_string();
    let wrong = hub.send(edit(Some("\"1\"")), &wrong).await;
    assert!(wrong.body["detail"].as_str().unwrap().contains("`notes.internal`"), "{}", wrong.body);
    for (patch, named) in [
        (json!({ "no_such": {} }), "`no_such`"),
        (json!({ "notes": {} }), "`notes`"),
        (json!({ "notes": { "internal": "x", "inner": {} } }), "`notes.inner`"),
        (json!({}), "names no field"),
        (json!({ "state": { "lifecycle": "canceled" } }), "cancelled"),
        (json!({ "addresses.ship_to": { "country": "Germany" } }), "two letters"),
    ] {
        let empty = hub.send(edit(Some("\"1\"")), &patch.to_string()).await;
        assert_eq!(empty.status, StatusCode::BAD_REQUEST, "{patch}");
        assert!(empty.body["detail"].as_str().unwrap().contains(named), "{}", empty.body);
    }
    let other = json!({ "totals.total": { "amount": "1.00", "currency": "EUR" } }).to_string();
    let other = hub.send(edit(Some("\"1\"")), &other).await;
    assert_eq!((other.status, &other.body["cause"]), (StatusCode::CONFLICT, &json!("not_owner")));
    assert_eq!(hub.get("/api/v1/todo").await.body["items"], json!([]), "told is enough");
    let done = hub.send(edit(Some("\"1\"")), &patch).await;
    assert_eq!(done.body["outcome"], "applied", "{}", done.body);
    let shown = hub.get("/api/v1/orders/1001").await.body;
    assert_eq!(shown["notes"]["internal"], "call first");
    let versions = hub.get("/api/v1/orders/1001/versions").await.body;
    let last = versions["items"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!((&last["actor"], &last["cause"]), (&json!("person:local"), &json!("api")));
    assert_eq!(last["reason"], "customer called");
    assert_eq!(versions["items"][0]["reason"], Value::Null, "no person was asked");
    assert!(last["fields"].as_array().unwrap().contains(&"notes.internal".into()), "{last}");
    let then = hub.get("/api/v1/orders/1001?at=1").await.body;
    assert!(then["notes"]["internal"].is_null(), "{then}");
}

#[tokio::test]
async fn an_edit_of_an_address_keeps_the_parts_that_it_does_not_name() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let edit = |seen: u32, ship_to: Value| {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/orders/1001?reason=customer+called")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, format!("\"{seen}\""));
        (request, json!({ "addresses": { "ship_to": ship_to } }).to_string())
    };
    let (request, whole) =
        edit(1, json!({ "name": "A", "line2": "rear", "city": "X", "country": "DE" }));
    assert_eq!(hub.send(request, &whole).await.body["outcome"], "applied");
    let (request, part) = edit(2, json!({ "city": "Y", "line2": null }));
    assert_eq!(hub.send(request, &part).await.body["outcome"], "applied");
    let shown = hub.get("/api/v1/orders/1001").await.body;
    let expected = json!({ "name": "A", "city": "Y", "country": "DE" });
    assert_eq!(shown["addresses"]["ship_to"], expected, "{shown}");
}

#[tokio::test]
async fn systems_are_shown_paused_and_their_breakers_moved_by_hand() {
    let hub = shops().await;
    let listed = hub.get("/api/v1/systems").await.body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let erp = hub.get("/api/v1/systems/erp").await.body;
    assert_eq!((&erp["mode"], &erp["role"]), (&json!("paused"), &json!("erp")));
    let hub = &hub;
    let post = |path: &str| {
        let path = format!("/api/v1/systems/{path}");
        async move { hub.call(Method::POST, &path, "").await }
    };
    assert_eq!(post("erp/pause").await.status, StatusCode::BAD_REQUEST, "no reason given");
    assert_eq!(post("erp/pause?reason=audit").await.body["paused"], "audit");
    assert_eq!(post("moon/pause?reason=audit").await.status, StatusCode::NOT_FOUND);
    let moved = post("erp/breakers/create_sale/open?reason=audit").await;
    assert_eq!(moved.status, StatusCode::OK);
    let erp = hub.get("/api/v1/systems/erp").await.body;
    assert_eq!(erp["breakers"][0]["operation"], "create_sale");
    let kept = hub.hub.api().store.pauses().await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|row| (row.system.as_str(), row.operation.as_deref(), row.reason.as_str()))
        .collect();
    assert_eq!(kept, [("erp", None, "audit"), ("erp", Some("create_sale"), "audit")]);
    assert_eq!(post("erp/breakers/nothing/open?reason=x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post("erp/breakers/create_sale/kick?reason=x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post("erp/breakers/create_sale/close?reason=x").await.status, StatusCode::OK);
    assert_eq!(post("erp/resume?reason=x").await.body["paused"], Value::Null);
    assert!(hub.hub.api().store.pauses().await.unwrap().is_empty());
}

#[tokio::test]
async fn metrics_have_the_promised_names_and_bounded_labels() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    hub.take("shop_eu", "[1,2").await;
    let request = Request::builder().uri("/metrics");
    let text = hub.text(request).await;
    for name in [
        "orderhub_intake_total{",
        "orderhub_intake_commit_seconds",
        "orderhub_intake_backlog",
        "orderhub_todo{",
        "orderhub_source_freshness_seconds{",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    assert!(!text.contains("1001"), "an order's number is in a label");
    let shop = hub.get("/api/v1/systems/shop_eu").await.body;
    let minutes = shop["minutes"].as_array().unwrap();
    let sum = |outcome: &str| -> u64 {
        minutes.iter().filter_map(|minute| minute["outcomes"][outcome].as_u64()).sum()
    };
    assert_eq!((sum("applied"), sum("todo"), sum("stale")), (1, 1, 0), "{shop}");
}

#[tokio::test]
async fn orders_are_listed_by_state_and_time() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    for (query, count) in [
        ("state.payment=captured", 1),
        ("state.payment=pending", 0),
        ("state.lifecycle=open&placed_since=2026-11-01T10:00:00Z", 1),
        ("placed_since=2026-11-01T10:00:01Z", 0),
        ("updated_since=2026-01-01T00:00:00Z", 1),
        ("updated_since=2126-01-01T00:00:00Z", 0),
        ("system=erp", 0),
    ] {
        let listed = hub.get(&format!("/api/v1/orders?{query}")).await.body;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(count), "{query}: {listed}");
    }
    let wrong = hub.get("/api/v1/orders?state.payment=payed").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body["detail"].as_str().unwrap().contains("captured"), "{}", wrong.body);
    let wrong = hub.get("/api/v1/orders?system=shop_ue").await.body;
    assert!(wrong["detail"].as_str().unwrap().contains("did you mean `shop_eu`?"), "{wrong}");
}
