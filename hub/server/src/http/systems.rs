//! Systems: how each is doing, and what an operator may do to it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::orders::page;
use super::{Api, Problem};
use crate::bundle::System;
use crate::resilience::gate::{Force, GateState};
use crate::resilience::stale::Answered;
use crate::store::Backlog;

/// What the API asks of the deliverer.
pub trait Systems: Debug + Send + Sync {
    /// How a system is doing now.
    fn status(&self, system: &SystemName) -> Status;

    /// Takes nothing from its lanes any more, or goes on.
    fn set_paused(&self, system: &SystemName, paused: Paused);

    /// What a person wants of the gate of an operation; `None`: the detector decides again.
    fn force(&self, system: &SystemName, operation: &str, force: Option<Force>);

    /// A cached read.
    fn read<'a>(
        &'a self,
        system: &'a SystemName,
        name: &'a str,
        args: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<Answered, ReadFailed>>;
}

/// Whether lanes of a system are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    /// Nothing is taken.
    Yes,
    /// As its settings say.
    No,
}

/// How a system is doing.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Paused by hand.
    pub paused: bool,
    /// Its gates, one per operation that was called.
    pub gates: Vec<GateShown>,
    /// The system refuses our credential.
    pub credential_refused: bool,
    /// The last call that went well.
    pub last_success: Option<Timestamp>,
    /// The last call that did not, with why (masked).
    pub last_error: Option<(Timestamp, String)>,
}

/// A gate as it is shown.
#[derive(Clone, Debug)]
pub struct GateShown {
    /// The operation.
    pub operation: String,
    /// Its state.
    pub state: GateState,
    /// Forced by hand.
    pub forced: Option<Force>,
}

/// Why a read gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFailed {
    /// The integration has no such read.
    #[error("there is no read `{0}`")]
    Unknown(String),
    /// An argument is missing or not known.
    #[error("{0}")]
    Arguments(String),
    /// Neither a fresh answer nor one that may stand in.
    #[error("{0}")]
    Unavailable(String),
}

/// All systems.
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let backlog = api.store.backlog(api.clock.now()).await?;
    let bundle = api.intake.bundle();
    Ok(page(bundle.systems().map(|system| shown(&api, system, &backlog)).collect(), None))
}

/// One system.
pub(super) async fn one(
    State(api): State<Api>,
    Path(name): Path<SystemName>,
) -> Result<Json<Value>, Problem> {
    let backlog = api.store.backlog(api.clock.now()).await?;
    let bundle = api.intake.bundle();
    let system = bundle.system(&name);
    let system = system.ok_or_else(|| Problem::not_found("system", name.as_str()))?;
    Ok(Json(shown(&api, system, &backlog)))
}

fn shown(api: &Api, system: &System, backlog: &[Backlog]) -> Value {
    let status = api.systems.status(&system.name);
    let row = backlog.iter().find(|row| row.system == system.name);
    let now = api.clock.now();
    let oldest = row.and_then(|row| row.oldest).map(|at| now.duration_since(at).as_secs().max(0));
    let breakers = status.gates.iter().map(|gate| {
        json!({
            "operation": gate.operation,
            "state": format!("{:?}", gate.state),
            "forced": gate.forced.map(|force| format!("{force:?}")),
        })
    });
    json!({
        "system": system.name.as_str(),
        "integration": system.integration,
        "role": system.role.as_str(),
        "mode": if status.paused { "paused".to_owned() } else { mode(system) },
        "breakers": breakers.collect::<Vec<_>>(),
        "credential": if status.credential_refused { "refused" } else { "ok" },
        "backlog": row.map_or(0, |row| row.pending),
        "oldest_s": oldest,
        "last_success": status.last_success.map(|at| at.to_string()),
        "last_error": status.last_error.map(|(at, why)| json!({ "at": at.to_string(), "why": why })),
        "last_heard": api.intake.heard().get(&system.name).map(ToString::to_string),
    })
}

fn mode(system: &System) -> String {
    format!("{:?}", system.mode).to_lowercase()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: Option<String>,
}

impl Reason {
    /// Acts on systems are logged with their reason: the record until the audit log exists.
    fn given(self) -> Result<String, Problem> {
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        reason.ok_or_else(|| Problem::bad_request("say why: `?reason=<words>`"))
    }
}

/// Takes nothing from its lanes any more.
pub(super) async fn pause(
    State(api): State<Api>,
    Path(name): Path<SystemName>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    set_paused(&api, name, Paused::Yes, reason)
}

/// Goes on.
pub(super) async fn resume(
    State(api): State<Api>,
    Path(name): Path<SystemName>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    set_paused(&api, name, Paused::No, reason)
}

fn set_paused(
    api: &Api,
    name: SystemName,
    paused: Paused,
    reason: Reason,
) -> Result<Json<Value>, Problem> {
    let reason = reason.given()?;
    known(api, &name)?;
    api.systems.set_paused(&name, paused);
    tracing::warn!(system = %name, ?paused, reason, "a person paused or resumed a system");
    Ok(Json(json!({ "system": name.as_str(), "paused": paused == Paused::Yes })))
}

/// Opens or closes a gate by hand; closing gives it back to its detector.
pub(super) async fn breaker(
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
    let bundle = api.intake.bundle();
    known(&api, &name)?;
    let offers = bundle.connector(&name);
    let offers = offers.is_some_and(|c| c.operations().iter().any(|op| op.name == operation));
    if !offers {
        return Err(Problem::not_found("operation", &operation));
    }
    api.systems.force(&name, &operation, force);
    tracing::warn!(system = %name, operation, act, reason, "a person moved a breaker");
    Ok(Json(json!({ "system": name.as_str(), "operation": operation, "act": act })))
}

fn known(api: &Api, name: &SystemName) -> Result<(), Problem> {
    let known = api.intake.bundle().system(name).is_some();
    if known { Ok(()) } else { Err(Problem::not_found("system", name.as_str())) }
}

/// A cached read: fresh, or stale with its age.
pub(super) async fn read(
    State(api): State<Api>,
    Path((system, name)): Path<(SystemName, String)>,
    Query(args): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    known(&api, &system)?;
    let answered = api.systems.read(&system, &name, args).await.map_err(|failed| match failed {
        ReadFailed::Unknown(name) => Problem::not_found("read", &name),
        ReadFailed::Arguments(why) => Problem::bad_request(why),
        ReadFailed::Unavailable(why) => Problem::unavailable("read_unavailable", why),
    })?;
    let (fresh, value, as_of, age, source, why) = match answered {
        Answered::Fresh(a) => (true, a.value, a.as_of, a.age, a.source, None),
        Answered::Stale(a) => {
            let labels = [("system", system.to_string()), ("read", name)];
            metrics::counter!("orderhub_stale_answers_total", &labels).increment(1);
            (false, a.value, a.as_of, a.age, a.source, Some(a.why))
        }
    };
    let body = json!({
        "value": raw(&value)?,
        "fresh": fresh,
        "as_of": as_of.to_string(),
        "age_s": age.as_secs(),
        "source": source,
        "why": why,
    });
    Ok((StatusCode::OK, Json(body)).into_response())
}

/// The reply document as it came; one that is no JSON is given as text.
fn raw(value: &Bytes) -> Result<Value, Problem> {
    let parsed: Result<&RawValue, _> = serde_json::from_slice(value);
    match parsed.and_then(|raw| serde_json::from_str(raw.get())) {
        Ok(value) => Ok(value),
        Err(_) => Ok(Value::from(String::from_utf8_lossy(value))),
    }
}
