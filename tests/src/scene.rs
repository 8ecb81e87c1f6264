//! Orders on a queue, hubs that read it, and a sink outside of them that counts what comes out: the account
//! of every test that kills something.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use orderhub_twins::clock::Clock;
use orderhub_twins::faults::Faults;
use orderhub_twins::ledger::Ledger;
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::sink::Sink;
use tempfile::TempDir;

use crate::broker::{self, Broker};
use crate::hub::{self, Hub};
use crate::orders::Order;
use crate::settings::Settings;
use crate::{api, wait};

/// Longest time from one fault to the next, and to the end.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Between one and three changes, by the number alone: the same in every run.
fn changes(number: u64) -> u64 {
    1 + number % 3
}

/// A queue with orders, and a sink.
#[derive(Debug)]
pub struct Scene {
    broker: Broker,
    queue: String,
    orders: u64,
    sink: Served,
    ledger: Ledger,
    faults: Faults,
    /// Orders have one change, whatever their number.
    once: bool,
}

/// Where one hub lives.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    port: u16,
}

impl Place {
    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts its hub, and waits until that is ready.
    pub async fn start(&self) -> Hub {
        self.start_with(&[]).await
    }

    /// The same with these variables besides.
    pub async fn start_with(&self, env: &[(&str, &str)]) -> Hub {
        let hub = Hub::spawn_with(self.folder.path(), self.port, env);
        hub.ready().await;
        hub
    }
}

impl Scene {
    /// Fills a queue with so many orders, each with one to three changes.
    pub async fn new(queue: &str, orders: u64) -> Self {
        Self::on(&broker::shared_url(), queue, orders).await
    }

    /// The same on a broker of its own.
    pub async fn on(broker: &str, queue: &str, orders: u64) -> Self {
        let broker = Broker::connect(broker).await;
        broker.quorum_queue(queue, Some("kills.dead")).await;
        let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
        let served = serve_anywhere(sink.router()).await.expect("the sink listens");
        let (ledger, faults) = (sink.frame.ledger.clone(), sink.frame.faults.clone());
        let queue = queue.to_owned();
        let mut scene =
            Self { broker, queue, orders: 0, sink: served, ledger, faults, once: false };
        scene.publish(orders).await;
        scene
    }

    /// Publishes so many orders more.
    pub async fn publish(&mut self, more: u64) {
        let numbers = self.orders + 1..=self.orders + more;
        self.orders += more;
        for change in 1..=3 {
            let numbers = numbers.clone().filter(|number| change <= changes(*number));
            let messages = numbers.map(|number| Order::paid("shop_eu", number, change).message());
            self.broker.publish(&self.queue, messages).await;
        }
    }

    /// After the broker was away.
    pub async fn connect_again(&mut self) {
        self.broker = Broker::connect(self.broker.url()).await;
    }

    /// A place for a hub that reads the queue and tells the sink.
    pub fn place(&self, on: impl FnOnce(Settings) -> Settings) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let port = hub::free_port();
        on(Settings::new(port))
            .queue(self.broker.url(), &self.queue)
            .shop("shop_eu", "http://127.0.0.1:1")
            .sink(&self.sink.url())
            .write(folder.path());
        Place { folder, port }
    }

    /// So many orders came another way, each with one change.
    pub fn expect(&mut self, orders: u64) {
        self.orders += orders;
        self.once = true;
    }

    /// What goes wrong at the sink.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How many orders were published.
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// How many orders the sink has heard of.
    pub fn told_of(&self) -> u64 {
        self.ledger.counts().references
    }

    /// Until so many tenths of the orders are at the sink.
    pub async fn until(&self, tenths: u64) {
        self.until_told_of(self.orders / 10 * tenths).await;
    }

    /// Until the sink has heard of so many orders.
    pub async fn until_told_of(&self, orders: u64) {
        wait::until(&format!("the sink has heard of {orders} orders"), PATIENCE, || async move {
            (self.told_of() >= orders).then_some(())
        })
        .await;
    }

    /// What the last change of an order says.
    fn last_note(&self, order: &api::Order) -> String {
        let number: u64 = order.order_no.parse().expect("numbers are numbers");
        format!("change {}", if self.once { 1 } else { changes(number) })
    }

    /// Until the last change of every order stands, or nobody would wait longer: messages that were in the
    /// hands of a hub that died are driven one by one, which no count of waiting lanes shows.
    async fn until_last_changes(&self, hub: &Hub) {
        let stand = async {
            loop {
                let orders = api::all_orders(hub).await;
                let all = orders.iter().all(|order| order.note == self.last_note(order));
                if all && orders.len() as u64 == self.orders {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        // Whoever is missing then is named by the account.
        drop(tokio::time::timeout(PATIENCE / 3, stand).await);
    }

    /// Everything came through, once and in order.
    pub async fn judge(&self, hub: &Hub) {
        self.judge_but(hub, "").await;
    }

    /// The same, whatever waits for one system.
    pub async fn judge_but(&self, hub: &Hub, but: &str) {
        self.until_last_changes(hub).await;
        api::until_idle_but(hub, but, PATIENCE).await;
        self.account(hub).await;
        assert_eq!(self.broker.ready(&self.queue).await, 0, "messages are left on the queue");
    }

    /// One effect per key, versions rise per order, the last is the hub's last, every order is there.
    async fn account(&self, hub: &Hub) {
        let counts = self.ledger.counts();
        assert_eq!((counts.doubled, counts.out_of_order), (0, 0), "{counts:?}");
        let mut last: HashMap<String, u64> = HashMap::new();
        for entry in self.ledger.entries(0, usize::MAX) {
            let version = entry.effect.version.expect("the sink document carries the version");
            let before = last.insert(entry.effect.reference.clone(), version);
            assert!(before.is_none_or(|before| before < version), "{entry:?} after {before:?}");
        }
        let orders = api::all_orders(hub).await;
        assert_eq!(orders.len() as u64, self.orders, "orders in the hub");
        for order in &orders {
            let sent = last.get(&order.reference).copied();
            assert_eq!(sent, Some(order.version), "{}: last version at the sink", order.reference);
            let note = self.last_note(order);
            assert_eq!(order.note, note, "{}: the last change stands", order.reference);
        }
    }
}
