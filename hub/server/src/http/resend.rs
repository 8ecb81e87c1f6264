//! Having an order sent to a system again: what would be called, and doing it.
//!
//! What is answered is no guess: the same fold runs over a copy, and the wishes that it makes are mapped out as the sender
//! will.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct, fold};
use orderhub_order::ids::SystemName;
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
    dry_run: Option<bool>,
}

/// Has all that a system is owed of the order sent to it once more, whole, by the rules and the order of now: also what
/// equals what it was sent. A call that is under way ends first. With `dry_run=true` nothing is done, and the answer is
/// the same.
#[utoipa::path(
    post, path = "/orders/{id}/lanes/{system}/resend", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), ("system" = String, Path, description = "Name of the system"), ("reason" = Option<String>, Query, description = "Why, in the words of who acts; a preview needs none", min_length = 1, max_length = 1000, pattern = r"\S"), ("dry_run" = Option<bool>, Query, description = "Only say what would be sent")),
    responses((status = 200, description = "What is sent again", body = shapes::Resent)),
)]
pub(super) async fn resend(
    caller: May<to::Settle>,
    State(api): State<Api>,
    Path((word, system)): Path<(String, String)>,
    Query(asked): Query<ResendQuery>,
) -> Result<Json<Value>, Problem> {
    let dry_run = asked.dry_run.unwrap_or(false);
    let reason = if dry_run { "".into() } else { reason::given(asked.reason)? };
    let state = find(&api, &caller.scope, &word).await?;
    let name = SystemName::new(system.as_str());
    if api.intake.bundle().system(&name).is_none() || !caller.scope.hears(Some(&name)) {
        return Err(Problem::not_found("system", &system));
    }
    upgraded(&api)?;
    let (version, calls) = preview(&api, &state, &name)?;
    let answer = |outcome: &str, version: u32| {
        Json(json!({
            "outcome": outcome, "version": version, "system": system, "calls": calls,
        }))
    };
    if dry_run {
        return Ok(answer("preview", version));
    }
    let act = PersonAct::Resend { system: name };
    match submit(&api, &caller, state.order.key, (act, reason)).await? {
        Some(Outcome::Applied { version }) => Ok(answer("applied", version)),
        Some(Outcome::Todo(item)) => Err(conflict(&item.cause, item.why)),
        Some(Outcome::Unchanged | Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_))
        | None => Err(refused()),
    }
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

/// The version that it makes, and the calls that follow.
fn preview(
    api: &Api,
    state: &OrderState,
    system: &SystemName,
) -> Result<(u32, Vec<Value>), Problem> {
    let bundle = api.intake.bundle();
    let (seen, mut after) = (state.order.version, state.clone());
    let act = Act::Person(PersonAct::Resend { system: system.clone() });
    let folded = fold(&mut after, &act, &bundle.rules(), &Facts::default(), api.clock.now());
    if let Outcome::Todo(item) = folded.outcome {
        return Err(conflict(&item.cause, item.why));
    }
    let stands = |system: &SystemName, operation: &str| api.deliverer.stands(system, operation);
    let calls = prospects(&bundle, &after, seen, stands);
    let own = calls.iter().filter(|call| call.system == system.as_str());
    Ok((after.order.version, own.map(shown).collect()))
}

/// Nothing was changed: the cause, and a sentence that says what to do.
pub(super) fn conflict(cause: &str, why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "conflict", why).with("cause", json!(cause))
}
