//! What a person does to an order: edit fields, release a hold. Each is a unit of apply like any other.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderhub_order::catalogue::{Field, FieldId, FieldType, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct};
use orderhub_order::ids::{At, OrderKey};
use orderhub_order::model::Order;
use orderhub_order::value::{Address, Value};
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
    flatten(&state.order, "", &patch, &mut values)?;
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
    let cause = match &act {
        // The new version says which one it leads back to.
        PersonAct::Restore { to, .. } => format!("restore:{to}"),
        PersonAct::Edit { .. } | PersonAct::ReleaseHold { .. } | PersonAct::Settle { .. } => {
            "api".to_owned()
        }
    };
    let facts = Facts {
        actor: ACTOR.into(),
        cause: cause.into(),
        reason: Some(reason),
        received: Some(api.clock.now()),
        ..Facts::default()
    };
    let unit = OrderUnit { key, act: Act::Person(act), facts, receipt: None };
    let outcome = api.apply.submit(Unit::Order(Box::new(unit))).await?;
    Ok(outcome.documents.into_iter().next().and_then(|document| document.folded))
}

/// What a system may say and the hub keeps as it is, a person may not: a word that no enum has, a country
/// that is no code.
fn sensible(path: &str, field: &Field, stated: &Stated) -> Result<(), Problem> {
    let country = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    let wrong = match (stated, &field.ty) {
        (Some(Value::Text(word)), FieldType::Enum(name)) => {
            let known = catalogue().enum_values(name);
            (!known.contains(&&**word)).then(|| format!("one of: {}", known.join(", ")))
        }
        (Some(Value::Text(code)), FieldType::Country) => {
            (!country(code)).then(|| "an ISO 3166 code of two capital letters".to_owned())
        }
        (Some(Value::Address(address)), _) => {
            let wrong = address.country.as_deref().is_some_and(|code| !country(code));
            wrong.then(|| "an address whose country is an ISO 3166 code of two letters".to_owned())
        }
        (_, _) => None,
    };
    match wrong {
        Some(needed) => Err(Problem::bad_request(format!("`{path}` must be {needed}"))),
        None => Ok(()),
    }
}

/// A merge patch of an address changes the parts that it names, and keeps the others.
fn merged(order: &Order, (at, field): (&At, FieldId), patch: &Tree, stated: Stated) -> Stated {
    let current = order.record(at).and_then(|record| record.value(field));
    match (stated, current, patch) {
        (Some(Value::Address(new)), Some(Value::Address(old)), Tree::Object(named)) => {
            let mut whole = Address::clone(old);
            for part in named.keys() {
                if let (Some(to), Some(from)) = (whole.part_mut(part), new.part(part)) {
                    to.clone_from(from);
                }
            }
            Some(Value::Address(whole.into()))
        }
        (stated, _, _) => stated,
    }
}

/// The version that `If-Match` names.
pub(super) fn seen(headers: &HeaderMap) -> Result<u32, Problem> {
    let tag = headers.get(header::IF_MATCH).ok_or_else(|| {
        let detail = "send the version that you looked at: `If-Match: \"<version>\"`";
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "version_required", detail)
    })?;
    let text = tag.to_str().unwrap_or_default().trim_matches('"');
    text.parse().map_err(|_| Problem::bad_request("`If-Match` is the version, a number in quotes"))
}

/// Reads `{ "state": { "payment": "captured" } }` and `{ "state.payment": … }` alike.
fn flatten(
    order: &Order,
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
            sensible(&path, known, &stated)?;
            let stated = merged(order, (&at, field), value, stated);
            values.push((at, field, stated));
        } else {
            match value {
                Tree::Object(inner) if !inner.is_empty() => flatten(order, &path, inner, values)?,
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
