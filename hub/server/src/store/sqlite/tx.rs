//! The steps of a commit on SQLite: the questions here, the writing in `write`. Every future is ready
//! at once; under `BEGIN IMMEDIATE` on the one writer thread everything is locked already.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::history::Stored;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::model::State;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Fault;
use super::numbers;
use super::write;
use super::writer::Writer;
use crate::store::codec;
use crate::store::columns::from_column;
use crate::store::commit::{
    ABOUT, DocumentKey, LET_GO, Locked, Lookup, Seen, SeenId, Tx, TxError, WaitKey, Writes,
};
use crate::store::unpack::{self, PackedOrder};

/// An open transaction.
pub(super) struct SqliteTx<'a> {
    writer: &'a mut Writer,
    now: Timestamp,
    /// A part of the batch was written in this transaction: what was committed before may be old.
    written: bool,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn new(writer: &'a mut Writer, now: Timestamp) -> Self {
        Self { writer, now, written: false }
    }

    fn run(&self, sql: &str) -> Result<(), TxError> {
        self.writer.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

impl Lookup for SqliteTx<'_> {
    async fn numbers(&mut self, messages: usize, orders: usize) -> Result<(i64, i64), TxError> {
        let first = (self.writer.next_message, self.writer.next_order);
        let run = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.writer.next_message = first.0.saturating_add(run(messages));
        self.writer.next_order = first.1.saturating_add(run(orders));
        if self.writer.next_message > self.writer.given {
            self.writer.given = numbers::give(&self.writer.connection, self.writer.next_message)?;
        }
        Ok(first)
    }

    async fn references(&mut self, keys: &[ReferenceKey]) -> Result<Vec<Option<Bound>>, TxError> {
        keys.iter().map(|key| Ok(bound(&self.writer.connection, key)?)).collect()
    }

    async fn lock(&mut self, keys: &[OrderKey]) -> Result<Vec<Locked>, TxError> {
        let mut locked = Vec::with_capacity(keys.len());
        let (mut rows, mut packed) = (Vec::new(), Vec::new());
        for key in keys {
            match self.writer.heads.take(*key).filter(|_| !self.written) {
                Some(known) => locked.push(known),
                None => {
                    let found = order_row(&self.writer.connection, *key)?;
                    if let Some((row, order)) = found {
                        rows.push(row);
                        packed.push(order);
                    }
                }
            }
        }
        for (row, state) in rows.into_iter().zip(unpack::states(&packed, PackedOrder::state)) {
            locked.push(row.locked(state?));
        }
        Ok(locked)
    }

    async fn parked(
        &mut self,
        keys: &[(SystemName, Box<str>)],
    ) -> Result<Vec<DocumentKey>, TxError> {
        let mut statement = self.writer.connection.prepare_cached(
            "SELECT doc_kind FROM todo
             WHERE state = 'open' AND doc_key IS NOT NULL AND system = ?1 AND doc_key = ?2
             UNION ALL
             SELECT p.holds FROM pending_keys k JOIN pending p ON p.id = k.pending
             WHERE k.system = ?1 AND k.kind = ?3 AND k.ext_id = ?2 AND p.holds <> ?4",
        )?;
        let mut parked = Vec::new();
        for (system, key) in keys {
            let values = [system.as_str(), &**key, ABOUT, LET_GO];
            let kinds = statement.query_map(values, |row| row.get::<_, Option<Box<str>>>(0))?;
            for kind in kinds {
                let kind = kind?.unwrap_or_default();
                parked.push((system.clone(), kind, key.clone()));
            }
        }
        Ok(parked)
    }
}

impl Tx for SqliteTx<'_> {
    async fn savepoint(&mut self) -> Result<(), TxError> {
        self.run("SAVEPOINT part")
    }

    async fn undo(&mut self) -> Result<(), TxError> {
        self.run("ROLLBACK TO part")?;
        self.run("RELEASE part")?;
        let writer = &mut *self.writer;
        writer.given = 0;
        writer.seen = super::seen::Weeks::read(&writer.connection)?;
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), TxError> {
        self.written = true;
        self.run("RELEASE part")
    }

    async fn seen(&mut self, ids: &[SeenId]) -> Result<Vec<Seen>, TxError> {
        let writer = &mut *self.writer;
        Ok(writer.seen.note(&writer.connection, ids, self.now)?)
    }

    async fn bind(
        &mut self,
        references: &[(ReferenceKey, Bound)],
    ) -> Result<Vec<Option<Bound>>, TxError> {
        let connection = &self.writer.connection;
        let mut insert = connection.prepare_cached(
            "INSERT INTO xrefs (system, kind, ext_id, k, place) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?;
        let mut clashes = Vec::with_capacity(references.len());
        for (key, to) in references {
            let WaitKey { system, kind, ext_id } = WaitKey::reference(key);
            let place = to.at.to_string();
            let bound_now = insert.execute(params![system, kind, ext_id, to.order.0, place])? == 1;
            let other = if bound_now { None } else { bound(connection, key)? };
            clashes.push(other.filter(|other| other != to));
        }
        Ok(clashes)
    }

    async fn write(&mut self, writes: &Writes<'_>) -> Result<(), TxError> {
        Ok(write::all(self.writer, writes)?)
    }
}

pub(super) fn bound(connection: &Connection, key: &ReferenceKey) -> Result<Option<Bound>, Fault> {
    let WaitKey { system, kind, ext_id } = WaitKey::reference(key);
    let mut statement = connection.prepare_cached(
        "SELECT k, place FROM xrefs WHERE system = ?1 AND kind = ?2 AND ext_id = ?3",
    )?;
    let row = statement.query_row([&system, &kind, &ext_id], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    let Some((k, place)) = row.optional()? else { return Ok(None) };
    let Some(at) = At::parse(&place) else { return Err(Fault::Place(place)) };
    Ok(Some(Bound { order: OrderKey(k), at }))
}

/// What the row of an order says besides its body.
pub(super) struct OrderRow {
    chain: [u8; 32],
    since_keyframe: u32,
    next_timer: Option<Timestamp>,
}

impl OrderRow {
    pub(super) fn locked(self, state: State) -> Locked {
        let Self { chain, since_keyframe, next_timer } = self;
        Locked { state: Arc::new(state), chain, since_keyframe, next_timer }
    }
}

/// An order with its lanes.
pub(super) fn read_order(connection: &Connection, key: OrderKey) -> Result<Option<Locked>, Fault> {
    let Some((row, packed)) = order_row(connection, key)? else { return Ok(None) };
    Ok(Some(row.locked(packed.state()?)))
}

pub(super) fn order_row(
    connection: &Connection,
    key: OrderKey,
) -> Result<Option<(OrderRow, PackedOrder)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT body, personal, chain, since_keyframe, next_timer FROM orders WHERE k = ?1",
    )?;
    let mut rows = statement.query([key.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let next_timer = row.get::<_, Option<i64>>(4)?.map(from_column);
    let found = OrderRow { chain: row.get(2)?, since_keyframe: row.get(3)?, next_timer };
    let head = (row.get(0)?, row.get(1)?);
    let mut statement =
        connection.prepare_cached("SELECT body, personal FROM lanes WHERE k = ?1")?;
    let lanes = statement.query_map([key.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let lanes = lanes.collect::<Result<Vec<_>, _>>()?;
    Ok(Some((found, PackedOrder { head, lanes })))
}

/// Body and personal part, which stand in this order from `first` on.
pub(super) fn parts(row: &Row<'_>, first: usize) -> Result<Stored, Fault> {
    let body = codec::unpack(row.get_ref(first)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let personal = row.get_ref(first + 1)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let personal = personal.map(codec::unpack).transpose()?.unwrap_or_default();
    Ok(Stored { body, personal })
}
