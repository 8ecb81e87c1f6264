//! The ERP's API.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Erp, Sale, shown};
use crate::frame::{key, lock, refused};
use crate::serve::Wire;

pub(super) fn router(erp: &Erp) -> Router {
    Router::new()
        .route("/api/v1/sales", post(create).get(find))
        .route("/api/v1/sales/{id}", put(update).get(read))
        .route("/api/v1/sales/{id}/cancel", post(cancel))
        .route("/api/v1/stock/{sku}", get(stock))
        .with_state(erp.clone())
        .merge(erp.frame.control())
}

async fn create(State(erp): State<Erp>, wire: Wire, headers: HeaderMap, body: Bytes) -> Response {
    let (frame, key) = (erp.frame.clone(), key(&headers));
    let effect = async move {
        let Ok(document) = serde_json::from_slice::<Value>(&body) else {
            return refused(StatusCode::BAD_REQUEST, "the body is not JSON");
        };
        match erp.create(key, document) {
            Ok(sale) => (StatusCode::CREATED, Json(shown(&sale))).into_response(),
            Err(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, why),
        }
    };
    frame.run("create_sale", &wire, effect).await
}

#[derive(Debug, Deserialize)]
struct ByReference {
    reference: String,
}

async fn find(State(erp): State<Erp>, wire: Wire, Query(by): Query<ByReference>) -> Response {
    let frame = erp.frame.clone();
    let effect = async move {
        let sales = lock(&erp.sales);
        let ids = sales.by_reference.get(&by.reference).cloned().unwrap_or_default();
        let items: Vec<Value> =
            ids.iter().filter_map(|id| sales.by_id.get(id)).map(shown).collect();
        Json(json!({ "items": items })).into_response()
    };
    frame.run("find_sale", &wire, effect).await
}

async fn read(State(erp): State<Erp>, wire: Wire, Path(id): Path<String>) -> Response {
    let frame = erp.frame.clone();
    let effect = async move {
        let sale = lock(&erp.sales).find(&id).cloned();
        answer(sale.ok_or(StatusCode::NOT_FOUND))
    };
    frame.run("read_sale", &wire, effect).await
}

async fn update(
    State(erp): State<Erp>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (frame, key) = (erp.frame.clone(), key(&headers));
    let effect = async move {
        match serde_json::from_slice::<Value>(&body) {
            Ok(document) => answer(erp.update(&id, key, document)),
            Err(_) => refused(StatusCode::BAD_REQUEST, "the body is not JSON"),
        }
    };
    frame.run("update_sale", &wire, effect).await
}

async fn cancel(
    State(erp): State<Erp>,
    Path(id): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let (frame, key) = (erp.frame.clone(), key(&headers));
    frame.run("cancel_sale", &wire, async move { answer(erp.cancel(&id, key)) }).await
}

async fn stock(State(erp): State<Erp>, wire: Wire, Path(sku): Path<String>) -> Response {
    let frame = erp.frame.clone();
    frame.run("stock", &wire, async move { Json(erp.stock(&sku)).into_response() }).await
}

fn answer(sale: Result<Sale, StatusCode>) -> Response {
    match sale {
        Ok(sale) => Json(shown(&sale)).into_response(),
        Err(status @ StatusCode::NOT_FOUND) => refused(status, "no such sale"),
        Err(status @ StatusCode::CONFLICT) => {
            let body = json!({ "code": "cancelled", "message": "the sale is cancelled" });
            (status, Json(body)).into_response()
        }
        Err(status) => refused(status, "`lines` is needed, each with a whole `quantity`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::erp::ONCE;
    use crate::faults::Rule;
    use crate::frame::Frame;
    use axum::body::Body;
    use axum::http::Request;
    use jiff::Timestamp;
    use tower::ServiceExt;

    const SALE: &str = r#"{"reference":"shop-1001","version":1,"lines":[{"line_ref":"L1","sku":"MUG","quantity":"2"}]}"#;

    fn erp() -> Erp {
        Erp::new(Frame::new("erp", Clock::new(60.0, Timestamp::UNIX_EPOCH), ONCE))
    }

    async fn call(erp: &Erp, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = erp.router().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test(start_paused = true)]
    async fn an_erp_asked_twice_makes_two_sales_and_the_ledger_says_doubled() {
        let erp = erp();
        assert_eq!(call(&erp, "POST", "/api/v1/sales", SALE).await.0, StatusCode::CREATED);
        call(&erp, "POST", "/api/v1/sales", SALE).await;
        let (_, found) = call(&erp, "GET", "/api/v1/sales?reference=shop-1001", "").await;
        assert_eq!(found["items"].as_array().unwrap().len(), 2);
        assert_eq!(erp.frame.ledger.counts().doubled, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_504_after_the_effect_leaves_one_sale_that_can_be_found() {
        let erp = erp();
        erp.frame.faults.set(vec![Rule::lost_after_effect("create_sale").times(1)]);
        let (status, _) = call(&erp, "POST", "/api/v1/sales", SALE).await;
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
        let (_, found) = call(&erp, "GET", "/api/v1/sales?reference=shop-1001", "").await;
        assert_eq!(found["items"][0]["lines"][0]["line_ref"], "L1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_504_before_the_effect_is_the_same_answer_and_leaves_no_sale() {
        let answer = async |rule: Rule| {
            let erp = erp();
            erp.frame.faults.set(vec![rule.times(1)]);
            let lost = call(&erp, "POST", "/api/v1/sales", SALE).await;
            (lost, erp.sales().len())
        };
        let (before, none) = answer(Rule::lost_before_effect("create_sale")).await;
        let (after, one) = answer(Rule::lost_after_effect("create_sale")).await;
        assert_eq!(before, after, "nobody can tell from the answer");
        assert_eq!((none, one), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_update_repeated_changes_nothing_and_a_cancelled_sale_stays_so() {
        let erp = erp();
        call(&erp, "POST", "/api/v1/sales", SALE).await;
        let second = SALE.replace("\"version\":1", "\"version\":2");
        for _ in 0..2 {
            let (status, _) = call(&erp, "PUT", "/api/v1/sales/S000001", &second).await;
            assert_eq!(status, StatusCode::OK);
        }
        assert_eq!(erp.frame.ledger.counts().repeated, 1);
        call(&erp, "POST", "/api/v1/sales/S000001/cancel", "").await;
        let (status, _) = call(&erp, "PUT", "/api/v1/sales/S000001", SALE).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(erp.frame.ledger.counts().doubled, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn stock_falls_as_sales_come() {
        let erp = erp();
        let (_, before) = call(&erp, "GET", "/api/v1/stock/MUG", "").await;
        call(&erp, "POST", "/api/v1/sales", SALE).await;
        let (_, after) = call(&erp, "GET", "/api/v1/stock/MUG", "").await;
        let count = |stock: &Value| stock["on_hand"].as_str().unwrap().parse::<u64>().unwrap();
        assert_eq!(count(&before) - count(&after), 2);
    }
}
