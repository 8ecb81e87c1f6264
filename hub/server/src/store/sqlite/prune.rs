//! Throws away what has been kept for its time, in small steps on the thread that writes, between commits.
//!
//! Numbers grow with time, so the oldest rows lie together: they are deleted in the order of their numbers, and
//! pages become free whole and are used again. The file does not shrink, but stops growing.
//!
//! **Invariant:** a step takes some milliseconds, whatever there is to do: at most [`ROWS`] rows and [`STEP`].
//! Test: `a_step_is_bounded_and_the_next_goes_on`.
//! **Invariant:** what was deleted is gone from the file and its log when the last step has ended: its bytes are
//! overwritten in the file, and the log is emptied, unless somebody reads just then; then by the next round.
//! Copies that others made (backups, a file system's own) are not the store's to find. Test:
//! `a_body_that_was_thrown_away_is_gone_from_the_file`.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::time::Instant;

use super::error::Fault;
use super::writer::Writer;
use crate::store::StoreError;
use crate::store::columns::to_column;
use crate::store::keep::{Kept, MINUTES_PER_DAY, NS_PER_DAY, Oldest, Pruned};

/// Rows that one step looks at.
const ROWS: i64 = 200;
/// No further row is looked at after so long.
const STEP: Duration = Duration::from_millis(4);

/// A round through all that is kept, from step to step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    stage: Stage,
    /// The last number that was looked at in this stage.
    after: i64,
    /// Something was deleted whose bytes may still stand in the log.
    in_the_log: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Seen,
    Messages,
    Receipts,
    Minutes,
    Log,
}

/// One step of a round.
pub(super) fn step(writer: &mut Writer, kept: Kept, now: Timestamp) -> Result<Pruned, StoreError> {
    let oldest = Oldest::at(now, &kept.keep, kept.seen_days);
    let mut round = writer.round;
    if round.stage == Stage::Log {
        round.in_the_log &= !empty_log(&writer.connection)?;
        writer.round = Round { in_the_log: round.in_the_log, ..Round::default() };
        return Ok(Pruned::default());
    }
    // Ids and counts need not be overwritten.
    let bodies = matches!(round.stage, Stage::Messages | Stage::Receipts);
    overwriting(&writer.connection, bodies)?;
    let done = writer.transaction(|writer| {
        let c = &writer.connection;
        let now = to_column(now);
        let ended = match round.stage {
            Stage::Seen => writer.seen.prune(c, oldest.seen)?,
            Stage::Messages => rows(c, &MESSAGES, (oldest.messages, now), &mut round)?,
            Stage::Receipts => rows(c, &RECEIPTS, (oldest.receipts, now), &mut round)?,
            Stage::Minutes => minutes(c, oldest.minutes)?,
            Stage::Log => true,
        };
        Ok(ended)
    });
    if bodies {
        overwriting(&writer.connection, false)?;
    }
    if done? {
        let stage = match round.stage {
            Stage::Seen => Stage::Messages,
            Stage::Messages => Stage::Receipts,
            Stage::Receipts => Stage::Minutes,
            Stage::Minutes | Stage::Log => Stage::Log,
        };
        round = Round { stage, after: 0, ..round };
    }
    writer.round = round;
    // Nothing was deleted: there is nothing to empty the log of.
    let more = round.stage != Stage::Log || round.in_the_log;
    if !more {
        writer.round = Round::default();
    }
    Ok(Pruned { more, held: None })
}

/// A table whose numbers grow with time.
struct Rows {
    /// Numbers and times behind a number.
    look: &'static str,
    delete: &'static str,
    /// Whether a row is needed beyond its time.
    needed: Option<&'static str>,
}

const MESSAGES: Rows = Rows {
    look: "SELECT id, at FROM messages WHERE id > ?1 ORDER BY id LIMIT ?2",
    delete: "DELETE FROM messages WHERE id = ?1",
    needed: Some(
        "SELECT EXISTS (SELECT 1 FROM pending WHERE message = ?1)
             OR EXISTS (SELECT 1 FROM todo WHERE message = ?1 AND state = 'open')",
    ),
};

const RECEIPTS: Rows = Rows {
    look: "SELECT id, at FROM receipts WHERE id > ?1 ORDER BY id LIMIT ?2",
    delete: "DELETE FROM receipts WHERE id = ?1",
    needed: None,
};

/// Deletes rows of days before the oldest; `true`: there are no more. The first row whose time has not come
/// ends it; one from the future, that a wrong clock wrote, does not.
fn rows(
    c: &Connection,
    table: &Rows,
    (oldest, now): (i64, i64),
    round: &mut Round,
) -> Result<bool, Fault> {
    let begun = Instant::now();
    let before = oldest.saturating_mul(NS_PER_DAY);
    let mut look = c.prepare_cached(table.look)?;
    let found = look.query_map(params![round.after, ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, i64)> = found.collect::<Result<_, _>>()?;
    let mut delete = c.prepare_cached(table.delete)?;
    let mut needed = table.needed.map(|sql| c.prepare_cached(sql)).transpose()?;
    for (id, at) in &found {
        if begun.elapsed() > STEP {
            return Ok(false);
        }
        if (before..=now).contains(at) {
            return Ok(true);
        }
        round.after = *id;
        let stays = match &mut needed {
            Some(needed) => needed.query_row([id], |row| row.get::<_, bool>(0))?,
            None => false,
        };
        if *at < before && !stays {
            delete.execute([id])?;
            round.in_the_log = true;
        }
    }
    Ok(i64::try_from(found.len()).unwrap_or(i64::MAX) < ROWS)
}

/// Deletes minutes before the oldest day; `true`: there are no more.
fn minutes(c: &Connection, oldest: i64) -> Result<bool, Fault> {
    let sql = "DELETE FROM counters WHERE (minute, system, document, outcome) IN (
                   SELECT minute, system, document, outcome FROM counters WHERE minute < ?1
                   ORDER BY minute LIMIT ?2)";
    let before = oldest.saturating_mul(MINUTES_PER_DAY);
    let deleted = c.prepare_cached(sql)?.execute(params![before, ROWS])?;
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX) < ROWS)
}

/// Whether what is deleted is overwritten in its page. Not always: a page that becomes free is written once more
/// for it, and only raw bodies and what systems answered must be gone.
fn overwriting(c: &Connection, on: bool) -> Result<(), StoreError> {
    let sql = if on { "PRAGMA secure_delete = ON" } else { "PRAGMA secure_delete = OFF" };
    c.execute_batch(sql).map_err(|error| Fault::from(error).into())
}

/// Moves the log into the file and empties it, without waiting for anybody; `false`: somebody reads from it.
fn empty_log(c: &Connection) -> Result<bool, StoreError> {
    let wait = c.pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0));
    let wait = Duration::from_millis(wait.map_err(Fault::from)?.into());
    c.busy_timeout(Duration::ZERO).map_err(Fault::from)?;
    let busy = c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    c.busy_timeout(wait).map_err(Fault::from)?;
    Ok(busy.map_err(Fault::from)? == 0)
}
