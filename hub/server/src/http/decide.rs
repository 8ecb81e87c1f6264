//! Decisions about calls that wait for a person: dead, in doubt, or held by an answer that names
//! another thing.
//!
//! A lane has one call at a time, so of its todos about calls the newest speaks of the one that waits. Wishes that the
//! files make no call of are many beside it, and what was given up while its system was down, or may be there: each todo
//! about one names it, and is decided by itself.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use orderhub_order::causes;
use orderhub_order::fold::{Outcome, PersonAct, TodoKind};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::{Lane, is_of_call};
use orderhub_order::model::State as OrderState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{May, to};
use super::edit::{refused, submit};
use super::openapi::shapes;
use super::resend::{conflict, upgraded};
use super::todo::{closed, end, find};
use super::{Api, Problem, reason};
use crate::store::{MOST_ROWS, Scope, TodoFilter, TodoRow, TodoState};

/// The cause of a todo whose call was answered with a reference of another thing: it holds its lane.
const REFERENCE_TAKEN: &str = causes::REFERENCE_TAKEN.word;
/// The cause of a todo about a wish that the files make no call of.
const NOT_GIVEN: &str = causes::NOT_GIVEN.word;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    again: Option<bool>,
    reason: Option<String>,
}

/// Decides about the call of a todo: made again, or taken as done. Then the todo is closed.
#[utoipa::path(
    post, path = "/todo/{id}/resolve", tag = "todo",
    params(("id" = i64, Path, description = "Number of the todo"), ("again" = bool, Query, description = "True: it did not happen, call again; false: it is done, or not wanted any more"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "It is decided", body = shapes::Decided)),
)]
pub(super) async fn resolve(
    caller: May<to::Settle>,
    State(api): State<Api>,
    Path(id): Path<i64>,
    Query(decision): Query<Decision>,
) -> Result<Json<Value>, Problem> {
    let again = decision.again.ok_or_else(|| {
        Problem::bad_request(
            "decide: `again=true` (it did not happen: call again), or `again=false` (it is done, or \
             not wanted any more); of the command `--again` or `--done`",
        )
    })?;
    let reason = reason::given(decision.reason)?;
    let row = find(&api, &caller.scope, id).await?;
    if row.state != TodoState::Open {
        return Err(closed(&row));
    }
    let Some((order, system)) = call(&row) else { return Err(no_call(&row)) };
    if let Some(newer) = newer(&api, &caller.scope, &row).await? {
        let detail = format!("the call of todo {id} is over; todo {newer} is about the next one");
        return Err(nothing_to_settle(&detail, &discard(id)));
    }
    if let Some(about) = wish(&row)
        && !is_wanted(&api, &caller.scope, (order, system), about).await?
    {
        upgraded(&api)?;
    }
    let about = wish(&row).map(Into::into);
    let settle = PersonAct::Settle { system: system.clone(), again, about };
    let outcome = submit(&api, &caller, order, (settle, reason.clone())).await?;
    let state = api.store.state(&caller.scope, order).await?;
    decided(outcome, &instead(&row, state.as_deref()))?;
    // Its own commit: a process that dies in between leaves a todo that has nothing to settle any more. One about a wish is
    // ended by the decision itself: what comes up about it since is another.
    api.store.close_todo(id, end(&api, &caller, TodoState::Resolved, &reason)).await?;
    Ok(Json(
        json!({ "id": id, "state": find(&api, &caller.scope, id).await?.state, "again": again }),
    ))
}

/// What came of a decision. One that cannot be done yet is said with its cause: the todo stays, to be decided then; where
/// there is nothing to decide, what is to be done instead.
fn decided(outcome: Option<Outcome>, instead: &str) -> Result<(), Problem> {
    match outcome {
        Some(Outcome::Applied { .. }) => Ok(()),
        Some(Outcome::Todo(item)) if *item.cause == *causes::NOTHING_TO_SETTLE.word => {
            Err(nothing_to_settle(&item.why, instead))
        }
        Some(Outcome::Todo(item)) => Err(conflict(&item.cause, item.why)),
        Some(Outcome::Unchanged | Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_))
        | None => Err(refused()),
    }
}

/// The lane whose call a todo is about.
pub(super) fn call(row: &TodoRow) -> Option<(OrderKey, &SystemName)> {
    let of_a_call = match row.item.kind {
        TodoKind::InDoubt | TodoKind::Dead => true,
        TodoKind::Ambiguous => *row.item.cause == *REFERENCE_TAKEN,
        TodoKind::Parked | TodoKind::Waiting | TodoKind::Conflict | TodoKind::Finding => false,
    };
    // What a document brought up is about the document, whatever call there is beside it.
    let of_a_call = of_a_call && row.message.is_none();
    Some((row.order?, row.item.system.as_ref()?)).filter(|_| of_a_call)
}

/// The wish that a todo is about, by its key: the files make no call of it, or it was given up. `None`: it is about a call.
fn wish(row: &TodoRow) -> Option<&str> {
    let about = row.item.about.as_deref().filter(|_| row.item.kind == TodoKind::Dead);
    about.filter(|about| !is_of_call(about))
}

/// Whether a lane has it among its wishes, as one that the files make no call of: every program keeps these.
async fn is_wanted(
    api: &Api,
    scope: &Scope,
    (order, system): (OrderKey, &SystemName),
    about: &str,
) -> Result<bool, Problem> {
    let state = api.store.state(scope, order).await?;
    let lane = state.as_ref().and_then(|state| state.lanes.get(system));
    Ok(lane.is_some_and(|lane| lane.unfit(Some(about)).is_some()))
}

/// Whether a call goes no further until this todo is decided.
pub(super) async fn is_awaited(api: &Api, scope: &Scope, row: &TodoRow) -> Result<bool, Problem> {
    let Some((order, system)) = call(row) else { return Ok(false) };
    let state = api.store.state(scope, order).await?;
    let lane = state.as_ref().and_then(|state| state.lanes.get(system));
    let lane = lane.map(|lane| &**lane);
    Ok(waits(row, lane) && newer(api, scope, row).await?.is_none())
}

/// Whether something of a lane goes no further until it is decided, of which this todo may speak.
fn waits(row: &TodoRow, lane: Option<&Lane>) -> bool {
    lane.is_some_and(|lane| match wish(row) {
        Some(wish) => lane.unfit(Some(wish)).is_some() || lane.doubts(Some(wish)),
        None => lane.undecided().is_some(),
    })
}

/// What can be done about an open todo of an order, `open` among all of its todos that are.
pub(super) fn choice(row: &TodoRow, lane: Option<&Lane>, open: &[TodoRow]) -> Choice {
    if call(row).is_none() {
        return if row.message.is_some() { Choice::Replay } else { Choice::Discard };
    }
    if !waits(row, lane) || later(row, open).is_some() {
        return match lane.filter(|lane| !lane.given_up.is_empty()) {
            Some(lane) if wish(row).is_some_and(|wish| is_left(lane, wish)) => Choice::Send,
            Some(_) if wish(row).is_none() && is_given_up(row) => Choice::Resend,
            Some(_) | None => Choice::Discard,
        };
    }
    match lane.and_then(|lane| lane.refused()) {
        _ if *row.item.cause == *NOT_GIVEN => Choice::Mend,
        Some(_) if wish(row).is_none() => Choice::Make,
        Some(_) | None => Choice::Resolve,
    }
}

/// Whether a wish was given up, and waits for nobody but a person.
fn is_left(lane: &Lane, wish: &str) -> bool {
    lane.given_up.contains_key(wish) && lane.wants.iter().all(|want| want.key.text() != wish)
}

/// Whether a todo is about a call that was given up, after which its lane went on.
fn is_given_up(row: &TodoRow) -> bool {
    [causes::REFUSED.word, causes::GIVEN_UP.word].contains(&&*row.item.cause)
}

/// What can be done about a todo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Its message can be driven again.
    Replay,
    /// Its call waits to be decided.
    Resolve,
    /// Its create was refused, and nothing of it is there: it is made of the order as it is, or not.
    Make,
    /// It is sent by itself once the files make a call of it; until then it may be taken as done.
    Mend,
    /// It was given up, and the lane went on: it can be sent by itself.
    Send,
    /// It was given up, and the lane went on: it is sent with all that the system lacks.
    Resend,
    /// It can only be let be.
    Discard,
}

/// An open todo about a later call of the same lane.
async fn newer(api: &Api, scope: &Scope, row: &TodoRow) -> Result<Option<i64>, Problem> {
    let filter = TodoFilter {
        system: row.item.system.clone(),
        order: row.order,
        limit: MOST_ROWS,
        ..TodoFilter::default()
    };
    Ok(later(row, &api.store.todos(scope, &filter).await?.items))
}

/// One of these that is about a later call of the same lane.
fn later(row: &TodoRow, open: &[TodoRow]) -> Option<i64> {
    if wish(row).is_some() {
        return None;
    }
    let of_the_lane = open.iter().filter(|other| other.item.system == row.item.system);
    let calls = of_the_lane.filter(|other| call(other).is_some() && wish(other).is_none());
    calls.map(|other| other.id).max().filter(|newest| *newest > row.id)
}

/// What to do with a todo that has nothing to decide: what was given up is sent before nobody is told of it any more.
fn instead(row: &TodoRow, state: Option<&OrderState>) -> String {
    let ends = discard(row.id);
    let (Some(state), Some(system)) = (state, &row.item.system) else { return ends };
    let lane = state.lanes.get(system);
    if !is_given_up(row) || lane.is_none_or(|lane| lane.given_up.is_empty()) {
        return ends;
    }
    format!(
        "`orderhub order resend {} {system} --reason \"mended\"` sends what was given up, then {ends}",
        state.order.reference
    )
}

fn discard(id: i64) -> String {
    format!("`orderhub todo discard {id} --reason \"settled\"` ends this todo")
}

fn nothing_to_settle(why: &str, instead: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "nothing_to_settle", format!("{why}; {instead}"))
}

/// What to do instead with a todo that is about no call.
fn no_call(row: &TodoRow) -> Problem {
    let instead = match (row.message, row.item.kind) {
        (Some(_), _) => "mend what its cause says and replay its message, or discard it",
        (None, TodoKind::Conflict) => "decide it at its order by an edit, then discard it",
        (
            None,
            TodoKind::Parked
            | TodoKind::Ambiguous
            | TodoKind::Waiting
            | TodoKind::InDoubt
            | TodoKind::Dead
            | TodoKind::Finding,
        ) => "look at what it says, then discard it",
    };
    let kind = row.item.kind.as_str();
    let detail =
        format!("a todo `{kind}` of cause `{}` is about no call: {instead}", row.item.cause);
    Problem::new(StatusCode::CONFLICT, "nothing_to_resolve", detail)
}

#[cfg(test)]
mod tests {
    use orderhub_order::fold::TodoItem;

    use super::*;

    #[test]
    fn only_a_todo_that_has_nothing_to_settle_is_to_be_discarded() {
        for (cause, code, discard) in [
            (causes::NOTHING_TO_SETTLE, "nothing_to_settle", true),
            (causes::NO_ROOM, "conflict", false),
            (causes::NOTHING_SENDABLE, "conflict", false),
        ] {
            let (kind, why) = (TodoKind::Conflict, "so it is".to_owned());
            let item = TodoItem { kind, cause: cause.word.into(), system: None, why, about: None };
            let said = format!(
                "{:?}",
                decided(Some(Outcome::Todo(item)), "it ends: discard it").unwrap_err()
            );
            assert!(said.contains(code) && said.contains("so it is"), "{said}");
            assert_eq!(said.contains("discard"), discard, "{said}");
        }
        assert!(decided(Some(Outcome::Applied { version: 3 }), "").is_ok());
    }
}
