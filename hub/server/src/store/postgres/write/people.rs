//! What a commit shows to people, and what it takes off their list.

use std::collections::HashSet;

use sqlx::{PgConnection, query, query_as};

use super::text;
use crate::store::columns::to_column;
use crate::store::commit::{Stands, TodoWrite, Writes};
use crate::store::postgres::error::Fault;

pub(super) async fn todos(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    carry(c, writes).await?;
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

/// Open todos that are about the same by another name. One that has no open todo was ended by a person, and stays so. They
/// are few: an entry of `deliver:` has another name, and this order lacks something of it.
async fn carry(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    let end = "UPDATE todo SET state = 'resolved', ended_at = $5, ended_by = 'hub', reason = 'asked by another name'
               WHERE state = 'open' AND k = $1 AND coalesce(system, '') = $2 AND about = $3 AND EXISTS (
                   SELECT 1 FROM todo WHERE state = 'open' AND k = $1 AND coalesce(system, '') = $2 AND about = $4)";
    let carry = "UPDATE todo SET about = $4, why = $5
                 WHERE state = 'open' AND k = $1 AND coalesce(system, '') = $2 AND about = $3";
    for ((key, system, about), (to, why)) in writes.carried {
        let system = system.as_ref().map_or("", |system| system.as_str());
        let (about, to) = (text(about), text(to));
        let end = query(end).bind(key.0).bind(system).bind(&*about).bind(&*to);
        end.bind(to_column(writes.now)).execute(&mut *c).await?;
        let carry = query(carry).bind(key.0).bind(system).bind(&*about).bind(&*to);
        carry.bind(&*text(why)).execute(&mut *c).await?;
    }
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
    let open = open_again(c, todos, now).await?;
    let told = instead(c, todos).await?;
    let is_there = |todo: &&TodoWrite| match todo.stands {
        Stands::Beside => false,
        Stands::Again => open.contains(&Again::of(todo)),
        Stands::Instead => about(todo).is_some_and(|about| told.contains(&about)),
    };
    let todos: Vec<&TodoWrite> = todos.iter().filter(|todo| !is_there(todo)).collect();
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

/// What a todo is known by that is opened again: its message, the document in it, its cause.
#[derive(PartialEq, Eq, Hash)]
struct Again(Option<i64>, Option<i64>, String);

impl Again {
    fn of(todo: &TodoWrite) -> Self {
        let (message, document) = todo.message.unzip();
        Self(message, document.flatten().map(i64::from), text(&todo.item.cause).into_owned())
    }
}

/// Opens the todos again that the hub ended to try their messages once more; answers which.
async fn open_again(
    c: &mut PgConnection,
    todos: &[TodoWrite],
    now: i64,
) -> Result<HashSet<Again>, Fault> {
    let again = todos.iter().filter(|todo| todo.stands == Stands::Again);
    let again: Vec<&TodoWrite> = again.collect();
    if again.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = "UPDATE todo t
               SET state = 'open', why = i.why, at = $1, ended_at = NULL, ended_by = NULL, reason = NULL
               FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS i (message, document, cause, why)
               WHERE t.id = (SELECT max(o.id) FROM todo o
                   WHERE o.message = i.message AND o.document IS NOT DISTINCT FROM i.document
                       AND o.cause = i.cause AND o.state = 'replayed' AND o.ended_by = 'hub')
               RETURNING t.message, t.document, t.cause";
    let keys: Vec<Again> = again.iter().map(|todo| Again::of(todo)).collect();
    let rows = query_as::<_, (Option<i64>, Option<i64>, String)>(sql)
        .bind(now)
        .bind(keys.iter().map(|key| key.0).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.1).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.2.as_str()).collect::<Vec<_>>())
        .bind(again.iter().map(|todo| text(&todo.item.why)).collect::<Vec<_>>())
        .fetch_all(c)
        .await?;
    let open = rows.into_iter().map(|(message, document, cause)| Again(message, document, cause));
    Ok(open.collect())
}

/// What a todo is about that takes another one's place: its system, and kind and key of the document.
type About = (String, String, String);

fn about(todo: &TodoWrite) -> Option<About> {
    let (kind, key) = todo.document.as_ref()?;
    Some((todo.item.system.as_ref()?.to_string(), text(kind).into_owned(), key.to_string()))
}

/// Puts todos in the place of the open ones about the same documents; answers which.
async fn instead(c: &mut PgConnection, todos: &[TodoWrite]) -> Result<HashSet<About>, Fault> {
    let told = todos.iter().filter(|todo| todo.stands == Stands::Instead);
    let told: Vec<(&TodoWrite, About)> =
        told.filter_map(|todo| Some((todo, about(todo)?))).collect();
    if told.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = "UPDATE todo t
               SET kind = i.kind, cause = i.cause, why = i.why, message = i.message, document = i.document
               FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                   $8::bigint[]) AS i (system, doc_kind, doc_key, kind, cause, why, message, document)
               WHERE t.id = (SELECT max(o.id) FROM todo o
                   WHERE o.state = 'open' AND o.doc_key IS NOT NULL AND o.system = i.system
                       AND o.doc_kind = i.doc_kind AND o.doc_key = i.doc_key)
               RETURNING t.system, t.doc_kind, t.doc_key";
    let items = || told.iter().map(|(todo, _)| &todo.item);
    let messages = || told.iter().map(|(todo, _)| todo.message.unzip());
    let rows = query_as::<_, About>(sql)
        .bind(told.iter().map(|(_, about)| about.0.as_str()).collect::<Vec<_>>())
        .bind(told.iter().map(|(_, about)| about.1.as_str()).collect::<Vec<_>>())
        .bind(told.iter().map(|(_, about)| about.2.as_str()).collect::<Vec<_>>())
        .bind(items().map(|item| item.kind.as_str()).collect::<Vec<_>>())
        .bind(items().map(|item| text(&item.cause)).collect::<Vec<_>>())
        .bind(items().map(|item| text(&item.why)).collect::<Vec<_>>())
        .bind(messages().map(|(message, _)| message).collect::<Vec<_>>())
        .bind(messages().map(|(_, document)| document.flatten().map(i64::from)).collect::<Vec<_>>())
        .fetch_all(c)
        .await?;
    Ok(rows.into_iter().collect())
}
