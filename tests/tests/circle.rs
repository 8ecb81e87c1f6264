//! The whole way on real parts: the vendor's orders of two shops with the same numbers on a quorum queue,
//! once each to the ERP, the WMS and the TMS, and their shipments back at the right shop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use orderhub_tests::broker::{self, Broker, Message};
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::frame::Frame;
use orderhub_twins::outbox::{self, Habits, Outbox, Taken};
use orderhub_twins::serve::serve_anywhere;
use orderhub_twins::shop::{self, Plan, Shop};
use orderhub_twins::tms::Pace;
use orderhub_twins::webhooks::HubAddress;
use orderhub_twins::wms::Manner;
use orderhub_twins::world::{Setting, World};

/// The queue that both shops publish to.
const QUEUE: &str = "circle.orders";

/// Orders of each shop.
const ORDERS: u64 = 30;

/// Twin seconds in one of ours.
const SPEED: f64 = 3_600.0;

/// Longest time until everything is fulfilled.
const PATIENCE: Duration = Duration::from_secs(150);

/// A shop that publishes what it would send as webhooks, some twice and out of order.
async fn shop(name: &'static str, number: u16, clock: &Clock, broker: &Arc<Broker>) -> Shop {
    let broker = Arc::clone(broker);
    let carrier = move |message: outbox::Message| -> Taken {
        let broker = Arc::clone(&broker);
        Box::pin(async move {
            let headers = vec![("x-system", name.to_owned())];
            let body = message.body.to_vec();
            let message = Message { id: Some(message.id), headers, body };
            broker.publish(QUEUE, [message]).await;
            true
        })
    };
    let outbox = Outbox::start(clock.clone(), Habits::untidy(u64::from(number)), Arc::new(carrier));
    Shop::new(Frame::new(name, clock.clone(), shop::ONCE).telling(outbox), number)
}

async fn world(hub: &str, clock: &Clock, broker: &Arc<Broker>) -> World {
    let address = HubAddress::default();
    address.set(hub.to_owned());
    let setting = Setting {
        hub: address,
        shops: Vec::new(),
        secret: SECRET.to_owned(),
        clock: clock.clone(),
        habits: Habits::untidy(7),
        manner: Manner::default(),
        pace: Pace::default(),
    };
    let mut world = World::start(&setting).await.expect("the twins start");
    for (name, number) in [("shop_eu", 1), ("shop_us", 2)] {
        let shop = shop(name, number, clock, broker).await;
        let served = serve_anywhere(shop.router()).await.expect("a free port");
        world.shops.push((shop, served));
    }
    world
}

fn settings(port: u16, url: &str, world: &World) -> Settings {
    let mut settings = Settings::new(port).queue(url, QUEUE);
    for (name, url) in world.addresses() {
        settings = match name.as_str() {
            "erp" => settings.system("erp", "rest_erp", &url, &["token", "webhook"], &[]),
            "wms" => settings.system("wms", "rest_wms", &url, &["token", "webhook"], &[]),
            "tms" => settings.system("tms", "rest_tms", &url, &["password", "webhook"], &[]),
            "sink" => settings.system("sink", "sink", &url, &[], &[]),
            shop => settings.shop(shop, &url),
        };
    }
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_two_shops_reach_everybody_once_and_come_home() {
    let url = broker::shared_url();
    let broker = Arc::new(Broker::connect(&url).await);
    broker.quorum_queue(QUEUE, Some("circle.dead")).await;
    let clock = Clock::started_before(SPEED, Duration::from_secs(90 * 24 * 3_600));
    let port = hub::free_port();
    let world = world(&format!("http://127.0.0.1:{port}"), &clock, &broker).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    settings(port, &url, &world).write(folder.path());
    let hub = Hub::start(folder.path(), port).await;

    let plans = world.shops.iter().zip(1..).map(|((shop, _), seed)| {
        let plan = Plan { orders: ORDERS, seed, ..Plan::default() };
        let shop = shop.clone();
        tokio::spawn(async move { shop.live(plan).await })
    });
    for plan in plans.collect::<Vec<_>>() {
        plan.await.expect("the shop's day ends");
    }
    let broken = Order { total: "21.90", ..Order::paid("shop_eu", 9_001, 1) };
    broker.publish(QUEUE, [broken.message()]).await;

    let account = world.settled(PATIENCE).await;
    assert!(account.balances(), "{account:#?}\n{}", hub.log());
    assert_eq!(account.placed, 2 * ORDERS);
    assert!(account.copies > 0, "the shops sent nothing twice");
    judge_orders(&hub).await;
    judge_broken_sum(&hub, &world).await;
    assert!(hub.terminate().await.success());
}

/// Two orders for each number; currencies with 0, 2 and 3 digits.
async fn judge_orders(hub: &Hub) {
    let orders = api::all_orders(hub).await;
    let twice = orders.iter().filter(|order| order.order_no == "1001");
    let references: BTreeSet<_> = twice.map(|order| order.reference.clone()).collect();
    assert_eq!(references, ["shop_eu-1001", "shop_us-1001"].map(str::to_owned).into());
    let several = http::client().get(hub.url("/api/v1/orders/1001")).send().await;
    let several = several.expect("an answer");
    assert_eq!(several.status(), 300);
    let currencies: BTreeSet<_> =
        orders.iter().filter_map(|order| order.whole["currency"].as_str()).collect();
    for currency in ["CNY", "JPY", "KWD"] {
        assert!(currencies.contains(currency), "no order in {currency}: {currencies:?}");
    }
}

/// A sum that does not add up is held and never repaired: no sale is made of it.
async fn judge_broken_sum(hub: &Hub, world: &World) {
    let held = wait::until("the order with the broken sum is held", PATIENCE, || async {
        let orders = api::all_orders(hub).await;
        orders.into_iter().find(|order| order.order_no == "9001")
    })
    .await;
    let order = api::get(hub, &format!("/api/v1/orders/{}", held.id)).await;
    assert_eq!(order["holds"][0]["code"], "amount_mismatch", "{order}");
    assert_eq!(order["totals"]["total"]["amount"], "21.90");
    assert!(world.erp.0.sales().iter().all(|sale| sale.order_no != "9001"));
}
