//! Tests of a shop's day.

use super::*;
use crate::clock::Clock;
use crate::frame::Frame;
use crate::outbox::{Habits, Message, Outbox, Taken};
use crate::shop::{Line, ONCE};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

type Told = Arc<Mutex<Vec<(String, Value)>>>;

fn shop(name: &str, number: u16) -> (Shop, Told) {
    let clock = Clock::new(3600.0, Timestamp::UNIX_EPOCH);
    let told = Told::default();
    let to = Arc::clone(&told);
    let carrier = move |message: Message| -> Taken {
        let body = serde_json::from_slice(&message.body).unwrap();
        to.lock().unwrap().push((message.topic, body));
        Box::pin(async { true })
    };
    let outbox = Outbox::start(clock.clone(), Habits::tidy(), Arc::new(carrier));
    (Shop::new(Frame::new(name, clock, ONCE).telling(outbox), number), told)
}

/// Minor units of a decimal text; whole numbers only, as tests must not round either.
fn minor(value: &Value, scale: u32) -> i64 {
    let text = value.as_str().unwrap();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert_eq!(part.len(), scale as usize, "{text}");
    format!("{whole}{part}").parse().unwrap()
}

fn assert_sums(body: &Value) {
    let scale = match body["currency"].as_str().unwrap() {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    let at = |name: &str| minor(&body[name], scale);
    let shipping = minor(&body["total_shipping_price_set"]["shop_money"]["amount"], scale);
    let included = body["taxes_included"].as_bool().unwrap();
    for prefix in ["", "current_"] {
        let name = |suffix: &str| at(&format!("{prefix}{suffix}"));
        let tax = if included { 0 } else { name("total_tax") };
        let total = name("subtotal_price") + shipping + tax;
        assert_eq!(name("total_price"), total, "{prefix} {body}");
    }
    let lines = body["line_items"].as_array().unwrap();
    let gross: i64 = lines
        .iter()
        .map(|line| minor(&line["price"], scale) * line["quantity"].as_i64().unwrap())
        .sum();
    assert_eq!(at("total_line_items_price"), gross);
    assert_eq!(at("subtotal_price"), gross - at("total_discounts"));
}

#[tokio::test(start_paused = true)]
async fn every_webhook_of_a_day_has_consistent_sums_in_every_currency() {
    let (shop, told) = shop("shop_eu", 1);
    shop.live(Plan { orders: 200, ..Plan::default() }).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = told.lock().unwrap();
    let mut currencies = std::collections::BTreeSet::new();
    for (_, body) in told.iter() {
        assert_sums(body);
        currencies.insert(body["currency"].as_str().unwrap().to_owned());
    }
    assert_eq!(currencies.len(), 6);
    assert!(told.len() > 400, "each order changes at least once");
}

#[tokio::test(start_paused = true)]
async fn an_order_is_made_once_changed_one_to_three_times_and_ends_paid_or_cancelled() {
    let (shop, told) = shop("shop_eu", 1);
    let plan = Plan { orders: 150, cancelled_percent: 20, ..Plan::default() };
    shop.live(plan).await;
    for order in shop.orders() {
        assert!((2..=4).contains(&order.sequence), "{}", order.sequence);
        assert_eq!(order.payment == Payment::Paid, order.cancelled.is_none());
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = told.lock().unwrap();
    let created = told.iter().filter(|(topic, _)| topic == "orders/create").count();
    assert_eq!(created, 150);
    assert!(told.iter().any(|(topic, _)| topic == "orders/cancelled"));
    let mut last = std::collections::HashMap::new();
    for (_, body) in told.iter() {
        let updated = body["updated_at"].as_str().unwrap().to_owned();
        let before = last.insert(body["id"].as_u64().unwrap(), updated.clone());
        assert!(before.is_none_or(|before| before < updated), "whole seconds, strictly rising");
    }
}

#[tokio::test(start_paused = true)]
async fn two_shops_have_the_same_numbers_and_no_id_in_common() {
    let (eu, _) = shop("shop_eu", 1);
    let (us, _) = shop("shop_us", 2);
    for shop in [&eu, &us] {
        shop.live(Plan { orders: 20, ..Plan::default() }).await;
    }
    let (eu, us) = (eu.orders(), us.orders());
    assert!(eu.iter().any(|order| order.number == 1_001));
    assert!(us.iter().any(|order| order.number == 1_001));
    assert!(eu.iter().all(|a| us.iter().all(|b| a.id != b.id)));
}

/// What the shop answers to a document of the integration.
async fn ask(shop: &Shop, file: &str, variables: Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/shopify");
    let query = std::fs::read_to_string(folder.join(file)).unwrap();
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = Request::post("/admin/api/2026-10/graphql.json");
    let request = request.header("x-shopify-access-token", "t").body(Body::from(body)).unwrap();
    let answer = shop.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A `FulfillmentInput` of so many pieces of each line.
fn parcel(order: &Order, number: &str, pieces: impl Fn(&Line) -> u64) -> Value {
    let lines = order.lines.iter().filter(|line| line.ships && pieces(line) > 0);
    let lines = lines.map(|line| {
        json!({ "id": format!("gid://shopify/FulfillmentOrderLineItem/{}", line.id), "quantity": pieces(line) })
    });
    let id = format!("gid://shopify/FulfillmentOrder/{}", order.id);
    json!({ "fulfillment": {
        "lineItemsByFulfillmentOrder": [{ "fulfillmentOrderId": id, "fulfillmentOrderLineItems": lines.collect::<Value>() }],
        "trackingInfo": { "company": "Parcel Line", "number": number } } })
}

/// A shop with one paid order of which everything ships.
async fn one_order() -> (Shop, Told, Order) {
    let (shop, told) = shop("shop_eu", 1);
    shop.live(Plan { orders: 1, cancelled_percent: 0, ..Plan::default() }).await;
    let order = shop.orders().remove(0);
    (shop, told, order)
}

#[tokio::test(start_paused = true)]
async fn a_fulfilment_is_taken_told_by_webhook_and_not_taken_twice() {
    let (shop, told, order) = one_order().await;
    let wanted = parcel(&order, "PL1", |line| line.quantity);
    let made = ask(&shop, "fulfillment_create.graphql", wanted.clone()).await;
    let id = &made["data"]["result"]["fulfillment"]["id"];
    assert_eq!(made["data"]["result"]["fulfillment"]["trackingInfo"][0]["number"], "PL1");
    let again = ask(&shop, "fulfillment_create.graphql", wanted).await;
    assert!(again["data"]["result"]["userErrors"][0]["message"].is_string(), "{again}");
    let there = json!({ "id": format!("gid://shopify/Order/{}", order.id) });
    let there = ask(&shop, "fulfillment_orders.graphql", there).await;
    assert_eq!(there["data"]["order"]["fulfillments"][0]["id"], *id);
    assert_eq!(there["data"]["order"]["fulfillmentOrders"]["nodes"][0]["status"], "CLOSED");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (topic, body) = told.lock().unwrap().last().unwrap().clone();
    assert_eq!(topic, "orders/fulfilled");
    assert_eq!(format!("gid://shopify/Fulfillment/{}", body["fulfillments"][0]["id"]), *id);
    assert_sums(&body);
    assert_eq!(shop.frame.ledger.counts().doubled, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_warehouse_could_not_send_is_taken_off_and_paid_back() {
    let (shop, told, order) = one_order().await;
    let several = order.lines.iter().find(|line| line.ships && line.quantity > 1);
    let short = several.unwrap_or(&order.lines[0]);
    let pieces = |line: &Line| match line.id == short.id {
        true => {
            if line.quantity > 1 {
                line.quantity - 1
            } else {
                1
            }
        }
        false => 0,
    };
    let made = ask(&shop, "fulfillment_create.graphql", parcel(&order, "PL1", pieces)).await;
    assert!(made["data"]["result"]["fulfillment"]["id"].is_string(), "{made}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let body = told.lock().unwrap().last().unwrap().1.clone();
    assert_sums(&body);
    assert!(shop.orders()[0].is_fulfilled());
}

#[tokio::test(start_paused = true)]
async fn a_fulfilment_is_of_one_location_whatever_parts_the_order_has() {
    let (shop, _told, mut order) = one_order().await;
    order.lines.truncate(1);
    (order.lines[0].quantity, order.lines[0].apart) = (3, 1);
    shop.has(order.clone());
    let id = json!({ "id": format!("gid://shopify/Order/{}", order.id) });
    let there = ask(&shop, "fulfillment_orders.graphql", id).await;
    let parts = there["data"]["order"]["fulfillmentOrders"]["nodes"].as_array().unwrap();
    let part = |part: &Value| {
        let lines = part["lineItems"]["nodes"].as_array().unwrap().iter();
        let lines =
            lines.map(|line| json!({ "id": line["id"], "quantity": line["remainingQuantity"] }));
        json!({ "fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": lines.collect::<Value>() })
    };
    let wanted = json!({ "fulfillment": { "lineItemsByFulfillmentOrder": parts.iter().map(part).collect::<Value>() } });
    let refused = ask(&shop, "fulfillment_create.graphql", wanted.clone()).await;
    let why = refused["data"]["result"]["userErrors"][0]["message"].as_str().unwrap();
    assert!(parts.len() == 2 && why.contains("assigned to the same location"), "{why}");
    order.apart_at = crate::shop::Place::Main;
    shop.has(order.clone());
    let made = ask(&shop, "fulfillment_create.graphql", wanted).await;
    assert!(made["data"]["result"]["fulfillment"]["id"].is_string(), "{made}");
    assert_eq!(shop.orders()[0].fulfilments[0].lines, [(order.lines[0].id, 3)]);
    assert!(shop.orders()[0].is_fulfilled());
}

#[tokio::test(start_paused = true)]
async fn tracking_is_updated_once_per_number() {
    let (shop, _told, order) = one_order().await;
    let made = ask(&shop, "fulfillment_create.graphql", parcel(&order, "PL1", |_| 1)).await;
    let id = &made["data"]["result"]["fulfillment"]["id"];
    for _ in 0..2 {
        let info = json!({ "id": id, "tracking": { "number": "PL2" }, "notify": false });
        let said = ask(&shop, "tracking.graphql", info).await;
        assert_eq!(said["data"]["result"]["fulfillment"]["trackingInfo"][0]["number"], "PL2");
    }
    let counts = shop.frame.ledger.counts();
    assert_eq!((counts.effects[crate::shop::TRACKED], counts.repeated), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_read_whole_listed_in_pages_annotated_and_cancelled_once() {
    let (shop, _told, order) = one_order().await;
    let id = json!({ "id": format!("gid://shopify/Order/{}", order.id) });
    let read = ask(&shop, "order.graphql", id.clone()).await;
    assert_eq!(read["data"]["order"]["name"], format!("#{}", order.number));
    assert!(read["extensions"]["cost"]["requestedQueryCost"].as_u64().unwrap() <= 1_000, "{read}");
    let listed = ask(
        &shop,
        "orders.graphql",
        json!({ "query": "updated_at:>='1970-01-01T00:00:00Z'", "after": null }),
    )
    .await;
    assert_eq!(listed["data"]["orders"]["nodes"][0]["id"], order.id.to_string(), "{listed}");
    let tags = json!({ "id": id["id"], "tags": ["vip"] });
    assert_eq!(
        ask(&shop, "tags_add.graphql", tags).await["data"]["result"]["userErrors"],
        json!([])
    );
    let wanted = json!({ "id": id["id"], "reason": "INVENTORY", "restock": true, "notify": false, "refund": null });
    let begun = ask(&shop, "cancel.graphql", wanted.clone()).await;
    assert!(begun["data"]["result"]["job"]["id"].is_string(), "{begun}");
    let again = ask(&shop, "cancel.graphql", wanted).await;
    assert!(again["data"]["result"]["userErrors"][0]["message"].is_string(), "{again}");
    let read = ask(&shop, "order.graphql", id).await;
    assert_eq!(read["data"]["order"]["cancelReason"], "INVENTORY");
    assert_eq!(read["data"]["order"]["tags"], json!(["vip"]));
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_much_is_told_so_with_status_200() {
    let (shop, _told, order) = one_order().await;
    let id = json!({ "id": format!("gid://shopify/Order/{}", order.id) });
    let mut codes = Vec::new();
    for _ in 0..200 {
        let said = ask(&shop, "order.graphql", id.clone()).await;
        codes.extend(said["errors"][0]["extensions"]["code"].as_str().map(str::to_owned));
    }
    // What was not used is given back: the bucket empties slowly.
    assert!(!codes.is_empty() && codes.len() < 190, "{}", codes.len());
    assert!(codes.iter().all(|code| code == "THROTTLED"), "{codes:?}");
}
