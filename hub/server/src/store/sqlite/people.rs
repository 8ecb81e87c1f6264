//! What a commit shows to people, and what it takes off their list.

use orderhub_order::fold::TodoItem;
use rusqlite::{Connection, params};

use super::error::Fault;
use crate::store::columns::to_column;
use crate::store::commit::{Stands, TodoWrite, Writes};

pub(super) fn todos(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    let now = to_column(writes.now);
    let mut end = c.prepare_cached(
        "UPDATE todo SET state = 'superseded', ended_at = ?4, reason = 'a later document of it came'
         WHERE state = 'open' AND doc_key IS NOT NULL AND system = ?1 AND doc_key = ?3
             AND doc_kind = ?2",
    )?;
    carry(c, writes)?;
    let mut settle = c.prepare_cached(
        "UPDATE todo SET state = 'resolved', ended_at = ?4, ended_by = 'hub', reason = ?5
         WHERE state = 'open' AND about IS NOT NULL AND k = ?1 AND coalesce(system, '') = ?2 AND about = ?3",
    )?;
    for ((key, system, about), reason) in writes.settled {
        let system = system.as_ref().map_or("", |system| system.as_str());
        settle.execute(params![key.0, system, about, now, reason])?;
    }
    for todo in writes.todos {
        insert_todo(c, todo, now)?;
    }
    // After the new ones: one of the same batch may be superseded already.
    for (system, kind, key) in writes.superseded {
        end.execute(params![system.as_str(), kind, key, now])?;
    }
    Ok(())
}

/// Open todos that are about the same by another name. One that has no open todo was ended by a person, and stays so.
fn carry(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    if writes.carried.is_empty() {
        return Ok(());
    }
    let mut end = c.prepare_cached(
        "UPDATE todo SET state = 'resolved', ended_at = ?5, ended_by = 'hub', reason = 'asked by another name'
         WHERE state = 'open' AND k = ?1 AND coalesce(system, '') = ?2 AND about = ?3 AND EXISTS (
             SELECT 1 FROM todo WHERE state = 'open' AND k = ?1 AND coalesce(system, '') = ?2 AND about = ?4)",
    )?;
    let mut carry = c.prepare_cached(
        "UPDATE todo SET about = ?4, why = ?5
         WHERE state = 'open' AND k = ?1 AND coalesce(system, '') = ?2 AND about = ?3",
    )?;
    for ((key, system, about), (to, why)) in writes.carried {
        let system = system.as_ref().map_or("", |system| system.as_str());
        end.execute(params![key.0, system, about, to, to_column(writes.now)])?;
        carry.execute(params![key.0, system, about, to, why])?;
    }
    Ok(())
}

pub(super) fn insert_todo(c: &Connection, todo: &TodoWrite, now: i64) -> Result<(), Fault> {
    let is_there = match todo.stands {
        Stands::Beside => false,
        Stands::Again => open_again(c, todo, now)?,
        Stands::Instead => instead(c, todo)?,
    };
    if is_there {
        return Ok(());
    }
    let mut insert = c.prepare_cached(
        "INSERT INTO todo (kind, cause, system, why, k, message, document, doc_kind, doc_key, at, about, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'open')
         ON CONFLICT (k, coalesce(system, ''), about) WHERE state = 'open' AND about IS NOT NULL DO UPDATE
         SET kind = excluded.kind, cause = excluded.cause, why = excluded.why, at = excluded.at,
             message = excluded.message, document = excluded.document",
    )?;
    let (message, document) = todo.message.unzip();
    let (doc_kind, doc_key) = todo.document.as_ref().map(|(kind, key)| (kind, key)).unzip();
    insert.execute(params![
        todo.item.kind.as_str(),
        todo.item.cause,
        todo.item.system.as_ref().map(|system| system.as_str()),
        todo.item.why,
        todo.order.map(|key| key.0),
        message,
        document.flatten(),
        doc_kind,
        doc_key,
        now,
        todo.item.about,
    ])?;
    Ok(())
}

/// Opens the todo again that the hub ended to try its message once more; whether there is one.
fn open_again(c: &Connection, todo: &TodoWrite, now: i64) -> Result<bool, Fault> {
    let (message, document) = todo.message.unzip();
    let mut update = c.prepare_cached(
        "UPDATE todo SET state = 'open', why = ?1, at = ?2, ended_at = NULL, ended_by = NULL, reason = NULL
         WHERE id = (SELECT max(id) FROM todo
             WHERE message = ?3 AND document IS ?4 AND cause = ?5 AND state = 'replayed' AND ended_by = 'hub')",
    )?;
    let values = params![todo.item.why, now, message, document.flatten(), todo.item.cause];
    Ok(update.execute(values)? > 0)
}

/// Puts a todo in the place of the open one about the same document; whether there is one.
fn instead(c: &Connection, todo: &TodoWrite) -> Result<bool, Fault> {
    let (message, document) = todo.message.unzip();
    let (doc_kind, doc_key) = todo.document.as_ref().map(|(kind, key)| (kind, key)).unzip();
    let mut update = c.prepare_cached(
        "UPDATE todo SET kind = ?1, cause = ?2, why = ?3, message = ?4, document = ?5
         WHERE id = (SELECT max(id) FROM todo
             WHERE state = 'open' AND doc_key IS NOT NULL AND system = ?6 AND doc_kind = ?7 AND doc_key = ?8)",
    )?;
    let TodoItem { kind, cause, system, why, .. } = &todo.item;
    let system = system.as_ref().map(|system| system.as_str());
    let (kind, document) = (kind.as_str(), document.flatten());
    let values = params![kind, cause, why, message, document, system, doc_kind, doc_key];
    Ok(update.execute(values)? > 0)
}
