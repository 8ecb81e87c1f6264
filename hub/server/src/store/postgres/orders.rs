//! Reading orders: heads, any version, what happened to them; and the bundles that decided it.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::history::Stored;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::{Order, State};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _, query, query_scalar};

use super::decoded::{Decoded, Rows};
use super::error::Fault;
use super::reads::Seen;
use super::tx::parts;
use crate::bundle::Files;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::search::{MOST_FOUND, MOST_LOOKED, called, identifier};
use crate::store::{ChangeRow, ReceiptRow, Scope};

/// The head of an order with its lanes: one statement, so that they are of one commit.
pub(super) async fn state(
    c: &mut PgConnection,
    key: OrderKey,
    decoded: &Decoded,
) -> Result<Option<Arc<State>>, Fault> {
    let sql = "SELECT body, personal,
                   ARRAY(SELECT system FROM lanes l WHERE l.k = o.k ORDER BY system),
                   ARRAY(SELECT body FROM lanes l WHERE l.k = o.k ORDER BY system),
                   ARRAY(SELECT personal FROM lanes l WHERE l.k = o.k ORDER BY system)
               FROM orders o WHERE k = $1";
    let Some(row) = query(sql).bind(key.0).fetch_optional(c).await? else { return Ok(None) };
    let (bodies, personal): (Vec<Vec<u8>>, Vec<Option<Vec<u8>>>) =
        (row.try_get(3)?, row.try_get(4)?);
    let systems: Vec<Box<str>> = row.try_get(2)?;
    let lanes = systems.into_iter().zip(bodies.into_iter().zip(personal));
    let rows = Rows::new((row.try_get(0)?, row.try_get(1)?), lanes);
    Ok(Some(decoded.state(key, rows)?))
}

/// The orders of a scope that are called by a word, newest first.
pub(super) async fn find(
    c: &mut PgConnection,
    scope: &Scope,
    word: String,
) -> Result<Vec<OrderKey>, Fault> {
    if let Some(key) = OrderKey::parse(&word) {
        let exists = query_scalar("SELECT EXISTS (SELECT FROM orders WHERE k = $1)");
        if exists.bind(key.0).fetch_one(&mut *c).await? {
            let seen = Seen::of(c, scope, [key]).await?.has(key);
            return Ok(seen.then_some(key).into_iter().collect());
        }
    }
    let Some(word) = identifier(&word) else { return Ok(Vec::new()) };
    let sql = "SELECT s.k FROM search_words s JOIN orders o ON o.k = s.k
               WHERE s.word = $1 AND ($2::text[] IS NULL OR o.origin = ANY($2))
               ORDER BY s.k DESC LIMIT $3";
    let called = query_scalar(sql).bind(called(&word)).bind(scope.origins()).bind(MOST_LOOKED);
    let called: Vec<i64> = called.fetch_all(&mut *c).await?;
    let mut found = Vec::new();
    for keys in called.chunks(MOST_FOUND) {
        let keys = keys.iter().copied().map(OrderKey);
        let seen = Seen::of(&mut *c, scope, keys.clone()).await?;
        found.extend(keys.filter(|key| seen.has(*key)).take(MOST_FOUND - found.len()));
        if found.len() == MOST_FOUND {
            break;
        }
    }
    Ok(found)
}

/// An order at a version: the nearest keyframe before it, then deltas. What stands below the head that
/// was read first never changes.
pub(super) async fn at(
    c: &mut PgConnection,
    key: OrderKey,
    version: u32,
) -> Result<Option<Order>, Fault> {
    let head = query("SELECT body, personal FROM orders WHERE k = $1").bind(key.0);
    let Some(head) = head.fetch_optional(&mut *c).await? else { return Ok(None) };
    let head = codec::order(&parts(&head, 0)?)?;
    if version == head.version {
        return Ok(Some(head));
    }
    if version == 0 || version > head.version {
        return Ok(None);
    }
    let sql = "SELECT keyframe, keyframe_personal FROM changes
               WHERE k = $1 AND version <= $2 AND keyframe IS NOT NULL
               ORDER BY version DESC LIMIT 1";
    let keyframe = query(sql).bind(key.0).bind(i64::from(version));
    let mut order = match keyframe.fetch_optional(&mut *c).await? {
        Some(row) => codec::order(&parts(&row, 0)?)?,
        None => codec::first(&head),
    };
    let sql = "SELECT delta, personal FROM changes
               WHERE k = $1 AND version > $2 AND version <= $3 ORDER BY version";
    let deltas = query(sql).bind(key.0).bind(i64::from(order.version)).bind(i64::from(version));
    for row in deltas.fetch_all(c).await? {
        codec::replay(&mut order, &parts(&row, 0)?)?;
    }
    Ok(Some(order))
}

/// The versions of an order, oldest first.
pub(super) async fn changes(c: &mut PgConnection, key: OrderKey) -> Result<Vec<ChangeRow>, Fault> {
    let sql = "SELECT version, at, actor, cause, reason, bundle, fields, delta, personal
               FROM changes WHERE k = $1 ORDER BY version";
    let mut changes = Vec::new();
    for row in query(sql).bind(key.0).fetch_all(c).await? {
        let Stored { body, personal } = parts(&row, 7)?;
        changes.push(ChangeRow {
            version: number(&row, 0)?,
            at: from_column(row.try_get(1)?),
            actor: row.try_get(2)?,
            cause: row.try_get(3)?,
            reason: row.try_get(4)?,
            bundle: row.try_get(5)?,
            touched: codec::read_fields(row.try_get(6)?),
            delta: body,
            personal,
        });
    }
    Ok(changes)
}

/// Attempts at an order's deliveries, newest first.
pub(super) async fn receipts(
    c: &mut PgConnection,
    key: OrderKey,
) -> Result<Vec<ReceiptRow>, Fault> {
    let sql = "SELECT at, system, operation, attempt, class, status, ms, why
               FROM receipts WHERE k = $1 ORDER BY id DESC";
    let rows = query(sql).bind(key.0).fetch_all(c).await?;
    rows.iter().map(|row| receipt(row, 0)).collect()
}

/// An attempt, whose columns stand in this order from `first` on: at, system, operation, attempt,
/// class, status, ms, why.
pub(super) fn receipt(row: &PgRow, first: usize) -> Result<ReceiptRow, Fault> {
    let status: Option<i64> = row.try_get(first + 5)?;
    Ok(ReceiptRow {
        at: from_column(row.try_get(first)?),
        system: row.try_get(first + 1)?,
        operation: row.try_get(first + 2)?,
        attempt: number(row, first + 3)?,
        class: row.try_get(first + 4)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        ms: u64::try_from(row.try_get::<i64, _>(first + 6)?).unwrap_or(0),
        why: row.try_get(first + 7)?,
    })
}

/// A number that was written from as small a one.
fn number(row: &PgRow, column: usize) -> Result<u32, Fault> {
    Ok(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
}

/// Keeps a bundle's files, and makes it the active one.
pub(super) async fn activate(
    c: &mut PgConnection,
    hash: &str,
    packed: &[u8],
    now: Timestamp,
) -> Result<(), Fault> {
    let keep = "INSERT INTO bundles (hash, at, files) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    query(keep).bind(hash).bind(to_column(now)).bind(packed).execute(&mut *c).await?;
    let switch = "INSERT INTO meta (name, value) VALUES ('bundle', $1)
                  ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    query(switch).bind(hash).execute(c).await?;
    Ok(())
}

/// The files of a bundle.
pub(super) async fn bundle(c: &mut PgConnection, hash: String) -> Result<Option<Files>, Fault> {
    let sql = "SELECT files FROM bundles WHERE hash = $1";
    let packed: Option<Vec<u8>> = query_scalar(sql).bind(hash).fetch_optional(c).await?;
    packed.map(|packed| Ok(codec::read_files(&codec::unpack(&packed)?)?)).transpose()
}

/// When a bundle was first kept.
pub(super) async fn bundle_since(
    c: &mut PgConnection,
    hash: String,
) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT at FROM bundles WHERE hash = $1";
    let at: Option<i64> = query_scalar(sql).bind(hash).fetch_optional(c).await?;
    Ok(at.map(from_column))
}
