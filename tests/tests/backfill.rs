//! What a shop had before the hub was there, and what neither a webhook nor the usual poll told: one bulk operation of the
//! shop names all orders of a time, and those that the hub lacks are read. Judged by the shop's own account.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::mappings::copy;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::frame::Frame;
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::shop::{self, Order, Plan, Shop};
use serde_json::json;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(240);

/// A shop whose webhooks are all lost, and a hub's place beside it.
struct Scene {
    shop: Shop,
    served: Served,
    folder: TempDir,
    port: u16,
}

impl Scene {
    /// The shipped files; a sweep each so often, whose operations are asked for each second.
    async fn new(every: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        let clock = Clock::started_before(1.0, Duration::ZERO);
        let shop = Shop::new(Frame::new("shop_eu", clock, shop::ONCE), 1);
        let served = serve_anywhere(shop.router()).await.unwrap();
        let mappings = folder.path().join("mappings");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
        for name in ["common", "hub", "shopify"] {
            copy(&shipped.join(name), &mappings.join(name));
        }
        change(&mappings.join("shopify/connector.yaml"), ("every: 10s", "every: 1s"));
        change(&mappings.join("shopify/integration.yaml"), ("every: 24h", every));
        Settings::reading(port, &mappings).shop("shop_eu", &served.url()).write(folder.path());
        Self { shop, served, folder, port }
    }

    /// Orders that were changed in the past, one a minute, the last one so many days ago.
    async fn has_old(&self, orders: u64, days: i64) {
        let (pace, gap) = (Duration::ZERO, Duration::ZERO..=Duration::ZERO);
        let plan = Plan { orders, seed: 5, pace, changes: 0..=1, gap, ..Plan::default() };
        self.shop.live(plan).await;
        for (back, mut order) in (1..).zip(self.shop.orders()) {
            let ago = SignedDuration::from_hours(24 * days) + SignedDuration::from_mins(back);
            order.updated_at = order.updated_at.checked_sub(ago).unwrap();
            order.created_at = order.updated_at;
            self.shop.has(order);
        }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// How often the shop was asked this.
    fn asked(&self, operation: &str) -> u64 {
        self.shop.frame.ledger.counts().received.get(operation).copied().unwrap_or_default()
    }

    /// Another bulk operation of the same app, which somebody else began.
    async fn others_begin_one(&self) {
        let query = "mutation { result: bulkOperationRunQuery(query: \"{ orders(query: \\\"updated_at:>='2020-01-01T00:00:00Z'\\\") { edges { node { id } } } }\") { bulkOperation { id } } }";
        let url = format!("{}/admin/api/2026-10/graphql.json", self.served.url());
        let asking = http::client().post(url).header("x-shopify-access-token", "theirs");
        let asking = asking.header("content-type", "application/json");
        let answer = asking.body(json!({ "query": query }).to_string()).send().await.unwrap();
        let said = answer.text().await.unwrap();
        assert!(said.contains("gid://shopify/BulkOperation/"), "{said}");
    }
}

fn change(path: &Path, (from, to): (&str, &str)) {
    let before = std::fs::read_to_string(path).unwrap();
    assert!(before.contains(from), "{}", path.display());
    std::fs::write(path, before.replace(from, to)).unwrap();
}

/// What both sides say of an order.
fn values(order: &Order) -> serde_json::Value {
    let scale = order.scale as usize;
    let unit = 10_u64.pow(order.scale);
    let amount = |minor: u64| match scale {
        0 => minor.to_string(),
        _ => format!("{}.{:0scale$}", minor / unit, minor % unit),
    };
    let line = |line: &shop::Line| json!({ "sku": line.sku, "pieces": line.quantity.to_string(), "price": amount(line.price) });
    // The shop says whole seconds.
    let whole = jiff::Timestamp::from_second(order.created_at.as_second()).unwrap();
    json!({
        "placed_at": whole.to_string(),
        "currency": order.currency,
        "city": order.country.city,
        "country": order.country.code,
        "note": order.note,
        "cancelled": order.cancelled.is_some(),
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// The same as the hub shows it.
fn shown(order: &serde_json::Value) -> serde_json::Value {
    let line = |line: &serde_json::Value| json!({ "sku": line["sku"], "pieces": line["qty"]["ordered"], "price": line["unit_price"]["amount"] });
    let to = &order["addresses"]["ship_to"];
    json!({
        "placed_at": order["placed_at"],
        "currency": order["currency"],
        "city": to["city"],
        "country": to["country"],
        "note": order["notes"]["customer"],
        "cancelled": order["state"]["lifecycle"] == "cancelled",
        "lines": order["lines"].as_array().unwrap().iter().map(line).collect::<Vec<_>>(),
    })
}

/// The hub has each order of the shop once, with its values; nobody has to look at anything.
async fn until_alike(hub: &Hub, scene: &Scene) {
    let orders = scene.shop.orders();
    wait::until("the hub has as many orders", PATIENCE, || async {
        (api::all_orders(hub).await.len() == orders.len()).then_some(())
    })
    .await;
    let known = api::all_orders(hub).await;
    for order in &orders {
        let number = order.number.to_string();
        let own: Vec<_> = known.iter().filter(|one| one.order_no == number).collect();
        assert_eq!(own.len(), 1, "#{number}");
        let whole = api::get(hub, &format!("/api/v1/orders/{}", own[0].id)).await;
        assert_eq!(shown(&whole), values(order), "#{number}");
    }
    let todos = api::get(hub, "/api/v1/todo?limit=10").await;
    assert_eq!(todos["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_before_the_hub_is_taken_in_by_one_bulk_operation() {
    let scene = Scene::new("every: 24h").await;
    scene.has_old(300, 90).await;
    scene.shop.behave(|ways| {
        ways.bulk.runs = Duration::from_secs(3);
        ways.bulk.ends = vec!["FAILED"];
    });
    let hub = scene.start().await;
    until_alike(&hub, &scene).await;
    // The one that failed left a part, which is not taken.
    assert_eq!(scene.asked("begin_bulk"), 2);
    assert_eq!(scene.asked("read_bulk_file"), 1);
    assert_eq!(scene.asked("read_order"), 300, "each is read once");
    assert_eq!(scene.shop.throttled(), 0);
    let log = hub.log();
    assert!(log.contains("the bulk operation ended as FAILED INTERNAL_SERVER_ERROR"), "{log}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_has_at_the_listed_revision_is_left_out() {
    let scene = Scene::new("every: 2s").await;
    scene.has_old(20, 30).await;
    scene.shop.behave(|ways| ways.bulk.runs = Duration::from_millis(500));
    let hub = scene.start().await;
    until_alike(&hub, &scene).await;
    let files = |more: u64| {
        let enough = scene.asked("read_bulk_file") + more;
        let scene = &scene;
        wait::until("it is swept again", PATIENCE, move || async move {
            (scene.asked("read_bulk_file") >= enough).then_some(())
        })
    };
    files(2).await;
    assert_eq!(scene.asked("read_order"), 20, "what it has is not read again");
    let mut order = scene.shop.orders().remove(7);
    order.note = Some("Nobody told of this".to_owned());
    order.updated_at = order.updated_at.checked_add(SignedDuration::from_mins(1)).unwrap();
    scene.shop.has(order);
    wait::until("it is read", PATIENCE, || async {
        (scene.asked("read_order") > 20).then_some(())
    })
    .await;
    files(2).await;
    until_alike(&hub, &scene).await;
    assert_eq!(scene.asked("read_order"), 21, "it alone");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_the_system_works_out_is_waited_for_and_survives_a_failure() {
    let scene = Scene::new("every: 24h").await;
    scene.has_old(10, 200).await;
    // Another one runs first; then the hub's, which a stop cuts off; then one that is cancelled, and one whose file is
    // gone when it is asked for.
    scene.shop.behave(|ways| {
        (ways.bulk.most, ways.bulk.expired, ways.bulk.runs) = (1, 1, Duration::from_secs(6));
        ways.bulk.ends = vec!["COMPLETED", "COMPLETED", "CANCELED"];
    });
    scene.others_begin_one().await;
    let hub = scene.start().await;
    wait::until("it waits for room", PATIENCE, || async {
        (scene.asked("begin_bulk") > 2).then_some(())
    })
    .await;
    assert_eq!(scene.asked("read_bulk"), 0, "nothing runs yet");
    wait::until("it waits for its own", PATIENCE, || async {
        (scene.asked("read_bulk") > 1).then_some(())
    })
    .await;
    let began = tokio::time::Instant::now();
    assert!(hub.terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let hub = scene.start().await;
    until_alike(&hub, &scene).await;
    assert_eq!(scene.asked("read_bulk_file"), 2, "one was gone");
    assert_eq!(scene.asked("read_order"), 10);
    let log = hub.log();
    for said in ["ended as CANCELED", "the file of the bulk operation is not there any more"] {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert!(hub.terminate().await.success());
}
