//! Throws away what has been kept for its time: partitions whole, minutes row by row. One process at a time.
//!
//! A raw message that is still needed moves into a partition that is never dropped, before its day goes; it is
//! deleted there when nothing needs it any more. Nothing can come to need it between the move and the drop: only
//! what is driven again, or is an open todo, names a message of an earlier commit, and both are what it is kept
//! for; one passes it on to the other within one commit.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar, raw_sql};

use super::error::Fault;
use super::partitions::{self, Known, MESSAGES, Places, RECEIPTS, SEEN, Standing, Table};
use super::schema::locks;
use crate::config::Keep;
use crate::store::keep::{Kept, MINUTES_PER_DAY, NS_PER_DAY, Oldest, Pruned};

/// The number of the partition of messages that are needed beyond their time.
const BEYOND: i64 = -1;
/// Rows that one statement moves or deletes.
const ROWS: u64 = 1_000;
/// Statements of such rows, and partitions of one table, in one step.
const MOST: usize = 8;

/// One step: the partitions of today and tomorrow are there, what is over goes.
pub(super) async fn step(
    c: &mut PgConnection,
    kept: Kept,
    now: Timestamp,
) -> Result<Pruned, Fault> {
    // Two would find each other's partitions half gone. After an error the connection is given up, and with
    // it the lock.
    let alone = "SELECT pg_try_advisory_lock(hashtextextended(current_schema(), $1))";
    let alone = query_scalar::<_, bool>(alone).bind(locks::PRUNING).fetch_one(&mut *c);
    if !alone.await? {
        return Ok(Pruned::default());
    }
    let pruned = all(c, kept, now).await?;
    let done = "SELECT pg_advisory_unlock(hashtextextended(current_schema(), $1))";
    query(done).bind(locks::PRUNING).execute(c).await?;
    Ok(pruned)
}

async fn all(c: &mut PgConnection, kept: Kept, now: Timestamp) -> Result<Pruned, Fault> {
    ahead(c, &kept.keep, now).await?;
    let oldest = Oldest::at(now, &kept.keep, kept.seen_days);
    let mut pruned = Pruned::default();
    for (table, before) in
        [(SEEN, oldest.seen), (MESSAGES, oldest.messages), (RECEIPTS, oldest.receipts)]
    {
        pass(c, table, before, &mut pruned).await?;
    }
    let beyond = needless(c, oldest.messages).await?;
    let minutes = minutes(c, oldest.minutes).await?;
    pruned.more |= beyond || minutes;
    Ok(pruned)
}

/// The partitions that commits need now and soon: none of them has to make its own.
async fn ahead(c: &mut PgConnection, keep: &Keep, now: Timestamp) -> Result<(), Fault> {
    let soon = now.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
    let wanted = [now, soon].map(|at| Places::at(at, keep).all());
    partitions::ready(c, &mut Known::new(), wanted.as_flattened()).await
}

/// Drops the partitions of a table before one of them.
async fn pass(
    c: &mut PgConnection,
    table: Table,
    before: i64,
    pruned: &mut Pruned,
) -> Result<(), Fault> {
    let over =
        |(number, standing): &(i64, Standing)| *number < before || *standing == Standing::Leaving;
    let mut over: Vec<_> = partitions::all(c, table).await?.into_iter().filter(over).collect();
    // One can leave at a time.
    over.sort_by_key(|(_, standing)| *standing != Standing::Leaving);
    let mut left = MOST;
    for (number, standing) in over {
        if left == 0 {
            pruned.more = true;
            return Ok(());
        }
        if standing == Standing::Attached && table != SEEN {
            // It may hold several days; how many, the settings said when it was filled.
            let newest = partitions::newest(c, table, number).await?;
            if newest.is_some_and(|at| at >= before.saturating_mul(NS_PER_DAY)) {
                continue;
            }
            if table == MESSAGES && !beyond(c, number).await? {
                pruned.more = true;
                continue;
            }
        }
        if !partitions::drop(c, table, (number, standing)).await? {
            pruned.held = Some(format!("{}_{number}", table.name()));
            return Ok(());
        }
        left -= 1;
    }
    Ok(())
}

/// Moves what is still needed of a day out of it. `false`: there is more of it.
async fn beyond(c: &mut PgConnection, day: i64) -> Result<bool, Fault> {
    let sql = format!(
        "UPDATE messages SET day = {BEYOND} WHERE day = {day} AND id IN (
             SELECT m.id FROM messages m JOIN (
                 SELECT message FROM pending UNION SELECT message FROM todo WHERE state = 'open'
             ) AS needed ON needed.message = m.id
             WHERE m.day = {day} LIMIT {ROWS})"
    );
    Ok(in_steps(c, &sql).await?.0)
}

/// Deletes what was moved out of its day and is needed no more. `true`: there may be more. Such rows are few, too
/// few for the server to clear them away soon by itself: so that is asked for.
async fn needless(c: &mut PgConnection, oldest: i64) -> Result<bool, Fault> {
    let before = oldest.saturating_mul(NS_PER_DAY);
    let sql = format!(
        "DELETE FROM messages WHERE day = {BEYOND} AND id IN (
             SELECT m.id FROM messages m
             WHERE m.day = {BEYOND} AND m.at < {before}
                 AND NOT EXISTS (SELECT FROM pending p WHERE p.message = m.id)
                 AND NOT EXISTS (SELECT FROM todo t WHERE t.message = m.id AND t.state = 'open')
             LIMIT {ROWS})"
    );
    let (all, rows) = in_steps(c, &sql).await?;
    if rows > 0 {
        raw_sql("VACUUM (SKIP_LOCKED) messages_beyond").execute(c).await?;
    }
    Ok(!all)
}

/// Deletes the minutes before a day. `true`: there may be more.
async fn minutes(c: &mut PgConnection, oldest: i64) -> Result<bool, Fault> {
    let before = oldest.saturating_mul(MINUTES_PER_DAY);
    let sql = format!(
        "DELETE FROM counters WHERE (minute, system, document, outcome) IN (
             SELECT minute, system, document, outcome FROM counters WHERE minute < {before}
             ORDER BY minute LIMIT {ROWS})"
    );
    Ok(!in_steps(c, &sql).await?.0)
}

/// Runs a statement of at most [`ROWS`] rows until none is left, and counts them; `false`: some may be left.
async fn in_steps(c: &mut PgConnection, sql: &str) -> Result<(bool, u64), Fault> {
    let mut rows = 0;
    for _ in 0..MOST {
        let done = raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *c).await?.rows_affected();
        rows += done;
        if done < ROWS {
            return Ok((true, rows));
        }
    }
    Ok((false, rows))
}
