//! What columns hold, the same in every store: moments, positions, the codes of holds, cursors.

use jiff::Timestamp;
use orderhub_order::catalogue::known;
use orderhub_order::ids::Collection;
use orderhub_order::model::Order;

use super::StoreError;

/// A document position in columns where every row has one: all of the message.
pub(super) const ALL: i64 = -1;

/// Whole nanoseconds since 1970: exact, so that a replay gives the same. Years beyond 2262 are cut to it.
pub(super) fn to_column(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// The moment again.
pub(super) fn from_column(ns: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The codes of the open holds, as a list finds them: `,amount_mismatch,manual,`.
pub(super) fn holds(order: &Order) -> String {
    let holds = order.elements(Collection::Holds);
    let codes = holds.filter_map(|hold| hold.fields.text(known::hold::CODE));
    codes.fold(String::new(), |list, code| {
        if list.is_empty() { format!(",{code},") } else { format!("{list}{code},") }
    })
}

/// Where a page begins; a cursor of somebody's own making is no beginning.
pub(super) fn from_cursor<T>(
    cursor: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let Some(cursor) = cursor else { return Ok(None) };
    read(cursor).map(Some).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))
}
