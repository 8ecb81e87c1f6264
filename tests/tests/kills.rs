//! `kill -9` in the middle of the work: nothing lost, nothing twice, nothing out of order, judged by a
//! sink outside of the hub.

use std::collections::HashMap;
use std::time::Duration;

use orderhub_tests::broker::{self, Broker};
use orderhub_tests::database::Schema;
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::ledger::Ledger;
use orderhub_twins::serve::serve_anywhere;
use orderhub_twins::sink::Sink;

/// Distinct orders at the sink at which the hub is killed, of ten that are published.
const KILLS: [u64; 3] = [2, 5, 8];

/// Longest time from one kill to the next, and to the end.
const PATIENCE: Duration = Duration::from_secs(240);

/// Between one and three changes, by the number alone: the same in every run.
fn changes(number: u64) -> u64 {
    1 + number % 3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order() {
    three_kills("kills.orders", 5_000, |settings| settings).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order_on_postgres() {
    let place = Schema::new();
    three_kills("kills.orders.postgres", 2_000, |settings| settings.store(&place.url())).await;
}

async fn three_kills(queue: &str, orders: u64, on: impl FnOnce(Settings) -> Settings) {
    let broker = Broker::connect(&broker::shared_url()).await;
    broker.quorum_queue(queue, Some("kills.dead")).await;
    for change in 1..=3 {
        let numbers = (1..=orders).filter(|number| change <= changes(*number));
        let messages = numbers.map(|number| Order::paid("shop_eu", number, change).message());
        broker.publish(queue, messages).await;
    }

    let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
    let served = serve_anywhere(sink.router()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = hub::free_port();
    on(Settings::new(port))
        .queue(broker.url(), queue)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink(&served.url())
        .write(folder.path());

    let ledger = sink.frame.ledger.clone();
    for at in KILLS.map(|tenths| orders / 10 * tenths) {
        let hub = Hub::start(folder.path(), port).await;
        let what =
            format!("the sink has counted {at} orders; hub log: {}", folder.path().display());
        wait::until(&what, PATIENCE, || {
            let reached = ledger.counts().references >= at;
            async move { reached.then_some(()) }
        })
        .await;
        hub.kill();
    }

    let hub = Hub::start(folder.path(), port).await;
    api::until_idle(&hub, PATIENCE).await;
    judge(&hub, &ledger, orders).await;
    assert_eq!(broker.ready(queue).await, 0, "messages are left on the queue");
    assert!(hub.terminate().await.success());
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
