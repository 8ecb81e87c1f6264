//! A hub between a shop, a warehouse and Karrio, and what both ends show of a shipment.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::karrio::Karrio;
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, mappings, wait};
use orderhub_twins::serve::{Served, serve_anywhere};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything here: a call takes seconds where many tests run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// How what happens in Karrio comes to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Webhooks,
    Polls,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    port: u16,
    /// What proves Karrio's webhooks.
    pub(crate) secret: String,
    _warehouse: Served,
}

impl Scene {
    /// A hub is set up at this address of Karrio, where it buys a service; nothing: people do.
    pub(crate) async fn new(karrio: &Karrio, url: &str, service: &str, by: By) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, copied) = (free_port(), folder.path().join("mappings"));
        mappings::copy(&mappings::root(), &copied);
        for (what, with) in [("settles: 30s", "settles: 1s"), ("timeout: 60s", "timeout: 9s")] {
            replace(&copied.join("karrio/connector.yaml"), what, with);
        }
        let mut secret = "nobody knows it".to_owned();
        if by == By::Polls {
            for every in ["every: 1h", "every: 30m"] {
                replace(&copied.join("karrio/integration.yaml"), every, "every: 1s");
            }
        } else {
            let hub = format!("http://127.0.0.1:{port}/webhooks/tms");
            secret = karrio.webhook(&hub).await;
        }
        let takes_all = Router::new().fallback(|| async { StatusCode::CREATED });
        let warehouse = serve_anywhere(takes_all).await.expect("it listens");
        let settings = Settings::reading(port, &copied)
            .shop("shop_eu", "http://127.0.0.1:1")
            .system("wms", "csv_wms", &warehouse.url(), &["password"], &[("user", "hub")]);
        karrio.system(settings, folder.path(), (url, service, &secret)).write(folder.path());
        Self { folder, port, secret, _warehouse: warehouse }
    }

    pub(crate) async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }
}

fn replace(file: &Path, what: &str, with: &str) {
    let text = std::fs::read_to_string(file).expect("the file ships");
    assert!(text.contains(what), "{}: {what}", file.display());
    std::fs::write(file, text.replace(what, with)).expect("the copy is writable");
}

/// The reference of the one shipment of an order.
pub(crate) fn reference(number: u64) -> String {
    format!("shop_eu-{number}-S1")
}

/// An order of two mugs; `change` of its body, which is the vendor's.
pub(crate) async fn take_in(hub: &Hub, number: u64, change: impl Fn(String) -> String) {
    let body = Order::paid("shop_eu", number, 1).body();
    api::take_in(hub, "shop_eu", "order_rest", change(body)).await;
    until(hub, number, "the warehouse is asked", |order| {
        order["fulfilments"][0]["status"] == "sent"
    })
    .await;
}

/// The order is cancelled in the shop.
pub(crate) async fn cancel(hub: &Hub, number: u64) {
    let body = Order::paid("shop_eu", number, 2).body();
    let gone = body.replace(r#""cancelled_at":null"#, r#""cancelled_at":"2026-03-01T08:02:00Z""#);
    api::take_in(hub, "shop_eu", "order_rest", gone).await;
}

/// The warehouse says of the one parcel of an order: its state, carrier and number, in its file of this number.
pub(crate) async fn packs(hub: &Hub, number: u64, file: u32, said: (&str, &str, &str)) {
    weighs(hub, number, file, said, "1,25").await;
}

/// The same of a parcel with another weight.
pub(crate) async fn weighs(
    hub: &Hub,
    number: u64,
    file: u32,
    (state, carrier, no): (&str, &str, &str),
    weight: &str,
) {
    let head = "shipment_no;release_no;parcel_no;sscc;line_ref;sku;qty;weight_kg;length_cm;width_cm;height_cm;carrier;service;tracking_no;state;shipped_at;packer;export_no";
    let left = if state == "shipped" { "02.11.2026 10:00:00" } else { "" };
    let row = format!(
        "P-{number};shop_eu-{number}-F1;P-{number}-1;;L1;MUG-BLUE;1;{weight};30;20;10,5;{carrier};;{no};{state};{left};;{file}"
    );
    let url = hub.url("/api/v1/intake/wms/shipment");
    let request = client().post(url).header("content-type", "text/csv");
    let answer = request.body(format!("{head}\n{row}\n")).send().await.expect("the hub answers");
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    assert!(status.is_success(), "{status}: {text}");
}

pub(crate) async fn order(hub: &Hub, number: u64) -> Value {
    api::get(hub, &format!("/api/v1/orders/shop_eu-{number}")).await
}

/// Waits until something holds of the order in the hub; else it is shown, and what stands in its way.
pub(crate) async fn until(
    hub: &Hub,
    number: u64,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    let waiting = wait::until(what, PATIENCE * 2, || async {
        Some(order(hub, number).await).filter(|order| holds(order))
    });
    if let Ok(order) = tokio::time::timeout(PATIENCE, waiting).await {
        return order;
    }
    let (order, todo) = (order(hub, number).await, api::get(hub, "/api/v1/todo").await);
    let lanes = api::get(hub, &format!("/api/v1/orders/shop_eu-{number}/lanes")).await;
    panic!("{number}: {what}\n{order:#}\n{lanes:#}\n{todo:#}\n{}", hub.log());
}

/// Waits until the one shipment of an order in Karrio is in this state.
pub(crate) async fn shipment(karrio: &Karrio, number: u64, status: &str) -> Value {
    let reference = reference(number);
    wait::until(&format!("{reference} is {status} in Karrio"), PATIENCE, || async {
        let shipments = karrio.shipments(&reference).await;
        assert!(shipments.len() < 2, "{reference}: {shipments:#?}");
        shipments.into_iter().next().filter(|one| one["status"] == status)
    })
    .await
}

/// Waits until the one tracker of a number bears a reference.
pub(crate) async fn tracker(karrio: &Karrio, no: &str, reference: &Value) -> Value {
    wait::until(&format!("the tracker of {no} bears {reference}"), PATIENCE, || async {
        let trackers = karrio.trackers(no).await;
        assert!(trackers.len() < 2, "{no}: {trackers:#?}");
        trackers.into_iter().next().filter(|one| one["metadata"]["orderhub"] == *reference)
    })
    .await
}

/// The one todo about an order, with what it says.
pub(crate) async fn told(hub: &Hub, number: u64) -> String {
    let id = order(hub, number).await["id"].clone();
    wait::until(&format!("a person is told of {number}"), PATIENCE, || async {
        let page = api::get(hub, "/api/v1/todo").await;
        let todo = page["items"].as_array()?.iter().find(|todo| todo["order"] == id).cloned()?;
        todo["why"].as_str().map(str::to_owned)
    })
    .await
}
