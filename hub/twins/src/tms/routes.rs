//! The TMS's API.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Parcel, Tms, shown};
use crate::frame::{key, lock, refused};
use crate::serve::Wire;

pub(super) fn router(tms: &Tms) -> Router {
    Router::new()
        .route("/api/v1/shipments", post(create).get(find))
        .route("/api/v1/shipments/{id}", get(read))
        .route("/api/v1/shipments/{id}/cancel", post(cancel))
        .route("/api/v1/orders/{order_ref}/cancel", post(cancel_order))
        .with_state(tms.clone())
        .merge(tms.frame.control())
}

async fn create(State(tms): State<Tms>, wire: Wire, headers: HeaderMap, body: Bytes) -> Response {
    let (frame, key) = (tms.frame.clone(), key(&headers));
    let effect = async move {
        let Ok(document) = serde_json::from_slice::<Value>(&body) else {
            return refused(StatusCode::BAD_REQUEST, "the body is not JSON");
        };
        match tms.create(key, &document) {
            Ok(parcel) => {
                (StatusCode::CREATED, Json(shown(&parcel, &tms.frame.name))).into_response()
            }
            Err(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, why),
        }
    };
    frame.run("create_shipment", &wire, effect).await
}

#[derive(Debug, Deserialize)]
struct ByReference {
    #[serde(rename = "ref")]
    reference: String,
}

async fn find(State(tms): State<Tms>, wire: Wire, Query(by): Query<ByReference>) -> Response {
    let frame = tms.frame.clone();
    let effect = async move {
        let parcels = lock(&tms.parcels);
        let ids = parcels.by_reference.get(&by.reference).cloned().unwrap_or_default();
        let found = ids.iter().filter_map(|id| parcels.by_id.get(id));
        let items: Vec<Value> = found.map(|parcel| shown(parcel, &tms.frame.name)).collect();
        Json(json!({ "items": items })).into_response()
    };
    frame.run("find_shipment", &wire, effect).await
}

async fn read(State(tms): State<Tms>, wire: Wire, Path(id): Path<String>) -> Response {
    let frame = tms.frame.clone();
    let effect = async move {
        let parcel = lock(&tms.parcels).find(&id).cloned();
        answer(&tms, parcel.ok_or(StatusCode::NOT_FOUND))
    };
    frame.run("read_shipment", &wire, effect).await
}

async fn cancel(
    State(tms): State<Tms>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (tms.frame.clone(), key(&headers));
    let effect = async move {
        let parcel = tms.cancel(&id, key);
        answer(&tms, parcel)
    };
    frame.run("cancel_shipment", &wire, effect).await
}

async fn cancel_order(
    State(tms): State<Tms>,
    Path(order_ref): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (tms.frame.clone(), key(&headers));
    let effect = async move {
        let (done, late) = tms.cancel_order(&order_ref, key.as_deref());
        Json(json!({ "order_ref": order_ref, "cancelled": done, "too_late": late })).into_response()
    };
    frame.run("cancel_order", &wire, effect).await
}

fn answer(tms: &Tms, parcel: Result<Parcel, StatusCode>) -> Response {
    match parcel {
        Ok(parcel) => Json(shown(&parcel, &tms.frame.name)).into_response(),
        Err(status @ StatusCode::NOT_FOUND) => refused(status, "no such shipment"),
        Err(status) => refused(status, "the parcel is on its way"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::frame::Frame;
    use crate::outbox::{Habits, Message, Outbox, Taken};
    use crate::tms::{ONCE, Pace};
    use jiff::Timestamp;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_label_leads_to_scans_on_the_twins_clock() {
        let clock = Clock::new(3600.0, Timestamp::UNIX_EPOCH);
        let told = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&told);
        let carrier = move |message: Message| -> Taken {
            let body: Value = serde_json::from_slice(&message.body).unwrap();
            to.lock().unwrap().push(body["shipment"]["status"].as_str().unwrap().to_owned());
            Box::pin(async { true })
        };
        let outbox = Outbox::start(clock.clone(), Habits::tidy(), Arc::new(carrier));
        let frame = Frame::new("tms", clock, ONCE).telling(outbox);
        let tms = Tms::new(frame, Pace::default());
        tms.create(None, &json!({ "ref": "shop-1001-S1", "ship_to": { "country": "DE" } }))
            .unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(*told.lock().unwrap(), ["in_transit", "delivered"]);
        assert_eq!(tms.parcels()[0].status, "delivered");
        assert!(tms.cancel("T000001", None).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_label_is_not_followed() {
        let frame = Frame::new("tms", Clock::new(3600.0, Timestamp::UNIX_EPOCH), ONCE);
        let tms = Tms::new(frame, Pace::default());
        let document = json!({ "ref": "shop-1001-S1", "order_ref": "shop-1001",
            "ship_to": { "country": "DE" } });
        tms.create(None, &document).unwrap();
        assert_eq!(tms.cancel_order("shop-1001", None), (1, 0));
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(tms.parcels()[0].status, "cancelled");
    }
}
