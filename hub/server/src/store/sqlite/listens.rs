//! What files in use listened to: one row, read and written with the name of the bundle in use.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;
use crate::bundle::{Listened, Listens};

/// As it stands; `None`: no program has kept it yet.
pub(super) fn listened(c: &Connection) -> Result<Option<Listened>, Fault> {
    Ok(named(c, "listens")?.and_then(|text| Listened::read(&text)))
}

/// The bundle in use.
pub(super) fn in_use(c: &Connection) -> Result<Option<String>, Fault> {
    named(c, "bundle")
}

fn named(c: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    Ok(c.query_row(sql, [name], |row| row.get(0)).optional()?)
}

/// After a switch to files that listen to this. What cannot be read stays as it is.
///
/// **Invariant:** a list that another program wrote is there when that program is back. Test:
/// `a_list_that_cannot_be_read_stays`.
pub(super) fn next(c: &Connection, listens: &Listens, now: Timestamp) -> Result<Listened, Fault> {
    let text = named(c, "listens")?;
    let before = text.as_deref().map_or_else(|| Some(Listened::default()), Listened::read);
    let is_read = before.is_some();
    let listened = before.unwrap_or_default().next(listens, now);
    if !is_read {
        return Ok(listened);
    }
    let keep = "INSERT INTO meta (name, value) VALUES ('listens', ?1)
                ON CONFLICT DO UPDATE SET value = excluded.value";
    c.execute(keep, [listened.to_text()])?;
    Ok(listened)
}
