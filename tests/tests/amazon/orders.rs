//! Orders of Amazon to the warehouse and their parcels back, while the twin keeps the vendor's rates, its lag and its
//! pages, on a clock many times as fast as ours.
//!
//! The hub's own clock is ours: times of the integration are as many times shorter in the copy that it reads, and how
//! fast it may call it is told by the twin's answers; by what the files declare it would stand still after the burst.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, mappings, wait};
use orderhub_twins::Clock;
use orderhub_twins::amazon::{self, Amazon};
use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::frame::Frame;
use orderhub_twins::serve::{Served, serve_anywhere};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Twin seconds in one of ours. The vendor's rates then leave a call some milliseconds, by which a busy machine may be
/// late: many orders in a row go slower.
fn speed() -> f64 {
    if count() > 100 { 10.0 } else { 30.0 }
}

/// Minutes of the twin's, in ours.
fn minutes(minutes: f64) -> String {
    format!("{}s", (minutes * 60.0 / speed()).round())
}

/// Longest wait for anything here, where many tests run.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first number of an order.
const FIRST: u64 = 1;
/// Every so many orders one is Amazon's own to send.
const AMAZONS: u64 = 10;

/// How many orders come in: as many as `ORDERHUB_TEST_AMAZON_ORDERS` says.
fn count() -> u64 {
    let said = std::env::var("ORDERHUB_TEST_AMAZON_ORDERS").ok();
    said.and_then(|count| count.parse().ok()).unwrap_or(60)
}

struct Scene {
    twin: Amazon,
    served: Served,
    _warehouse: Served,
    _folder: TempDir,
    hub: Hub,
}

/// The files that ship, on the twin's clock, with pages that there are several of.
fn files(folder: &Path, orders: u64) {
    mappings::copy(&mappings::root(), folder);
    let page = format!("size: {}", (orders / 10).clamp(1, 100));
    let times = "every: 5m, lag: 3m, overlap: 5m";
    let near = format!("lag: {}, overlap: {}", minutes(3.0), minutes(5.0));
    let often = format!("every: {}, {near}", minutes(2.0));
    for (file, what, with) in [
        ("amazon/integration.yaml", times, often.as_str()),
        ("amazon_push/integration.yaml", "lag: 3m, overlap: 5m", near.as_str()),
        ("amazon/connector.yaml", "size: 100", page.as_str()),
    ] {
        let file = folder.join(file);
        let text = std::fs::read_to_string(&file).expect("the file ships");
        assert!(text.contains(what), "{}: {what}", file.display());
        std::fs::write(&file, text.replace(what, with)).expect("the copy is writable");
    }
}

impl Scene {
    async fn new(twin: Amazon, integration: &str, orders: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, copied) = (free_port(), folder.path().join("mappings"));
        files(&copied, orders);
        let served = serve_anywhere(twin.router()).await.expect("it listens");
        let takes_all = Router::new().fallback(|| async { StatusCode::CREATED });
        let warehouse = serve_anywhere(takes_all).await.expect("it listens");
        let token_url = format!("{}/auth/o2/token", served.url());
        let url = served.url();
        let mut settings = vec![
            ("client_id", "app"),
            ("token_url", token_url.as_str()),
            ("marketplace_ids", amazon::MARKETPLACE),
        ];
        let mut secrets = vec!["client_secret", "refresh_token"];
        // Who is asked alone needs nothing of the queue.
        if integration == "amazon_push" {
            settings.extend([("sqs_url", url.as_str()), ("queue_url", "https://queue/1/orders")]);
            settings.extend([("aws_region", "eu-west-1"), ("aws_key_id", "AKID")]);
            secrets.push("aws_secret_key");
        }
        Settings::reading(port, &copied)
            .system("amazon", integration, &url, &secrets, &settings)
            .system("wms", "csv_wms", &warehouse.url(), &["password"], &[("user", "hub")])
            .write(folder.path());
        let hub = Hub::start(folder.path(), port).await;
        Self { twin, served, _warehouse: warehouse, _folder: folder, hub }
    }

    /// Waits until the hub shows something of all its orders.
    async fn until(&self, what: &str, holds: impl Fn(&[api::Order]) -> bool) -> Vec<api::Order> {
        let looking = wait::until(what, PATIENCE * 2, || async {
            let orders = api::all_orders(&self.hub).await;
            holds(&orders).then_some(orders)
        });
        if let Ok(orders) = tokio::time::timeout(PATIENCE, looking).await {
            return orders;
        }
        let (todo, status) = (
            api::get(&self.hub, "/api/v1/todo").await,
            api::get(&self.hub, "/api/v1/systems/amazon").await,
        );
        panic!("{what}: {todo:#}\n{status:#}\n{:#?}", self.twin.frame.ledger.counts());
    }

    /// The warehouse says that everything of these orders has left, in one file.
    async fn ships(&self, orders: &[api::Order]) {
        let mut file = "shipment_no;release_no;parcel_no;sscc;line_ref;sku;qty;weight_kg;length_cm;width_cm;height_cm;carrier;service;tracking_no;state;shipped_at;packer;export_no\n".to_owned();
        for order in orders {
            let no = &order.order_no;
            for line in order.whole["fulfilments"][0]["lines"].as_array().expect("its lines") {
                let id = line["line"].as_str().unwrap();
                let pieces = line["qty"].to_string().replace('"', "");
                let release = order.whole["fulfilments"][0]["ref"].as_str().unwrap();
                writeln!(file, "P-{no};{release};P-{no}-1;;{id};X;{pieces};1,25;30;20;10,5;FedEx;;T{no};shipped;02.11.2026 10:00:00;;1").unwrap();
            }
        }
        let url = self.hub.url("/api/v1/intake/wms/shipment");
        let request = client().post(url).header("content-type", "text/csv").body(file);
        let answer = request.send().await.expect("the hub answers");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        assert!(status.is_success(), "{status}: {text}");
    }

    /// Calls of an operation that came to the twin.
    fn calls(&self, operation: &str) -> u64 {
        self.twin.frame.ledger.counts().received.get(operation).copied().unwrap_or(0)
    }
}

/// The order with a number: one in ten is Amazon's own to send, one stands in for another.
fn order(number: u64) -> Value {
    let mut order = amazon::order(number);
    if number.is_multiple_of(AMAZONS) {
        order["fulfillment"]["fulfilledBy"] = json!("AMAZON");
    }
    if number == FIRST {
        let original = json!({ "orderId": amazon::order_id(9_999), "associationType": "REPLACEMENT_ORIGINAL_ID" });
        order["associatedOrders"] = json!([original]);
    }
    order
}

fn sends(order: &api::Order) -> bool {
    order.whole["ext"]["fulfilled_by"] == "MERCHANT"
}

/// A third of the orders is there before the hub; a third comes while it reads, and is paid for later.
fn third(part: u64, orders: u64) -> std::ops::Range<u64> {
    FIRST + orders * part / 3..FIRST + orders * (part + 1) / 3
}

async fn come_in(twin: &Amazon, orders: u64, breath: Duration) {
    for part in 1..3 {
        tokio::time::sleep(breath).await;
        for number in third(part, orders) {
            let mut order = order(number);
            if part == 1 {
                order["fulfillment"]["fulfillmentStatus"] = json!("PENDING");
            }
            twin.place(order);
        }
    }
    for number in third(1, orders) {
        let paid =
            |order: &mut Value| order["fulfillment"]["fulfillmentStatus"] = json!("UNSHIPPED");
        assert!(twin.change(&amazon::order_id(number), paid));
    }
}

/// What goes wrong on the way.
fn faults(twin: &Amazon) {
    let lost = [
        Rule::on("search_orders", Fault::Status(503)).times(1),
        Rule::on("get_order", Fault::Status(503)).times(1),
        Rule::lost_after_effect("queue DeleteMessage").times(1),
        Rule::lost_before_effect("queue ReceiveMessage").times(1),
        Rule::lost_after_effect("confirm_shipment").times(2),
        Rule::lost_before_effect("confirm_shipment").times(2),
    ];
    twin.frame.faults.set(lost.to_vec());
}

/// Whether the hub has the order with a number as Amazon has it.
fn is_as_made(known: &[api::Order], number: u64) {
    let made = amazon::order(number);
    let found = known.iter().find(|order| order.order_no == amazon::order_id(number));
    let found = &found.unwrap_or_else(|| panic!("order {number} is not there")).whole;
    let total = &made["proceeds"]["grandTotal"]["amount"];
    assert_eq!(&found["totals"]["total"]["amount"], total);
    let paid = if number == FIRST { "not_required" } else { "captured" };
    assert_eq!(found["state"]["payment"], paid);
    let lines = found["lines"].as_array().unwrap().iter();
    let skus: Vec<&Value> = lines.map(|line| &line["sku"]).collect();
    let items = made["orderItems"].as_array().unwrap().iter();
    assert_eq!(skus, items.map(|item| &item["product"]["sellerSku"]).collect::<Vec<_>>());
}

/// Whether Amazon has one package of an order, which is the warehouse's.
fn is_confirmed(order: &Value) {
    let packages = order["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1, "{order:#}");
    assert_eq!(packages[0]["packageReferenceId"], "10001");
    let number = format!("T{}", order["orderId"].as_str().unwrap());
    assert_eq!(packages[0]["trackingNumber"], number);
    assert_eq!(packages[0]["carrier"], "FedEx");
}

/// Everything comes to the hub as Amazon has it, goes to the warehouse, and is confirmed, once each.
async fn there_and_back(scene: &Scene, orders: u64) -> usize {
    let (twin, all) = (&scene.twin, usize::try_from(orders).unwrap());
    let asked = |order: &api::Order| order.whole["fulfilments"][0]["status"] == "sent";
    let what = "every order is there, and the warehouse is asked for what is ours to send";
    let known = scene.until(what, |known| {
        known.len() == all && known.iter().all(|order| asked(order) == sends(order))
    });
    let known = known.await;
    (FIRST..FIRST + orders).for_each(|number| is_as_made(&known, number));
    let ours: Vec<api::Order> = known.into_iter().filter(sends).collect();
    scene.ships(&ours).await;
    wait::until("every parcel is confirmed at Amazon", PATIENCE, || async {
        let shipped = |order: &&Value| order["fulfillment"]["fulfillmentStatus"] == "SHIPPED";
        (twin.orders().iter().filter(shipped).count() == ours.len()).then_some(())
    })
    .await;
    ours.len()
}

/// Nothing is there twice, on either side, and nobody was called too often.
async fn once_each(scene: &Scene, orders: u64, ours: usize) {
    let known = api::all_orders(&scene.hub).await;
    assert_eq!(u64::try_from(known.len()).unwrap(), orders, "each order is there once");
    for order in known.iter().filter(|order| sends(order)) {
        assert_eq!(order.whole["shipments"].as_array().unwrap().len(), 1, "{:#}", order.whole);
    }
    let twin = &scene.twin;
    twin.orders().iter().filter(|order| order.get("packages").is_some()).for_each(is_confirmed);
    let counts = twin.frame.ledger.counts();
    assert_eq!(counts.effects[amazon::CONFIRMED], u64::try_from(ours).unwrap(), "{counts:?}");
    // Two answers were lost; what was confirmed is told once.
    assert_eq!((counts.doubled, counts.repeated), (0, 2), "{counts:?}");
    let calls: u64 = counts.received.values().sum();
    assert!(twin.throttled() * 1_000 <= calls, "one call in a thousand: {counts:?}");
}

fn twin() -> Amazon {
    let clock = Clock::started_before(speed(), Duration::ZERO);
    Amazon::new(Frame::new("amazon", clock, amazon::ONCE)).signed_with(SECRET)
}

/// One at a time: at this speed the vendor's rates leave a call a few milliseconds.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_come_in_and_are_confirmed_once_each_at_the_rates_of_the_vendor() {
    let _alone = ALONE.lock().await;
    let (orders, twin) = (count(), twin());
    third(0, orders).for_each(|number| twin.place(order(number)));
    let scene = Scene::new(twin.clone(), "amazon", orders).await;
    come_in(&twin, orders, Duration::from_secs(3)).await;
    faults(&twin);
    let ours = there_and_back(&scene, orders).await;
    let listed = scene.calls("search_orders");
    wait::until("what was confirmed was listed again", PATIENCE, || async {
        (scene.calls("search_orders") > listed + 2).then_some(())
    })
    .await;
    once_each(&scene, orders, ours).await;
    assert!(scene.calls("search_orders") > 18, "faster than the files say");
    scene.served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_a_queue_tells_of_come_in_at_once_and_are_confirmed_once_each() {
    let _alone = ALONE.lock().await;
    let (orders, twin) = (count() / 2, twin());
    third(0, orders).for_each(|number| twin.place(order(number)));
    let scene = Scene::new(twin.clone(), "amazon_push", orders).await;
    faults(&twin);
    come_in(&twin, orders, Duration::from_millis(500)).await;
    let ours = there_and_back(&scene, orders).await;
    wait::until("every notice was read, and deleted", PATIENCE, || async {
        (twin.waiting() == 0).then_some(())
    })
    .await;
    once_each(&scene, orders, ours).await;
    let (searched, read) = (scene.calls("search_orders"), scene.calls("get_order"));
    // One poll, of as many pages as there were when it was tried again.
    assert!(searched <= 12, "{searched}");
    // One is told when it is made, some when they are paid for, and each when it is confirmed; a notice that comes twice
    // is read once where it is soon enough.
    assert!(read >= orders && read <= 5 * orders, "{read} of {orders}");
    scene.served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_no_notice_of_ours_parks_none_beside_it() {
    let _alone = ALONE.lock().await;
    let twin = twin();
    let scene = Scene::new(twin.clone(), "amazon_push", 10).await;
    wait::until("it has searched, and waits for notices", PATIENCE, || async {
        (scene.calls("search_orders") > 0).then_some(())
    })
    .await;
    for number in FIRST..FIRST + 6 {
        match number {
            2 => twin.message(r#"{"NotificationType":"ANY_OFFER_CHANGED","Payload":{}}"#),
            4 => twin.message("a word to the wise"),
            _ => {}
        }
        twin.place(order(number));
    }
    scene.until("each order is there", |known| known.len() == 6).await;
    wait::until("nothing is left in the queue", PATIENCE, || async {
        (twin.waiting() == 0).then_some(())
    })
    .await;
    let todos = api::get(&scene.hub, "/api/v1/todo").await;
    let todos = todos["items"].as_array().unwrap();
    assert_eq!(todos.len(), 2, "{todos:#?}");
    assert!(todos.iter().all(|todo| todo["cause"] == "unreadable_hint"), "{todos:#?}");
    scene.served.stop().await;
}
