//! Writes everything of a commit but seen ids and references: one statement a table, over the columns of
//! all of its rows; those that most commits have are sent together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use orderhub_order::catalogue::known;
use orderhub_order::lane::Rest;
use orderhub_order::value::Value;
use sqlx::PgConnection;

use super::error::Fault;
use super::partitions::Places;
use super::together::Together;
use crate::store::codec;
use crate::store::columns::{holds, to_column};
use crate::store::commit::{OrderWrite, Writes};
use crate::store::pack::{Packed, PackedWrites};

mod pending;
mod people;

pub(super) use pending::{forget, let_be, wake};
pub(super) use people::insert_todos;

/// Letters of a document's name in the counters: an index cannot hold a key of any length.
const MOST_NAME: usize = 200;

pub(super) async fn all(
    c: &mut PgConnection,
    writes: &Writes<'_>,
    packed: &PackedWrites<'_>,
    places: Places,
) -> Result<(), Fault> {
    people::todos(c, writes).await?;
    pending::all(c, writes).await?;
    wake(c, &writes.woken, to_column(writes.now)).await?;
    super::fetches::write(c, writes).await?;
    let mut together = Together::default();
    orders(&mut together, writes, &packed.orders);
    lanes(&mut together, writes, &packed.lanes);
    changes(&mut together, writes, packed);
    messages(&mut together, writes, &packed.messages, places.messages);
    super::search::write(c, writes.index, &mut together).await?;
    receipts(&mut together, writes, places.receipts);
    together.run(&mut *c).await?;
    // Last, and alone: all batches of a minute write the same rows, and wait here for each other's COMMIT.
    let mut last = Together::default();
    counts(&mut last, writes);
    last.run(c).await
}

/// A text as a column can hold it: those of PostgreSQL know no NUL. Not for keys: two would become one.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

fn orders(together: &mut Together, writes: &Writes<'_>, packed: &[Cow<'_, Packed>]) {
    let insert = "INSERT INTO orders (k, unit, origin, ref, order_no, version, stage, holds, placed_at,
                      next_timer, chain, since_keyframe, body, personal)
                  SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
                      $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[],
                      $12::bigint[], $13::bytea[], $14::bytea[])";
    let update = "UPDATE orders o SET unit = i.unit, origin = i.origin, ref = i.ref,
                      order_no = i.order_no, version = i.version, stage = i.stage, holds = i.holds,
                      placed_at = i.placed_at, next_timer = i.next_timer, chain = i.chain,
                      since_keyframe = i.since_keyframe, body = i.body, personal = i.personal
                  FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
                      $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[],
                      $12::bigint[], $13::bytea[], $14::bytea[])
                      AS i (k, unit, origin, ref, order_no, version, stage, holds, placed_at,
                          next_timer, chain, since_keyframe, body, personal)
                  WHERE o.k = i.k";
    for (new, sql) in [(true, insert), (false, update)] {
        let packed = packed.iter().map(|packed| &**packed);
        let rows = writes.orders.iter().zip(packed).filter(|(write, _)| write.new == new);
        heads(together, sql, &rows.collect::<Vec<_>>());
    }
}

fn heads(together: &mut Together, sql: &str, rows: &[(&OrderWrite<'_>, &Packed)]) {
    if rows.is_empty() {
        return;
    }
    let orders: Vec<_> = rows.iter().map(|(write, _)| write.order).collect();
    let fields = |field| orders.iter().map(|order| order.fields.text(field)).collect::<Vec<_>>();
    let placed = orders.iter().map(|order| match order.fields.value(known::order::PLACED_AT) {
        Some(Value::Timestamp(at)) => Some(to_column(*at)),
        Some(_) | None => None,
    });
    let timers = rows.iter().map(|(write, _)| write.next_timer.map(to_column));
    let personal = rows.iter().map(|(_, packed)| packed.personal.as_deref());
    together
        .add(sql)
        .bind(orders.iter().map(|order| order.key.0).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| &*order.unit).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.origin.as_str()).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| &*order.reference).collect::<Vec<_>>())
        .bind(fields(known::order::ORDER_NO))
        .bind(orders.iter().map(|order| i64::from(order.version)).collect::<Vec<_>>())
        .bind(fields(known::order::STAGE))
        .bind(orders.iter().map(|order| holds(order)).collect::<Vec<_>>())
        .bind(placed.collect::<Vec<_>>())
        .bind(timers.collect::<Vec<_>>())
        .bind(rows.iter().map(|(write, _)| &write.chain[..]).collect::<Vec<_>>())
        .bind(rows.iter().map(|(write, _)| i64::from(write.since_keyframe)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, packed)| &packed.body[..]).collect::<Vec<_>>())
        .bind(personal.collect::<Vec<_>>());
}

fn lanes(together: &mut Together, writes: &Writes<'_>, packed: &[Cow<'_, Packed>]) {
    if writes.lanes.is_empty() {
        return;
    }
    let sql = "INSERT INTO lanes (k, system, due_at, body, personal, process, since, put_off,
                   rests)
               SELECT i.k, i.system, i.due_at, i.body, i.personal,
                   CASE WHEN i.changes THEN i.process ELSE l.process END, i.since, i.put_off, i.rests
               FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[],
                   $6::boolean[], $7::bigint[], $8::bigint[], $9::boolean[], $10::text[])
                   AS i (k, system, due_at, body, personal, changes, process, since, put_off, rests)
               LEFT JOIN lanes l ON l.k = i.k AND l.system = i.system
               ON CONFLICT (k, system) DO UPDATE
               SET due_at = excluded.due_at, body = excluded.body, personal = excluded.personal,
                   process = excluded.process, since = excluded.since, put_off = excluded.put_off,
                   rests = excluded.rests";
    let (changes, processes): (Vec<bool>, Vec<Option<i64>>) =
        writes.lanes.iter().map(|write| write.hold.column()).unzip();
    let lanes = || writes.lanes.iter().map(|write| write.lane);
    together
        .add(sql)
        .bind(writes.lanes.iter().map(|write| write.order.key.0).collect::<Vec<_>>())
        .bind(lanes().map(|lane| lane.system.as_str()).collect::<Vec<_>>())
        .bind(lanes().map(|lane| lane.due_at.map(to_column)).collect::<Vec<_>>())
        .bind(packed.iter().map(|packed| &packed.body[..]).collect::<Vec<_>>())
        .bind(packed.iter().map(|packed| packed.personal.as_deref()).collect::<Vec<_>>())
        .bind(changes)
        .bind(processes)
        .bind(lanes().map(|lane| lane.waits_since().map(to_column)).collect::<Vec<_>>())
        .bind(lanes().map(|lane| lane.is_put_off(writes.now).then_some(true)).collect::<Vec<_>>())
        .bind(lanes().map(|lane| lane.rests().map(Rest::as_str)).collect::<Vec<_>>());
}

fn changes(together: &mut Together, writes: &Writes<'_>, packed: &PackedWrites<'_>) {
    if writes.changes.is_empty() {
        return;
    }
    let sql =
        "INSERT INTO changes (at, bundle, k, version, actor, cause, reason, fields, chain, delta,
                   personal, keyframe, keyframe_personal)
               SELECT $1, $2, i.* FROM UNNEST($3::bigint[], $4::bigint[], $5::text[], $6::text[],
                   $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[],
                   $13::bytea[]) AS i";
    let changes = writes.changes;
    let keyframes = || packed.keyframes.iter().map(|keyframe| keyframe.as_ref());
    let keyframe_personal = keyframes().map(|keyframe| keyframe?.personal.as_deref());
    together
        .add(sql)
        .bind(to_column(writes.now))
        .bind(writes.bundle)
        .bind(changes.iter().map(|change| change.key.0).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| i64::from(change.version)).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| &*change.actor).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| &*change.cause).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.reason.as_deref()).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| codec::fields(change.touched)).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| &change.chain[..]).collect::<Vec<_>>())
        .bind(packed.deltas.iter().map(|delta| &delta.body[..]).collect::<Vec<_>>())
        .bind(packed.deltas.iter().map(|delta| delta.personal.as_deref()).collect::<Vec<_>>())
        .bind(keyframes().map(|keyframe| Some(&keyframe?.body[..])).collect::<Vec<_>>())
        .bind(keyframe_personal.collect::<Vec<_>>());
}

fn messages(
    together: &mut Together,
    writes: &Writes<'_>,
    packed: &[Option<Cow<'_, Packed>>],
    day: i64,
) {
    let messages = &writes.messages;
    if messages.is_empty() {
        return;
    }
    let sql = "INSERT INTO messages (day, at, bundle, id, first, source, system, document, message_id,
                   received, outcome, why, headers, body, said, facts)
               SELECT $1, $2, i.* FROM UNNEST($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                   $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[],
                   $14::bytea[], $15::bytea[], $16::bytea[]) AS i";
    let envelopes = || messages.iter().map(|write| write.envelope);
    let recorded = || messages.iter().map(|write| write.recorded);
    let headers = messages.iter().map(|write| {
        // The first row holds body and headers for all drives.
        let raw = write.first.is_none() && !write.envelope.headers.is_empty();
        raw.then(|| codec::headers(&write.envelope.headers))
    });
    let bodies = packed.iter().map(|packed| packed.as_ref().map(|packed| &packed.body[..]));
    together
        .add(sql)
        .bind(day)
        .bind(to_column(writes.now))
        .bind(messages.iter().map(|write| write.bundle).collect::<Vec<_>>())
        .bind(messages.iter().map(|write| write.id).collect::<Vec<_>>())
        .bind(messages.iter().map(|write| write.first).collect::<Vec<_>>())
        .bind(envelopes().map(|envelope| text(&envelope.source)).collect::<Vec<_>>())
        .bind(envelopes().map(|envelope| text(envelope.system.as_str())).collect::<Vec<_>>())
        .bind(envelopes().map(|envelope| text(&envelope.document)).collect::<Vec<_>>())
        .bind(envelopes().map(|e| e.message_id.as_deref().map(text)).collect::<Vec<_>>())
        .bind(envelopes().map(|envelope| to_column(envelope.received)).collect::<Vec<_>>())
        .bind(messages.iter().map(|write| write.outcome.as_str()).collect::<Vec<_>>())
        .bind(messages.iter().map(|write| text(write.why)).collect::<Vec<_>>())
        .bind(headers.collect::<Vec<_>>())
        .bind(bodies.collect::<Vec<_>>())
        .bind(
            recorded()
                .map(|recorded| recorded.said.as_ref().map(|said| &said[..]))
                .collect::<Vec<_>>(),
        )
        .bind(recorded().map(|recorded| recorded.facts.as_deref()).collect::<Vec<_>>());
}

fn receipts(together: &mut Together, writes: &Writes<'_>, day: i64) {
    if writes.receipts.is_empty() {
        return;
    }
    let sql =
        "INSERT INTO receipts (day, k, at, system, operation, attempt, class, status, ms, why)
               SELECT $1, i.* FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[],
                   $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::text[]) AS i";
    let rows = || writes.receipts.iter().map(|(_, row)| row);
    together
        .add(sql)
        .bind(day)
        .bind(writes.receipts.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
        .bind(rows().map(|row| to_column(row.at)).collect::<Vec<_>>())
        .bind(rows().map(|row| text(&row.system)).collect::<Vec<_>>())
        .bind(rows().map(|row| text(&row.operation)).collect::<Vec<_>>())
        .bind(rows().map(|row| i64::from(row.attempt)).collect::<Vec<_>>())
        .bind(rows().map(|row| text(&row.class)).collect::<Vec<_>>())
        .bind(rows().map(|row| row.status.map(i64::from)).collect::<Vec<_>>())
        .bind(rows().map(|row| i64::try_from(row.ms).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(rows().map(|row| text(&row.why)).collect::<Vec<_>>());
}

fn counts(together: &mut Together, writes: &Writes<'_>) {
    // Sorted, and each row once, however names are cut.
    let mut rows: BTreeMap<(&str, String, &str), i64> = BTreeMap::new();
    for count in &writes.counts {
        let document = text(&count.document).chars().take(MOST_NAME).collect();
        let row = (count.system.as_str(), document, count.outcome.as_str());
        *rows.entry(row).or_default() += i64::from(count.n);
    }
    if rows.is_empty() {
        return;
    }
    let sql = "INSERT INTO counters AS c (minute, system, document, outcome, n)
               SELECT $1, i.* FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bigint[]) AS i
               ON CONFLICT (minute, system, document, outcome) DO UPDATE SET n = c.n + excluded.n";
    together
        .add(sql)
        .bind(to_column(writes.now) / 60_000_000_000)
        .bind(rows.keys().map(|(system, _, _)| *system).collect::<Vec<_>>())
        .bind(rows.keys().map(|(_, document, _)| &**document).collect::<Vec<_>>())
        .bind(rows.keys().map(|(_, _, outcome)| *outcome).collect::<Vec<_>>())
        .bind(rows.values().copied().collect::<Vec<_>>());
}
