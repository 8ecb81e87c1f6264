//! Reading orders: heads, any version, what happened to them; and the bundles that decided it.

use jiff::Timestamp;
use orderhub_order::history::Stored;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::Order;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Fault;
use super::reads::Looking;
use super::tx::{parts, read_order};
use super::writer::Writer;
use crate::bundle::Files;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::search::{MOST_FOUND, MOST_LOOKED, called, identifier};
use crate::store::{ChangeRow, ReceiptRow, Scope};

/// The orders of a scope that are called by a word, newest first.
pub(super) fn find(c: &Connection, scope: &Scope, word: &str) -> Result<Vec<OrderKey>, Fault> {
    let looking = Looking::new(c, scope);
    if let Some(key) = OrderKey::parse(word) {
        let exists = "SELECT EXISTS (SELECT 1 FROM orders WHERE k = ?1)";
        if c.prepare_cached(exists)?.query_row([key.0], |row| row.get(0))? {
            return Ok(looking.sees(key)?.then_some(key).into_iter().collect());
        }
    }
    let Some(word) = identifier(word) else { return Ok(Vec::new()) };
    let origins = scope.origins().map(|origins| serde_json::Value::from(origins).to_string());
    // The left side of a CROSS JOIN is always the outer loop: the word, in the order of its index.
    let mut statement = c.prepare_cached(
        "SELECT s.k FROM search_words s CROSS JOIN orders o ON o.k = s.k
         WHERE s.word = ?1 AND (?2 IS NULL OR o.origin IN (SELECT value FROM json_each(?2)))
         ORDER BY s.k DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![called(&word), origins, MOST_LOOKED])?;
    let mut found = Vec::new();
    while found.len() < MOST_FOUND
        && let Some(row) = rows.next()?
    {
        let key = OrderKey(row.get(0)?);
        if looking.sees(key)? {
            found.push(key);
        }
    }
    Ok(found)
}

/// An order at a version: the nearest keyframe before it, then deltas.
pub(super) fn at(c: &Connection, key: OrderKey, version: u32) -> Result<Option<Order>, Fault> {
    let Some(head) = read_order(c, key)?.map(|locked| (*locked.state.order).clone()) else {
        return Ok(None);
    };
    if version == head.version {
        return Ok(Some(head));
    }
    if version == 0 || version > head.version {
        return Ok(None);
    }
    let keyframe = c
        .prepare_cached(
            "SELECT keyframe, keyframe_personal FROM changes
             WHERE k = ?1 AND version <= ?2 AND keyframe IS NOT NULL
             ORDER BY version DESC LIMIT 1",
        )?
        .query_row(params![key.0, version], |row| Ok(parts(row, 0)))
        .optional()?
        .transpose()?;
    let mut order = match keyframe {
        Some(parts) => codec::order(&parts)?,
        None => codec::first(&head),
    };
    let mut deltas = c.prepare_cached(
        "SELECT delta, personal FROM changes
         WHERE k = ?1 AND version > ?2 AND version <= ?3 ORDER BY version",
    )?;
    let mut rows = deltas.query(params![key.0, order.version, version])?;
    while let Some(row) = rows.next()? {
        codec::replay(&mut order, &parts(row, 0)?)?;
    }
    Ok(Some(order))
}

/// The versions of an order, oldest first.
pub(super) fn changes(c: &Connection, key: OrderKey) -> Result<Vec<ChangeRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT version, at, actor, cause, reason, bundle, fields, delta, personal
         FROM changes WHERE k = ?1 ORDER BY version",
    )?;
    let mut rows = statement.query([key.0])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let Stored { body, personal } = parts(row, 7)?;
        changes.push(ChangeRow {
            version: row.get(0)?,
            at: from_column(row.get(1)?),
            actor: row.get(2)?,
            cause: row.get(3)?,
            reason: row.get(4)?,
            bundle: row.get(5)?,
            touched: codec::read_fields(&row.get::<_, Vec<u8>>(6)?),
            delta: body,
            personal,
        });
    }
    Ok(changes)
}

/// Attempts at an order's deliveries, newest first.
pub(super) fn receipts(c: &Connection, key: OrderKey) -> Result<Vec<ReceiptRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT at, system, operation, attempt, class, status, ms, why
         FROM receipts WHERE k = ?1 ORDER BY id DESC",
    )?;
    let rows = statement.query_map([key.0], |row| receipt(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An attempt, whose columns stand in this order from `first` on: at, system, operation, attempt,
/// class, status, ms, why.
pub(super) fn receipt(row: &Row<'_>, first: usize) -> Result<ReceiptRow, rusqlite::Error> {
    Ok(ReceiptRow {
        at: from_column(row.get(first)?),
        system: row.get(first + 1)?,
        operation: row.get(first + 2)?,
        attempt: row.get(first + 3)?,
        class: row.get(first + 4)?,
        status: row.get(first + 5)?,
        ms: u64::try_from(row.get::<_, i64>(first + 6)?).unwrap_or(0),
        why: row.get(first + 7)?,
    })
}

/// Keeps a bundle's files, and makes it the active one.
pub(super) fn activate(
    writer: &mut Writer,
    hash: &str,
    files: &Files,
    now: Timestamp,
) -> Result<(), Fault> {
    let packed = writer.packers.pack(&codec::files(files)?);
    let c = &writer.connection;
    let keep = "INSERT INTO bundles (hash, at, files) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    c.execute(keep, params![hash, to_column(now), packed])?;
    let switch = "INSERT INTO meta (name, value) VALUES ('bundle', ?1)
                  ON CONFLICT DO UPDATE SET value = excluded.value";
    c.execute(switch, [hash])?;
    Ok(())
}

/// The files of a bundle.
pub(super) fn bundle(c: &Connection, hash: &str) -> Result<Option<Files>, Fault> {
    let sql = "SELECT files FROM bundles WHERE hash = ?1";
    let packed = c.query_row(sql, [hash], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    packed.map(|packed| Ok(codec::read_files(&codec::unpack(&packed)?)?)).transpose()
}

/// When a bundle was first kept.
pub(super) fn bundle_since(c: &Connection, hash: &str) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT at FROM bundles WHERE hash = ?1";
    let at = c.query_row(sql, [hash], |row| row.get::<_, i64>(0)).optional()?;
    Ok(at.map(from_column))
}
