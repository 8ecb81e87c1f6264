//! Tests of the closing account.

use super::*;
use crate::clock::Clock;
use crate::frame::Frame;
use crate::shop::Plan;
use crate::tms::Pace;
use crate::wms::Manner;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

struct Town {
    shops: [Shop; 1],
    erp: Erp,
    wms: Wms,
    tms: Tms,
    sink: Sink,
}

impl Town {
    fn new() -> Self {
        let clock = Clock::new(3600.0, Timestamp::UNIX_EPOCH);
        let frame = |name: &str, once| Frame::new(name, clock.clone(), once);
        let manner = Manner { short_percent: 0, split_percent: 0, ..Manner::default() };
        Self {
            shops: [Shop::new(frame("shop_eu", crate::shop::ONCE), 1)],
            erp: Erp::new(frame("erp", crate::erp::ONCE)),
            wms: Wms::new(frame("wms", crate::wms::ONCE), manner),
            tms: Tms::new(frame("tms", crate::tms::ONCE), Pace::default()),
            sink: Sink::new("sink", clock),
        }
    }

    fn count(&self) -> Account {
        let Self { shops, erp, wms, tms, sink } = self;
        count(Parties { shops, erp, wms, tms, sink: Some(sink) })
    }

    /// What the one order lacks; empty: nothing.
    fn lacks(&self) -> String {
        let account = self.count();
        account.open.keys().copied().collect::<Vec<_>>().join(", ")
    }
}

async fn post(router: Router, path: &str, body: Value) -> Value {
    let request = Request::post(path).header("idempotency-key", path);
    let request = request.header("x-shopify-access-token", "t");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_order_is_open_for_what_it_lacks_until_it_is_whole_at_every_twin() {
    let town = Town::new();
    let plan = Plan { orders: 1, cancelled_percent: 0, ..Plan::default() };
    town.shops[0].live(plan).await;
    let order = town.shops[0].orders().remove(0);
    assert_eq!(town.lacks(), "no sale");

    let ships = || order.lines.iter().filter(|line| line.ships);
    let lines: Vec<Value> = ships()
        .map(|line| json!({ "line_ref": line.id, "sku": line.sku, "quantity": line.quantity }))
        .collect();
    let sale = json!({ "reference": "shop_eu-1001", "channel": "shop_eu", "order_no": "1001",
        "version": 1, "lines": lines });
    post(town.erp.router(), "/api/v1/sales", sale.clone()).await;
    assert_eq!(town.lacks(), "the sink was not told");

    post(town.sink.router(), "/events", json!({ "order": "shop_eu-1001", "version": 1 })).await;
    assert_eq!(town.lacks(), "not released");

    let release = json!({ "ref": "shop_eu-1001-F1", "order_ref": "shop_eu-1001", "lines": lines });
    post(town.wms.router(), "/api/v1/releases", release).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(town.lacks(), "not shipped");

    let shipment = json!({ "ref": "shop_eu-1001-S1", "order_ref": "shop_eu-1001",
        "ship_to": { "country": "DE" } });
    let label = post(town.tms.router(), "/api/v1/shipments", shipment).await;
    let request = Request::put("/api/v1/shipments/P000001-1/label");
    let body = json!({ "tracking_no": label["tracking_no"] }).to_string();
    let request = request.body(Body::from(body)).unwrap();
    town.wms.router().oneshot(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(town.lacks(), "not fulfilled in the shop");

    let items: Vec<Value> = ships()
        .map(|line| json!({ "id": line.id.to_string(), "quantity": line.quantity }))
        .collect();
    let of =
        json!([{ "fulfillmentOrderId": order.id.to_string(), "fulfillmentOrderLineItems": items }]);
    let wanted = json!({ "fulfillment": { "lineItemsByFulfillmentOrder": of } });
    let query = "mutation F($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) { userErrors { message } } }";
    let asked = json!({ "query": query, "variables": wanted });
    post(town.shops[0].router(), "/admin/api/2026-10/graphql.json", asked).await;
    let account = town.count();
    assert!(account.balances(), "{:?}", account.open);
    assert_eq!((account.placed, account.fulfilled, account.labels), (1, 1, 1));

    // A second sale for the same order: nothing is missing, and it does not balance.
    post(town.erp.router(), "/api/v1/sales", sale).await;
    assert_eq!(town.lacks(), "two sales");
    assert!(town.count().doubled > 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_is_whole_without_a_sale_and_open_with_a_live_one() {
    let town = Town::new();
    town.shops[0].live(Plan { orders: 1, cancelled_percent: 100, ..Plan::default() }).await;
    assert_eq!((town.lacks().as_str(), town.count().cancelled), ("", 1));
    let sale = json!({ "reference": "shop_eu-1001", "channel": "shop_eu", "order_no": "1001",
        "version": 1, "lines": [{ "line_ref": "L1", "sku": "MUG", "quantity": 1 }] });
    post(town.erp.router(), "/api/v1/sales", sale).await;
    assert_eq!(town.lacks(), "sale not cancelled");
    post(town.erp.router(), "/api/v1/sales/S000001/cancel", json!({})).await;
    assert_eq!(town.lacks(), "");
}
