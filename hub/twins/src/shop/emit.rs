//! Makes a shop say something now: `POST /_twin/emit`.
//!
//! Nothing is faked: the order is made or changed in the shop's book, and its webhook goes the way of all
//! others.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::order::{Order, Payment};
use super::{Assortment, Shop, make};
use crate::frame::{lock, refused};

/// What a shop can be told to say.
pub const TOPICS: [&str; 5] =
    ["orders/create", "orders/paid", "orders/updated", "orders/edited", "orders/cancelled"];
/// Most of them at once.
pub(super) const MOST: u32 = 1_000;

/// What is to be said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emit {
    /// One of [`TOPICS`].
    pub topic: String,
    /// About the order of this number; without: a new one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// How often, each about an order of its own; at most [`MOST`].
    #[serde(default = "once")]
    pub count: u32,
}

fn once() -> u32 {
    1
}

/// Says it; answers with the numbers and ids of the orders.
pub(super) async fn emit(State(shop): State<Shop>, Json(emit): Json<Emit>) -> Response {
    let Some(topic) = TOPICS.into_iter().find(|topic| *topic == emit.topic) else {
        let known = TOPICS.join(", ");
        let why = format!("a shop does not say `{}`; one of {known}", emit.topic);
        return refused(StatusCode::UNPROCESSABLE_ENTITY, &why);
    };
    if emit.count == 0 || emit.count > MOST || (emit.number.is_some() && emit.count > 1) {
        let why = format!("`count` is 1 to {MOST}, and 1 for an order that is named");
        return refused(StatusCode::UNPROCESSABLE_ENTITY, &why);
    }
    let mut said = Vec::new();
    for _ in 0..emit.count {
        match shop.emit(topic, emit.number).await {
            Ok((number, id)) => {
                said.push(json!({ "topic": topic, "order": format!("#{number}"), "id": id }));
            }
            Err(why) => return refused(StatusCode::CONFLICT, &why),
        }
    }
    (StatusCode::ACCEPTED, Json(json!({ "emitted": said }))).into_response()
}

impl Shop {
    async fn emit(&self, topic: &'static str, number: Option<u64>) -> Result<(u64, u64), String> {
        let (number, id) = match number {
            Some(number) => {
                let book = lock(&self.book);
                let order = book.orders.values().find(|order| order.number == number);
                let order = order.ok_or_else(|| format!("the shop has no order #{number}"))?;
                (number, order.id)
            }
            None => self.make().await,
        };
        if topic == "orders/create" {
            return Ok((number, id));
        }
        let happened = match topic {
            "orders/edited" => self.edit_away(id).await,
            _ => self.change(id, |order, now| happen(topic, order, now)).await,
        };
        if happened {
            Ok((number, id))
        } else {
            Err(format!("order #{number} is past `{topic}`: nothing changes there"))
        }
    }

    /// Places a new order, not paid for yet.
    async fn make(&self) -> (u64, u64) {
        let number = {
            let mut book = lock(&self.book);
            let next = book.next_number.max(1);
            book.next_number = next + 1;
            next
        };
        let order = make::order(&Assortment::default(), 1, number, || self.id());
        let id = order.id;
        self.place(order).await;
        (number, id)
    }
}

fn happen(topic: &'static str, order: &mut Order, now: jiff::Timestamp) -> Option<&'static str> {
    match topic {
        "orders/paid" if order.payment == Payment::Pending && order.cancelled.is_none() => {
            order.payment = Payment::Paid;
            Some(topic)
        }
        "orders/updated" => {
            order.note = Some(format!("Change at {now}: please ring twice"));
            Some(topic)
        }
        "orders/cancelled" => order.cancel("customer", now),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use jiff::Timestamp;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::frame::Frame;

    async fn told(shop: &Shop, emit: Value) -> (StatusCode, Value) {
        let request = Request::post("/_twin/emit").header("content-type", "application/json");
        let request = request.body(Body::from(emit.to_string())).unwrap();
        let answer = shop.router().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_shop_says_what_it_is_told_about_a_new_order_or_one_that_is_named() {
        let clock = Clock::new(60.0, Timestamp::UNIX_EPOCH);
        let shop = Shop::starting_at(Frame::new("shop", clock, super::super::ONCE), 2_001, 0);
        let (status, said) = told(&shop, json!({ "topic": "orders/paid" })).await;
        assert_eq!((status, &said["emitted"][0]["order"]), (StatusCode::ACCEPTED, &json!("#2001")));
        assert_eq!(shop.orders()[0].payment, Payment::Paid);
        let (_, said) = told(&shop, json!({ "topic": "orders/create", "count": 2 })).await;
        assert_eq!(said["emitted"][1]["order"], "#2003");
        let pieces =
            |order: &super::super::Order| order.lines.iter().map(|line| line.removed).sum::<u64>();
        let (status, _) = told(&shop, json!({ "topic": "orders/edited", "number": 2003 })).await;
        assert_eq!((status, pieces(&shop.orders()[2])), (StatusCode::ACCEPTED, 1));
        let (_, said) = told(&shop, json!({ "topic": "orders/cancelled", "number": 2002 })).await;
        assert_eq!(said["emitted"][0]["order"], "#2002");
        assert!(shop.orders()[1].cancelled.is_some());
        for (emit, status) in [
            (json!({ "topic": "orders/paid", "number": 2001 }), StatusCode::CONFLICT),
            (json!({ "topic": "orders/paid", "number": 7 }), StatusCode::CONFLICT),
            (json!({ "topic": "orders/lost" }), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({ "topic": "orders/create", "count": 1001 }), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            assert_eq!(told(&shop, emit.clone()).await.0, status, "{emit}");
        }
        assert_eq!(shop.orders().len(), 3);
    }
}
