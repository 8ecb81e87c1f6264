//! Moments as the whole nanoseconds since 1970 that columns hold: exact, so that a replay gives the same.

use jiff::Timestamp;

/// For a column. Years beyond 2262 are cut to it.
pub(super) fn to_column(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// From a column.
pub(super) fn from_column(ns: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}
