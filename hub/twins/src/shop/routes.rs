//! The shop's API, in the vendor's manner: fulfilments of an order, and their tracking.
//!
//! The vendor's fulfilment call knows no idempotency: asked twice, it fulfils twice as long as there is
//! something left. A twin's fulfilment keeps the caller's `reference`, by which it can be found again.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Fulfilment, Order};
use super::{CANCELLED, FULFILLED, Shop, TRACKED, render};
use crate::frame::{key, lock, member, refused, whole};
use crate::ledger::Effect;
use crate::serve::Wire;

/// How long after a part of an order left the shop takes the missing rest off it (twin time).
const REST: Duration = Duration::from_secs(6 * 3600);

pub(super) fn router(shop: &Shop) -> Router {
    Router::new()
        .route("/admin/api/2026-10/orders.json", get(list))
        .route("/admin/api/2026-10/orders/{id}", get(read))
        .route("/admin/api/2026-10/orders/{id}/cancel.json", post(cancel))
        .route("/admin/api/2026-10/orders/{id}/fulfillments.json", post(fulfil).get(find))
        .route("/admin/api/2026-10/fulfillments/{id}/update_tracking.json", post(track))
        .route("/_twin/emit", post(super::emit::emit))
        .with_state(shop.clone())
        .merge(shop.frame.control())
}

async fn read(State(shop): State<Shop>, wire: Wire, Path(id): Path<String>) -> Response {
    let frame = shop.frame.clone();
    let effect = async move {
        let id: u64 = id.trim_end_matches(".json").parse().unwrap_or(0);
        match lock(&shop.book).orders.get(&id) {
            Some(order) => {
                let body = render::order(order, &shop.frame.name);
                Json(json!({ "order": body })).into_response()
            }
            None => refused(StatusCode::NOT_FOUND, "no such order"),
        }
    };
    frame.run("read_order", &wire, effect).await
}

/// Which orders are listed.
#[derive(Debug, Deserialize)]
struct Listing {
    /// Changed then or later; by the vendor's rule it may not come with `page_info`.
    updated_at_min: Option<Timestamp>,
    /// The place behind the page before: what a link says.
    page_info: Option<String>,
    #[serde(default = "page_size")]
    limit: usize,
}

/// The vendor's own.
fn page_size() -> usize {
    50
}

/// Orders by the time of their change, in pages; the next one stands in the header `Link`.
async fn list(State(shop): State<Shop>, wire: Wire, Query(listing): Query<Listing>) -> Response {
    let frame = shop.frame.clone();
    let effect = async move {
        let Listing { updated_at_min, page_info, limit } = listing;
        if updated_at_min.is_some() && page_info.is_some() {
            return refused(StatusCode::BAD_REQUEST, "`page_info` stands alone");
        }
        // The change and the id of the last order of the page before.
        let after = page_info.as_deref().map(|place| place.split_once('-'));
        let after = after.map(|place| {
            let (at, id) = place?;
            Some((at.parse::<i64>().ok()?, id.parse::<u64>().ok()?))
        });
        let Some(after) = after.unwrap_or(Some((i64::MIN, 0))) else {
            return refused(StatusCode::BAD_REQUEST, "no such page");
        };
        let place = |order: &Order| (order.updated_at.as_second(), order.id);
        let least = updated_at_min.map_or(i64::MIN, |at| at.as_second());
        let book = lock(&shop.book);
        let mut orders: Vec<&Order> = book.orders.values().collect();
        orders.retain(|order| place(order) > after && place(order).0 >= least);
        orders.sort_by_key(|order| place(order));
        let more = orders.len() > limit;
        orders.truncate(limit);
        let page: Vec<Value> =
            orders.iter().map(|order| render::order(order, &shop.frame.name)).collect();
        let mut answer = Json(json!({ "orders": page })).into_response();
        if let Some(last) = orders.last().filter(|_| more) {
            let (at, id) = place(last);
            let path = "/admin/api/2026-10/orders.json";
            let link = format!("<{path}?limit={limit}&page_info={at}-{id}>; rel=\"next\"");
            if let Ok(link) = link.parse() {
                answer.headers_mut().insert(header::LINK, link);
            }
        }
        answer
    };
    frame.run("list_orders", &wire, effect).await
}

#[derive(Debug, Deserialize)]
struct ByReference {
    #[serde(default)]
    reference: Option<String>,
}

async fn find(
    State(shop): State<Shop>,
    wire: Wire,
    Path(id): Path<u64>,
    Query(by): Query<ByReference>,
) -> Response {
    let frame = shop.frame.clone();
    let effect = async move {
        let book = lock(&shop.book);
        let Some(order) = book.orders.get(&id) else {
            return refused(StatusCode::NOT_FOUND, "no such order");
        };
        let wanted = |it: &Fulfilment| by.reference.as_ref().is_none_or(|by| *by == it.reference);
        let found = order.fulfilments.iter().enumerate().filter(|(_, it)| wanted(it));
        let found: Vec<Value> = found.map(|(at, it)| render::fulfilment(it, at, order)).collect();
        Json(json!({ "fulfillments": found })).into_response()
    };
    frame.run("find_fulfilment", &wire, effect).await
}

async fn fulfil(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
    wire: Wire,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (frame, key) = (shop.frame.clone(), key(&headers));
    let effect = async move {
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let Some(wanted) = document.get("fulfillment").cloned() else {
            return refused(StatusCode::BAD_REQUEST, "`fulfillment` is needed");
        };
        shop.fulfil(id, key, &wanted).await
    };
    frame.run("create_fulfilment", &wire, effect).await
}

async fn track(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
    wire: Wire,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (frame, key) = (shop.frame.clone(), key(&headers));
    let effect = async move {
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let Some(wanted) = document.get("fulfillment").cloned() else {
            return refused(StatusCode::BAD_REQUEST, "`fulfillment` is needed");
        };
        shop.track(id, key, &wanted).await
    };
    frame.run("update_tracking", &wire, effect).await
}

async fn cancel(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (shop.frame.clone(), key(&headers));
    let effect = async move {
        let known = lock(&shop.book).orders.get(&id).map(|order| order.cancelled.is_some());
        let cancel = |order: &mut Order, now| {
            let topic = order.cancel("other", now)?;
            shop.write(CANCELLED, key, &id.to_string(), id);
            Some(topic)
        };
        match known {
            None => refused(StatusCode::NOT_FOUND, "no such order"),
            Some(true) => {
                shop.frame.ledger.repeated();
                Json(json!({ "order": { "id": id } })).into_response()
            }
            Some(false) if shop.change(id, cancel).await => {
                Json(json!({ "order": { "id": id } })).into_response()
            }
            Some(false) => refused(StatusCode::UNPROCESSABLE_ENTITY, "a part of it has left"),
        }
    };
    frame.run("cancel_order", &wire, effect).await
}

impl Shop {
    async fn fulfil(&self, id: u64, key: Option<String>, wanted: &Value) -> Response {
        let fresh = self.id();
        let mut refusal = None;
        let mut made = Value::Null;
        let done = self
            .change(id, |order, now| {
                let lines = match check(order, wanted) {
                    Ok(lines) => lines,
                    Err(why) => {
                        refusal = Some(why);
                        return None;
                    }
                };
                for (line, pieces) in &lines {
                    for held in order.lines.iter_mut().filter(|held| held.id == *line) {
                        held.fulfilled += pieces;
                    }
                }
                let reference = member(wanted, "reference");
                order.fulfilments.push(Fulfilment {
                    id: fresh,
                    reference: reference.clone(),
                    created_at: now,
                    updated_at: now,
                    company: None,
                    tracking_no: None,
                    tracking_url: None,
                    lines,
                });
                let at = order.fulfilments.len() - 1;
                if let Some(last) = order.fulfilments.last_mut() {
                    set_tracking(last, wanted);
                }
                made = order
                    .fulfilments
                    .last()
                    .map(|it| render::fulfilment(it, at, order))
                    .unwrap_or_default();
                self.write(FULFILLED, key, &reference, fresh);
                Some(if order.is_fulfilled() {
                    "orders/fulfilled"
                } else {
                    "orders/partially_fulfilled"
                })
            })
            .await;
        match (done, refusal) {
            (true, _) => {
                self.rest_later(id);
                (StatusCode::CREATED, Json(json!({ "fulfillment": made }))).into_response()
            }
            (false, Some(why)) => refused(StatusCode::UNPROCESSABLE_ENTITY, why),
            (false, None) => refused(StatusCode::NOT_FOUND, "no such order"),
        }
    }

    async fn track(&self, id: u64, key: Option<String>, wanted: &Value) -> Response {
        let order = {
            let book = lock(&self.book);
            let holds = |order: &&Order| order.fulfilments.iter().any(|it| it.id == id);
            book.orders.values().find(holds).map(|order| order.id)
        };
        let Some(order) = order else {
            return refused(StatusCode::NOT_FOUND, "no such fulfillment");
        };
        let changed = self
            .change(order, |order, now| {
                let held = order.fulfilments.iter_mut().find(|it| it.id == id)?;
                let before = held.clone();
                set_tracking(held, wanted);
                let same = held.tracking_no == before.tracking_no
                    && held.company == before.company
                    && held.tracking_url == before.tracking_url;
                if same {
                    return None;
                }
                held.updated_at = now;
                let reference = held.reference.clone();
                self.write(TRACKED, key, &reference, id);
                Some("orders/updated")
            })
            .await;
        if !changed {
            self.frame.ledger.repeated();
        }
        Json(json!({ "fulfillment": { "id": id } })).into_response()
    }

    fn write(&self, kind: &str, key: Option<String>, reference: &str, subject: u64) {
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            key,
            reference: reference.to_owned(),
            subject: subject.to_string(),
            version: None,
        });
    }

    /// What a warehouse could not send within a while is taken off the order and paid back.
    fn rest_later(&self, id: u64) {
        let shop = self.clone();
        tokio::spawn(async move {
            shop.frame.clock.sleep(REST).await;
            // One id for the refund, and room for those of its parts.
            let fresh = shop.id() * 100;
            let rest = |order: &mut Order, now| {
                order.take_off_the_rest(fresh, now).map(|()| "orders/updated")
            };
            shop.change(id, rest).await;
        });
    }
}

/// The lines of a fulfilment, if the order has that much left of them.
fn check(order: &Order, wanted: &Value) -> Result<Vec<(u64, u64)>, &'static str> {
    if order.cancelled.is_some() {
        return Err("the order is cancelled");
    }
    let lines = wanted.get("line_items").and_then(Value::as_array);
    let lines = lines.filter(|lines| !lines.is_empty()).ok_or("`line_items` is needed")?;
    lines
        .iter()
        .map(|wanted| {
            let id = whole(wanted, "id").ok_or("every line item needs its `id`")?;
            let pieces = whole(wanted, "quantity").filter(|pieces| *pieces > 0);
            let pieces = pieces.ok_or("every line item needs a `quantity` above 0")?;
            let held = order.lines.iter().find(|line| line.id == id);
            let open = held.ok_or("the order has no such line item")?.open();
            if pieces > open {
                return Err("more than there is left to fulfill");
            }
            Ok((id, pieces))
        })
        .collect()
}

/// Takes what the caller states; what it leaves out stays.
fn set_tracking(fulfilment: &mut Fulfilment, wanted: &Value) {
    let info = wanted.get("tracking_info").unwrap_or(wanted);
    let stated = |name: &str| Some(member(info, name)).filter(|text| !text.is_empty());
    fulfilment.company = stated("company").or(fulfilment.company.take());
    fulfilment.tracking_no = stated("number").or(fulfilment.tracking_no.take());
    fulfilment.tracking_url = stated("url").or(fulfilment.tracking_url.take());
}
