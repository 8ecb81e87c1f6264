//! A look at the file from outside: nothing is made or changed.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::schema;
use crate::store::copy;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The schema that it has; `None`: there is no file yet.
    pub schema: Option<i64>,
    /// The schema that this program makes.
    pub known: i64,
    /// A hub runs on it.
    pub in_use: bool,
    /// Why no hub starts on it: it was copied to a database.
    pub copied: Option<String>,
}

/// Looks.
///
/// # Errors
///
/// Why it cannot be read.
pub fn look(path: &Path) -> Result<Look, String> {
    let known = schema::known();
    if !path.exists() {
        return Ok(Look { schema: None, known, in_use: false, copied: None });
    }
    let connection = schema::open_reader(path).map_err(|error| error.to_string())?;
    let found = schema::version(&connection).map_err(|fault| fault.to_string())?;
    let copied = copy::refused(&schema::note_of(path), path).err();
    let copied = copied.map(|error| error.to_string());
    Ok(Look { schema: Some(found), known, in_use: in_use(path), copied })
}

/// Whether a process holds the lock of the file. One that is not there is held by nobody.
fn in_use(path: &Path) -> bool {
    let Ok(lock) = File::options().write(true).open(schema::lock_of(path)) else { return false };
    // Taken for a moment and given back at once: a hub that starts just now tries again.
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}
