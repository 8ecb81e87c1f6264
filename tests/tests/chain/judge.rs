//! What the ends show of each order.

use std::collections::BTreeMap;

use orderhub_tests::api;
use orderhub_twins::shop::{FULFILLED, Order};
use orderhub_twins::tms::CREATED;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::scene::Scene;

/// What is asked of a sale.
const SALE: &[&str] = &[
    "state",
    "reference",
    "total_amount",
    "party.name",
    "shipment_address.party_name",
    "shipment_address.street",
    "shipment_address.postal_code",
    "shipment_address.city",
    "shipment_address.subdivision.code",
    "shipment_address.country.code",
    "lines.product.code",
    "lines.quantity",
    "lines.unit_price",
    "shipments.state",
    "shipments.reference",
    "shipments.inventory_moves.quantity",
    "shipments.inventory_moves.product.code",
];

/// Each order is everywhere once, with the same values.
pub(crate) async fn all(scene: &Scene, orders: u64) {
    let sales = scene.tryton.find("sale.sale", &json!([]), SALE).await;
    let parcels = scene.tms.parcels();
    let known = api::all_orders(scene.hub()).await;
    let counts = [sales.len(), parcels.len(), known.len(), scene.shop.orders().len()];
    assert_eq!(
        counts,
        [usize::try_from(orders).expect("not that many"); 4],
        "sales, labels, orders of the hub and of the shop"
    );
    assert_eq!(scene.tms.frame.ledger.counts().doubled, 0, "{CREATED}");
    assert_eq!(scene.shop.frame.ledger.counts().doubled, 0, "{FULFILLED}");
    for order in scene.shop.orders() {
        let reference = format!("shop_eu-{}", order.number);
        let sale = sales.iter().find(|sale| sale["reference"] == json!(reference));
        let sale = sale.unwrap_or_else(|| panic!("{reference} has no sale"));
        sold(&order, sale);
        let parcel =
            parcels.iter().find(|parcel| parcel.order_ref == reference).expect("it has a label");
        let [fulfilment] = &*order.fulfilments else {
            panic!("{reference}: {:#?}", order.fulfilments)
        };
        assert_eq!(fulfilment.tracking_no.as_deref(), Some(&*parcel.tracking_no), "{reference}");
        assert_eq!(sale["shipments"][0]["reference"], json!(parcel.tracking_no), "{reference}");
        let left: BTreeMap<u64, u64> = fulfilment.lines.iter().copied().collect();
        let ordered = order.lines.iter().map(|line| (line.id, line.quantity)).collect();
        assert_eq!(left, ordered, "{reference}");
        let shown = known.iter().find(|one| one.reference == reference).expect("the hub has it");
        assert_eq!(shown.whole["shipments"][0]["tracking_no"], json!(parcel.tracking_no));
        assert_eq!(shown.note, order.note.clone().unwrap_or_default(), "{reference}");
    }
    let todo = api::get(scene.hub(), "/api/v1/todo").await;
    assert_eq!(todo["items"], json!([]), "nobody had to look at anything");
}

/// The sale has the order's articles, pieces and sums, and left as one shipment.
fn sold(order: &Order, sale: &Value) {
    assert_eq!(sale["state"], "processing", "{sale:#}");
    let minor = |line: &orderhub_twins::shop::Line| line.price * line.quantity - line.discount;
    let total: u64 = order.lines.iter().map(minor).sum();
    assert_eq!(
        sale["total_amount"]["decimal"],
        json!(format!("{}.{:02}", total / 100, total % 100)),
        "{sale:#}"
    );
    let pieces = |rows: &Value| -> BTreeMap<String, u64> {
        let rows = rows.as_array().expect("a list").iter();
        let goods = rows.filter(|row| row["product"]["code"] != "DISCOUNT");
        let whole = |row: &Value| row["quantity"].as_f64().expect("a number").round() as u64;
        goods
            .map(|row| (row["product"]["code"].as_str().expect("a code").to_owned(), whole(row)))
            .collect()
    };
    let ordered: BTreeMap<String, u64> =
        order.lines.iter().map(|line| (line.sku.to_owned(), line.quantity)).collect();
    assert_eq!(pieces(&sale["lines"]), ordered, "{sale:#}");
    let shipments = sale["shipments"].as_array().expect("shipments");
    assert_eq!(shipments.len(), 1, "{sale:#}");
    assert_eq!(shipments[0]["state"], "done", "{sale:#}");
    assert_eq!(pieces(&shipments[0]["inventory_moves"]), ordered, "{sale:#}");
    priced(order, sale);
    let address = &sale["shipment_address"];
    let there = ["party_name", "street", "postal_code", "city"].map(|field| &address[field]);
    let ours = [&*order.recipient(), &*order.street(), "10115", "Berlin"];
    assert_eq!(there, ours, "{sale:#}");
    assert_eq!(sale["party"]["name"], json!(order.recipient()));
    let codes = [&address["country"]["code"], &address["subdivision"]["code"]];
    assert_eq!(codes, ["DE", "DE-BE"], "{sale:#}");
}

/// Tryton's prices are of one piece, after the line's discount, with four decimals.
fn priced(order: &Order, sale: &Value) {
    for line in &order.lines {
        let mut rows = sale["lines"].as_array().expect("lines").iter();
        let row = rows.find(|row| row["product"]["code"] == line.sku).expect("it is sold");
        let there: Decimal = row["unit_price"]["decimal"].as_str().unwrap().parse().unwrap();
        let net =
            Decimal::new(i64::try_from(line.price * line.quantity - line.discount).unwrap(), 2);
        let apart = (there - net / Decimal::from(line.quantity)).abs();
        assert!(apart <= Decimal::new(5, 5) && there.scale() <= 4, "{line:?}: {there}");
    }
}
