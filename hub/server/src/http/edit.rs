//! What a person does to an order: edit fields, release a hold. Each is a unit of apply like any other.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use orderhub_order::catalogue::{Field, FieldId, FieldType, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct};
use orderhub_order::ids::{At, OrderKey};
use orderhub_order::model::Order;
use orderhub_order::value::{Address, Value};
use serde_json::{Map, Value as Tree, json};

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::find;
use super::reason::Reason;
use super::tag::seen;
use super::{Api, Problem};
use crate::access::Caller;
use crate::apply::{OrderUnit, Unit};

/// Sets fields: a merge patch by catalogue paths; elements by id (`"lines[L1].sku"`). `If-Match` names the
/// version that the person looked at.
#[utoipa::path(
    patch, path = "/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S"), ("If-Match" = String, Header, description = "The version that was looked at, in quotes, or the order's `ETag`", pattern = r#"^"[1-9][0-9]{0,8}(-[0-9a-f]{16})?"$"#)),
    request_body(content = BTreeMap<String, Tree>, description = "A merge patch by paths of hub fields: nested, or with dots; elements by id: `lines[L1].sku`"),
    responses((status = 200, description = "What became of it", body = shapes::Acted)),
)]
pub(super) async fn patch(
    caller: May<to::Edit>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(reason): Query<Reason>,
    headers: HeaderMap,
    Json(patch): Json<Map<String, Tree>>,
) -> Result<Response, Problem> {
    let reason = reason.given()?;
    let seen = seen(&headers)?;
    let state = find(&api, &caller.scope, &word).await?;
    if seen > state.order.version {
        let detail = format!("the order is at version {}, not {seen}", state.order.version);
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "no_such_version", detail));
    }
    let mut values = Vec::new();
    flatten(&state.order, "", &patch, &mut values)?;
    if values.is_empty() {
        return Err(Problem::bad_request("the patch names no field; send the fields to set"));
    }
    allowed(&caller, values.iter().map(|(_, field, _)| *field))?;
    act(&api, &caller, state.order.key, (PersonAct::Edit { seen, values }, reason)).await
}

/// Ends a hold.
#[utoipa::path(
    post, path = "/orders/{id}/holds/{hold}/release", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), ("hold" = String, Path, description = "Id of the hold"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "What became of it", body = shapes::Acted)),
)]
pub(super) async fn release(
    caller: May<to::ReleaseHolds>,
    State(api): State<Api>,
    Path((word, hold)): Path<(String, String)>,
    Query(reason): Query<Reason>,
) -> Result<Response, Problem> {
    let reason = reason.given()?;
    let state = find(&api, &caller.scope, &word).await?;
    let release = PersonAct::ReleaseHold { hold: hold.into() };
    act(&api, &caller, state.order.key, (release, reason)).await
}

async fn act(
    api: &Api,
    caller: &Caller,
    key: OrderKey,
    act: (PersonAct, Box<str>),
) -> Result<Response, Problem> {
    match submit(api, caller, key, act).await? {
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
    caller: &Caller,
    key: OrderKey,
    (act, reason): (PersonAct, Box<str>),
) -> Result<Option<Outcome>, Problem> {
    let cause = match &act {
        // The new version says which one it leads back to.
        PersonAct::Restore { to, .. } => format!("restore:{to}"),
        PersonAct::Resend { system, all: false } => format!("resend:{system}"),
        PersonAct::Resend { system, all: true } => format!("resend_all:{system}"),
        PersonAct::Settle { system, again: true, about: Some(_) } => format!("resend:{system}"),
        PersonAct::Edit { .. } | PersonAct::ReleaseHold { .. } | PersonAct::Settle { .. } => {
            "api".to_owned()
        }
    };
    let facts = Facts {
        actor: (*caller.actor).into(),
        cause: cause.into(),
        reason: Some(reason),
        received: Some(api.clock.now()),
        ..Facts::default()
    };
    let unit = OrderUnit { key, act: Act::Person(act), facts, receipt: None };
    let outcome = api.apply.submit(Unit::Order(Box::new(unit))).await?;
    Ok(outcome.documents.into_iter().next().and_then(|document| document.folded))
}

/// Whether the role of the caller may set these fields.
pub(super) fn allowed(
    caller: &Caller,
    mut fields: impl Iterator<Item = FieldId>,
) -> Result<(), Problem> {
    let own = caller.role.fields();
    let Some(other) = fields.find(|field| !own.contains(*field)) else {
        return Ok(());
    };
    let path = |id| catalogue().field(id).map(Field::full_path).unwrap_or_default();
    let own: Vec<_> = own.iter().map(path).collect();
    let detail = format!(
        "the role `{}` of this token may not edit `{}`; it may edit {}",
        caller.role.as_str(),
        path(other),
        own.join(", ")
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "field_not_allowed", detail))
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
