//! Numbers of messages and orders, each given once, for ever.
//!
//! A sequence gives blocks, not numbers: what a sequence gave is never given again, whatever becomes of
//! the transaction, and nobody waits for anybody. A row of `meta` under a lock would hold up every other
//! process until the end of each batch; one number a time would not give the runs that a batch needs.
//!
//! **Invariant:** numbers of messages rise with the commits of one source: lanes keep them as the revision
//! of documents that carry none. A batch takes a block of its own when it begins and leaves the rest
//! unused, so that the next batch, of whatever process, begins higher; batches of one source follow each
//! other. Test: `a_document_without_a_revision_is_never_older_than_one_before_a_restart`.

use std::ops::Range;

use sqlx::{PgConnection, Row as _, query};

use super::error::Fault;

/// Numbers of messages in a block: a full batch.
const MESSAGES: i64 = 256;
/// Numbers of orders in a block. Their order says nothing, so a block is used up by its process.
const ORDERS: i64 = 64;
/// Others may take blocks in between; each try is one question.
const MOST_TRIES: u32 = 20;

/// The first of a run of numbers for messages.
pub(super) async fn messages(c: &mut PgConnection, count: usize) -> Result<i64, Fault> {
    let sql = "SELECT min(n), max(n) FROM
               (SELECT nextval('message_blocks') AS n FROM generate_series(1, $1)) AS taken";
    Ok(blocks(c, sql, count, MESSAGES).await?.start)
}

/// The first of a run of numbers for orders. `left`: of the last block.
pub(super) async fn orders(
    c: &mut PgConnection,
    count: usize,
    left: &mut Range<i64>,
) -> Result<i64, Fault> {
    let wanted = i64::try_from(count).unwrap_or(i64::MAX);
    if left.end.saturating_sub(left.start) < wanted {
        let sql = "SELECT min(n), max(n) FROM
                   (SELECT nextval('order_blocks') AS n FROM generate_series(1, $1)) AS taken";
        *left = blocks(c, sql, count, ORDERS).await?;
    }
    let first = left.start;
    left.start = first.saturating_add(wanted);
    Ok(first)
}

/// Numbers up to these were given elsewhere, and are not given again.
pub(super) async fn behind(c: &mut PgConnection, messages: i64, orders: i64) -> Result<(), Fault> {
    let whole = |given: i64, size: i64| given.saturating_add(size - 1) / size;
    after(c, "message_blocks", whole(messages, MESSAGES)).await?;
    after(c, "order_blocks", whole(orders, ORDERS)).await
}

/// A sequence goes on behind a number, from wherever it stood.
pub(super) async fn after(c: &mut PgConnection, sequence: &str, given: i64) -> Result<(), Fault> {
    // Of nothing given, the first is the next.
    let sql = "SELECT setval($1::regclass, greatest($2, 1), $2 > 0)";
    query(sql).bind(sequence).bind(given).execute(c).await?;
    Ok(())
}

/// Enough blocks in a row.
async fn blocks(
    c: &mut PgConnection,
    sql: &'static str,
    count: usize,
    size: i64,
) -> Result<Range<i64>, Fault> {
    let wanted = i64::try_from(count).unwrap_or(i64::MAX).max(1);
    let blocks = wanted.saturating_add(size - 1) / size;
    for _ in 0..MOST_TRIES {
        let row = query(sql).bind(blocks).fetch_one(&mut *c).await?;
        let (first, last): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if last - first + 1 == blocks {
            let start = first.saturating_sub(1).saturating_mul(size).saturating_add(1);
            return Ok(start..last.saturating_mul(size).saturating_add(1));
        }
    }
    Err(Fault::Overtaken)
}
