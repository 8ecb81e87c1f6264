//! What a person does to an order: edit fields, release a hold. Each is a unit of apply like any other.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct};
use orderhub_order::ids::{At, OrderKey};
use orderhub_order::value::Value;
use serde_json::{Map, Value as Tree, json};

use super::orders::find;
use super::reason::{ACTOR, Reason};
use super::{Api, Problem};
use crate::apply::{OrderUnit, Unit};

/// Sets fields: a merge patch by catalogue paths; elements by id (`"lines[L1].sku"`). `If-Match` names the
/// version that the person looked at.
pub(super) async fn patch(
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(reason): Query<Reason>,
    headers: HeaderMap,
    Json(patch): Json<Map<String, Tree>>,
) -> Result<Response, Problem> {
    let reason = reason.given()?;
    let seen = seen(&headers)?;
    let state = find(&api, &word).await?;
    if seen > state.order.version {
        let detail = format!("the order is at version {}, not {seen}", state.order.version);
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "no_such_version", detail));
    }
    let mut values = Vec::new();
    flatten("", &patch, &mut values)?;
    if values.is_empty() {
        return Err(Problem::bad_request("the patch names no field; send the fields to set"));
    }
    act(&api, state.order.key, PersonAct::Edit { seen, values }, reason).await
}

/// Ends a hold.
pub(super) async fn release(
    State(api): State<Api>,
    Path((word, hold)): Path<(String, String)>,
    Query(reason): Query<Reason>,
) -> Result<Response, Problem> {
    let reason = reason.given()?;
    let state = find(&api, &word).await?;
    act(&api, state.order.key, PersonAct::ReleaseHold { hold: hold.into() }, reason).await
}

async fn act(
    api: &Api,
    key: OrderKey,
    act: PersonAct,
    reason: Box<str>,
) -> Result<Response, Problem> {
    match submit(api, key, act, reason).await? {
        Some(Outcome::Applied { version }) => {
            Ok(Json(json!({ "outcome": "applied", "version": version })).into_response())
        }
        Some(Outcome::Unchanged) => Ok(Json(json!({ "outcome": "unchanged" })).into_response()),
        Some(Outcome::Todo(item)) => Err(Problem::new(StatusCode::CONFLICT, "conflict", item.why)
            .with("cause", json!(item.cause))),
        Some(Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_)) | None => Err(refused()),
    }
}

/// An act came to nothing, and the fold has no words for it.
pub(super) fn refused() -> Problem {
    Problem::new(StatusCode::CONFLICT, "refused", "the order does not take this now")
}

/// Applies what a person does; what the fold says of it, after its commit.
pub(super) async fn submit(
    api: &Api,
    key: OrderKey,
    act: PersonAct,
    reason: Box<str>,
) -> Result<Option<Outcome>, Problem> {
    let facts = Facts {
        actor: ACTOR.into(),
        cause: "api".into(),
        reason: Some(reason),
        received: Some(api.clock.now()),
        ..Facts::default()
    };
    let unit = OrderUnit { key, act: Act::Person(act), facts, receipt: None };
    let outcome = api.apply.submit(Unit::Order(Box::new(unit))).await?;
    Ok(outcome.documents.into_iter().next().and_then(|document| document.folded))
}

/// The version that `If-Match` names.
fn seen(headers: &HeaderMap) -> Result<u32, Problem> {
    let tag = headers.get(header::IF_MATCH).ok_or_else(|| {
        let detail = "send the version that you looked at: `If-Match: \"<version>\"`";
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "version_required", detail)
    })?;
    let text = tag.to_str().unwrap_or_default().trim_matches('"');
    text.parse().map_err(|_| Problem::bad_request("`If-Match` is the version, a number in quotes"))
}

/// Reads `{ "state": { "payment": "captured" } }` and `{ "state.payment": … }` alike.
fn flatten(
    prefix: &str,
    patch: &Map<String, Tree>,
    values: &mut Vec<(At, FieldId, Stated)>,
) -> Result<(), Problem> {
    for (key, value) in patch {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let Some((at, field)) = At::parse_field(&path) {
            let Some(known) = catalogue().field(field) else { continue };
            let stated = Value::from_json(known, value)
                .map_err(|error| Problem::bad_request(error.to_string()))?;
            values.push((at, field, stated));
        } else {
            match value {
                Tree::Object(inner) if !inner.is_empty() => flatten(&path, inner, values)?,
                Tree::Null
                | Tree::Bool(_)
                | Tree::Number(_)
                | Tree::String(_)
                | Tree::Array(_)
                | Tree::Object(_) => return Err(no_field(&path)),
            }
        }
    }
    Ok(())
}

fn no_field(path: &str) -> Problem {
    let near = catalogue().nearest(path);
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Problem::bad_request(format!("there is no hub field `{path}`{hint}"))
}
