//! The shop's API: GraphQL at one address, and the tokens that it is asked with.
//!
//! As the vendor's: refusals have status 200; `fulfillmentCreate` knows no idempotency, and asked twice it fulfils twice as
//! long as there is something left; a cancel is a job.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::Shop;
use super::bucket::MOST;
use crate::graphql::{self, Field};
use crate::serve::Wire;

/// What a token lives, in seconds: a day, less one.
const LIVES: u64 = 86_399;
/// What a mutation may cost, whatever is asked of what it made.
const MUTATION: u64 = 10;

pub(super) fn router(shop: &Shop) -> Router {
    Router::new()
        .route("/admin/oauth/access_token", post(token))
        .route("/admin/api/2026-10/graphql.json", post(ask))
        .route("/files/{name}", get(super::bulk::file))
        .route("/_twin/emit", post(super::emit::emit))
        .with_state(shop.clone())
        .merge(shop.frame.control())
}

/// Client credentials: any app gets a token.
async fn token(State(shop): State<Shop>, wire: Wire) -> Response {
    let effect = async {
        let granted =
            json!({ "access_token": "shpat_twin", "scope": "read_orders", "expires_in": LIVES });
        Json(granted).into_response()
    };
    shop.frame.run("log_in", &wire, effect).await
}

async fn ask(State(shop): State<Shop>, wire: Wire, headers: HeaderMap, body: Bytes) -> Response {
    if headers.get("x-shopify-access-token").is_none() {
        let why = "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return (StatusCode::UNAUTHORIZED, Json(json!({ "errors": why }))).into_response();
    }
    shop.bulks.seen_at(&headers);
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let none = Map::new();
    let variables = asked.get("variables").and_then(Value::as_object).unwrap_or(&none);
    let query = asked.get("query").and_then(Value::as_str).unwrap_or_default();
    let roots = match graphql::read(query, variables) {
        Ok(roots) => roots,
        Err(why) => return failed(&why, "GRAPHQL_PARSE_FAILED", None),
    };
    let operation = roots.first().map_or("nothing", super::roots::operation);
    let (frame, effect) =
        (shop.frame.clone(), async move { answer(&shop, operation, &roots).await });
    frame.run(operation, &wire, effect).await
}

async fn answer(shop: &Shop, operation: &'static str, roots: &[Field]) -> Response {
    let mutates = |root: &Field| root.alias == "result";
    let cost = |root: &Field| if mutates(root) { MUTATION } else { root.cost().max(1) };
    let requested: u64 = roots.iter().map(cost).sum();
    if requested > MOST {
        let why = format!(
            "Query cost is {requested}, which exceeds the single query max cost limit ({MOST})."
        );
        return failed(&why, "MAX_COST_EXCEEDED", None);
    }
    let ways = shop.ways();
    if let Some(root) = roots.iter().find(|root| ways.denied.contains(&root.name)) {
        let why = format!("Access denied for {} field.", root.name);
        return failed(&why, "ACCESS_DENIED", None);
    }
    let now = shop.frame.clock.now();
    if !shop.bucket.take(operation, requested, now) {
        return failed("Throttled", "THROTTLED", Some(shop.bucket.settle(requested, None, now)));
    }
    if !ways.runs.is_zero() {
        shop.frame.clock.sleep(ways.runs).await;
    }
    let mut data = Map::new();
    for root in roots {
        let whole = shop.root(root).await;
        let picked = whole.and_then(|whole| graphql::select(&whole, &root.fields));
        match picked {
            Ok(picked) => data.insert(root.alias.clone(), picked),
            Err(why) => {
                let cost = shop.bucket.settle(requested, Some(1), shop.frame.clock.now());
                return failed(&why, "undefinedField", Some(cost));
            }
        };
    }
    let data = Value::Object(data);
    let actual = graphql::objects(&data, roots).min(requested);
    let cost = shop.bucket.settle(requested, Some(actual), shop.frame.clock.now());
    Json(json!({ "data": data, "extensions": { "cost": cost } })).into_response()
}

fn failed(why: &str, code: &str, cost: Option<Value>) -> Response {
    let errors = json!([{ "message": why, "extensions": { "code": code } }]);
    let said = match cost {
        Some(cost) => json!({ "errors": errors, "extensions": { "cost": cost } }),
        None => json!({ "errors": errors }),
    };
    Json(said).into_response()
}
