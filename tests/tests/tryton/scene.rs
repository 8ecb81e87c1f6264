//! A hub between the shop and Tryton, and what both show of an order.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::mappings;
use orderhub_tests::settings::Settings;
use orderhub_tests::tryton::Tryton;
use orderhub_tests::{api, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::order::Order;

/// Longest wait for anything here: a call takes seconds where many tests run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// The files that ship, but that do not wait as long for what is slow: for changes, and for an answer that was lost.
pub(crate) fn files(folder: &Path) -> Settings {
    let copied = folder.join("mappings");
    mappings::copy(&mappings::root(), &copied);
    // Goods are asked for when a sale is confirmed, and the parcel's number may be corrected by people.
    let owned = "orderhub: 1\nownership: default\nrules:\n  - { fields: [shipments.tracking_no], owner: [service, wms], others: keep }";
    let confirmed = "linked: erp, state.finance_audit: [passed], holds: none";
    for (file, what, with) in [
        ("hub/flow.yaml", "linked: erp, holds: none", confirmed),
        ("hub/ownership.yaml", "orderhub: 1\nownership: default\nrules:", owned),
        ("tryton/integration.yaml", "every: 1m", "every: 1s"),
        ("tryton/integration.yaml", "every: 5m", "every: 1s"),
        ("tryton_stock/integration.yaml", "every: 1m", "every: 1s"),
        ("tryton/connector.yaml", "every: 1m", "every: 1s"),
        ("tryton/connector.yaml", "settles: 30s", "settles: 1s"),
        ("tryton/connector.yaml", "timeout: 30s", "timeout: 9s"),
    ] {
        let file = copied.join(file);
        let text = std::fs::read_to_string(&file).expect("the file ships");
        assert!(text.contains(what), "{}: {what}", file.display());
        std::fs::write(&file, text.replace(what, with)).expect("the copy is writable");
    }
    Settings::reading(free_port(), &copied).shop("shop_eu", "http://127.0.0.1:1")
}

/// A hub whose sales are walked until a state, at this address of Tryton.
pub(crate) async fn hub(tryton: &Tryton, url: &str, until: &str) -> (TempDir, Hub) {
    let folder = tempfile::tempdir().expect("a folder");
    tryton.systems(files(folder.path()), url, until).write(folder.path());
    let port = port_of(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    (folder, hub)
}

pub(crate) fn port_of(folder: &Path) -> u16 {
    let settings = std::fs::read_to_string(folder.join("orderhub.toml")).expect("it was written");
    let (_, rest) = settings.split_once("127.0.0.1:").expect("it listens");
    rest.split('"').next().expect("a port").parse().expect("a port")
}

pub(crate) async fn take_in(hub: &Hub, order: &Order) {
    api::take_in(hub, "shop_eu", "order_rest", order.body()).await;
}

pub(crate) async fn order(hub: &Hub, order: &Order) -> Value {
    api::get(hub, &format!("/api/v1/orders/{}", order.reference())).await
}

/// Waits until something holds of the order in the hub; else it is shown, and what stands in its way.
pub(crate) async fn until(
    hub: &Hub,
    of: &Order,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    let waiting = wait::until(what, PATIENCE * 2, || async {
        Some(order(hub, of).await).filter(|order| holds(order))
    });
    if let Ok(order) = tokio::time::timeout(PATIENCE, waiting).await {
        return order;
    }
    let (order, todo) = (order(hub, of).await, api::get(hub, "/api/v1/todo").await);
    let lanes = api::get(hub, &format!("/api/v1/orders/{}/lanes", of.reference())).await;
    panic!("{}: {what}\n{order:#}\n{lanes:#}\n{todo:#}\n{}", of.reference(), hub.log());
}

/// The sales of an order in Tryton.
pub(crate) async fn sales(tryton: &Tryton, order: &Order) -> Vec<Value> {
    const FIELDS: &[&str] = &[
        "state",
        "description",
        "comment",
        "total_amount",
        "currency.code",
        "warehouse.code",
        "party.name",
        "sale_date",
        "party.contact_mechanisms.value",
        "shipment_address.party_name",
        "shipment_address.street",
        "shipment_address.postal_code",
        "shipment_address.city",
        "shipment_address.country.code",
        "shipment_address.subdivision.code",
        "invoice_address",
        "lines.note",
        "lines.product.code",
        "lines.quantity",
        "lines.unit_price",
        "lines.description",
        "shipments.state",
        "shipments.inventory_moves.quantity",
        "shipments.inventory_moves.product.code",
        "invoices.state",
        "invoices.number",
    ];
    tryton.find("sale.sale", &json!([["reference", "=", order.reference()]]), FIELDS).await
}

/// The one sale of an order, once it is in this state.
pub(crate) async fn sale(tryton: &Tryton, of: &Order, state: &str) -> Value {
    let what = format!("{} is {state} in Tryton", of.reference());
    wait::until(&what, PATIENCE, || async {
        let sales = sales(tryton, of).await;
        assert!(sales.len() < 2, "{}: {sales:#?}", of.reference());
        sales.into_iter().next().filter(|sale| sale["state"] == state)
    })
    .await
}
