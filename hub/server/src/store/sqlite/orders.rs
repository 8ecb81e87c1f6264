//! Reading orders: heads, any version, what happened to them; and the bundles that decided it.

use jiff::Timestamp;
use orderhub_order::history::Stored;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::Order;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::error::Fault;
use super::time::{from_column, to_column};
use super::tx::{parts, read_order};
use super::writer::Writer;
use crate::bundle::Files;
use crate::store::codec;
use crate::store::{ChangeRow, Filter, MOST_ROWS, Page, ReceiptRow};

/// Orders that one word may mean; more are not told apart.
const MOST_FOUND: i64 = 50;

/// The orders that a word may mean, oldest first.
pub(super) fn find(c: &Connection, word: &str) -> Result<Vec<OrderKey>, Fault> {
    if let Some(key) = OrderKey::parse(word) {
        let exists = "SELECT EXISTS (SELECT 1 FROM orders WHERE k = ?1)";
        if c.prepare_cached(exists)?.query_row([key.0], |row| row.get(0))? {
            return Ok(vec![key]);
        }
    }
    let mut statement =
        c.prepare_cached("SELECT k FROM tokens WHERE token = ?1 ORDER BY k LIMIT ?2")?;
    let rows = statement.query_map(params![word.to_lowercase(), MOST_FOUND], |row| row.get(0))?;
    Ok(rows.map(|key| key.map(OrderKey)).collect::<Result<_, _>>()?)
}

/// A page of heads, newest first. The cursor is the key of the last one.
pub(super) fn list(c: &Connection, filter: &Filter) -> Result<Page<Order>, Fault> {
    let mut sql = "SELECT k, body, personal FROM orders WHERE 1".to_owned();
    let mut values: Vec<Column> = Vec::new();
    let mut and = |condition: &str, value: Column| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(cursor) = filter.cursor.as_deref().and_then(OrderKey::parse) {
        and("k < ?", Column::Integer(cursor.0));
    }
    if let Some(system) = &filter.system {
        and("origin = ?", Column::Text(system.as_str().to_owned()));
    }
    if let Some(stage) = &filter.stage {
        and("stage = ?", Column::Text(stage.clone()));
    }
    if let Some(hold) = &filter.hold {
        and("instr(holds, ?) > 0", Column::Text(format!(",{hold},")));
    }
    if let Some(word) = filter.q.as_deref().filter(|word| !word.is_empty()) {
        // A prefix as a range: the index serves it whatever characters it holds.
        let word = word.to_lowercase();
        let beyond = format!("{word}{}", char::MAX);
        and("k IN (SELECT k FROM tokens WHERE token >= ?", Column::Text(word));
        and("token < ?)", Column::Text(beyond));
    }
    let limit = filter.limit.clamp(1, MOST_ROWS);
    let more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    sql.push_str(&format!(" ORDER BY k DESC LIMIT {more}"));

    let mut statement = c.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Page { items: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        if page.items.len() == limit {
            page.next = page.items.last().map(|order: &Order| order.key.shown());
            break;
        }
        page.items.push(codec::order(&parts(row, 1)?)?);
    }
    Ok(page)
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
    let rows = statement.query_map([key.0], |row| {
        Ok(ReceiptRow {
            at: from_column(row.get(0)?),
            system: row.get(1)?,
            operation: row.get(2)?,
            attempt: row.get(3)?,
            class: row.get(4)?,
            status: row.get(5)?,
            ms: u64::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
            why: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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
