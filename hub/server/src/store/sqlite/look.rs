//! A look at the file from outside: nothing is made or changed.

use std::fs::{File, TryLockError};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;
use super::{listens, resting, schema};
use crate::bundle::Listened;
use crate::store::columns::from_column;
use crate::store::{RestingRow, WaitingRow, copy};

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The schema that it has; `None`: there is no file yet.
    pub schema: Option<i64>,
    /// The schema that this program makes.
    pub known: i64,
    /// A hub runs on it.
    pub in_use: bool,
    /// Why no hub starts on it: it was copied to a database.
    pub copied: Option<String>,
    /// Its size, in bytes.
    pub bytes: u64,
    /// So many bytes of that are free for new rows.
    pub free: u64,
    /// When the oldest raw message was stored.
    pub messages_since: Option<Timestamp>,
    /// Likewise of attempts.
    pub receipts_since: Option<Timestamp>,
    /// Lanes that rest; none are seen in another schema than this program's.
    pub rests: Vec<RestingRow>,
    /// Messages that wait; likewise.
    pub waits: Vec<WaitingRow>,
    /// What files in use listened to; likewise.
    pub listened: Listened,
}

/// Looks.
///
/// # Errors
///
/// Why it cannot be read.
pub fn look(path: &Path) -> Result<Look, String> {
    let known = schema::known();
    if !path.exists() {
        return Ok(Look { known, ..Look::default() });
    }
    let connection = schema::open_reader(path).map_err(|error| error.to_string())?;
    let found = schema::version(&connection).map_err(|fault| fault.to_string())?;
    let copied = copy::refused(&schema::note_of(path), path).err();
    let copied = copied.map(|error| error.to_string());
    let look = Look { schema: Some(found), known, in_use: in_use(path), copied, ..Look::default() };
    // One that is just being made has no tables yet.
    if found == 0 {
        return Ok(look);
    }
    let look = kept(&connection, look).map_err(|fault| fault.to_string())?;
    if found != known {
        return Ok(look);
    }
    let rests = resting::rests(&connection).map_err(|fault| fault.to_string())?;
    let waits = resting::waits(&connection).map_err(|fault| fault.to_string())?;
    let listened = listens::listened(&connection).map_err(|fault| fault.to_string())?;
    let listened = listened.unwrap_or_default();
    Ok(Look { rests, waits, listened, ..look })
}

/// What it keeps, since when.
fn kept(c: &Connection, look: Look) -> Result<Look, Fault> {
    let pragma = |name| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let page = pragma("page_size")?;
    let bytes = |pages: i64| u64::try_from(pages.saturating_mul(page)).unwrap_or(0);
    let since = |sql: &str| {
        let at = c.query_row(sql, [], |row| row.get::<_, i64>(0)).optional();
        at.map(|at| at.map(from_column))
    };
    Ok(Look {
        bytes: bytes(pragma("page_count")?),
        free: bytes(pragma("freelist_count")?),
        messages_since: since("SELECT at FROM messages ORDER BY id LIMIT 1")?,
        receipts_since: since("SELECT at FROM receipts ORDER BY id LIMIT 1")?,
        ..look
    })
}

/// Whether a process holds the lock of the file. One that is not there is held by nobody.
fn in_use(path: &Path) -> bool {
    let Ok(lock) = File::options().write(true).open(schema::lock_of(path)) else { return false };
    // Taken for a moment and given back at once: a hub that starts just now tries again.
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}
