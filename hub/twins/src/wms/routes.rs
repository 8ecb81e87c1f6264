//! The WMS's API.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::release::shown;
use super::{Release, Wms};
use crate::frame::{key, lock, refused};
use crate::serve::Wire;

pub(super) fn router(wms: &Wms) -> Router {
    Router::new()
        .route("/api/v1/releases", post(create).get(find))
        .route("/api/v1/releases/{id}", put(update).get(read))
        .route("/api/v1/releases/{id}/cancel", post(cancel))
        .route("/api/v1/orders/{order_ref}/cancel", post(cancel_order))
        .route("/api/v1/shipments/{id}/label", put(label))
        .with_state(wms.clone())
        .merge(wms.frame.control())
}

async fn create(State(wms): State<Wms>, wire: Wire, headers: HeaderMap, body: Bytes) -> Response {
    let (frame, key) = (wms.frame.clone(), key(&headers));
    let effect = async move {
        let Ok(document) = serde_json::from_slice::<Value>(&body) else {
            return refused(StatusCode::BAD_REQUEST, "the body is not JSON");
        };
        match wms.create(key, &document) {
            Ok(release) => (StatusCode::CREATED, Json(shown(&release))).into_response(),
            Err(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, why),
        }
    };
    frame.run("create_release", &wire, effect).await
}

#[derive(Debug, Deserialize)]
struct ByReference {
    #[serde(rename = "ref")]
    reference: String,
}

async fn find(State(wms): State<Wms>, wire: Wire, Query(by): Query<ByReference>) -> Response {
    let frame = wms.frame.clone();
    let effect = async move {
        let house = lock(&wms.house);
        let ids = house.by_reference.get(&by.reference).cloned().unwrap_or_default();
        let items: Vec<Value> =
            ids.iter().filter_map(|id| house.releases.get(id)).map(shown).collect();
        Json(json!({ "items": items })).into_response()
    };
    frame.run("find_release", &wire, effect).await
}

async fn read(State(wms): State<Wms>, wire: Wire, Path(id): Path<String>) -> Response {
    let frame = wms.frame.clone();
    let effect = async move {
        let release = lock(&wms.house).find(&id).cloned();
        answer(release.ok_or(StatusCode::NOT_FOUND))
    };
    frame.run("read_release", &wire, effect).await
}

async fn update(
    State(wms): State<Wms>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (frame, key) = (wms.frame.clone(), key(&headers));
    let effect = async move {
        match serde_json::from_slice::<Value>(&body) {
            Ok(document) => answer(wms.update(&id, key, &document)),
            Err(_) => refused(StatusCode::BAD_REQUEST, "the body is not JSON"),
        }
    };
    frame.run("update_release", &wire, effect).await
}

async fn cancel(
    State(wms): State<Wms>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (wms.frame.clone(), key(&headers));
    let effect = async move {
        let release = wms.cancel(&id, key);
        if release.is_ok() {
            wms.tell_again(&id).await;
        }
        answer(release)
    };
    frame.run("cancel_release", &wire, effect).await
}

async fn cancel_order(
    State(wms): State<Wms>,
    Path(order_ref): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (wms.frame.clone(), key(&headers));
    let effect = async move {
        let (done, late) = wms.cancel_order(&order_ref, key.as_deref());
        for release in wms.releases().iter().filter(|release| release.order_ref == order_ref) {
            wms.tell_again(&release.id).await;
        }
        Json(json!({ "order_ref": order_ref, "cancelled": done, "too_late": late })).into_response()
    };
    frame.run("cancel_order", &wire, effect).await
}

async fn label(
    State(wms): State<Wms>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (frame, key) = (wms.frame.clone(), key(&headers));
    let effect = async move {
        let Ok(document) = serde_json::from_slice::<Value>(&body) else {
            return refused(StatusCode::BAD_REQUEST, "the body is not JSON");
        };
        match wms.label(&id, key, &document) {
            Ok(()) => Json(json!({ "id": id })).into_response(),
            Err(status @ StatusCode::NOT_FOUND) => refused(status, "no such shipment"),
            Err(status) => refused(status, "`tracking_no` is needed"),
        }
    };
    frame.run("label_shipment", &wire, effect).await
}

fn answer(release: Result<Release, StatusCode>) -> Response {
    match release {
        Ok(release) => Json(shown(&release)).into_response(),
        Err(status @ StatusCode::NOT_FOUND) => refused(status, "no such release"),
        Err(status @ StatusCode::CONFLICT) => refused(status, "too late: the release is packed"),
        Err(status) => refused(status, "`lines` is needed, each with a whole `quantity`"),
    }
}
