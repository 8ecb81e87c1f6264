//! Writes everything of a commit but seen ids and references, set by set, each with one cached
//! statement.

use std::borrow::Cow;

use orderhub_order::catalogue::known;
use orderhub_order::fold::TodoKind;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::Rest;
use orderhub_order::value::Value;
use rusqlite::{Connection, params};

use super::error::Fault;
use super::writer::Writer;
use crate::store::codec;
use crate::store::columns::{ALL, holds, to_column};
use crate::store::commit::{ABOUT, LET_GO, WaitKey, Writes};
use crate::store::pack::{Packed, PackedWrites};

pub(super) fn all(writer: &mut Writer, writes: &Writes<'_>) -> Result<(), Fault> {
    let Writer { connection, packers, .. } = writer;
    let packed = packers.writes(writes);
    orders(connection, writes, &packed.orders)?;
    lanes(connection, writes, &packed.lanes)?;
    changes(connection, writes, &packed)?;
    messages(connection, writes, &packed.messages)?;
    super::search::write(connection, writes.index)?;
    receipts(connection, writes)?;
    super::people::todos(connection, writes)?;
    pending(connection, writes)?;
    wake(connection, &writes.woken, to_column(writes.now))?;
    super::fetches::write(connection, writes)?;
    counts(connection, writes)
}

fn orders(c: &Connection, writes: &Writes<'_>, packed: &[Cow<'_, Packed>]) -> Result<(), Fault> {
    let mut insert = c.prepare_cached(
        "INSERT INTO orders (k, unit, origin, ref, order_no, version, stage, holds, placed_at,
             next_timer, chain, since_keyframe, body, personal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let mut update = c.prepare_cached(
        "UPDATE orders SET unit = ?2, origin = ?3, ref = ?4, order_no = ?5, version = ?6, stage = ?7,
             holds = ?8, placed_at = ?9, next_timer = ?10, chain = ?11, since_keyframe = ?12,
             body = ?13, personal = ?14
         WHERE k = ?1",
    )?;
    for (write, packed) in writes.orders.iter().zip(packed) {
        let order = write.order;
        let statement = if write.new { &mut insert } else { &mut update };
        let placed = match order.fields.value(known::order::PLACED_AT) {
            Some(Value::Timestamp(at)) => Some(to_column(*at)),
            Some(_) | None => None,
        };
        statement.execute(params![
            order.key.0,
            order.unit,
            order.origin.as_str(),
            order.reference,
            order.fields.text(known::order::ORDER_NO),
            order.version,
            order.fields.text(known::order::STAGE),
            holds(order),
            placed,
            write.next_timer.map(to_column),
            write.chain,
            write.since_keyframe,
            packed.body,
            packed.personal,
        ])?;
    }
    Ok(())
}

fn lanes(c: &Connection, writes: &Writes<'_>, packed: &[Cow<'_, Packed>]) -> Result<(), Fault> {
    let mut upsert = c.prepare_cached(
        "INSERT INTO lanes (k, system, due_at, body, personal, process, since, put_off,
             rests)
         VALUES (?1, ?2, ?3, ?4, ?5, ?7, ?8, ?9, ?10)
         ON CONFLICT (k, system) DO UPDATE
         SET due_at = excluded.due_at, body = excluded.body, personal = excluded.personal,
             since = excluded.since, put_off = excluded.put_off, rests = excluded.rests,
             process = CASE WHEN ?6 THEN excluded.process ELSE process END",
    )?;
    for (write, packed) in writes.lanes.iter().zip(packed) {
        let Packed { body, personal } = &**packed;
        let lane = write.lane;
        let due = lane.due_at.map(to_column);
        let (key, system) = (write.order.key.0, lane.system.as_str());
        let (changes, process) = write.hold.column();
        let since = lane.waits_since().map(to_column);
        let put_off = lane.is_put_off(writes.now).then_some(true);
        let rests = lane.rests().map(Rest::as_str);
        upsert.execute(params![
            key, system, due, body, personal, changes, process, since, put_off, rests
        ])?;
    }
    Ok(())
}

fn changes(c: &Connection, writes: &Writes<'_>, packed: &PackedWrites<'_>) -> Result<(), Fault> {
    let mut insert = c.prepare_cached(
        "INSERT INTO changes (k, version, at, actor, cause, reason, bundle, fields, chain, delta,
             personal, keyframe, keyframe_personal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let packed = packed.deltas.iter().zip(&packed.keyframes);
    for (change, (delta, keyframe)) in writes.changes.iter().zip(packed) {
        let keyframe_personal = keyframe.as_ref().and_then(|keyframe| keyframe.personal.as_ref());
        insert.execute(params![
            change.key.0,
            change.version,
            to_column(writes.now),
            change.actor,
            change.cause,
            change.reason,
            writes.bundle,
            codec::fields(change.touched),
            change.chain,
            delta.body,
            delta.personal,
            keyframe.as_ref().map(|keyframe| &keyframe.body),
            keyframe_personal,
        ])?;
    }
    Ok(())
}

fn messages(
    c: &Connection,
    writes: &Writes<'_>,
    packed: &[Option<Cow<'_, Packed>>],
) -> Result<(), Fault> {
    let mut insert = c.prepare_cached(
        "INSERT INTO messages (id, first, source, system, document, message_id, received, at,
             outcome, why, bundle, headers, body, said, facts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for (write, packed) in writes.messages.iter().zip(packed) {
        let envelope = write.envelope;
        // The first row holds body and headers for all drives.
        let raw = write.first.is_none();
        insert.execute(params![
            write.id,
            write.first,
            envelope.source,
            envelope.system.as_str(),
            envelope.document,
            envelope.message_id,
            to_column(envelope.received),
            to_column(writes.now),
            write.outcome.as_str(),
            write.why,
            write.bundle,
            (raw && !envelope.headers.is_empty()).then(|| codec::headers(&envelope.headers)),
            packed.as_ref().map(|packed| &packed.body),
            write.recorded.said,
            write.recorded.facts,
        ])?;
    }
    Ok(())
}

fn receipts(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    let mut insert = c.prepare_cached(
        "INSERT INTO receipts (k, at, system, operation, attempt, class, status, ms, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (key, row) in writes.receipts {
        let ms = i64::try_from(row.ms).unwrap_or(i64::MAX);
        insert.execute(params![
            key.0,
            to_column(row.at),
            row.system,
            row.operation,
            row.attempt,
            row.class,
            row.status,
            ms,
            row.why
        ])?;
    }
    Ok(())
}

fn pending(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    for (message, document) in writes.driven {
        forget(c, *message, document.map_or(ALL, i64::from))?;
    }
    let_go(c, writes)?;
    let mut upsert = c.prepare_cached(
        "INSERT INTO pending (message, document, why, since, due_at, asks, holds, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
         ON CONFLICT (message, document) DO UPDATE
         SET why = excluded.why, due_at = excluded.due_at, asks = excluded.asks, attempts = 0,
             holds = iif(pending.holds = ?8, ?8, excluded.holds)
         RETURNING id",
    )?;
    let mut clear = c.prepare_cached("DELETE FROM pending_keys WHERE pending = ?1")?;
    let mut insert = c.prepare_cached(
        "INSERT INTO pending_keys (system, kind, ext_id, pending) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?;
    for row in writes.pending {
        let document = row.document.map_or(ALL, i64::from);
        if let Some(key) = &row.instead {
            take_the_place(c, key, (row.message, document))?;
        }
        let (since, due) = (to_column(row.since), row.due.map(to_column));
        let asks = row.asks.as_ref().map(|system| system.as_str());
        let values = params![row.message, document, row.why, since, due, asks, row.holds, LET_GO];
        let id: i64 = upsert.query_row(values, |row| row.get(0))?;
        clear.execute([id])?;
        for key in &row.keys {
            insert.execute(params![key.system, key.kind, key.ext_id, id])?;
        }
    }
    Ok(())
}

/// A document stands where an earlier one waits that is known by this key: it waits since that one, and what a person is
/// shown of that is about this.
fn take_the_place(
    c: &Connection,
    key: &WaitKey,
    (message, document): (i64, i64),
) -> Result<(), Fault> {
    let mut found = c.prepare_cached(
        "SELECT p.id, p.message, p.document FROM pending_keys k JOIN pending p ON p.id = k.pending
         WHERE k.system = ?1 AND k.kind = ?2 AND k.ext_id = ?3 ORDER BY p.since, p.id",
    )?;
    let rows = found.query_map(params![key.system, key.kind, key.ext_id], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let rows: Vec<(i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
    let mut first = true;
    for (id, old, at) in rows {
        if std::mem::take(&mut first) {
            c.prepare_cached("UPDATE pending SET message = ?2, document = ?3 WHERE id = ?1")?
                .execute(params![id, message, document])?;
        } else {
            forget(c, old, at)?;
        }
        c.prepare_cached(
            "UPDATE todo SET message = ?3, document = ?4
             WHERE message = ?1 AND document = ?2 AND kind = ?5 AND state = 'open'",
        )?
        .execute(params![old, at, message, document, TodoKind::Waiting.as_str()])?;
    }
    Ok(())
}

/// Nothing waits any more behind documents that later ones did away with.
fn let_go(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    let mut update = c.prepare_cached(
        "UPDATE pending SET holds = ?5 WHERE holds = ?2 AND id IN (
             SELECT pending FROM pending_keys WHERE system = ?1 AND kind = ?4 AND ext_id = ?3)",
    )?;
    for (system, kind, key) in writes.superseded {
        update.execute(params![system.as_str(), kind, key, ABOUT, LET_GO])?;
    }
    Ok(())
}

/// A person lets a document be that waits: it is not driven any more, and what waits behind it is.
///
/// **Invariant:** what a person discards is not waited for, and holds nothing back. Test:
/// `what_waits_and_is_discarded_holds_nothing_back`.
pub(super) fn let_be(c: &Connection, message: i64, document: i64, now: i64) -> Result<(), Fault> {
    let mut about = c.prepare_cached(
        "SELECT k.system, k.ext_id FROM pending p JOIN pending_keys k ON k.pending = p.id
         WHERE p.message = ?1 AND p.document = ?2 AND k.kind = ?3",
    )?;
    let keys = about.query_map(params![message, document, ABOUT], |row| {
        Ok(WaitKey::parked(&SystemName::new(row.get::<_, String>(0)?), &row.get::<_, String>(1)?))
    })?;
    let keys: Vec<WaitKey> = keys.collect::<Result<_, _>>()?;
    forget(c, message, document)?;
    wake(c, &keys, now)?;
    Ok(())
}

/// Takes a document out of what is to be driven.
pub(super) fn forget(c: &Connection, message: i64, document: i64) -> Result<(), Fault> {
    let mut delete =
        c.prepare_cached("DELETE FROM pending WHERE message = ?1 AND document = ?2 RETURNING id")?;
    let mut rows = delete.query(params![message, document])?;
    let mut keys = c.prepare_cached("DELETE FROM pending_keys WHERE pending = ?1")?;
    while let Some(row) = rows.next()? {
        keys.execute([row.get::<_, i64>(0)?])?;
    }
    Ok(())
}

/// Makes due what waits for any of these. Answers how many were woken.
pub(super) fn wake(c: &Connection, keys: &[WaitKey], now: i64) -> Result<usize, Fault> {
    let anyone = "SELECT EXISTS (SELECT 1 FROM pending_keys)";
    if keys.is_empty() || !c.prepare_cached(anyone)?.query_row([], |row| row.get(0))? {
        return Ok(0);
    }
    let mut update = c.prepare_cached(
        "UPDATE pending SET why = 'woken', due_at = ?4, woken_at = ?4
         WHERE due_at IS NULL AND id IN (
             SELECT pending FROM pending_keys WHERE system = ?1 AND kind = ?2 AND ext_id = ?3)",
    )?;
    let mut woken = 0;
    for key in keys {
        woken += update.execute(params![key.system, key.kind, key.ext_id, now])?;
    }
    Ok(woken)
}

fn counts(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    let minute = to_column(writes.now) / 60_000_000_000;
    let mut upsert = c.prepare_cached(
        "INSERT INTO counters (minute, system, document, outcome, n) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
    )?;
    for count in &writes.counts {
        upsert.execute(params![
            minute,
            count.system.as_str(),
            count.document,
            count.outcome.as_str(),
            count.n
        ])?;
    }
    Ok(())
}
