//! A shop of the vendor's kind whose webhooks are hints: many make few calls, a poll finds what no webhook
//! told, and a kill in the middle loses nothing. Judged by the shop's own account of what it was asked.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::mappings::copy;
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::frame::Frame;
use orderhub_twins::outbox::{Habits, Outbox};
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::shop::{self, Plan, Shop};
use orderhub_twins::webhooks::{HubAddress, Webhooks, client};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);
/// Orders that the shop tells of, and that it does not.
const TOLD: u64 = 40;
const UNTOLD: u64 = 15;

/// The shipped files, with hints instead of documents in webhooks, and a poll that does not wait for minutes.
fn files(into: &Path) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    for folder in ["common", "hub", "shopify"] {
        copy(&shipped.join(folder), &into.join(folder));
    }
    change(&into.join("shopify/integration.yaml"), |text| {
        text.replace(
            "    apply: payload\n    document: order_rest\n    ordering: revision\n",
            "    apply: reread\n    do: get_order\n    args: { id: id }\n    document: order\n    ordering: reread\n",
        )
        .replace(
            "every: 5m, overlap: 5m, reach: 7d",
            "every: 2s, overlap: 1s, reach: 3d",
        )
    });
    change(&into.join("shopify/orders.graphql"), |text| text.replace("first: 250", "first: 10"));
}

fn change(path: &Path, change: impl FnOnce(String) -> String) {
    let before = std::fs::read_to_string(path).unwrap();
    let after = change(before.clone());
    assert_ne!(after, before, "{}", path.display());
    std::fs::write(path, after).unwrap();
}

/// A shop, and a hub's place beside it.
struct Scene {
    shop: Shop,
    _served: Served,
    folder: TempDir,
    port: u16,
}

impl Scene {
    async fn new(store: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        let clock = Clock::started_before(1.0, Duration::ZERO);
        let address = HubAddress::default();
        address.set(format!("http://127.0.0.1:{port}"));
        let path = "/webhooks/shop_eu".to_owned();
        let webhooks = Webhooks::to(client().unwrap(), address, path, shop::proof(SECRET));
        let soon = Duration::from_millis(500);
        let habits = Habits { held: soon, again_after: soon, ..Habits::untidy(11) };
        let outbox = Outbox::start(clock.clone(), habits, Arc::new(webhooks));
        let shop = Shop::new(Frame::new("shop_eu", clock, shop::ONCE).telling(outbox), 1);
        let served = serve_anywhere(shop.router()).await.unwrap();
        let mappings = folder.path().join("mappings");
        files(&mappings);
        Settings::reading(port, &mappings)
            .store(store)
            .shop("shop_eu", &served.url())
            .write(folder.path());
        Self { shop, _served: served, folder, port }
    }

    /// Orders that were changed in the past, one each so many minutes, the last one so long ago; nobody was told.
    async fn has_old(&self, orders: u64, minutes: i64) {
        let (pace, gap) = (Duration::ZERO, Duration::ZERO..=Duration::ZERO);
        let plan = Plan { orders, seed: 5, pace, changes: 0..=0, gap, ..Plan::default() };
        self.silent().live(plan).await;
        for (back, mut order) in (1..).zip(self.shop.orders()) {
            let ago = jiff::SignedDuration::from_mins(minutes * back);
            order.updated_at = order.updated_at.checked_sub(ago).unwrap();
            order.created_at = order.updated_at;
            self.shop.has(order);
        }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// The same shop, whose webhooks are lost.
    fn silent(&self) -> Shop {
        let mut silent = self.shop.clone();
        silent.frame.outbox = None;
        silent
    }
}

/// No order is fetched while the breaker is open.
async fn breaker(hub: &Hub, act: &str) {
    let path = format!("/api/v1/systems/shop_eu/breakers/get_order/{act}?reason=hints+first");
    let answer = http::client().post(hub.url(&path)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Every order of the shop stands in the hub as the shop has it.
async fn until_alike(hub: &Hub, shop: &Shop) {
    wait::until("the hub's orders are the shop's", PATIENCE, || async {
        let known = api::all_orders(hub).await;
        let alike = |order: &shop::Order| {
            known.iter().any(|one| {
                one.order_no == order.number.to_string()
                    && one.note == order.note.clone().unwrap_or_default()
                    && (one.whole["state"]["lifecycle"] == "cancelled") == order.cancelled.is_some()
            })
        };
        let orders = shop.orders();
        (orders.len() == known.len() && orders.iter().all(alike)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_polls_and_a_kill_end_in_what_the_shop_has() {
    ends_alike(&Scene::new("sqlite:hub.db").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_polls_and_a_kill_end_in_what_the_shop_has_on_postgres() {
    let schema = Schema::new();
    ends_alike(&Scene::new(&schema.url()).await).await;
}

async fn ends_alike(scene: &Scene) {
    let plan = Plan {
        pace: Duration::from_millis(20),
        changes: 5..=6,
        gap: Duration::from_millis(1_000)..=Duration::from_millis(1_200),
        ..Plan::default()
    };
    // While the hub is away, everything changes several times; then all hints come at once.
    scene.shop.live(Plan { orders: TOLD, seed: 3, ..plan.clone() }).await;
    let slow = Rule::on("read_order", Fault::SlowMs(200));
    scene.shop.frame.faults.set(vec![slow]);
    let received = |operation: &str| {
        let received = scene.shop.frame.ledger.counts().received;
        received.get(operation).copied().unwrap_or_default()
    };
    let outbox = scene.shop.frame.outbox.as_ref().unwrap();
    let hub = scene.start().await;
    breaker(&hub, "open").await;
    wait::until("all hints are taken", PATIENCE, || async { outbox.is_quiet().then_some(()) })
        .await;
    breaker(&hub, "close").await;
    wait::until("the hub has fetched some", PATIENCE, || async {
        (received("read_order") >= 10).then_some(())
    })
    .await;
    hub.kill();
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    let (hints, fetched) = (outbox.sent().taken, received("read_order"));
    assert!(hints > 5 * TOLD, "{hints} hints");
    // Each order for its hints, for the poll, and what the kill cut off.
    assert!(fetched <= 3 * TOLD, "{hints} hints, {fetched} fetches");
    let untold = Plan { orders: UNTOLD, seed: 4, first_number: 9_001, changes: 1..=2, ..plan };
    scene.silent().live(untold).await;
    until_alike(&hub, &scene.shop).await;
    let todos = api::get(&hub, "/api/v1/todo?limit=10").await;
    assert!(todos["items"].as_array().unwrap().is_empty(), "{todos}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_with_more_orders_than_a_listing_goes_deep_is_read_whole() {
    let scene = Scene::new("sqlite:hub.db").await;
    // One each half an hour: twelve in a window of six hours, and 90 in all.
    scene.has_old(90, 30).await;
    scene.shop.behave(|ways| ways.deepest = 30);
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    assert!(hub.terminate().await.success());
}

/// All are to be read at once: what each may cost is set aside before, so that the shop refuses none.
async fn overdraws_nothing(store: &str) {
    let scene = Scene::new(store).await;
    scene.has_old(TOLD, 1).await;
    scene.shop.behave(|ways| ways.runs = Duration::from_millis(300));
    let hub = scene.start().await;
    until_alike(&hub, &scene.shop).await;
    assert_eq!(scene.shop.throttled(), 0, "queries that the bucket did not hold");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_reads_at_once_overdraw_nothing() {
    overdraws_nothing("sqlite:hub.db").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_reads_at_once_overdraw_nothing_on_postgres() {
    let schema = Schema::new();
    overdraws_nothing(&schema.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_is_missing_stops_what_needs_it_alone() {
    let scene = Scene::new("sqlite:hub.db").await;
    scene.has_old(1, 1).await;
    scene.shop.behave(|ways| ways.denied = ["order".to_owned()].into());
    let hub = scene.start().await;
    let said = wait::until("a todo says which scope", PATIENCE, || async {
        let todos = api::get(&hub, "/api/v1/todo?limit=10").await.to_string();
        todos.contains("Access denied for order field").then_some(todos)
    })
    .await;
    let polls = || scene.shop.frame.ledger.counts().received["list_orders"];
    let before = polls();
    wait::until("the poll goes on", PATIENCE, || async { (polls() > before + 1).then_some(()) })
        .await;
    assert!(!said.contains("credential"), "{said}");
    assert!(hub.terminate().await.success());
}
