//! The whole way, field by field at both ends.

use orderhub_tests::http::client;
use orderhub_tests::hub::Hub;
use orderhub_tests::karrio::Karrio;
use orderhub_tests::{api, wait};
use reqwest::Method;
use serde_json::{Value, json};

use crate::scene::{
    By, PATIENCE, Scene, order, packs, reference, shipment, take_in, told, tracker, until,
};

/// Something that happens to a parcel, as carriers' clients write it there.
fn event(minute: &str, status: &str, place: &str, text: &str) -> Value {
    json!({
        "date": "2026-11-02", "time": format!("10:{minute} AM"), "timestamp": format!("2026-11-02T10:{minute}:00.000Z"),
        "code": status, "description": text, "location": place, "status": status,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_are_bought_and_parcels_are_tracked_by_webhook_field_by_field() {
    let karrio = Karrio::start().await;
    let scene = Scene::new(&karrio, &karrio.url(), "standard_service", By::Webhooks).await;
    let hub = scene.start().await;
    labelled(&karrio, &hub).await;
    tracked(&karrio, &hub, &scene).await;
    corrected(&karrio, &hub).await;
    refused(&karrio, &hub).await;
    away(&karrio, &hub).await;
    let carriers = api::get(&hub, "/api/v1/systems/tms/reads/connections").await;
    let known = carriers["value"].as_array().expect("a list");
    assert!(known.iter().any(|one| one["carrier_id"] == "acme"), "{carriers:#}");
    assert!(hub.terminate().await.success());
}

/// Packed without a number: a label is bought.
async fn labelled(karrio: &Karrio, hub: &Hub) {
    take_in(hub, 1_001, |body| body.replace("Harbour Street", "Hafenstraße")).await;
    packs(hub, 1_001, 1, ("packed", "", "")).await;
    let made = shipment(karrio, 1_001, "created").await;
    assert_eq!(
        (&made["reference"], &made["order_id"]),
        (&json!(reference(1_001)), &json!("shop_eu-1001"))
    );
    assert_eq!(made["metadata"], json!({ "orderhub": reference(1_001), "order_no": "1001" }));
    assert_eq!(made["shipper"]["company_name"], "Warehouse");
    let to = &made["recipient"];
    let address = [
        ("person_name", "Customer 1001"),
        ("address_line1", "1001 Hafenstraße"),
        ("city", "Hamburg"),
        ("postal_code", "20457"),
        ("country_code", "DE"),
    ];
    for (field, value) in address {
        assert_eq!(to[field], value, "{field}");
    }
    assert_eq!(made["parcels"].as_array().map(Vec::len), Some(1));
    let parcel = &made["parcels"][0];
    for (field, value) in [("weight", 1.25), ("length", 30.0), ("width", 20.0), ("height", 10.5)] {
        assert_eq!(parcel[field], json!(value), "{field}");
    }
    assert_eq!((&parcel["weight_unit"], &parcel["dimension_unit"]), (&json!("KG"), &json!("CM")));
    let item = &parcel["items"][0];
    assert_eq!((&item["sku"], &item["title"]), (&json!("MUG-BLUE"), &json!("Mug, blue")));
    assert_eq!((&item["quantity"], &item["value_amount"]), (&json!(1), &json!(19.9)));
    assert_eq!((&item["value_currency"], &item["metadata"]["line"]), (&json!("EUR"), &json!("L1")));

    let shown = until(hub, 1_001, "the label is known", |order| {
        order["shipments"][0]["status"] == "label_created"
    })
    .await;
    let parcel = &shown["shipments"][0];
    assert_eq!(parcel["tracking_no"], made["tracking_number"]);
    assert_eq!(
        parcel["label_url"],
        json!(format!("https://tms.example.com{}", made["label_url"].as_str().expect("a path")))
    );
    assert_eq!(
        (&parcel["carrier"], &parcel["service"]),
        (&json!("acme_express"), &json!("standard_service"))
    );
    assert_eq!(parcel["cost"], json!({ "amount": "0.0", "currency": "USD" }));
}

/// Packed with a number of the warehouse's own: it is tracked.
async fn tracked(karrio: &Karrio, hub: &Hub, scene: &Scene) {
    let no = "00340434161094000001";
    take_in(hub, 1_002, |body| body).await;
    packs(hub, 1_002, 2, ("packed", "DHL", no)).await;
    let made = tracker(karrio, no, &json!(reference(1_002))).await;
    assert_eq!(
        (&made["carrier_name"], &made["info"]["order_id"]),
        (&json!("dhl_universal"), &json!("shop_eu-1002"))
    );
    assert_eq!(karrio.shipments(&reference(1_002)).await, Vec::<Value>::new(), "it has its label");
    let shown =
        until(hub, 1_002, "it is tracked", |order| order["shipments"][0]["events"][0].is_object())
            .await;
    let page = shown["shipments"][0]["tracking_url"].as_str().expect("a page");
    assert!(page.starts_with("https://www.dhl.com/") && page.ends_with(no), "{page}");

    karrio
        .happens(&made, "in_transit", event("05", "in_transit", "Bonn, DE", "Left the depot"))
        .await;
    let earlier = karrio.trackers(no).await.remove(0);
    karrio
        .happens(
            &made,
            "out_for_delivery",
            event("30", "out_for_delivery", "Hamburg, DE", "With the driver"),
        )
        .await;
    karrio.happens(&made, "delivered", event("55", "delivered", "Hamburg, DE", "Signed for")).await;
    let shown =
        until(hub, 1_002, "it arrived", |order| order["shipments"][0]["status"] == "delivered")
            .await;
    judge(&shown);

    // An earlier one once more, and one that proves nothing.
    let late = json!({ "event": "tracker_updated", "data": earlier }).to_string();
    for (secret, status) in [(&*scene.secret, 200), ("another", 401)] {
        let request = client().post(hub.url("/webhooks/tms")).header("x-event-id", secret);
        assert_eq!(request.body(late.clone()).send().await.expect("an answer").status(), status);
    }
    assert_eq!(order(hub, 1_002).await["version"], shown["version"], "nothing changed");

    // A tracker of somebody else on the same account.
    let other =
        json!({ "tracking_number": "00340434161094000009", "carrier_name": "dhl_universal" });
    karrio.ask(Method::POST, "/trackers", Some(other)).await;
    assert_eq!(api::get(hub, "/api/v1/todo").await["items"], json!([]));
}

/// What the hub shows of a parcel that arrived.
fn judge(order: &Value) {
    let parcel = &order["shipments"][0];
    assert_eq!((&parcel["carrier"], &parcel["carrier_name"]), (&json!("dhl"), &json!("DHL")));
    assert_eq!(parcel["tracking_no"], "00340434161094000001");
    assert_eq!(parcel["delivered_at"], "2026-11-02T10:55:00Z");
    assert_eq!(order["state"]["fulfilment"], "delivered");
    let mut events = parcel["events"].as_array().expect("events").clone();
    events.sort_by_key(|event| event["at"].to_string());
    let seen: Vec<_> = events
        .iter()
        .map(|one| {
            ["at", "status", "place", "text"]
                .map(|field| one[field].as_str().unwrap_or("-").to_owned())
        })
        .collect();
    let expected = [
        ["2026-11-02T09:02:00Z", "-", "Bonn", "The instruction data was provided by the sender"],
        ["2026-11-02T10:05:00Z", "handed_over", "Bonn, DE", "Left the depot"],
        ["2026-11-02T10:30:00Z", "out_for_delivery", "Hamburg, DE", "With the driver"],
        ["2026-11-02T10:55:00Z", "delivered", "Hamburg, DE", "Signed for"],
    ];
    assert_eq!(seen, expected.map(|event| event.map(str::to_owned)));
}

/// The warehouse puts the number right: the parcel of the wrong one is nobody's.
async fn corrected(karrio: &Karrio, hub: &Hub) {
    let (wrong, right) = ("00340434161094000003", "00340434161094000004");
    take_in(hub, 1_003, |body| body).await;
    packs(hub, 1_003, 3, ("packed", "DHL", wrong)).await;
    let first = tracker(karrio, wrong, &json!(reference(1_003))).await;
    until(hub, 1_003, "it is tracked", |order| order["shipments"][0]["events"][0].is_object())
        .await;
    packs(hub, 1_003, 4, ("shipped", "DHL", right)).await;
    let second = tracker(karrio, right, &json!(reference(1_003))).await;
    tracker(karrio, wrong, &Value::Null).await;
    karrio.happens(&first, "delivered", event("40", "delivered", "Oslo", "Another's")).await;
    karrio
        .happens(&second, "out_for_delivery", event("41", "out_for_delivery", "Hamburg", "Out"))
        .await;
    let shown = until(hub, 1_003, "it is out", |order| {
        order["shipments"][0]["status"] == "out_for_delivery"
    })
    .await;
    assert_eq!(shown["shipments"][0]["tracking_no"], right);
    assert!(!shown.to_string().contains("Another's"), "{shown:#}");
}

/// What the carrier refuses is shown to a person in its words. (The label of `generic` is an XML template without escapes.)
async fn refused(karrio: &Karrio, hub: &Hub) {
    take_in(hub, 1_004, |body| body.replace(r#""company":null"#, r#""company":"Cups & Co""#)).await;
    packs(hub, 1_004, 5, ("packed", "", "")).await;
    let why = told(hub, 1_004).await;
    assert!(why.contains("424") && why.contains("xmlParseEntityRef"), "{why}");
    shipment(karrio, 1_004, "draft").await;
}

/// A carrier that cannot be asked is asked later.
async fn away(karrio: &Karrio, hub: &Hub) {
    let no = "00340434161094000005";
    take_in(hub, 1_005, |body| body).await;
    karrio.carrier_is_away(true);
    packs(hub, 1_005, 6, ("shipped", "DHL", no)).await;
    wait::until("it was tried", PATIENCE, || async {
        let lanes = api::get(hub, "/api/v1/orders/shop_eu-1005/lanes").await;
        let lane =
            lanes["items"].as_array()?.iter().find(|lane| lane["system"] == "tms").cloned()?;
        (lane["attempts"].as_u64()? > 0).then_some(())
    })
    .await;
    assert_eq!(karrio.trackers(no).await, Vec::<Value>::new());
    karrio.carrier_is_away(false);
    tracker(karrio, no, &json!(reference(1_005))).await;
    until(hub, 1_005, "it is tracked", |order| order["shipments"][0]["events"][0].is_object())
        .await;
}
