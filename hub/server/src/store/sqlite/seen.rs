//! The table of seen ids, one a week, dropped whole when its time is over: no row is ever deleted.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use crate::store::commit::{Seen, SeenId};
use crate::store::keep;

/// Ids that go in one step.
const PRUNED_AT_ONCE: usize = 1_000;

/// The weeks whose tables are there, oldest first. Read anew after a rollback.
#[derive(Debug, Default)]
pub(super) struct Weeks(Vec<i64>);

impl Weeks {
    pub(super) fn read(connection: &Connection) -> Result<Self, Fault> {
        let mut tables = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'seen_*'",
        )?;
        let names = tables.query_map([], |row| row.get::<_, String>(0))?;
        let mut weeks = Vec::new();
        for name in names {
            weeks.extend(name?.strip_prefix("seen_").and_then(|week| week.parse::<i64>().ok()));
        }
        weeks.sort_unstable();
        Ok(Self(weeks))
    }

    /// All of them.
    pub(super) fn all(self) -> Vec<i64> {
        self.0
    }

    /// Notes ids in the table of `now`; asks those of the weeks before first.
    pub(super) fn note(
        &mut self,
        connection: &Connection,
        ids: &[SeenId],
        now: Timestamp,
    ) -> Result<Vec<Seen>, Fault> {
        let week = keep::week(now);
        if !self.0.contains(&week) {
            connection.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS seen_{week} (
                     id BLOB PRIMARY KEY, body BLOB NOT NULL, sequence INTEGER NOT NULL
                 ) WITHOUT ROWID"
            ))?;
            self.0.push(week);
            self.0.sort_unstable();
        }
        let insert = format!(
            "INSERT INTO seen_{week} (id, body, sequence) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
        );
        let mut insert = connection.prepare_cached(&insert)?;
        let others: Vec<i64> = self.0.iter().copied().filter(|other| *other != week).collect();
        let mut seen = Vec::with_capacity(ids.len());
        for id in ids {
            let mut known = None;
            for other in &others {
                known = known.or(find(connection, *other, id)?);
            }
            if known.is_none() && insert.execute(params![id.id, id.body, id.sequence])? == 0 {
                known = find(connection, week, id)?;
            }
            seen.push(known.unwrap_or(Seen::New));
        }
        Ok(seen)
    }

    /// Empties the first table step by step, if it is of a week before `oldest`, and drops it when it is empty: a table
    /// of millions of rows goes in no short transaction. `true`: it is of no such week.
    pub(super) fn prune(&mut self, connection: &Connection, oldest: i64) -> Result<bool, Fault> {
        let Some(week) = self.0.first().copied().filter(|week| *week < oldest) else {
            return Ok(true);
        };
        let some = format!(
            "DELETE FROM seen_{week} WHERE id IN (SELECT id FROM seen_{week} ORDER BY id LIMIT {PRUNED_AT_ONCE})"
        );
        if connection.execute(&some, [])? < PRUNED_AT_ONCE {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS seen_{week}"))?;
            self.0.remove(0);
        }
        Ok(false)
    }
}

fn find(connection: &Connection, week: i64, id: &SeenId) -> Result<Option<Seen>, Fault> {
    let sql = format!("SELECT body, sequence FROM seen_{week} WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let row = statement.query_row([&id.id], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)));
    Ok(row.optional()?.map(|(body, sequence)| {
        if body == id.body { Seen::Duplicate(sequence) } else { Seen::Reused(sequence) }
    }))
}
