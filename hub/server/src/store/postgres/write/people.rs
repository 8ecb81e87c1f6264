//! What a commit shows to people, and what it takes off their list.

use sqlx::{PgConnection, query};

use super::text;
use crate::store::columns::to_column;
use crate::store::commit::{TodoWrite, Writes};
use crate::store::postgres::error::Fault;

pub(super) async fn todos(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    settle(c, writes).await?;
    insert_todos(c, writes.todos, to_column(writes.now)).await?;
    // After the new ones: one of the same batch may be superseded already.
    if writes.superseded.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE todo t
               SET state = 'superseded', ended_at = $1, reason = 'a later document of it came'
               FROM UNNEST($2::text[], $3::text[], $4::text[]) AS i (system, doc_kind, doc_key)
               WHERE t.state = 'open' AND t.doc_key IS NOT NULL AND t.system = i.system
                   AND t.doc_key = i.doc_key AND t.doc_kind = i.doc_kind";
    query(sql)
        .bind(to_column(writes.now))
        .bind(writes.superseded.iter().map(|(system, _, _)| system.as_str()).collect::<Vec<_>>())
        .bind(writes.superseded.iter().map(|(_, kind, _)| text(kind)).collect::<Vec<_>>())
        .bind(writes.superseded.iter().map(|(_, _, key)| &**key).collect::<Vec<_>>())
        .execute(c)
        .await?;
    Ok(())
}

/// What is settled about fields.
async fn settle(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    if writes.settled.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE todo t
               SET state = 'resolved', ended_at = $1, ended_by = 'hub', reason = i.reason
               FROM UNNEST($2::bigint[], $3::text[], $4::text[], $5::text[]) AS i (k, system, about, reason)
               WHERE t.state = 'open' AND t.about IS NOT NULL AND t.k = i.k
                   AND coalesce(t.system, '') = i.system AND t.about = i.about";
    let fields = || writes.settled.keys();
    let systems = fields().map(|(_, system, _)| system.as_ref().map_or("", |name| name.as_str()));
    query(sql)
        .bind(to_column(writes.now))
        .bind(fields().map(|(key, _, _)| key.0).collect::<Vec<_>>())
        .bind(systems.collect::<Vec<_>>())
        .bind(fields().map(|(_, _, about)| text(about)).collect::<Vec<_>>())
        .bind(writes.settled.values().map(|reason| text(reason)).collect::<Vec<_>>())
        .execute(c)
        .await?;
    Ok(())
}

/// Their numbers rise in this order; one about a field takes the place of the one that is open about it.
pub(in super::super) async fn insert_todos(
    c: &mut PgConnection,
    todos: &[TodoWrite],
    now: i64,
) -> Result<(), Fault> {
    if todos.is_empty() {
        return Ok(());
    }
    let sql =
        "INSERT INTO todo (at, state, kind, cause, system, why, k, message, document, doc_kind,
                   doc_key, about)
               SELECT $1, 'open', i.* FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[],
                   $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[]) AS i
               ON CONFLICT (k, coalesce(system, ''), about) WHERE state = 'open' AND about IS NOT NULL DO UPDATE
               SET kind = excluded.kind, cause = excluded.cause, why = excluded.why, at = excluded.at,
                   message = excluded.message, document = excluded.document";
    let items = || todos.iter().map(|todo| &todo.item);
    let systems = items().map(|item| item.system.as_ref().map(|system| system.as_str()));
    let documents = todos.iter().map(|todo| todo.message?.1.map(i64::from));
    let kinds = todos.iter().map(|todo| todo.document.as_ref().map(|(kind, _)| text(kind)));
    let keys = todos.iter().map(|todo| todo.document.as_ref().map(|(_, key)| &**key));
    query(sql)
        .bind(now)
        .bind(items().map(|item| item.kind.as_str()).collect::<Vec<_>>())
        .bind(items().map(|item| text(&item.cause)).collect::<Vec<_>>())
        .bind(systems.collect::<Vec<_>>())
        .bind(items().map(|item| text(&item.why)).collect::<Vec<_>>())
        .bind(todos.iter().map(|todo| Some(todo.order?.0)).collect::<Vec<_>>())
        .bind(todos.iter().map(|todo| Some(todo.message?.0)).collect::<Vec<_>>())
        .bind(documents.collect::<Vec<_>>())
        .bind(kinds.collect::<Vec<_>>())
        .bind(keys.collect::<Vec<_>>())
        .bind(items().map(|item| item.about.as_deref().map(text)).collect::<Vec<_>>())
        .execute(c)
        .await?;
    Ok(())
}
