//! What an error of PostgreSQL means: the data of some unit, something in the way, or the store itself.

use std::time::Duration;

use sqlx::Error;

use crate::config::SecretError;
use crate::store::StoreError;
use crate::store::codec::CodecError;
use crate::store::commit::TxError;

/// An error of the library or of a stored body, before it is judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The library's or the server's.
    #[error("{}", words(.0))]
    Sqlx(#[from] Error),
    /// A body's.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The password's.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A place in an order that this program cannot read: unknown is never taken for the order itself.
    #[error("a reference names the place `{0}`, which this program cannot read")]
    Place(String),
    /// A reference that was free a moment ago was bound by another transaction meanwhile.
    #[error("another transaction bound a reference of this batch")]
    Overtaken,
    /// A part of a batch cannot be written, and was not marked to be undone alone.
    #[error("a part of this batch cannot be written")]
    Careless,
    /// The server did not answer.
    #[error("the server did not answer within {} s", .0.as_secs())]
    Late(Duration),
    /// What was tried failed, for a reason that has its words already.
    #[error("{0}")]
    Tried(String),
}

impl From<Fault> for TxError {
    fn from(fault: Fault) -> Self {
        let meaning = match &fault {
            Fault::Codec(_) | Fault::Place(_) => Meaning::Data,
            Fault::Overtaken | Fault::Careless | Fault::Late(_) => Meaning::InTheWay,
            Fault::Secret(_) | Fault::Tried(_) => Meaning::Store,
            Fault::Sqlx(error) => meaning(error),
        };
        match meaning {
            Meaning::Data => TxError::Data(fault.to_string()),
            Meaning::InTheWay => TxError::Again(fault.into()),
            Meaning::Store => TxError::Store(fault.into()),
        }
    }
}

impl From<Error> for TxError {
    fn from(error: Error) -> Self {
        Fault::Sqlx(error).into()
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Sqlx(error) if code(error).is_some_and(|code| code == DISK_FULL) => Self::Full,
            Fault::Sqlx(_)
            | Fault::Codec(_)
            | Fault::Secret(_)
            | Fault::Place(_)
            | Fault::Overtaken
            | Fault::Careless
            | Fault::Tried(_)
            | Fault::Late(_) => Self::Failed(fault.to_string()),
        }
    }
}

impl Fault {
    /// Whether the server gave up waiting for a lock or a transaction, or at its time limit.
    pub(super) fn is_waiting(&self) -> bool {
        self.has_code(&[CANCELLED, LOCKED, "40P01"])
    }

    /// Whether the server stopped a statement at its time limit.
    pub(super) fn is_cancelled(&self) -> bool {
        self.has_code(&[CANCELLED])
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        match self {
            Fault::Sqlx(error) => code(error).is_some_and(|code| codes.contains(&&*code)),
            Fault::Codec(_)
            | Fault::Secret(_)
            | Fault::Place(_)
            | Fault::Overtaken
            | Fault::Careless
            | Fault::Tried(_)
            | Fault::Late(_) => false,
        }
    }
}

const DISK_FULL: &str = "53100";
const CANCELLED: &str = "57014";
const LOCKED: &str = "55P03";
/// No partition for a row, as no column here has a check: the next try makes it.
const NO_PARTITION: &str = "23514";

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// With other values the same statement would pass.
    Data,
    /// At another time it would pass.
    InTheWay,
    /// Neither.
    Store,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's, and it may add variants")]
fn meaning(error: &Error) -> Meaning {
    match error {
        Error::Database(_) => code(error).map_or(Meaning::Store, |code| of_code(&code)),
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => Meaning::InTheWay,
        // A value that no column can hold, or a column that does not hold what it should.
        Error::Encode(_) | Error::Decode(_) | Error::ColumnDecode { .. } => Meaning::Data,
        _ => Meaning::Store,
    }
}

/// See "PostgreSQL Error Codes" in its manual; the first two characters are the class.
fn of_code(code: &str) -> Meaning {
    match code {
        // Serialisation failure, deadlock, lock timeout, statement timeout.
        "40001" | "40P01" | LOCKED | CANCELLED | NO_PARTITION => Meaning::InTheWay,
        // The server stops, crashed or starts; a paused program lost its connection; too many connections.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Meaning::InTheWay,
        _ => match code.get(..2) {
            // Connections.
            Some("08") => Meaning::InTheWay,
            // Wrong values, broken constraints, twice the same row, an index that cannot hold a key so long.
            Some("21" | "22" | "23" | "54") => Meaning::Data,
            Some(_) | None => Meaning::Store,
        },
    }
}

fn code(error: &Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Messages of the server name tables, never values; those of the library say what it was doing.
fn words(error: &Error) -> String {
    match error.as_database_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_at_another_time_is_told_from_what_never_passes() {
        for (code, expected) in [
            ("40001", Meaning::InTheWay),
            ("40P01", Meaning::InTheWay),
            ("55P03", Meaning::InTheWay),
            ("23514", Meaning::InTheWay),
            ("57P01", Meaning::InTheWay),
            ("08006", Meaning::InTheWay),
            ("22021", Meaning::Data),
            ("23505", Meaning::Data),
            ("54000", Meaning::Data),
            (DISK_FULL, Meaning::Store),
            ("42P01", Meaning::Store),
            ("", Meaning::Store),
        ] {
            assert_eq!(of_code(code), expected, "{code}");
        }
        let cut = Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(meaning(&cut), Meaning::InTheWay);
    }
}
