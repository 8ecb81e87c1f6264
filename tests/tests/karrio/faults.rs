//! What goes wrong: answers that are lost after the effect, a server and a hub that are killed.

use orderhub_tests::gateway::Gateway;
use orderhub_tests::karrio::Karrio;
use orderhub_tests::{api, wait};
use serde_json::json;

use crate::scene::{By, PATIENCE, Scene, packs, reference, shipment, take_in, tracker, until};

/// Orders that go through all of it: of each third parcel the warehouse has a number.
const ORDERS: u64 = 9;

fn numbers() -> std::ops::RangeInclusive<u64> {
    3_001..=3_000 + ORDERS
}

/// The warehouse's number of a parcel, if it has one.
fn no(number: u64) -> Option<String> {
    number.is_multiple_of(3).then(|| format!("0034043416109400{number}"))
}

/// How many of them Karrio has.
async fn there(karrio: &Karrio) -> usize {
    let mut there = 0;
    for number in numbers() {
        there += match no(number) {
            Some(no) => karrio.trackers(&no).await.len(),
            None => karrio.shipments(&reference(number)).await.len(),
        };
    }
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_shipment_is_one_though_answers_are_lost_and_both_ends_are_killed() {
    let mut karrio = Karrio::start().await;
    let gateway = Gateway::to(&karrio.url()).await;
    // What was done, and of which the hub never heard: shipments, labels, trackers.
    gateway.lose([
        "POST /v1/shipments",
        "POST /v1/shipments",
        "POST /v1/shipments",
        "POST /purchase",
        "POST /purchase",
        "POST /v1/trackers",
        "POST /v1/trackers",
    ]);
    let scene = Scene::new(&karrio, &gateway.url(), "standard_service", By::Polls).await;
    let hub = scene.start().await;
    for number in numbers() {
        take_in(&hub, number, |body| body).await;
        let no = no(number).unwrap_or_default();
        let carrier = if no.is_empty() { "" } else { "DHL" };
        packs(&hub, number, 1, ("packed", carrier, &no)).await;
    }
    wait::until("some are there", PATIENCE, || async { (there(&karrio).await >= 2).then_some(()) })
        .await;
    karrio.down();
    hub.kill();
    let hub = scene.start().await;
    wait::until("it finds nobody there", PATIENCE, || async {
        let page = api::get(&hub, "/api/v1/systems/tms").await;
        (!page["last_error"].is_null()).then_some(())
    })
    .await;
    karrio.up().await;
    wait::until("half of them are there", PATIENCE, || async {
        (there(&karrio).await >= numbers().count() / 2).then_some(())
    })
    .await;
    hub.kill();
    let hub = scene.start().await;
    for number in numbers() {
        match no(number) {
            None => {
                let shown = until(&hub, number, "it has its label", |order| {
                    order["shipments"][0]["status"] == "label_created"
                })
                .await;
                let made = shipment(&karrio, number, "created").await;
                assert_eq!(shown["shipments"][0]["tracking_no"], made["tracking_number"]);
            }
            Some(no) => {
                until(&hub, number, "it is tracked", |order| {
                    order["shipments"][0]["events"][0].is_object()
                })
                .await;
                tracker(&karrio, &no, &json!(reference(number))).await;
            }
        }
    }
    assert_eq!(gateway.left_to_lose(), Vec::<String>::new(), "all of them were lost");
    assert_eq!(there(&karrio).await, numbers().count());
    let todo = api::get(&hub, "/api/v1/todo").await;
    assert_eq!(todo["items"], json!([]), "nobody had to look at anything");
    assert!(hub.terminate().await.success());
}
