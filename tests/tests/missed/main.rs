//! A shop of the vendor's kind whose webhooks are hints: many make few calls, a poll finds what no webhook
//! told, and a kill in the middle loses nothing; and what it is told, in time and in the right place. Judged by the shop's
//! own account of what it was asked.

mod parcels;
mod scene;

use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::Hub;
use orderhub_tests::{api, http, wait};
use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::shop::Plan;

use scene::{PATIENCE, Scene, until_alike};

/// Orders that the shop tells of, and that it does not.
const TOLD: u64 = 40;
const UNTOLD: u64 = 15;

/// No order is fetched while the breaker is open.
async fn breaker(hub: &Hub, act: &str) {
    let path = format!("/api/v1/systems/shop_eu/breakers/get_order/{act}?reason=hints+first");
    let answer = http::client().post(hub.url(&path)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
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
