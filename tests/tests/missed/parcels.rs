//! What left the house is told in time, and to the location that sends it; and what the merchant takes off a partly sent
//! order is not sent.

use orderhub_tests::hub::Hub;
use orderhub_tests::{api, http, wait};
use orderhub_twins::shop::{FULFILLED, Order, Place, Plan};
use serde_json::json;

use super::scene::{PATIENCE, Scene, until_alike};

/// Orders that are to be read.
const READ: u64 = 60;

impl Scene {
    /// One order of a line with so many pieces, of which so many are at the second location; nobody was told.
    async fn has_one(&self, pieces: u64, apart: u64) -> Order {
        self.has_old(1, 1).await;
        let mut order = self.shop.orders().remove(0);
        order.lines.truncate(1);
        order.lines[0].quantity = pieces;
        order.lines[0].apart = apart;
        self.shop.has(order.clone());
        order
    }

    /// So many pieces of an order's first line left the house.
    async fn left(&self, hub: &Hub, order: &Order, pieces: u64) {
        let lines = json!([{ "line": "L1", "qty": pieces }]);
        let reference = format!("shop_eu-{}", order.number);
        let parcel = json!({ "no": "P-1", "order": reference, "n": 1, "lines": lines });
        api::take_in(hub, "packing", "parcel", parcel.to_string()).await;
    }

    async fn until_sent(&self) -> Order {
        let sent = || self.shop.orders().into_iter().find(|order| !order.fulfilments.is_empty());
        wait::until("the parcel is a fulfilment", PATIENCE, || async { sent() }).await
    }
}

/// What calls may cost is hardly there, and reads need less than a parcel does: it goes first all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_goes_before_a_backlog_of_reads() {
    let scene = Scene::new("sqlite:hub.db").await;
    let order = scene.has_one(1, 0).await;
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    let read = || scene.shop.asked().iter().filter(|name| **name == "read_order").count();
    let before = read();
    scene.shop.leave(20);
    let plan = Plan { orders: READ, seed: 6, first_number: 5_001, ..at_once() };
    scene.silent().live(plan).await;
    wait::until("the backlog is being read", PATIENCE, || async {
        (read() > before).then_some(())
    })
    .await;
    scene.left(&hub, &order, 1).await;
    scene.until_sent().await;
    until_alike(&hub, &scene.shop).await;
    let asked = scene.shop.asked();
    let at = |name: &str| asked.iter().position(|asked| *asked == name).unwrap();
    let behind = asked[at("create_fulfilment")..].iter().filter(|name| **name == "read_order");
    let behind = behind.count();
    assert!(behind as u64 >= READ / 2, "{behind} reads behind it: {asked:?}");
    assert!(at("find_fulfilment") < at("create_fulfilment"));
    assert!(hub.terminate().await.success());
}

/// All come at one moment and are changed no more.
fn at_once() -> Plan {
    let none = std::time::Duration::ZERO;
    Plan { pace: none, changes: 0..=0, gap: none..=none, cancelled_percent: 0, ..Plan::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_of_two_locations_waits_until_one_has_all_of_it() {
    let scene = Scene::new("sqlite:hub.db").await;
    let mut order = scene.has_one(3, 1).await;
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    scene.left(&hub, &order, 3).await;
    let todo = wait::until("a todo says what each location has", PATIENCE, || async {
        let todos = api::get(&hub, "/api/v1/todo?limit=10").await;
        todos["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let why = todo["why"].as_str().unwrap();
    assert!(why.contains("3 to be sent, 2 at Main, 1 at Second left"), "{why}");
    assert!(!scene.shop.asked().contains(&"create_fulfilment"), "nothing was made");
    // The merchant moves it; it stays a part of its own, at the other location.
    order.apart_at = Place::Main;
    scene.shop.has(order.clone());
    let again = format!("/api/v1/todo/{}/resolve?again=true&reason=moved", todo["id"]);
    let said = http::client().post(hub.url(&again)).send().await.unwrap();
    assert!(said.status().is_success(), "{}", said.text().await.unwrap());
    let sent = scene.until_sent().await;
    let pieces: Vec<_> = sent.fulfilments.iter().map(|it| it.lines.clone()).collect();
    assert_eq!(pieces, [vec![(order.lines[0].id, 3)]], "one parcel, of both parts");
    assert_eq!(scene.shop.frame.ledger.counts().effects[FULFILLED], 1);
    assert!(hub.terminate().await.success());
}

/// The order's own webhook does not tell whether the piece was sent; that of the edit has it read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_that_is_edited_away_after_a_part_was_sent_is_not_sent() {
    let scene = Scene::as_shipped("sqlite:hub.db").await;
    let order = scene.has_one(5, 0).await;
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    scene.left(&hub, &order, 2).await;
    scene.until_sent().await;
    assert!(scene.shop.edit_away(order.id).await);
    let quantities = wait::until("the piece is cancelled", PATIENCE, || async {
        let order = api::all_orders(&hub).await.remove(0);
        let quantities = order.whole["lines"][0]["qty"].clone();
        (quantities["cancelled"] == "1").then_some(quantities)
    })
    .await;
    assert_eq!((&quantities["ordered"], &quantities["shipped"]), (&json!("5"), &json!("2")));
    let todos = api::get(&hub, "/api/v1/todo?limit=10").await;
    assert!(todos["items"].as_array().unwrap().is_empty(), "{todos}");
    assert!(hub.terminate().await.success());
}
