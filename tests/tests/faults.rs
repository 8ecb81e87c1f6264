//! Faults of the broker and of a target, judged by a sink outside of the hub: nothing lost, nothing
//! twice, nothing out of order.

use std::time::Duration;

use orderhub_tests::broker::{self, Broker, Node, REGISTERED};
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::faults::{Acts, Fault, Rule};
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::sink::Sink;
use tempfile::TempDir;

/// Longest time for one test to come to rest.
const PATIENCE: Duration = Duration::from_secs(120);

/// A hub between a queue and a sink.
struct Bench {
    hub: Hub,
    sink: Sink,
    broker: Broker,
    queue: String,
    // Held so that they live as long as the hub.
    _served: Served,
    _folder: TempDir,
}

impl Bench {
    async fn start(url: &str, queue: &str) -> Self {
        let broker = Broker::connect(url).await;
        broker.quorum_queue(queue, Some(&format!("{queue}.dead"))).await;
        let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
        let served = serve_anywhere(sink.router()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let port = hub::free_port();
        Settings::new(port)
            .queue(url, queue)
            .shop("shop_eu", "http://127.0.0.1:1")
            .sink(&served.url())
            .write(folder.path());
        let hub = Hub::start(folder.path(), port).await;
        Self { hub, sink, broker, queue: queue.to_owned(), _served: served, _folder: folder }
    }

    async fn publish(&self, numbers: std::ops::Range<u64>, change: u64) {
        let orders = numbers.map(|number| Order::paid("shop_eu", number, change).message());
        self.broker.publish(&self.queue, orders).await;
    }

    async fn until_told_of(&self, orders: u64) {
        let ledger = &self.sink.frame.ledger;
        let what = format!("the sink knows {orders} orders; hub log:\n{}", self.hub.log());
        wait::until(&what, PATIENCE, || {
            let reached = ledger.counts().references >= orders;
            async move { reached.then_some(()) }
        })
        .await;
    }

    /// Every order is at the sink in the hub's last version, none twice, none out of order.
    async fn judge(&self, orders: u64) {
        self.until_told_of(orders).await;
        api::until_idle(&self.hub, PATIENCE).await;
        let counts = self.sink.frame.ledger.counts();
        assert_eq!((counts.doubled, counts.out_of_order), (0, 0), "{counts:?}");
        let entries = self.sink.frame.ledger.entries(0, usize::MAX);
        let all = api::all_orders(&self.hub).await;
        assert_eq!(all.len() as u64, orders, "orders in the hub");
        for order in all {
            let sent = entries.iter().rev().find(|entry| entry.effect.reference == order.reference);
            let version = sent.and_then(|entry| entry.effect.version);
            let lanes = api::get(&self.hub, &format!("/api/v1/orders/{}/lanes", order.id)).await;
            assert_eq!(version, Some(order.version), "{}: {lanes}", order.reference);
        }
    }
}

/// A target that misbehaves for a while gets every order once.
async fn target_fault(queue: &str, rules: Vec<Rule>) {
    let bench = Bench::start(&broker::shared_url(), queue).await;
    bench.sink.frame.faults.set(rules);
    bench.publish(0..40, 1).await;
    bench.publish(0..40, 2).await;
    bench.judge(40).await;
    assert!(bench.sink.frame.ledger.counts().faults > 0, "the fault never struck");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_answers_504_gets_every_order_once() {
    target_fault("faults.504", vec![Rule::all(Fault::Status(504)).times(12)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_closes_after_taking_effect_is_not_told_twice() {
    let rule = Rule::all(Fault::Close).acting(Acts::Before).times(12);
    target_fault("faults.close", vec![rule]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_throttles_is_asked_again_after_the_time_it_named() {
    let rule = Rule::all(Fault::Throttled { retry_after_s: 1 }).times(6);
    target_fault("faults.429", vec![rule]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_holds_up_nothing_for_ever() {
    target_fault("faults.hang", vec![Rule::all(Fault::Hang).times(3)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_crashes_and_comes_back_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    Broker::connect(node.url())
        .await
        .quorum_queue("faults.broker", Some("faults.broker.dead"))
        .await;
    // The broker's own time, which no condition shows: see `REGISTERED`.
    tokio::time::sleep(REGISTERED).await;
    let bench = Bench::start(node.url(), "faults.broker").await;
    bench.publish(0..300, 1).await;
    bench.until_told_of(50).await;
    node.crash_and_restart();
    let again = Broker::connect(node.url()).await;
    let orders = (0..300).map(|number| Order::paid("shop_eu", number, 2).message());
    again.publish("faults.broker", orders).await;
    bench.judge(300).await;

    node.cut_connections();
    let again = Broker::connect(node.url()).await;
    let orders = (300..400).map(|number| Order::paid("shop_eu", number, 1).message());
    again.publish("faults.broker", orders).await;
    bench.judge(400).await;
    assert_eq!(again.ready("faults.broker").await, 0, "messages are left on the queue");
}
