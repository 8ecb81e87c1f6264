//! Having an order sent to a system again, what it lacks or all of it: what would be called, and doing it.
//!
//! What is answered is no guess: the same fold runs over a copy, and the wishes that it makes are mapped out as the sender
//! will.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct, fold, nothing_missing};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;
use orderhub_order::model::State as OrderState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{May, to};
use super::edit::{refused, submit};
use super::openapi::shapes;
use super::orders::find;
use super::restore::shown;
use super::{Api, Problem, reason};
use crate::causes::OLDER_PROGRAM;
use crate::deliver::prospect::prospects;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendQuery {
    reason: Option<String>,
    all: Option<bool>,
    dry_run: Option<bool>,
}

/// Sends a system what it lacks of the order: what was given up, what it was never sent of what has happened so far, and
/// states that have changed since they were sent; nothing that it has, and nothing twice however often it is asked for
/// (`unchanged`: all of it waits to be sent already). With `all=true` every state goes besides, once more and whole, though it
/// equals what was sent; a fact that was told is told once. By the rules and the order of now; a call that is under way
/// ends first. With `dry_run=true` nothing is done, and the answer is the same.
#[utoipa::path(
    post, path = "/orders/{id}/lanes/{system}/resend", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), ("system" = String, Path, description = "Name of the system"), ("reason" = Option<String>, Query, description = "Why, in the words of who acts; a preview needs none", min_length = 1, max_length = 1000, pattern = r"\S"), ("all" = Option<bool>, Query, description = "All states once more, whole, besides what is missing"), ("dry_run" = Option<bool>, Query, description = "Only say what would be sent")),
    responses((status = 200, description = "What is sent", body = shapes::Resent)),
)]
pub(super) async fn resend(
    caller: May<to::Settle>,
    State(api): State<Api>,
    Path((word, system)): Path<(String, String)>,
    Query(asked): Query<ResendQuery>,
) -> Result<Json<Value>, Problem> {
    let (all, dry_run) = (asked.all.unwrap_or(false), asked.dry_run.unwrap_or(false));
    let reason = if dry_run { "".into() } else { reason::given(asked.reason)? };
    let state = find(&api, &caller.scope, &word).await?;
    let name = SystemName::new(system.as_str());
    if api.intake.bundle().system(&name).is_none() || !caller.scope.hears(Some(&name)) {
        return Err(Problem::not_found("system", &system));
    }
    upgraded(&api)?;
    let Preview { outcome, version, calls } = preview(&api, &state, &name, all)?;
    let answer = |outcome: &str, version: u32| {
        Json(json!({
            "outcome": outcome, "version": version, "system": system, "calls": calls,
        }))
    };
    if dry_run || outcome == UNCHANGED {
        return Ok(answer(outcome, version));
    }
    let act = PersonAct::Resend { system: name, all };
    match submit(&api, &caller, state.order.key, (act, reason)).await? {
        Some(Outcome::Applied { version }) => Ok(answer("applied", version)),
        Some(Outcome::Unchanged) => Ok(answer(UNCHANGED, state.order.version)),
        Some(Outcome::Todo(item)) => Err(conflict(&item.cause, item.why)),
        Some(Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_)) | None => Err(refused()),
    }
}

/// Whether a system would be sent something that it lacks, if somebody asked for it now.
pub(super) fn would_send(api: &Api, state: &OrderState, system: &SystemName) -> bool {
    let asked = api.intake.bundle().system(system).map(|_| preview(api, state, system, false));
    upgraded(api).is_ok()
        && asked.is_some_and(|asked| asked.is_ok_and(|one| one.outcome != UNCHANGED))
}

/// A program of an earlier version would write a lane back without that it is to be sent whole, and without the facts that
/// were given up.
///
/// **Invariant:** while one runs on the store, nothing is sent again, and nobody decides about what was given up. Test:
/// `nothing_is_sent_again_while_an_earlier_program_runs_beside`.
pub(super) fn upgraded(api: &Api) -> Result<(), Problem> {
    let older = api.store.older();
    if older.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{} of an earlier version still runs on the store, and would leave out what is asked for here: stop it first, \
         then ask once more",
        older.join(", ")
    );
    Err(conflict(OLDER_PROGRAM.word, why))
}

/// All of it waits to be sent already.
const UNCHANGED: &str = "unchanged";

/// What would come of it.
struct Preview {
    outcome: &'static str,
    /// The version that it makes; where it changes nothing, the order's.
    version: u32,
    /// The calls that follow, or that follow already.
    calls: Vec<Value>,
}

fn preview(
    api: &Api,
    state: &OrderState,
    system: &SystemName,
    all: bool,
) -> Result<Preview, Problem> {
    let bundle = api.intake.bundle();
    let (mut since, mut after) = (state.order.version, state.clone());
    let act = Act::Person(PersonAct::Resend { system: system.clone(), all });
    let folded = fold(&mut after, &act, &bundle.rules(), &Facts::default(), api.clock.now());
    let outcome = match folded.outcome {
        Outcome::Todo(item) => return Err(conflict(&item.cause, item.why)),
        Outcome::Unchanged => {
            since = 0;
            UNCHANGED
        }
        Outcome::Applied { .. } | Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_) => {
            "preview"
        }
    };
    let stands = |system: &SystemName, operation: &str| api.deliverer.stands(system, operation);
    let mut calls = prospects(&bundle, &after, since, stands);
    calls.retain(|call| call.system == system.as_str());
    // What its mapping makes of the changes is what it has.
    if !calls.is_empty() && calls.iter().all(|call| call.code == Some(LaneCode::ProjectionEqual)) {
        let (cause, why) = nothing_missing(state, system);
        return Err(conflict(cause.word, why));
    }
    let calls = calls.iter().map(shown).collect();
    Ok(Preview { outcome, version: after.order.version, calls })
}

/// Nothing was changed: the cause, and a sentence that says what to do.
pub(super) fn conflict(cause: &str, why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "conflict", why).with("cause", json!(cause))
}
