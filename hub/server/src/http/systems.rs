//! Systems: how each is doing, and what an operator may do to it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orderhub_order::ids::SystemName;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::page;
use super::reason::Reason;
use super::{Api, Problem};
use crate::access::Caller;
use crate::deliver::ReadError;
use crate::deliver::status::SystemStatus;
use crate::resilience::gate::Force;
use crate::resilience::stale::Answered;
use crate::store::{MinuteRow, PauseRow};

/// What is told of a system minute by minute: the last hour.
const MINUTES: SignedDuration = SignedDuration::from_hours(1);

/// All systems.
#[utoipa::path(
    get, path = "/systems", tag = "systems",
    responses((status = 200, description = "All systems", body = shapes::Systems)),
)]
pub(super) async fn list(
    caller: May<to::ReadSystems>,
    State(api): State<Api>,
) -> Result<Json<Value>, Problem> {
    let statuses = statuses(&api).await?;
    let seen = statuses.iter().filter(|status| sees(&caller, &status.system));
    Ok(page(seen.map(|status| shown(&api, status)).collect(), None))
}

/// The deliverer's view with the backlog as it was counted last, seconds ago at most: the deliverer itself counts it
/// now and then only; and with what systems said to other processes.
async fn statuses(api: &Api) -> Result<Vec<SystemStatus>, Problem> {
    let backlog = api.store.backlog().await?;
    let mut said = api.store.said().await?;
    let mut statuses = api.deliverer.status();
    for status in &mut statuses {
        let own = backlog.iter().find(|row| row.system.as_str() == status.system);
        status.backlog = own.map_or(0, |row| row.pending);
        status.oldest = own.and_then(|row| row.oldest);
        if let Some(at) = said.iter().position(|row| row.system.as_str() == status.system) {
            status.heed(said.swap_remove(at));
        }
    }
    Ok(statuses)
}

/// One system.
#[utoipa::path(
    get, path = "/systems/{system}", tag = "systems",
    params(("system" = String, Path, description = "Name of the system")),
    responses((status = 200, description = "The system", body = shapes::System)),
)]
pub(super) async fn one(
    caller: May<to::ReadSystems>,
    State(api): State<Api>,
    Path(name): Path<SystemName>,
) -> Result<Json<Value>, Problem> {
    let statuses = statuses(&api).await?;
    let status = statuses.iter().find(|status| status.system == name.as_str());
    let status = status.filter(|status| sees(&caller, &status.system));
    let status = status.ok_or_else(|| Problem::not_found("system", name.as_str()))?;
    let mut shown = shown(&api, status);
    let since = api.clock.now().checked_sub(MINUTES).unwrap_or(Timestamp::UNIX_EPOCH);
    let minutes = api.store.minutes(&name, since).await?;
    if let Some(members) = shown.as_object_mut() {
        members.insert("minutes".to_owned(), by_minute(&minutes));
    }
    Ok(Json(shown))
}

/// What came in each of the last minutes, by outcome; minutes without any are left out.
fn by_minute(rows: &[MinuteRow]) -> Value {
    let mut minutes: BTreeMap<Timestamp, BTreeMap<&str, u64>> = BTreeMap::new();
    for row in rows {
        *minutes.entry(row.at).or_default().entry(row.outcome.as_str()).or_default() += row.count;
    }
    let shown = |(at, outcomes)| json!({ "at": at, "outcomes": outcomes });
    minutes.into_iter().map(shown).collect()
}

/// The deliverer's view, with what only the intake knows.
fn shown(api: &Api, status: &SystemStatus) -> Value {
    let mut shown = json!(status);
    let now = api.clock.now();
    let oldest = status.oldest.map(|at| now.duration_since(at).as_secs().max(0));
    let heard = api.intake.heard();
    if let Some(members) = shown.as_object_mut() {
        members.insert("oldest_s".to_owned(), json!(oldest));
        let heard = heard.get(status.system.as_str()).map(ToString::to_string);
        members.insert("last_heard".to_owned(), json!(heard));
    }
    shown
}

/// Takes nothing from its lanes any more, restarts included.
#[utoipa::path(
    post, path = "/systems/{system}/pause", tag = "systems",
    params(("system" = String, Path, description = "Name of the system"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "It is paused", body = shapes::Paused)),
)]
pub(super) async fn pause(
    caller: May<to::Operate>,
    State(api): State<Api>,
    Path(name): Path<SystemName>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    let reason = reason.given()?;
    exists(&api, &caller, &name)?;
    keep(&api, &caller, (&name, None), &reason).await?;
    if !api.deliverer.pause(&name, &reason) {
        return Err(no_system(&name));
    }
    tracing::warn!(system = %name, actor = &*caller.actor, reason, "a person paused a system");
    Ok(Json(json!({ "system": name.as_str(), "paused": reason })))
}

/// Goes on.
#[utoipa::path(
    post, path = "/systems/{system}/resume", tag = "systems",
    params(("system" = String, Path, description = "Name of the system"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "It goes on", body = shapes::Paused)),
)]
pub(super) async fn resume(
    caller: May<to::Operate>,
    State(api): State<Api>,
    Path(name): Path<SystemName>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    let reason = reason.given()?;
    exists(&api, &caller, &name)?;
    api.store.resume(&name, None).await?;
    if !api.deliverer.resume(&name) {
        return Err(no_system(&name));
    }
    tracing::warn!(system = %name, actor = &*caller.actor, reason, "a person resumed a system");
    Ok(Json(json!({ "system": name.as_str(), "paused": null })))
}

/// Opens a gate by hand, restarts included, or closes it: then its detector decides again.
#[utoipa::path(
    post, path = "/systems/{system}/breakers/{operation}/{act}", tag = "systems",
    params(("system" = String, Path, description = "Name of the system"), ("operation" = String, Path, description = "The operation"), ("act" = String, Path, description = "`open`, or `close`: its detector decides again"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "It is moved", body = shapes::Moved)),
)]
pub(super) async fn breaker(
    caller: May<to::Operate>,
    State(api): State<Api>,
    Path((name, operation, act)): Path<(SystemName, String, String)>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    let force = match act.as_str() {
        "open" => Some(Force::Open),
        "close" => None,
        other => return Err(Problem::not_found("act on a breaker", other)),
    };
    let reason = reason.given()?;
    exists(&api, &caller, &name)?;
    let connector = api.intake.bundle().connector(&name).ok_or_else(|| no_system(&name))?;
    if !connector.operations().iter().any(|known| known.name == operation) {
        return Err(Problem::not_found("operation", &operation));
    }
    match force {
        Some(_) => keep(&api, &caller, (&name, Some(&operation)), &reason).await?,
        None => drop(api.store.resume(&name, Some(&operation)).await?),
    }
    if !api.deliverer.force(&name, &operation, force) {
        return Err(no_system(&name));
    }
    tracing::warn!(system = %name, operation, act, actor = &*caller.actor, reason, "a person moved a breaker");
    Ok(Json(json!({ "system": name.as_str(), "operation": operation, "act": act })))
}

fn exists(api: &Api, caller: &Caller, name: &SystemName) -> Result<(), Problem> {
    let bundle = api.intake.bundle();
    let known = bundle.system(name).filter(|_| caller.scope.hears(Some(name)));
    known.map(drop).ok_or_else(|| no_system(name))
}

fn sees(caller: &Caller, system: &str) -> bool {
    caller.scope.hears(Some(&SystemName::new(system)))
}

fn no_system(name: &SystemName) -> Problem {
    Problem::not_found("system", name.as_str())
}

/// Stored before it is done: a pause that a restart would end is none.
async fn keep(
    api: &Api,
    caller: &Caller,
    (system, operation): (&SystemName, Option<&str>),
    reason: &str,
) -> Result<(), Problem> {
    let pause = PauseRow {
        system: system.clone(),
        operation: operation.map(str::to_owned),
        reason: reason.to_owned(),
        actor: caller.actor.to_string(),
        at: api.clock.now(),
    };
    Ok(api.store.pause(pause).await?)
}

/// A cached read: fresh, or stale with its age.
#[utoipa::path(
    get, path = "/systems/{system}/reads/{name}", tag = "systems",
    params(("system" = String, Path, description = "Name of the system"), ("name" = String, Path, description = "Name of the read, of the integration's files; its arguments are query parameters")),
    responses((status = 200, description = "Fresh or stale, and how old", body = shapes::Cached)),
)]
pub(super) async fn read(
    caller: May<to::ReadReplies>,
    State(api): State<Api>,
    Path((system, name)): Path<(SystemName, String)>,
    Query(args): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    exists(&api, &caller, &system)?;
    let answered =
        api.deliverer.read(&system, &name, &args).await.map_err(|error| match error {
            ReadError::NoSystem(system) => Problem::not_found("system", &system),
            ReadError::NoRead { read, .. } => Problem::not_found("read", &read),
            ReadError::Absent(why) => Problem::not_found("answer to the read", &why),
            ReadError::NoArgument(_) => Problem::bad_request(error.to_string()),
            ReadError::Refused(_) | ReadError::NoAnswer(_) => {
                Problem::unavailable("read_unavailable", error.to_string())
            }
        })?;
    let answer = match &answered {
        Answered::Fresh(a) => Answer {
            value: document(&a.value),
            fresh: true,
            as_of: a.as_of,
            age_s: a.age.as_secs(),
            source: &a.source,
            why: None,
        },
        Answered::Stale(a) => Answer {
            value: document(&a.value),
            fresh: false,
            as_of: a.as_of,
            age_s: a.age.as_secs(),
            source: &a.source,
            why: Some(&a.why),
        },
    };
    Ok(Json(answer).into_response())
}

/// The answer to a cached read.
#[derive(Serialize)]
struct Answer<'a> {
    value: Box<RawValue>,
    fresh: bool,
    as_of: Timestamp,
    age_s: u64,
    source: &'a str,
    /// Why the system was not asked, or did not answer.
    why: Option<&'a str>,
}

/// The reply document as it came, number for number; one that is no JSON is given as text.
fn document(value: &Bytes) -> Box<RawValue> {
    let text = || serde_json::value::to_raw_value(&String::from_utf8_lossy(value));
    serde_json::from_slice(value).or_else(|_| text()).unwrap_or_default()
}
