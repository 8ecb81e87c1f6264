//! The steps of a commit on PostgreSQL, each one statement for all of its rows: the questions here, the
//! writing in `write`.
//!
//! Under READ COMMITTED every statement sees what was committed before it began, so that whoever waited
//! for a lock reads what the one before wrote.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::history::Stored;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{At, OrderKey, SystemName};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _, query, query_scalar, raw_sql};

use super::decoded::{Decoded, Rows, Touched};
use super::error::Fault;
use super::partitions::Places;
use super::{numbers, seen, write};
use crate::store::StoreError;
use crate::store::codec;
use crate::store::columns::from_column;
use crate::store::commit::{
    ABOUT, DocumentKey, LET_GO, Locked, Lookup, Seen, SeenId, Tx, TxError, WaitKey, Writes,
};
use crate::store::pack::Packers;
use crate::store::unpack::{self, PackedRow};

/// An open transaction.
#[derive(Debug)]
pub(super) struct PgTx<'a> {
    pub(super) c: &'a mut PgConnection,
    pub(super) packers: &'a mut Packers,
    /// Numbers for orders that this process has left.
    pub(super) orders: &'a mut Range<i64>,
    /// Where ids, messages and attempts lie that are written; a work that writes none has none.
    places: Option<Places>,
    /// The number of this process, that holds until the transaction ends.
    pub(super) process: u64,
    decoded: &'a Decoded,
    /// What it knows of the rows of orders.
    pub(super) touched: Touched,
    /// References that were asked for since the last savepoint, and were free.
    free: HashSet<ReferenceKey>,
    /// Whether parts are marked, to be undone alone. Most transactions have one part and undo nothing.
    careful: &'a mut bool,
}

impl<'a> PgTx<'a> {
    pub(super) fn new(
        c: &'a mut PgConnection,
        (packers, orders): (&'a mut Packers, &'a mut Range<i64>),
        (places, process): (Option<Places>, u64),
        (decoded, careful): (&'a Decoded, &'a mut bool),
    ) -> Self {
        let (touched, free) = (Touched::default(), HashSet::new());
        Self { c, packers, orders, places, process, decoded, touched, free, careful }
    }

    fn places(&self) -> Result<Places, TxError> {
        let none = || TxError::Store(StoreError::Failed("no day to write rows on".to_owned()));
        self.places.ok_or_else(none)
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), TxError> {
        raw_sql(sql).execute(&mut *self.c).await?;
        Ok(())
    }
}

impl Lookup for PgTx<'_> {
    async fn numbers(&mut self, messages: usize, orders: usize) -> Result<(i64, i64), TxError> {
        let mut first = (0, 0);
        if messages > 0 {
            first.0 = numbers::messages(self.c, messages).await?;
        }
        if orders > 0 {
            first.1 = numbers::orders(self.c, orders, self.orders).await?;
        }
        Ok(first)
    }

    async fn references(&mut self, keys: &[ReferenceKey]) -> Result<Vec<Option<Bound>>, TxError> {
        let bound = bound(self.c, &WaitKeys::of(keys.iter())).await?;
        let free = keys.iter().zip(&bound).filter(|(_, bound)| bound.is_none());
        self.free = free.map(|(key, _)| key.clone()).collect();
        Ok(bound)
    }

    async fn lock(&mut self, keys: &[OrderKey]) -> Result<Vec<Locked>, TxError> {
        Ok(lock(self.c, keys, (self.decoded, &mut self.touched)).await?)
    }

    async fn parked(
        &mut self,
        keys: &[(SystemName, Box<str>)],
    ) -> Result<Vec<DocumentKey>, TxError> {
        let sql = "SELECT t.system, coalesce(t.doc_kind, ''), t.doc_key
                   FROM UNNEST($1::text[], $2::text[]) AS i (system, doc_key)
                   JOIN todo t ON t.state = 'open' AND t.doc_key IS NOT NULL
                       AND t.system = i.system AND t.doc_key = i.doc_key
                   UNION ALL
                   SELECT k.system, p.holds, k.ext_id
                   FROM UNNEST($1::text[], $2::text[]) AS i (system, doc_key)
                   JOIN pending_keys k ON k.system = i.system AND k.kind = $3 AND k.ext_id = i.doc_key
                   JOIN pending p ON p.id = k.pending AND p.holds <> $4";
        let rows = query(sql)
            .bind(keys.iter().map(|(system, _)| system.as_str()).collect::<Vec<_>>())
            .bind(keys.iter().map(|(_, key)| &**key).collect::<Vec<_>>())
            .bind(ABOUT)
            .bind(LET_GO)
            .fetch_all(&mut *self.c)
            .await?;
        let parked = rows.iter().map(|row| {
            let system: String = row.try_get(0)?;
            let (kind, key): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            Ok((SystemName::new(system), kind.into(), key.into()))
        });
        parked.collect()
    }
}

impl Tx for PgTx<'_> {
    async fn savepoint(&mut self) -> Result<(), TxError> {
        self.free.clear();
        if *self.careful { self.run("SAVEPOINT part").await } else { Ok(()) }
    }

    async fn undo(&mut self) -> Result<(), TxError> {
        self.touched.forget();
        if *self.careful {
            return self.run("ROLLBACK TO part; RELEASE part").await;
        }
        // All of it goes, and comes again with its parts marked.
        *self.careful = true;
        Err(Fault::Careless.into())
    }

    async fn keep(&mut self) -> Result<(), TxError> {
        if *self.careful { self.run("RELEASE part").await } else { Ok(()) }
    }

    async fn seen(&mut self, ids: &[SeenId]) -> Result<Vec<Seen>, TxError> {
        let week = self.places()?.seen;
        Ok(seen::note(self.c, ids, week).await?)
    }

    /// **Invariant:** of two that make the order of one reference at once, the later one makes none: what
    /// was free when it was asked for and is bound by now was bound by another transaction, and the batch
    /// begins again, on what that one wrote. Test: `two_stores_that_hear_of_one_order_make_one`.
    async fn bind(
        &mut self,
        references: &[(ReferenceKey, Bound)],
    ) -> Result<Vec<Option<Bound>>, TxError> {
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let keys = WaitKeys::of(references.iter().map(|(key, _)| key));
        let sql = "INSERT INTO xrefs (system, kind, ext_id, k, place)
                   SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
                   ON CONFLICT DO NOTHING RETURNING 1";
        let insert = query_scalar::<_, i32>(sql)
            .bind(&keys.system)
            .bind(&keys.kind)
            .bind(&keys.ext_id)
            .bind(references.iter().map(|(_, bound)| bound.order.0).collect::<Vec<_>>())
            .bind(references.iter().map(|(_, bound)| bound.at.to_string()).collect::<Vec<_>>());
        if insert.fetch_all(&mut *self.c).await?.len() == references.len() {
            return Ok(references.iter().map(|_| None).collect());
        }
        let stands = bound(self.c, &keys).await?;
        let mut others = Vec::with_capacity(references.len());
        for ((key, to), stands) in references.iter().zip(stands) {
            let other = stands.filter(|stands| stands != to);
            if other.is_some() && self.free.contains(key) {
                return Err(Fault::Overtaken.into());
            }
            others.push(other);
        }
        Ok(others)
    }

    async fn write(&mut self, writes: &Writes<'_>) -> Result<(), TxError> {
        let places = self.places()?;
        let packed = self.packers.writes(writes);
        write::all(self.c, writes, &packed, places).await?;
        self.touched.wrote(writes, packed);
        Ok(())
    }
}

/// References in the columns of their table, for a statement over all of them.
#[derive(Debug, Default)]
pub(super) struct WaitKeys {
    pub(super) system: Vec<Box<str>>,
    pub(super) kind: Vec<Box<str>>,
    pub(super) ext_id: Vec<Box<str>>,
}

impl WaitKeys {
    fn of<'k>(keys: impl Iterator<Item = &'k ReferenceKey>) -> Self {
        let mut columns = Self::default();
        keys.for_each(|key| columns.push(WaitKey::reference(key)));
        columns
    }

    pub(super) fn push(&mut self, key: WaitKey) {
        self.system.push(key.system);
        self.kind.push(key.kind);
        self.ext_id.push(key.ext_id);
    }
}

/// What references are bound to, in their order, for who locks nothing.
pub(super) async fn bound_to(
    c: &mut PgConnection,
    keys: &[ReferenceKey],
) -> Result<Vec<Option<Bound>>, Fault> {
    bound(c, &WaitKeys::of(keys.iter())).await
}

/// What references are bound to, in their order.
async fn bound(c: &mut PgConnection, keys: &WaitKeys) -> Result<Vec<Option<Bound>>, Fault> {
    let sql = "SELECT i.n, x.k, x.place
               FROM UNNEST($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
                   AS i (system, kind, ext_id, n)
               JOIN xrefs x ON x.system = i.system AND x.kind = i.kind AND x.ext_id = i.ext_id";
    let find = query(sql).bind(&keys.system).bind(&keys.kind).bind(&keys.ext_id);
    let mut bound = vec![None; keys.system.len()];
    for row in find.fetch_all(c).await? {
        let (n, place): (i64, String) = (row.try_get(0)?, row.try_get(2)?);
        let Some(at) = At::parse(&place) else { return Err(Fault::Place(place)) };
        let slot = usize::try_from(n - 1).ok().and_then(|n| bound.get_mut(n));
        if let Some(slot) = slot {
            *slot = Some(Bound { order: OrderKey(row.try_get(1)?), at });
        }
    }
    Ok(bound)
}

/// Locks orders by their keys, then the lanes of each; both in one order everywhere.
async fn lock(
    c: &mut PgConnection,
    keys: &[OrderKey],
    (decoded, touched): (&Decoded, &mut Touched),
) -> Result<Vec<Locked>, Fault> {
    let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
    let orders = "SELECT k, body, personal, chain, since_keyframe, next_timer FROM orders
                  WHERE k = ANY($1) ORDER BY k FOR NO KEY UPDATE";
    let orders = query(orders).bind(&keys).fetch_all(&mut *c).await?;
    let lanes = "SELECT k, system, body, personal FROM lanes
                 WHERE k = ANY($1) ORDER BY k, system FOR NO KEY UPDATE";
    let mut lanes_of: HashMap<i64, Vec<(Box<str>, PackedRow)>> = HashMap::new();
    for row in query(lanes).bind(&keys).fetch_all(c).await? {
        let lane = (row.try_get(1)?, (row.try_get(2)?, row.try_get(3)?));
        lanes_of.entry(row.try_get(0)?).or_default().push(lane);
    }
    let mut found = Vec::with_capacity(orders.len());
    for row in &orders {
        let key = row.try_get(0)?;
        let lanes = lanes_of.remove(&key).unwrap_or_default();
        let rows = Rows::new((row.try_get(1)?, row.try_get(2)?), lanes);
        let known = decoded.take(OrderKey(key), &rows);
        found.push((OrderKey(key), rows, known));
    }
    let unknown: Vec<_> = found.iter().filter(|(_, _, known)| known.is_none()).collect();
    let mut unknown = unpack::states(&unknown, |(_, rows, _)| rows.state()).into_iter();
    let mut locked = Vec::with_capacity(orders.len());
    for (row, (key, rows, known)) in orders.into_iter().zip(found) {
        let decoded = || unknown.next().map(|state| state.map(Arc::new));
        let Some(state) = known.map(Ok).or_else(decoded).transpose()? else { continue };
        let chain = row.try_get(3)?;
        let since_keyframe = u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(u32::MAX);
        let next_timer: Option<Timestamp> = row.try_get::<Option<_>, _>(5)?.map(from_column);
        locked.push(Locked { state, chain, since_keyframe, next_timer });
        touched.locked(key, rows);
    }
    Ok(locked)
}

/// Likewise, for who changes none of them: nothing is kept of it.
pub(super) async fn lock_to_read(
    c: &mut PgConnection,
    keys: &[OrderKey],
) -> Result<Vec<Locked>, Fault> {
    lock(c, keys, (&Decoded::default(), &mut Touched::default())).await
}

/// Body and personal part, which stand in this order from `first` on.
pub(super) fn parts(row: &PgRow, first: usize) -> Result<Stored, Fault> {
    let body = codec::unpack(row.try_get(first)?)?;
    let personal: Option<&[u8]> = row.try_get(first + 1)?;
    let personal = personal.map(codec::unpack).transpose()?.unwrap_or_default();
    Ok(Stored { body, personal })
}
