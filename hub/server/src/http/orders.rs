//! Orders: find, show, history, lanes, attempts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::State as Orders;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::caller::{May, to};
use super::openapi::shapes;
use super::tag::tagged;
use super::waiting::{self, Waiting};
use super::{Api, Problem, lost, query, view};
use crate::store::{AttemptFilter, Filter, MOST_ROWS, ReceiptRow, Scope};

/// Why a search may miss orders.
const INCOMPLETE: &str =
    "orders of before are still being added to the search; ask again in a while";

/// One page of a listing.
pub(super) fn page(items: Vec<Value>, next: Option<String>) -> Json<Value> {
    Json(json!({ "items": items, "next": next }))
}

/// A page of orders, newest first.
#[utoipa::path(
    get, path = "/orders", tag = "orders",
    params(shapes::OrderFilters),
    responses((status = 200, description = "A page", body = shapes::Orders)),
)]
pub(super) async fn list(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Value>, Problem> {
    let filter = query::orders(pairs)?;
    let filter = Filter { reach: caller.reach(), ..filter };
    let found = api.store.list(&caller.scope, &filter).await?;
    query::system_exists(
        &api,
        &caller.scope,
        filter.system.as_ref(),
        filter.cursor.as_ref(),
        &found,
    )?;
    let items = found.items.iter().map(|order| view::head(order, caller.view())).collect();
    let mut shown = page(items, found.next);
    // Whoever sees nothing must not take it for an answer.
    if filter.q.is_some()
        && api.store.is_indexing().await?
        && let Some(members) = shown.0.as_object_mut()
    {
        members.insert("incomplete".to_owned(), Value::from(INCOMPLETE));
    }
    Ok(shown)
}

/// Finds an order by the hub's id, `ref`, number or id at a system; several: 300 with the candidates. Writes go where
/// it leads: what other things of an order are called leads nowhere.
pub(super) async fn find(api: &Api, scope: &Scope, word: &str) -> Result<Arc<Orders>, Problem> {
    let keys = match OrderKey::parse(word) {
        Some(key) => vec![key],
        None => api.store.find(scope, word).await?,
    };
    match keys.as_slice() {
        // It may be one that is not added yet: whoever takes "not found" for an answer would make it anew.
        [] if OrderKey::parse(word).is_none() && api.store.is_indexing().await? => {
            let why = format!("no order is found by `{word}`, but {INCOMPLETE}, or ask by its id");
            Err(Problem::unavailable("search_incomplete", why).retry_after(30))
        }
        [] if OrderKey::parse(word).is_none() => {
            let waits = waiting::about(api, scope, &[word]).await?;
            Err(not_called(word, waits.first()))
        }
        [] => Err(Problem::not_found("order", word)),
        [key] => match api.store.state(scope, *key).await? {
            Some(state) => Ok(state),
            None => Err(Problem::not_found("order", word)),
        },
        several => {
            let mut candidates = Vec::new();
            for key in several.iter().take(MOST_ROWS) {
                if let Some(state) = api.store.state(scope, *key).await? {
                    candidates.push(json!({
                        "id": key.shown(),
                        "ref": state.order.reference,
                        "system": state.order.origin.as_str(),
                    }));
                }
            }
            let detail =
                format!("`{word}` means {} orders; ask for one by its id or ref", several.len());
            let problem = Problem::new(StatusCode::MULTIPLE_CHOICES, "several_orders", detail);
            Err(problem.with("candidates", json!(candidates)))
        }
    }
}

/// 404 with where to look for what it may be the number of.
fn not_called(word: &str, waits: Option<&Waiting>) -> Problem {
    let waits = waits.map(|waits| format!("; {}", waits.says)).unwrap_or_default();
    let detail = format!(
        "there is no order with the id, `ref` or number `{word}`{waits}; if a parcel, an invoice or a payment has it, \
         `GET /api/v1/orders?q={word}` finds the order"
    );
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OneQuery {
    /// As it was at this version.
    at: Option<u32>,
}

/// One order, or as it was at a version.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), OneQuery, ("If-None-Match" = Option<String>, Header, description = "An `ETag` of before: 304 if nothing changed")),
    responses((status = 200, description = "The order", body = shapes::Order, headers(("ETag" = String, description = "For `If-None-Match` and `If-Match`"))),
        (status = 304, description = "As it was")),
)]
pub(super) async fn one(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(query): Query<OneQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    let Some(version) = query.at else {
        let shown = view::order(&state, caller.view()).to_string();
        return Ok(tagged(&headers, state.order.version, shown.into_bytes()));
    };
    let then = api.store.at(&caller.scope, state.order.key, version).await?;
    let then =
        then.ok_or_else(|| Problem::not_found("version of this order", &version.to_string()))?;
    let shown = view::head(&then, caller.view()).to_string();
    Ok(tagged(&headers, version, shown.into_bytes()))
}

/// Every version, oldest first: who, why, which fields.
#[utoipa::path(
    get, path = "/orders/{id}/versions", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number")),
    responses((status = 200, description = "Its versions", body = shapes::Versions)),
)]
pub(super) async fn versions(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
) -> Result<Response, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    let changes = api.store.changes(&caller.scope, state.order.key).await?;
    let (all, mask) = (changes.iter().collect::<Vec<_>>(), caller.view().mask_personal);
    let words = lost::words(&all);
    let words = lost::by(&words, |word| word.change.version);
    let items = changes.iter().map(|change| {
        let mut shown = json!({
            "version": change.version,
            "at": change.at.to_string(),
            "actor": change.actor,
            "cause": change.cause,
            "reason": change.reason,
            "bundle": change.bundle,
            "fields": view::paths(&change.touched),
        });
        let own = words.get(&change.version).into_iter().flatten();
        let own: Vec<Value> = own.map(|word| word.shown(mask)).collect();
        if let Some(members) = shown.as_object_mut().filter(|_| !own.is_empty()) {
            members.insert("lost".to_owned(), own.into());
        }
        shown
    });
    Ok(page(items.collect(), None).into_response())
}

/// What each system wants, has, was sent.
#[utoipa::path(
    get, path = "/orders/{id}/lanes", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number")),
    responses((status = 200, description = "Its lanes", body = shapes::Lanes)),
)]
pub(super) async fn lanes(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
) -> Result<Response, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    Ok(page(state.lanes.iter().map(|lane| view::lane(lane)).collect(), None).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptsQuery {
    /// At deliveries of this order: its id, `ref` or number.
    order: Option<String>,
    /// At this system.
    system: Option<String>,
    /// Of this class.
    class: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A page of attempts, of one order or of all, newest first.
#[utoipa::path(
    get, path = "/receipts", tag = "orders",
    params(ReceiptsQuery),
    responses((status = 200, description = "A page", body = shapes::Receipts)),
)]
pub(super) async fn receipts(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Query(asked): Query<ReceiptsQuery>,
) -> Result<Response, Problem> {
    let class = asked.class.map(|class| query::one_of("class", class, &ReceiptRow::CLASSES));
    let order = match &asked.order {
        Some(word) => Some(find(&api, &caller.scope, word).await?.order.key),
        None => None,
    };
    let filter = AttemptFilter {
        order,
        system: asked.system.map(SystemName::new),
        class: class.transpose()?,
        cursor: asked.cursor,
        limit: query::page_size(asked.limit)?,
    };
    let found = api.store.attempts(&caller.scope, &filter).await?;
    query::system_exists(
        &api,
        &caller.scope,
        filter.system.as_ref(),
        filter.cursor.as_ref(),
        &found,
    )?;
    Ok(page(found.items.iter().map(view::attempt).collect(), found.next).into_response())
}
