//! `kill -9` in the middle of the work: nothing lost, nothing twice, nothing out of order, judged by a
//! sink outside of the hub.

use std::collections::HashMap;
use std::time::Duration;

use orderhub_tests::broker::{self, Broker};
use orderhub_tests::database::{Schema, Server};
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::ledger::Ledger;
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::sink::Sink;
use tempfile::TempDir;

/// Longest time from one kill to the next, and to the end.
const PATIENCE: Duration = Duration::from_secs(240);

/// Between one and three changes, by the number alone: the same in every run.
fn changes(number: u64) -> u64 {
    1 + number % 3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order() {
    three_kills(Scene::new("kills.orders", 5_000, |settings| settings).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order_on_postgres() {
    let place = Schema::new();
    let on = |settings: Settings| settings.store(&place.url());
    three_kills(Scene::new("kills.orders.postgres", 2_000, on).await).await;
}

async fn three_kills(scene: Scene) {
    for tenths in [2, 5, 8] {
        let hub = scene.start().await;
        scene.until(tenths).await;
        hub.kill();
    }
    scene.end(scene.start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_loses_nothing_and_the_hub_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let on = |settings: Settings| settings.store(server.url());
    let scene = Scene::new("kills.orders.crash", 1_000, on).await;
    let hub = scene.start().await;
    for tenths in [2, 6] {
        scene.until(tenths).await;
        server.crash_and_restart();
    }
    scene.end(hub).await;
}

/// Orders on a queue, a folder for a hub that reads it, and a sink that counts what comes out.
struct Scene {
    broker: Broker,
    queue: &'static str,
    orders: u64,
    folder: TempDir,
    port: u16,
    ledger: Ledger,
    _sink: Served,
}

impl Scene {
    async fn new(queue: &'static str, orders: u64, on: impl FnOnce(Settings) -> Settings) -> Self {
        let broker = Broker::connect(&broker::shared_url()).await;
        broker.quorum_queue(queue, Some("kills.dead")).await;
        for change in 1..=3 {
            let numbers = (1..=orders).filter(|number| change <= changes(*number));
            let messages = numbers.map(|number| Order::paid("shop_eu", number, change).message());
            broker.publish(queue, messages).await;
        }
        let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
        let served = serve_anywhere(sink.router()).await.unwrap();
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        on(Settings::new(port))
            .queue(broker.url(), queue)
            .shop("shop_eu", "http://127.0.0.1:1")
            .sink(&served.url())
            .write(folder.path());
        let ledger = sink.frame.ledger.clone();
        Self { broker, queue, orders, folder, port, ledger, _sink: served }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// Until so many tenths of the orders are at the sink.
    async fn until(&self, tenths: u64) {
        let at = self.orders / 10 * tenths;
        let log = self.folder.path().display();
        let what = format!("the sink has counted {at} orders; hub log: {log}");
        wait::until(&what, PATIENCE, || {
            let reached = self.ledger.counts().references >= at;
            async move { reached.then_some(()) }
        })
        .await;
    }

    /// Everything came through, once and in order.
    async fn end(&self, hub: Hub) {
        api::until_idle(&hub, PATIENCE).await;
        judge(&hub, &self.ledger, self.orders).await;
        assert_eq!(self.broker.ready(self.queue).await, 0, "messages are left on the queue");
        assert!(hub.terminate().await.success());
    }
}

/// One effect per key, versions rise per order, the last is the hub's last, every order is there.
async fn judge(hub: &Hub, ledger: &Ledger, published: u64) {
    let counts = ledger.counts();
    assert_eq!((counts.doubled, counts.out_of_order), (0, 0), "{counts:?}");
    let mut last: HashMap<String, u64> = HashMap::new();
    for entry in ledger.entries(0, usize::MAX) {
        let version = entry.effect.version.expect("the sink document carries the version");
        let before = last.insert(entry.effect.reference.clone(), version);
        assert!(before.is_none_or(|before| before < version), "{entry:?} after {before:?}");
    }
    let orders = api::all_orders(hub).await;
    assert_eq!(orders.len() as u64, published, "orders in the hub");
    for order in &orders {
        let sent = last.get(&order.reference).copied();
        assert_eq!(sent, Some(order.version), "{}: last version at the sink", order.reference);
        let number: u64 = order.order_no.parse().expect("numbers are numbers");
        let note = format!("change {}", changes(number));
        assert_eq!(order.note, note, "{}: the last change stands", order.reference);
    }
}
