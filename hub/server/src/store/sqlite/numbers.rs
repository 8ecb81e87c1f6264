//! Numbers of messages: each given once, for ever.
//!
//! **Invariant:** a number is never given twice, whatever became of the message that had it: lanes keep
//! it as the revision of documents that carry none, and a smaller one would be taken for an older
//! document. Test: `a_document_without_a_revision_is_never_older_than_one_before_a_restart`.

use rusqlite::{Connection, OptionalExtension as _, params};

/// Numbers written down as given at once; a process that ends leaves at most so many unused.
const BLOCK: i64 = 10_000;
/// The row of `meta`.
const NAME: &str = "messages_given";

/// Numbers from this one on are free.
pub(super) fn given(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?1";
    let row = connection.query_row(sql, [NAME], |row| row.get::<_, i64>(0));
    Ok(row.optional()?.unwrap_or(0))
}

/// Writes down, in the open transaction, that numbers below `next` are given, and some more. Answers
/// from where on they are free.
pub(super) fn give(connection: &Connection, next: i64) -> Result<i64, rusqlite::Error> {
    let given = next.saturating_add(BLOCK);
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![NAME, given.to_string()])?;
    Ok(given)
}
