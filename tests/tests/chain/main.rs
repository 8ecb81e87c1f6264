//! One chain of real systems and twins: a shop of the vendor's kind ► RabbitMQ ► the hub ► a sale of a real Tryton, confirmed ► its
//! shipment, picked and packed by people ► a label and its tracking at a TMS ► the shop's fulfilment with the number. Each of
//! them fails once in the middle. At the end every order is everywhere exactly once, and its values are compared at the ends.
//!
//! `ORDERHUB_TEST_CHAIN_ORDERS` makes it longer.

mod judge;
mod scene;
mod staff;

use std::time::Duration;

use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::shop::{Article, Assortment, Country, Plan};

use crate::scene::Scene;
use crate::staff::Staff;

/// Orders of the usual run.
const USUAL: u64 = 12;

/// Longest time for all that an order takes on a busy machine, and for what all share.
const EACH: Duration = Duration::from_secs(6);
const ALL: Duration = Duration::from_secs(150);

/// What Tryton sells, at its own prices and without tax; it knows the country and its region.
const GOODS: &[Article] = &[
    ("MUG-BLUE", "Mug, blue", 1_250, true),
    ("MUG-RED", "Mug, red", 1_250, true),
    ("TEE-M", "T-shirt, M", 1_999, true),
];
const COUNTRIES: &[Country] =
    &[Country::new(("DE", "Germany"), ("Berlin", "10115", Some("BE")), ("EUR", 2), (0, true))];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_is_everywhere_once_though_each_system_fails_in_the_middle() {
    let orders = std::env::var("ORDERHUB_TEST_CHAIN_ORDERS");
    let orders = orders.map_or(USUAL, |orders| orders.parse().expect("a number"));
    let patience = ALL + EACH * u32::try_from(orders).expect("not that many");
    let mut scene = Scene::new().await;
    let staff = Staff::begin(&scene.tryton);
    let assortment = Assortment { countries: COUNTRIES, articles: GOODS, shipping: 0 };
    let plan = Plan {
        orders,
        pace: scene.clock.twin(Duration::from_millis(250)),
        // Tryton takes no word about a sale that is processed: a third of the orders is paid later, and that is all.
        changes: 0..=0,
        gap: Duration::from_secs(60)..=Duration::from_secs(180),
        cancelled_percent: 0,
        seed: 5,
        assortment,
        ..Plan::default()
    };
    let shop = scene.shop.clone();
    let day = tokio::spawn(async move { shop.live(plan).await });

    // The TMS answers nothing, and makes what it was asked for; the shop says no for a while, and throttles.
    let tms = [
        Rule::lost_after_effect("create_shipment").times(2),
        Rule::on("create_shipment", Fault::Status(504)).times(6),
    ];
    scene.tms.frame.faults.set(tms.into());
    let shop = [
        Rule::lost_after_effect("create_fulfilment").times(2),
        Rule::on("create_fulfilment", Fault::Status(503)).times(4),
    ];
    scene.shop.frame.faults.set(shop.into());
    scene.some_are_sold(orders / 3, patience).await;
    scene.tryton.down();
    scene.kill_hub().await;
    scene.tryton_fails().await;
    scene.tryton.up().await;
    scene.some_are_sold(orders / 2, patience).await;
    scene.broker.crash_and_restart();
    day.await.expect("the shop's day ends");
    scene.all_are_fulfilled(orders, patience).await;
    drop(staff);
    for frame in [&scene.tms.frame, &scene.shop.frame] {
        for (rule, struck) in frame.faults.shown() {
            assert_eq!(rule.count, Some(struck), "{}: {rule:?}", frame.name);
        }
    }
    judge::all(&scene, orders).await;
    scene.end().await;
}
