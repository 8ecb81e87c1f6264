//! What systems said last, whichever process of the store they said it to: kept over restarts, now and then.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use serde::Serialize;

use super::StoreError;

/// What a system said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidRow {
    /// Which.
    pub system: SystemName,
    /// When it last took a delivery or answered a question.
    pub success: Option<Timestamp>,
    /// The last of these that failed.
    pub error: Option<LastError>,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// Which operation.
    pub operation: String,
    /// Class of the receipt.
    pub class: String,
    /// Why, masked.
    pub why: String,
}

/// What systems said, for who shows it.
pub trait Said {
    /// Keeps it where it is later than what is known.
    fn keep_said(&self, rows: Vec<SaidRow>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What is known, by system.
    fn said(&self) -> BoxFuture<'_, Result<Vec<SaidRow>, StoreError>>;
}

/// Of the columns of a row.
pub(super) type Columns =
    (String, Option<i64>, Option<i64>, Option<String>, Option<String>, Option<String>);

impl SaidRow {
    pub(super) fn of((system, success, at, operation, class, why): Columns) -> Self {
        use super::columns::from_column;
        let error = at.map(|at| LastError {
            at: from_column(at),
            operation: operation.unwrap_or_default(),
            class: class.unwrap_or_default(),
            why: why.unwrap_or_default(),
        });
        Self { system: SystemName::new(system), success: success.map(from_column), error }
    }
}
