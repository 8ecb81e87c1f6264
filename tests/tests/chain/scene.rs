//! The parts of the chain, and the hub in the middle.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orderhub_tests::broker::{Broker, Message, Node, REGISTERED};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::tryton::Tryton;
use orderhub_tests::{api, mappings, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::frame::Frame;
use orderhub_twins::outbox::{self, Habits, Outbox, Taken};
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::shop::{self, Shop};
use orderhub_twins::tms::{self, Pace, Tms};
use orderhub_twins::webhooks::{HubAddress, Webhooks, client};
use serde_json::{Value, json};
use tempfile::TempDir;

const QUEUE: &str = "chain.orders";

/// Twin seconds in one of ours.
const SPEED: f64 = 60.0;

/// The names of the systems, as the settings have them.
pub(crate) const SHOP: &str = "shop_eu";

/// All of it.
pub(crate) struct Scene {
    pub(crate) clock: Clock,
    pub(crate) shop: Shop,
    pub(crate) tms: Tms,
    pub(crate) tryton: Tryton,
    pub(crate) broker: Node,
    hub: Option<Hub>,
    folder: TempDir,
    port: u16,
    _served: [Served; 2],
    _broker: TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let (folder, port, kept) = (temporary(), free_port(), temporary());
        let broker = Node::start(kept.path());
        Broker::connect(broker.url()).await.quorum_queue(QUEUE, Some("chain.dead")).await;
        let young = tokio::time::Instant::now();
        let clock = Clock::started_before(SPEED, Duration::from_secs(24 * 3_600));
        let shop = Shop::new(frame(SHOP, &clock, shop::ONCE, Arc::new(publishing(&broker))), 1);
        let address = HubAddress::default();
        address.set(format!("http://127.0.0.1:{port}"));
        let told = Webhooks::to(
            client().expect("a client"),
            address,
            "/webhooks/tms".to_owned(),
            tms::proof(SECRET),
        );
        let pace = Pace { scan: Duration::from_secs(300), door: Duration::from_secs(60) };
        let tms = Tms::new(frame("tms", &clock, tms::ONCE, Arc::new(told)), pace);
        let served = [
            serve_anywhere(shop.router()).await.unwrap(),
            serve_anywhere(tms.router()).await.unwrap(),
        ];
        let tryton = Tryton::start().await;
        let [shop_at, tms_at] = &served;
        let settings =
            files(folder.path(), port).queue(broker.url(), QUEUE).shop(SHOP, &shop_at.url());
        let settings =
            settings.system("tms", "rest_tms", &tms_at.url(), &["password", "webhook"], &[]);
        tryton.systems(settings, &tryton.url(), "confirmed").write(folder.path());
        let hub = Some(Hub::start(folder.path(), port).await);
        tokio::time::sleep_until(young + REGISTERED).await;
        Self { clock, shop, tms, tryton, broker, hub, folder, port, _served: served, _broker: kept }
    }

    pub(crate) fn hub(&self) -> &Hub {
        self.hub.as_ref().expect("it runs")
    }

    /// The hub is killed, and begins again on what it has.
    pub(crate) async fn kill_hub(&mut self) {
        self.hub.take().expect("it runs").kill();
        self.hub = Some(Hub::start(self.folder.path(), self.port).await);
    }

    /// Everything ends; the hub in good order.
    pub(crate) async fn end(mut self) {
        assert!(self.hub.take().expect("it runs").terminate().await.success());
    }

    /// Waits until Tryton has so many sales.
    pub(crate) async fn some_are_sold(&self, orders: u64, patience: Duration) {
        wait::until(&format!("{orders} are sold"), patience, || async {
            let sales = self.tryton.find("sale.sale", &json!([]), &["reference"]).await;
            (sales.len() as u64 >= orders).then_some(())
        })
        .await;
    }

    /// Waits until the hub has found nobody at Tryton's address.
    pub(crate) async fn tryton_fails(&self) {
        wait::until("a call failed", Duration::from_secs(60), || async {
            let page = api::get(self.hub(), "/api/v1/systems/erp").await;
            (!page["last_error"].is_null()).then_some(())
        })
        .await;
    }

    /// Waits until each order of the shop is fulfilled there, delivered and at rest in the hub; else it is shown, and what stands in the way.
    pub(crate) async fn all_are_fulfilled(&self, orders: u64, patience: Duration) {
        let all = wait::until("all are fulfilled", patience * 2, || async {
            let fulfilled =
                self.shop.orders().iter().filter(|order| !order.fulfilments.is_empty()).count();
            if (fulfilled as u64) < orders {
                return None;
            }
            let known = api::all_orders(self.hub()).await;
            let delivered = |order: &api::Order| order.whole["state"]["fulfilment"] == "delivered";
            let done = known.iter().filter(|order| delivered(order)).count() as u64 == orders;
            (done && api::pending(self.hub()).await == 0).then_some(())
        });
        if tokio::time::timeout(patience, all).await.is_ok() {
            return;
        }
        let states: Vec<Value> = api::all_orders(self.hub())
            .await
            .iter()
            .map(|order| order.whole["state"].clone())
            .collect();
        let todo = api::get(self.hub(), "/api/v1/todo").await;
        panic!(
            "{} orders at the shop\n{states:#?}\n{todo:#}\n{}",
            self.shop.orders().len(),
            self.hub().log()
        );
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A twin that tells some things twice, and out of order.
fn frame(
    name: &str,
    clock: &Clock,
    once: &'static [&'static str],
    carrier: Arc<dyn outbox::Carrier>,
) -> Frame {
    let outbox = Outbox::start(clock.clone(), Habits::untidy(3), carrier);
    Frame::new(name, clock.clone(), once).telling(outbox)
}

/// The shop's changes go to the queue; while the broker is away they wait.
fn publishing(broker: &Node) -> impl Fn(outbox::Message) -> Taken + Send + Sync + 'static {
    let url = broker.url().to_owned();
    move |message: outbox::Message| -> Taken {
        let url = url.clone();
        Box::pin(async move {
            let body = message.body.to_vec();
            let message = Message {
                id: Some(message.id),
                headers: vec![("x-system", SHOP.to_owned())],
                body,
            };
            let sent =
                tokio::spawn(
                    async move { Broker::connect(&url).await.publish(QUEUE, [message]).await },
                );
            sent.await.is_ok()
        })
    }
}

/// The files that ship, but that do not wait as long for what is slow: for changes, and for an answer that was lost.
fn files(folder: &Path, port: u16) -> Settings {
    let copied = folder.join("mappings");
    mappings::copy(&mappings::root(), &copied);
    for (file, what, with) in [
        ("tryton/integration.yaml", "every: 1m", "every: 1s"),
        ("tryton/integration.yaml", "every: 5m", "every: 2s"),
        ("tryton_stock/integration.yaml", "every: 1m", "every: 1s"),
        ("tryton/connector.yaml", "every: 1m", "every: 5s"),
        ("tryton/connector.yaml", "settles: 30s", "settles: 1s"),
        ("tryton/connector.yaml", "timeout: 30s", "timeout: 9s"),
        ("shopify/connector.yaml", "settles: 15s", "settles: 1s"),
    ] {
        let file = copied.join(file);
        let text = std::fs::read_to_string(&file).expect("the file ships");
        assert!(text.contains(what), "{}: {what}", file.display());
        std::fs::write(&file, text.replace(what, with)).expect("the copy is writable");
    }
    Settings::reading(port, &copied)
}
