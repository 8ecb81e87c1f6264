//! What an error of SQLite means: full, the data of some unit, or the store itself.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;
use crate::store::codec::CodecError;
use crate::store::commit::TxError;

/// An error of the library or of a stored body, before it is judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// SQLite's.
    #[error(transparent)]
    Sqlite(#[from] Error),
    /// A body's.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A place in an order that this program cannot read: unknown is never taken for the order itself.
    #[error("a reference names the place `{0}`, which this program cannot read")]
    Place(String),
}

impl From<Fault> for TxError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Codec(error) => error.into(),
            Fault::Place(_) => TxError::Data(fault.to_string()),
            Fault::Sqlite(error) if blames_the_data(&error) => TxError::Data(error.to_string()),
            Fault::Sqlite(error) => TxError::Store(of(&error)),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Codec(error) => StoreError::Failed(error.to_string()),
            Fault::Place(_) => StoreError::Failed(fault.to_string()),
            Fault::Sqlite(error) => of(&error),
        }
    }
}

impl From<Error> for TxError {
    fn from(error: Error) -> Self {
        Fault::Sqlite(error).into()
    }
}

/// What the caller of the store is told. Messages of SQLite name tables, never values.
pub(super) fn of(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(_) | None => StoreError::Failed(error.to_string()),
    }
}

/// Whether the same statement with other values would pass.
fn blames_the_data(error: &Error) -> bool {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::TooBig
            | ErrorCode::TypeMismatch
            | ErrorCode::ParameterOutOfRange,
        ) => true,
        Some(_) => false,
        // Not SQLite's: a column that does not hold what it should.
        None => true,
    }
}
