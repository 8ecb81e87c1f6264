//! What needs a person. Looking never consumes.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use orderhub_order::fold::TodoKind;
use orderhub_order::ids::SystemName;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::page;
use super::reason::Reason;
use super::{Api, Problem, decide, kept, query};
use crate::access::{Caller, Right};
use crate::intake::hidden::Hidden;
use crate::store::{Scope, TodoEnd, TodoFilter, TodoRow, TodoState};

/// Bytes of a raw message that are shown with its todo.
const EXCERPT: usize = 4_096;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Of this kind.
    kind: Option<String>,
    /// Of this system.
    system: Option<String>,
    /// Of this cause.
    cause: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A page of open todos, newest first.
#[utoipa::path(
    get, path = "/todo", tag = "todo",
    params(ListQuery),
    responses((status = 200, description = "A page", body = shapes::Todos)),
)]
pub(super) async fn list(
    caller: May<to::ReadTodos>,
    State(api): State<Api>,
    Query(asked): Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let filter = TodoFilter {
        kind: asked.kind.as_deref().map(read_kind).transpose()?,
        system: asked.system.map(SystemName::new),
        cause: asked.cause,
        order: None,
        cursor: asked.cursor,
        limit: query::page_size(asked.limit)?,
    };
    let found = api.store.todos(&caller.scope, &filter).await?;
    query::system_exists(
        &api,
        &caller.scope,
        filter.system.as_ref(),
        filter.cursor.as_ref(),
        &found,
    )?;
    Ok(page(found.items.iter().map(shown).collect(), found.next))
}

/// One todo, with its raw message for who may read personal data.
#[utoipa::path(
    get, path = "/todo/{id}", tag = "todo",
    params(("id" = i64, Path, description = "Number of the todo")),
    responses((status = 200, description = "The todo", body = shapes::Todo)),
)]
pub(super) async fn one(
    caller: May<to::ReadTodos>,
    State(api): State<Api>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    let row = find(&api, &caller.scope, id).await?;
    let mut body = shown(&row);
    let asked = row.message.filter(|_| caller.role.may(Right::ReadPersonal));
    let message = match asked {
        Some(message) => api.store.message(&caller.scope, message).await?,
        None => None,
    };
    if let (Some(_), None, Some(members)) = (asked, &message, body.as_object_mut()) {
        members.insert("raw_gone".to_owned(), kept::message(&api).into());
    }
    if let (Some(message), Some(members)) = (message, body.as_object_mut()) {
        // What came before its secrets were taken out of it, or by another way in, is not shown with them either.
        let hidden = Hidden::of(&api, &message.envelope.system);
        let text = String::from_utf8_lossy(&message.envelope.body);
        // A secret that is cut at the end would not be known.
        let text: String = text.chars().take(2 * EXCERPT).collect();
        let excerpt: String = hidden.shown(&text).chars().take(EXCERPT).collect();
        let shown = json!({
            "id": message.id,
            "source": message.envelope.source,
            "system": message.envelope.system.as_str(),
            "document": message.envelope.document,
            "message_id": message.envelope.message_id,
            "received": message.envelope.received.to_string(),
            "outcome": message.outcome,
            "why": message.why,
            "bytes": message.envelope.body.len(),
            "body": excerpt,
        });
        members.insert("raw".to_owned(), shown);
    }
    Ok(Json(body))
}

/// Drives the message of a todo again, by the one re-drive worker.
#[utoipa::path(
    post, path = "/todo/{id}/replay", tag = "todo",
    params(("id" = i64, Path, description = "Number of the todo")),
    responses((status = 202, description = "It will be driven again", body = shapes::Decided)),
)]
pub(super) async fn replay(
    caller: May<to::Settle>,
    State(api): State<Api>,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let row = find(&api, &caller.scope, id).await?;
    if row.state != TodoState::Open {
        return Err(closed(&row));
    }
    let Some(message) = row.message else {
        let detail = match decide::call(&row) {
            Some(_) => format!(
                "this todo has no message to replay: it is about a call; resolve it: `orderhub todo resolve {id} --again \
                 --reason …` or `orderhub todo resolve {id} --done --reason …`"
            ),
            None => format!(
                "this todo has no message to replay; decide it at its order, or discard it: `orderhub todo discard {id} \
                 --reason …`"
            ),
        };
        return Err(Problem::new(StatusCode::CONFLICT, "nothing_to_replay", detail));
    };
    if api.store.message(&Scope::All, message).await?.is_none() {
        return Err(kept::gone(&api));
    }
    if !api.store.replay(id, &caller.actor, api.clock.now()).await? {
        return Err(closed(&row));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "state": TodoState::Replayed }))))
}

/// Lets a todo be, with a reason. Not one that a call waits for: nobody could decide about that then.
#[utoipa::path(
    post, path = "/todo/{id}/discard", tag = "todo",
    params(("id" = i64, Path, description = "Number of the todo"), ("reason" = String, Query, description = "Why, in the words of who acts", min_length = 1, max_length = 1000, pattern = r"\S")),
    responses((status = 200, description = "It is let be", body = shapes::Decided)),
)]
pub(super) async fn discard(
    caller: May<to::Settle>,
    State(api): State<Api>,
    Path(id): Path<i64>,
    Query(reason): Query<Reason>,
) -> Result<Json<Value>, Problem> {
    let reason = reason.given()?;
    let row = find(&api, &caller.scope, id).await?;
    if row.state == TodoState::Open && decide::is_awaited(&api, &caller.scope, &row).await? {
        let detail = format!(
            "a call waits for this decision; resolve it: `orderhub todo resolve {id} --again --reason …` if it did not happen, \
             `orderhub todo resolve {id} --done --reason …` if it is done or not wanted any more (`again=true`, `again=false`)"
        );
        return Err(Problem::new(StatusCode::CONFLICT, "decision_awaited", detail));
    }
    if !api.store.close_todo(id, end(&api, &caller, TodoState::Discarded, &reason)).await? {
        return Err(closed(&row));
    }
    Ok(Json(json!({ "id": id, "state": TodoState::Discarded })))
}

/// How a person ends a todo.
pub(super) fn end(api: &Api, caller: &Caller, state: TodoState, reason: &str) -> TodoEnd {
    let by = caller.actor.to_string();
    TodoEnd { state, by, reason: reason.to_owned(), at: api.clock.now() }
}

fn read_kind(word: &str) -> Result<TodoKind, Problem> {
    let known = TodoKind::ALL.map(TodoKind::as_str);
    TodoKind::parse(word).ok_or_else(|| query::unknown("kind of todo", word, &known))
}

pub(super) async fn find(api: &Api, scope: &Scope, id: i64) -> Result<TodoRow, Problem> {
    let row = api.store.todo(scope, id).await?;
    row.ok_or_else(|| Problem::not_found("todo", &id.to_string()))
}

pub(super) fn closed(row: &TodoRow) -> Problem {
    let detail = format!("todo {} is no longer open", row.id);
    Problem::new(StatusCode::CONFLICT, "not_open", detail)
}

fn shown(row: &TodoRow) -> Value {
    json!({
        "id": row.id,
        "kind": row.item.kind.as_str(),
        "cause": row.item.cause,
        "system": row.item.system.as_ref().map(SystemName::as_str),
        "why": row.item.why,
        "order": row.order.map(orderhub_order::ids::OrderKey::shown),
        "message": row.message,
        "at": row.at.to_string(),
        "state": row.state,
        "end": row.end,
    })
}
