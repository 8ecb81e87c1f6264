//! What goes wrong: answers that are lost after the effect, a server and a hub that are killed, and what a person must decide.

use std::time::Duration;

use orderhub_tests::gateway::Gateway;
use orderhub_tests::http::client;
use orderhub_tests::hub::Hub;
use orderhub_tests::tryton::Tryton;
use orderhub_tests::{api, wait};
use serde_json::{Value, json};

use crate::order::Order;
use crate::scene::{PATIENCE, hub, order, port_of, sale, sales, take_in, until};

/// Orders that go through all of it.
const ORDERS: u64 = 12;

/// The orders of which Tryton has no sale yet.
async fn missing(tryton: &Tryton, orders: &[Order]) -> usize {
    let known =
        tryton.find("sale.sale", &json!([["reference", "like", "shop%"]]), &["reference"]).await;
    orders.len() - known.len().min(orders.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_order_is_one_sale_though_answers_are_lost_and_both_ends_are_killed() {
    let mut tryton = Tryton::start().await;
    let gateway = Gateway::to(&tryton.url()).await;
    // What was done, and of which the hub never heard: a customer, an address, three sales, and two steps of them.
    gateway.lose([
        "POST /party.party",
        "POST /party.address",
        "POST /sale.sale",
        "POST /sale.sale",
        "POST /sale.sale",
        "POST /quote",
        "POST /confirm",
    ]);
    let (folder, hub) = hub(&tryton, &gateway.url(), "confirmed").await;
    let orders: Vec<Order> = (1..=ORDERS).map(|number| Order::plain(2_000 + number)).collect();
    for order in &orders {
        take_in(&hub, order).await;
    }
    wait::until("some sales are there", PATIENCE, || async {
        (missing(&tryton, &orders).await <= orders.len() - 2).then_some(())
    })
    .await;
    tryton.down();
    hub.kill();
    let hub = Hub::start(folder.path(), port_of(folder.path())).await;
    // It finds nobody there.
    wait::until("a call failed", PATIENCE, || async {
        let page = api::get(&hub, "/api/v1/systems/erp").await;
        (!page["last_error"].is_null()).then_some(())
    })
    .await;
    tryton.up().await;
    wait::until("most sales are there", PATIENCE, || async {
        (missing(&tryton, &orders).await <= orders.len() / 2).then_some(())
    })
    .await;
    hub.kill();
    let hub = Hub::start(folder.path(), port_of(folder.path())).await;
    for order in &orders {
        until(&hub, order, "the warehouse has it", |shown| {
            shown["state"]["finance_audit"] == "passed"
                && shown["fulfilments"][0]["status"] == "accepted"
        })
        .await;
    }
    assert_eq!(gateway.left_to_lose(), Vec::<String>::new(), "all of them were lost");
    for order in &orders {
        let sold = sale(&tryton, order, "processing").await;
        assert_eq!(sold["shipments"].as_array().map(Vec::len), Some(1), "{sold:#}");
        assert_eq!(sold["lines"].as_array().map(Vec::len), Some(1), "{sold:#}");
        let mail = format!("recipient-{}@example.com", order.number);
        let known = json!([["contact_mechanisms.value", "=", mail]]);
        let parties = tryton.find("party.party", &known, &["addresses"]).await;
        assert_eq!(parties.len(), 1, "{parties:#?}");
        assert_eq!(parties[0]["addresses"].as_array().map(Vec::len), Some(1), "{parties:#?}");
    }
    assert_eq!(tryton.find("sale.sale", &json!([]), &["reference"]).await.len(), orders.len());
    let todo = api::get(&hub, "/api/v1/todo").await;
    assert_eq!(todo["items"], json!([]), "nobody had to look at anything");
    assert!(hub.terminate().await.success());
}

/// The one todo about an order, with what it says.
async fn told(hub: &Hub, of: &Order) -> Value {
    let id = order(hub, of).await["id"].clone();
    wait::until(&format!("a person is told of {}", of.reference()), PATIENCE, || async {
        let page = api::get(hub, "/api/v1/todo").await;
        page["items"].as_array()?.iter().find(|todo| todo["order"] == id).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_nobody_confirmed_follows_the_order_and_what_tryton_refuses_is_shown_to_a_person()
 {
    let tryton = Tryton::start().await;
    let (_folder, hub) = hub(&tryton, &tryton.url(), "quotation").await;
    let moved = Order::plain(3_001);
    take_in(&hub, &moved).await;
    sale(&tryton, &moved, "quotation").await;
    until(&hub, &moved, "the hub knows its sale", |shown| {
        shown["state"]["finance_audit"] == "pending"
    })
    .await;

    // Another address and one mug more.
    let moved = Order {
        street: "Hill Road",
        lines: vec![("MUG-BLUE", 3, "12.50", "0.00"), ("TEE-M", 1, "19.99", "0.00")],
        total: "57.49",
        minute: 1,
        ..moved
    };
    take_in(&hub, &moved).await;
    let changed = wait::until("the sale follows", PATIENCE, || async {
        let sale = sale(&tryton, &moved, "quotation").await;
        (sale["total_amount"]["decimal"] == "57.49").then_some(sale)
    })
    .await;
    assert_eq!(changed["shipment_address"]["street"], "3001 Hill Road\n2nd floor");
    let lines = changed["lines"].as_array().expect("lines");
    assert_eq!(
        (&lines[0]["quantity"], &lines[1]["product"]["code"]),
        (&json!(3.0), &json!("TEE-M"))
    );

    // Cancelled in the shop: cancelled there.
    let gone = Order { cancelled: true, minute: 2, ..moved };
    take_in(&hub, &gone).await;
    sale(&tryton, &gone, "cancelled").await;
    until(&hub, &gone, "the hub sees it", |shown| shown["state"]["finance_audit"] == "failed")
        .await;

    // Cancelled there by people.
    let theirs = Order::plain(3_002);
    take_in(&hub, &theirs).await;
    let sold = sale(&tryton, &theirs, "quotation").await;
    tryton.press("sale.sale", &sold["id"], "cancel").await;
    until(&hub, &theirs, "the hub sees it", |shown| shown["state"]["finance_audit"] == "failed")
        .await;

    // An article that Tryton does not have, and a sum that would be another there.
    let unknown = Order { lines: vec![("NO-SUCH", 2, "12.50", "0.00")], ..Order::plain(3_003) };
    take_in(&hub, &unknown).await;
    let todo = told(&hub, &unknown).await;
    assert!(todo["why"].as_str().is_some_and(|why| why.contains("NO-SUCH")), "{todo:#}");
    assert_eq!(sales(&tryton, &unknown).await, Vec::<Value>::new());
    let untaxed = Order { lines: vec![("KETTLE", 2, "12.50", "0.00")], ..Order::plain(3_004) };
    take_in(&hub, &untaxed).await;
    let todo = told(&hub, &untaxed).await;
    let why = "the total there is 29.75 EUR, the order's is 25.00 EUR";
    assert!(todo["why"].as_str().is_some_and(|text| text.contains(why)), "{todo:#}");
    sale(&tryton, &untaxed, "draft").await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_cancelled_stops_what_nobody_has_picked_and_a_person_does_the_rest() {
    let tryton = Tryton::start().await;
    let (_folder, hub) = hub(&tryton, &tryton.url(), "confirmed").await;
    let order = Order::plain(4_001);
    take_in(&hub, &order).await;
    sale(&tryton, &order, "processing").await;
    until(&hub, &order, "the warehouse has it", |shown| {
        shown["fulfilments"][0]["status"] == "accepted"
    })
    .await;
    let gone = Order { cancelled: true, minute: 1, ..order };
    take_in(&hub, &gone).await;
    wait::until("its shipment is cancelled", PATIENCE, || async {
        let sale = sale(&tryton, &gone, "processing").await;
        (sale["shipments"][0]["state"] == "cancelled").then_some(())
    })
    .await;
    until(&hub, &gone, "the hub sees it", |shown| shown["fulfilments"][0]["status"] == "cancelled")
        .await;
    let todo = told(&hub, &gone).await;
    let why = "the sale is processing there";
    assert!(todo["why"].as_str().is_some_and(|text| text.contains(why)), "{todo:#}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_changes_after_the_release_is_proposed_and_goes_nowhere() {
    let tryton = Tryton::start().await;
    let (_folder, hub) = hub(&tryton, &tryton.url(), "confirmed").await;
    let order = Order::plain(4_101);
    take_in(&hub, &order).await;
    sale(&tryton, &order, "processing").await;
    until(&hub, &order, "the warehouse has it", |shown| {
        shown["fulfilments"][0]["status"] == "accepted"
    })
    .await;
    let moved = Order { street: "Hill Road", minute: 1, ..order };
    take_in(&hub, &moved).await;
    let todo = told(&hub, &moved).await;
    assert_eq!((&todo["kind"], &todo["cause"]), (&json!("conflict"), &json!("proposal")));
    assert!(todo["why"].as_str().is_some_and(|why| why.contains("addresses.ship_to")), "{todo:#}");
    let shown = until(&hub, &moved, "nothing is on its way", |_| true).await;
    assert_eq!(shown["addresses"]["ship_to"]["line1"], "4101 Harbour Street", "{shown:#}");
    let sold = sale(&tryton, &moved, "processing").await;
    assert_eq!(sold["shipment_address"]["street"], "4101 Harbour Street\n2nd floor");
    // A person takes it: the order has it, and what asked is settled.
    let path = format!("/api/v1/orders/{}?reason=asked+by+phone", moved.reference());
    let request =
        client().patch(hub.url(&path)).header("if-match", format!("\"{}\"", shown["version"]));
    let mut address = shown["addresses"]["ship_to"].clone();
    address["line1"] = json!("4101 Hill Road");
    let answer = request.json(&json!({ "addresses.ship_to": address })).send().await;
    assert_eq!(answer.expect("the hub answers").status(), 200);
    until(&hub, &moved, "the order has it", |shown| {
        shown["addresses"]["ship_to"]["line1"] == "4101 Hill Road"
    })
    .await;
    let open = api::get(&hub, "/api/v1/todo").await;
    let open = open["items"].as_array().expect("todos").iter();
    let proposals = open.filter(|todo| todo["cause"] == "proposal").count();
    assert_eq!(proposals, 0, "what a person decided asks no more");
    assert!(hub.terminate().await.success());
}

/// A key that is revoked is one state of the system, whatever waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_is_told_as_that_and_nothing_is_lost() {
    let tryton = Tryton::start().await;
    let (folder, hub) = hub(&tryton, &tryton.url(), "confirmed").await;
    std::fs::write(folder.path().join("secret"), "another").expect("the folder is writable");
    let order = Order::plain(5_001);
    take_in(&hub, &order).await;
    wait::until("the credential is told of", Duration::from_secs(60), || async {
        let page = api::get(&hub, "/api/v1/systems/erp").await;
        (page["credential"] != "ok").then_some(())
    })
    .await;
    assert_eq!(sales(&tryton, &order).await, Vec::<Value>::new());
    assert!(hub.terminate().await.success());
}
