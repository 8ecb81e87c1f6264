//! The whole way, field by field at both ends.

use std::collections::BTreeMap;

use orderhub_tests::http::client;
use orderhub_tests::hub::Hub;
use orderhub_tests::tryton::Tryton;
use orderhub_tests::{api, wait};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::order::Order;
use crate::scene::{PATIENCE, hub, sale, take_in, until};

/// People take a shipment from the shelf to the carrier.
async fn ship(tryton: &Tryton, shipment: &Value, number: Option<&str>) {
    for button in ["assign_try", "pick", "pack"] {
        tryton.press("stock.shipment.out", &shipment["id"], button).await;
    }
    if let Some(number) = number {
        tryton.write("stock.shipment.out", &shipment["id"], json!({ "reference": number })).await;
    }
    for button in ["ship", "do"] {
        let shown = tryton.press("stock.shipment.out", &shipment["id"], button).await;
        assert!(
            ["shipped", "done"].contains(&shown["state"].as_str().unwrap_or_default()),
            "{shown}"
        );
    }
}

/// What left of each line, over all shipments that did.
fn left(order: &Value) -> BTreeMap<String, String> {
    let shipments = order["shipments"].as_array().cloned().unwrap_or_default();
    let mut left: BTreeMap<String, Decimal> = BTreeMap::new();
    for line in shipments
        .iter()
        .flat_map(|shipment| shipment["lines"].as_array().cloned().unwrap_or_default())
    {
        let pieces = line["qty"].as_str().expect("pieces").parse::<Decimal>().expect("a number");
        *left.entry(line["line"].as_str().expect("a line").to_owned()).or_default() += pieces;
    }
    left.into_iter().map(|(line, pieces)| (line, pieces.normalize().to_string())).collect()
}

/// What the ERP has of an order, field by field.
fn judge_sale(sale: &Value, order: &Order, prices: &[&str], total: &str) {
    let number = order.number;
    assert_eq!(sale["description"], json!(number.to_string()));
    assert_eq!(sale["currency"]["code"], "EUR");
    assert_eq!(sale["total_amount"]["decimal"], total, "{sale:#}");
    assert_eq!((&sale["sale_date"]["month"], &sale["sale_date"]["day"]), (&json!(11), &json!(2)));
    assert_eq!(sale["warehouse"]["code"], "WH");
    assert_eq!(sale["party"]["name"], json!(format!("Recipient {number}")));
    let mail = &sale["party"]["contact_mechanisms"][0]["value"];
    assert_eq!(*mail, json!(format!("recipient-{number}@example.com")));
    let address = &sale["shipment_address"];
    let expected = [
        ("party_name", json!(format!("Recipient {number}"))),
        ("street", json!(format!("{number} {}\n2nd floor", order.street))),
        ("postal_code", json!("10115")),
        ("city", json!("Berlin")),
    ];
    for (field, value) in expected {
        assert_eq!(address[field], value, "{field}");
    }
    assert_eq!(
        (&address["country"]["code"], &address["subdivision"]["code"]),
        (&json!("DE"), &json!("DE-BE"))
    );
    assert_eq!(sale["invoice_address"], address["id"], "the same address is one address");
    let lines = sale["lines"].as_array().expect("lines");
    for (place, ((sku, pieces, _, _), price)) in order.lines.iter().zip(prices).enumerate() {
        let line = &lines[place];
        assert_eq!(line["note"], json!(format!("L{}", place + 1)));
        assert_eq!(line["product"]["code"], json!(sku));
        assert_eq!(line["description"], json!(format!("The {sku}")));
        assert_eq!(line["quantity"], json!(f64::from(*pieces)));
        assert_eq!(line["unit_price"]["decimal"], json!(price));
    }
}

/// One without tax, one with, and one that is shipped in parts.
fn orders() -> [Order; 3] {
    let plain = Order {
        lines: vec![("MUG-BLUE", 2, "12.50", "0.00"), ("TEE-M", 1, "19.99", "0.00")],
        total: "44.99",
        ..Order::plain(1_001)
    };
    // 3 kettles at 42.01 and shipping at 5.00, and 19 % of both.
    let taxed = Order {
        lines: vec![("KETTLE", 3, "49.99", "23.94")],
        shipping: ("5.95", "0.95"),
        tax: "24.89",
        total: "155.92",
        ..Order::plain(1_002)
    };
    // One article on two lines, of which a part goes first.
    let parted = Order {
        lines: vec![("MUG-BLUE", 2, "12.50", "0.00"), ("MUG-BLUE", 3, "11.00", "0.00")],
        total: "58.00",
        ..Order::plain(1_003)
    };
    [plain, taxed, parted]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_become_sales_and_what_people_ship_comes_back_line_by_line() {
    let tryton = Tryton::start().await;
    let (_folder, hub) = hub(&tryton, &tryton.url(), "confirmed").await;
    let [plain, taxed, parted] = orders();
    for order in [&plain, &taxed, &parted] {
        take_in(&hub, order).await;
    }
    sold(&tryton, &plain, &taxed, &parted).await;
    for order in [&plain, &taxed, &parted] {
        until(&hub, order, "the warehouse has it", |shown| {
            shown["state"]["finance_audit"] == "passed"
                && shown["fulfilments"][0]["status"] == "accepted"
        })
        .await;
    }
    shipped(&tryton, &hub, &plain).await;
    invoiced(&tryton, &hub, &plain).await;
    let stock = api::get(&hub, "/api/v1/systems/erp/reads/stock?sku=MUG-BLUE").await;
    let (there, left) = (&stock["value"]["quantity"], &stock["value"]["forecast_quantity"]);
    assert_eq!((there, left), (&json!(99_998.0), &json!(99_993.0)), "two left, and five are sold");

    parts(&tryton, &hub, &parted).await;
    corrected(&tryton, &hub, &parted).await;
    assert!(hub.terminate().await.success());
}

/// What the ERP made of them.
async fn sold(tryton: &Tryton, plain: &Order, taxed: &Order, parted: &Order) {
    let sold = sale(tryton, plain, "processing").await;
    judge_sale(&sold, plain, &["12.5000", "19.9900"], "44.99");
    let sold = sale(tryton, taxed, "processing").await;
    judge_sale(&sold, taxed, &["42.0100"], "155.93");
    let more = &sold["lines"][1];
    assert_eq!(
        (&more["product"]["code"], &more["unit_price"]["decimal"]),
        (&json!("SHIPPING"), &json!("5.00"))
    );
    let in_parts = sale(tryton, parted, "processing").await;
    judge_sale(&in_parts, parted, &["12.5000", "11.0000"], "58.00");
}

/// People pick, pack and ship, and each step is seen.
async fn shipped(tryton: &Tryton, hub: &Hub, order: &Order) {
    let shipment = sale(tryton, order, "processing").await["shipments"][0].clone();
    tryton.press("stock.shipment.out", &shipment["id"], "assign_try").await;
    tryton.press("stock.shipment.out", &shipment["id"], "pick").await;
    until(hub, order, "it is picked", |shown| shown["fulfilments"][0]["status"] == "picking").await;
    tryton.press("stock.shipment.out", &shipment["id"], "pack").await;
    until(hub, order, "it is packed", |shown| {
        shown["shipments"][0]["status"] == "planned"
            && shown["fulfilments"][0]["status"] == "packed"
    })
    .await;
    tryton.write("stock.shipment.out", &shipment["id"], json!({ "reference": "0034-1001" })).await;
    tryton.press("stock.shipment.out", &shipment["id"], "ship").await;
    tryton.press("stock.shipment.out", &shipment["id"], "do").await;
    let shown =
        until(hub, order, "it left", |shown| shown["state"]["fulfilment"] == "shipped").await;
    let lines =
        [("L1", "2"), ("L2", "1")].map(|(line, pieces)| (line.to_owned(), pieces.to_owned()));
    assert_eq!(left(&shown), BTreeMap::from(lines), "{shown:#}");
    let parcel = &shown["shipments"][0];
    assert_eq!(
        (&parcel["status"], &parcel["tracking_no"]),
        (&json!("handed_over"), &json!("0034-1001"))
    );
    assert_eq!(shown["fulfilments"][0]["status"], "shipped");
}

/// The invoice that Tryton made of it is posted.
async fn invoiced(tryton: &Tryton, hub: &Hub, order: &Order) {
    let sold = sale(tryton, order, "processing").await;
    tryton.press("account.invoice", &sold["invoices"][0]["id"], "post").await;
    let shown =
        until(hub, order, "it is invoiced", |shown| shown["invoices"][0]["status"] == "issued")
            .await;
    let invoice = &shown["invoices"][0];
    assert_eq!(invoice["amount"], json!({ "amount": "44.99", "currency": "EUR" }));
    assert!(invoice["no"].is_string(), "{invoice}");
}

/// Of the second line two pieces are found at first, and the third later: two shipments of one release.
async fn parts(tryton: &Tryton, hub: &Hub, order: &Order) {
    let sold = sale(tryton, order, "processing").await;
    let first = &sold["shipments"][0];
    let moves = first["inventory_moves"].as_array().expect("moves");
    let of_three =
        moves.iter().find(|one| one["quantity"] == 3.0).expect("the move of the second line");
    tryton.write("stock.move", &of_three["id"], json!({ "quantity": 2 })).await;
    ship(tryton, first, None).await;
    let shown = until(hub, order, "a part left", |shown| {
        shown["state"]["fulfilment"] == "partially_shipped"
    })
    .await;
    let expect = |two: &str| {
        BTreeMap::from(
            [("L1", "2"), ("L2", two)].map(|(line, pieces)| (line.to_owned(), pieces.to_owned())),
        )
    };
    assert_eq!(left(&shown), expect("2"), "{shown:#}");
    let sold = sale(tryton, order, "processing").await;
    let shipments = sold["shipments"].as_array().expect("shipments");
    let rest = shipments
        .iter()
        .find(|one| one["state"] == "waiting")
        .expect("Tryton makes one of the rest");
    ship(tryton, rest, Some("0034-1003")).await;
    let shown =
        until(hub, order, "all left", |shown| shown["state"]["fulfilment"] == "shipped").await;
    assert_eq!(left(&shown), expect("3"), "{shown:#}");
    assert_eq!(shown["shipments"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown["fulfilments"].as_array().map(Vec::len), Some(1));
}

/// A parcel's number is corrected by a person, and stands in Tryton, too.
async fn corrected(tryton: &Tryton, hub: &Hub, order: &Order) {
    let version = until(hub, order, "it is there", |_| true).await["version"].clone();
    let path = format!("/api/v1/orders/{}?reason=printed+again", order.reference());
    let request = client().patch(hub.url(&path)).header("if-match", format!("\"{version}\""));
    let answer = request.json(&json!({ "shipments[S1].tracking_no": "0034-1003-B" })).send().await;
    assert_eq!(answer.expect("the hub answers").status(), 200);
    wait::until("Tryton has the number", PATIENCE, || async {
        let of_sale = json!([
            ["moves.sale.reference", "=", order.reference()],
            ["reference", "=", "0034-1003-B"]
        ]);
        let found = tryton.find("stock.shipment.out", &of_sale, &["state"]).await;
        (found.len() == 1).then_some(())
    })
    .await;
}
