//! Leading an order back to an earlier version: what it would do, and doing it.
//!
//! The preview is no guess: the same fold runs over a copy, and the wishes that it makes are mapped out as the
//! sender will. `If-Match` binds what is done to what was looked at: an order that moved is refused.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use orderhub_order::causes;
use orderhub_order::fold::{
    Act, Effect, Facts, Outcome, PersonAct, Put, Remains, fold, remainder, restorable,
};
use orderhub_order::history::{Difference, between, describe};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;
use orderhub_order::model::{Order, State as OrderState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{May, to};
use super::edit::{allowed, refused, submit};
use super::history::version;
use super::openapi::shapes;
use super::orders::find;
use super::tag::seen;
use super::{Api, Problem, reason, words};
use crate::bundle::Bundle;
use crate::deliver::prospect::{Prospect, prospects};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreQuery {
    to: Option<u32>,
    reason: Option<String>,
    dry_run: Option<bool>,
}

/// Leads the order back to version `to` by a new version. With `dry_run=true` nothing is done, and the answer
/// is the same: every field that changes, every call that follows, and what cannot be undone.
#[utoipa::path(
    post, path = "/orders/{id}/restore", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), ("to" = u32, Query, description = "The version to lead back to", minimum = 1), ("reason" = Option<String>, Query, description = "Why, in the words of who acts; a preview needs none", min_length = 1, max_length = 1000, pattern = r"\S"), ("dry_run" = Option<bool>, Query, description = "Only say what would be done"), ("If-Match" = Option<String>, Header, description = "The version that was looked at, in quotes, or the order's `ETag`; a preview needs none", pattern = r#"^"[1-9][0-9]{0,8}(-[0-9a-f]{16})?"$"#)),
    responses((status = 200, description = "What it does, or did", body = shapes::Restored)),
)]
pub(super) async fn restore(
    caller: May<to::Edit>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(asked): Query<RestoreQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let to = asked.to.ok_or_else(|| {
        Problem::bad_request("say which version: `?to=<version>`; `/versions` lists them")
    })?;
    let dry_run = asked.dry_run.unwrap_or(false);
    let reason = if dry_run { "".into() } else { reason::given(asked.reason)? };
    let state = find(&api, &caller.scope, &word).await?;
    let newest = state.order.version;
    let seen = match (dry_run, headers.contains_key(header::IF_MATCH)) {
        (true, false) => newest,
        (true | false, _) => seen(&headers)?,
    };
    if seen != newest {
        return Err(moved(newest, seen));
    }
    if to == 0 {
        return Err(Problem::bad_request("versions count from 1"));
    }
    let then = version(&api, &caller, &state.order, to).await?;
    let (bundle, mask) = (api.intake.bundle(), caller.view().mask_personal);
    let stands = |system: &SystemName, operation: &str| api.deliverer.stands(system, operation);
    let outcome = Preview::of(&bundle, (&state, &then), (api.clock.now(), mask), stands);
    let preview = outcome.map_err(conflict)?;
    if dry_run {
        return Ok(Json(preview.shown("preview", preview.version)));
    }
    if preview.puts.is_empty() {
        return Ok(Json(preview.shown("unchanged", newest)));
    }
    allowed(&caller, preview.puts.iter().map(|put| put.field))?;
    let act = PersonAct::Restore { seen, to, puts: preview.puts.clone() };
    match submit(&api, &caller, state.order.key, (act, reason)).await? {
        Some(Outcome::Applied { version }) => Ok(Json(preview.shown("applied", version))),
        Some(Outcome::Unchanged) => Ok(Json(preview.shown("unchanged", newest))),
        Some(Outcome::Todo(item)) if *item.cause == *causes::MOVED.word => {
            let detail = item.why;
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "version_moved", detail))
        }
        Some(Outcome::Todo(item)) => Err(conflict(item.why)),
        Some(Outcome::Stale | Outcome::WaitForLane | Outcome::Refused(_)) | None => Err(refused()),
    }
}

fn moved(newest: u32, seen: u32) -> Problem {
    let detail = format!(
        "the order is at version {newest}, and you looked at version {seen}; look at what a restore would do now"
    );
    let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "version_moved", detail);
    problem.with("version", json!(newest))
}

fn conflict(why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "conflict", why)
}

/// A call that follows, for people.
pub(super) fn shown(call: &Prospect) -> Value {
    let words = call.code.map_or("called", words::meaning);
    json!({
        "system": call.system, "operation": call.operation, "subject": call.subject, "rule": call.rule,
        "sent": call.code.is_none(), "code": call.code, "why": words,
    })
}

/// What a restore comes to.
struct Preview {
    puts: Vec<Put>,
    seen: u32,
    of: u32,
    /// The version that it makes.
    version: u32,
    changes: Vec<Difference>,
    calls: Vec<Prospect>,
    remains: Vec<Remains>,
    /// What a person will have to look at.
    todos: Vec<String>,
}

impl Preview {
    /// Folds a restore over a copy.
    ///
    /// # Errors
    ///
    /// Why the fold refuses it.
    fn of(
        bundle: &Bundle,
        (state, then): (&OrderState, &Order),
        (now, mask): (Timestamp, bool),
        stands: impl Fn(&SystemName, &str) -> Option<LaneCode>,
    ) -> Result<Self, String> {
        let rules = bundle.rules();
        let (seen, of) = (state.order.version, then.version);
        let puts = restorable(state, then, &rules);
        let mut after = state.clone();
        let mut todos = Vec::new();
        if !puts.is_empty() {
            let act = Act::Person(PersonAct::Restore { seen, to: of, puts: puts.clone() });
            let folded = fold(&mut after, &act, &rules, &Facts::default(), now);
            if let Outcome::Todo(item) = folded.outcome {
                return Err(item.why);
            }
            let todo = |effect| if let Effect::Todo(item) = effect { Some(item.why) } else { None };
            todos.extend(folded.effects.into_iter().filter_map(todo));
        }
        Ok(Self {
            seen,
            of,
            version: after.order.version,
            changes: describe(&between(&state.order, &after.order), mask),
            calls: prospects(bundle, &after, seen, stands),
            remains: remainder(&after, then, &rules, mask),
            todos,
            puts,
        })
    }

    fn shown(&self, outcome: &str, version: u32) -> Value {
        let remains = |left: &Remains| {
            let mut shown = json!(left);
            if let Some(members) = shown.as_object_mut() {
                members.insert("words".to_owned(), left.why.words().into());
            }
            shown
        };
        json!({
            "outcome": outcome,
            "version": version,
            "seen": self.seen,
            "restores": self.of,
            "changes": self.changes,
            "calls": self.calls.iter().map(shown).collect::<Vec<_>>(),
            "remains": self.remains.iter().map(remains).collect::<Vec<_>>(),
            "todos": self.todos,
        })
    }
}
