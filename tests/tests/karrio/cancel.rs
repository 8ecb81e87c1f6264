//! Labels that people buy, found without webhooks; and what is cancelled, on either side.

use orderhub_tests::api;
use orderhub_tests::karrio::Karrio;
use serde_json::{Value, json};

use crate::scene::{
    By, Scene, cancel, packs, reference, shipment, take_in, told, tracker, until, weighs,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_that_people_buy_come_by_poll_and_what_can_be_cancelled_is() {
    let karrio = Karrio::start().await;
    let scene = Scene::new(&karrio, &karrio.url(), "", By::Polls).await;
    let hub = scene.start().await;
    for number in 2_001..=2_005 {
        take_in(&hub, number, |body| body).await;
        packs(&hub, number, 1, ("packed", "", "")).await;
    }
    for number in 2_001..=2_005 {
        shipment(&karrio, number, "draft").await;
    }

    // People buy the label, and its tracker is there.
    let draft = shipment(&karrio, 2_001, "draft").await;
    let bought = karrio.buy(&draft["id"]).await;
    let no = bought["tracking_number"].as_str().expect("a number").to_owned();
    let shown = until(&hub, 2_001, "the hub sees the label", |order| {
        order["shipments"][0]["status"] == "label_created"
    })
    .await;
    assert_eq!(shown["shipments"][0]["tracking_no"], json!(no));
    karrio.track_label(&bought).await;
    let its = tracker(&karrio, &no, &json!(reference(2_001))).await;
    let scan = json!({
        "date": "2026-11-02", "time": "04:05 PM", "code": "P", "description": "Taken along", "location": "Hamburg",
        "status": "picked_up",
    });
    karrio.happens(&its, "in_transit", scan).await;
    let scanned =
        |one: &Value| one["at"] == "2026-11-02T16:05:00Z" && one["status"] == "handed_over";
    until(&hub, 2_001, "the hub sees the scan", |order| {
        order["shipments"][0]["status"] == "in_transit"
            && order["shipments"][0]["events"].as_array().is_some_and(|all| all.iter().any(scanned))
    })
    .await;

    // Cancelled by the shop, by the warehouse, and by people there.
    cancel(&hub, 2_002).await;
    shipment(&karrio, 2_002, "cancelled").await;
    packs(&hub, 2_003, 2, ("void", "", "")).await;
    shipment(&karrio, 2_003, "cancelled").await;
    let draft = shipment(&karrio, 2_004, "draft").await;
    karrio.buy(&draft["id"]).await;
    karrio.cancel(&draft["id"]).await;
    until(&hub, 2_004, "the hub sees it", |order| order["shipments"][0]["status"] == "cancelled")
        .await;

    // Weighed again: Karrio does not change a shipment.
    weighs(&hub, 2_005, 2, ("packed", "", ""), "2,5").await;
    let why = told(&hub, 2_005).await;
    assert!(why.contains("the shipment is draft there"), "{why}");
    assert_eq!(shipment(&karrio, 2_005, "draft").await["parcels"][0]["weight"], json!(1.25));

    // On its way, too late.
    cancel(&hub, 2_001).await;
    let why = told(&hub, 2_001).await;
    assert!(
        why.contains("409") && why.contains("'in_transit' and can not be cancelled anymore"),
        "{why}"
    );
    shipment(&karrio, 2_001, "in_transit").await;
    let todo = api::get(&hub, "/api/v1/todo").await;
    assert_eq!(todo["items"].as_array().map(Vec::len), Some(2), "{todo:#}");
    assert!(hub.terminate().await.success());
}
