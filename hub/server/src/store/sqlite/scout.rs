//! Looks ahead of the writer: reads what a batch will need on a connection of its own, and folds it,
//! while the batch before it is being written.
//!
//! What it finds is only a guess: the writer asks again under its transaction, and uses what was folded
//! where nothing has changed since. **Invariant:** no snapshot outlives the reading of its rows: while a
//! reader holds one, the write-ahead log cannot begin anew. Test: `the_log_does_not_grow_under_load`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::State;
use rusqlite::Connection;

use super::error::Fault;
use super::heads::{Heads, Reading};
use super::schema::open_reader;
use super::tx::{OrderRow, bound, order_row};
use crate::store::StoreError;
use crate::store::commit::{
    Batch, Context, DocumentKey, DoneAhead, Locked, Lookup, TxError, WORTH_LOOKING, look_ahead,
};
use crate::store::forecast::{Forecast, Turn};
use crate::store::pack::Packers;
use crate::store::unpack::{self, PackedOrder};

/// Reads for batches whose turn is yet to come.
#[derive(Debug)]
pub(super) struct Scout {
    path: PathBuf,
    heads: Arc<Heads>,
    forecast: Arc<Forecast>,
    packers: Packers,
    slot: Mutex<Slot>,
}

/// Where the connection is between two looks.
#[derive(Debug)]
enum Slot {
    /// Here, or not opened yet, or with a look under way.
    Open(Option<Connection>),
    /// The store is closed: no other is opened.
    Closed,
}

impl Scout {
    pub(super) fn new(path: PathBuf, heads: Arc<Heads>, forecast: Arc<Forecast>) -> Self {
        let packers = Packers::default();
        Self { path, heads, forecast, packers, slot: Mutex::new(Slot::Open(None)) }
    }

    /// Queues a batch behind those under way, and folds ahead what can be. One that is not worth it, or
    /// cannot be looked ahead for, is folded at its turn. Blocks while it reads and folds.
    pub(super) fn look(&self, batch: &mut Batch) {
        let turn = self.forecast.queue(batch.len());
        if batch.len() >= WORTH_LOOKING {
            // A panic is found out at the batch's turn, where its unit is known.
            let looked = catch_unwind(AssertUnwindSafe(|| self.fold(batch, &turn)));
            match looked {
                Ok(Ok(ahead)) => batch.ahead = ahead,
                Ok(Err(TxError::Data(error))) => tracing::debug!(error, "no look ahead"),
                Ok(Err(TxError::Again(error) | TxError::Store(error))) => {
                    tracing::debug!(%error, "no look ahead");
                }
                Err(_) => tracing::debug!("no look ahead: a panic"),
            }
        }
        batch.turn = Some(turn);
    }

    fn fold(&self, batch: &mut Batch, turn: &Turn) -> Result<DoneAhead, TxError> {
        let resting = match &mut *self.slot() {
            Slot::Open(connection) => connection.take(),
            Slot::Closed => return Err(TxError::Store(StoreError::Closed)),
        };
        let mut connection = match resting {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(Fault::from)?,
        };
        let Batch { works, bundle, now, .. } = batch;
        let context = Context { rules: bundle.rules(), now: *now };
        let mut lookup = Look { connection: &mut connection, heads: &self.heads, turn };
        let looked = look_ahead(&mut lookup, works, context, &self.packers).now_or_never();
        // One that failed in the middle of something is not used again.
        let looked = looked.unwrap_or_else(|| Ok(DoneAhead::default()))?;
        if let Slot::Open(resting) = &mut *self.slot() {
            *resting = Some(connection).filter(Connection::is_autocommit);
        }
        Ok(looked)
    }

    /// Closes the connection, for good.
    pub(super) fn close(&self) {
        *self.slot() = Slot::Closed;
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The look-ups of one batch.
struct Look<'a> {
    connection: &'a mut Connection,
    heads: &'a Arc<Heads>,
    turn: &'a Turn,
}

impl Lookup for Look<'_> {
    async fn numbers(&mut self, _: usize, orders: usize) -> Result<(i64, i64), TxError> {
        if orders > 0 {
            self.turn.makes(orders);
        }
        Ok(self.turn.first)
    }

    async fn references(&mut self, keys: &[ReferenceKey]) -> Result<Vec<Option<Bound>>, TxError> {
        keys.iter().map(|key| Ok(bound(self.connection, key)?)).collect()
    }

    /// Locks nothing. Only the states count: what else stands in the rows is read at the batch's turn.
    async fn lock(&mut self, keys: &[OrderKey]) -> Result<Vec<Locked>, TxError> {
        let (mut found, mut readings) = (Vec::with_capacity(keys.len()), Vec::new());
        for key in keys {
            match self.heads.get(*key) {
                Some(state) => found.push(known(state)),
                None => readings.push((*key, self.heads.reading(*key))),
            }
        }
        let (mut rows, mut packed) = (Vec::new(), Vec::new());
        for (row, order) in self.rows(readings)? {
            rows.push(row);
            packed.push(order);
        }
        for ((row, reading), state) in
            rows.into_iter().zip(unpack::states(&packed, PackedOrder::state))
        {
            // One that cannot be read is found out at the batch's turn.
            if let Ok(state) = state {
                found.push(known(reading.keep(row.locked(state))));
            }
        }
        Ok(found)
    }

    /// What waits behind a parked document is found out at the batch's turn.
    async fn parked(&mut self, _: &[(SystemName, Box<str>)]) -> Result<Vec<DocumentKey>, TxError> {
        Ok(Vec::new())
    }
}

/// A row to come, and the read that it belongs to.
type Rows = Vec<((OrderRow, Reading), PackedOrder)>;

impl Look<'_> {
    /// All rows in one short snapshot, so that head and lanes belong together.
    fn rows(&self, readings: Vec<(OrderKey, Reading)>) -> Result<Rows, Fault> {
        if readings.is_empty() {
            return Ok(Vec::new());
        }
        let run = |sql| self.connection.prepare_cached(sql).and_then(|mut sql| sql.execute([]));
        run("BEGIN")?;
        let mut rows = Vec::with_capacity(readings.len());
        for (key, reading) in readings {
            if let Some((row, order)) = order_row(self.connection, key)? {
                rows.push(((row, reading), order));
            }
        }
        run("ROLLBACK")?;
        Ok(rows)
    }
}

fn known(state: Arc<State>) -> Locked {
    Locked { state, chain: [0; 32], since_keyframe: 0, next_timer: None }
}
