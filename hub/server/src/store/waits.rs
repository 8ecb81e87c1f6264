//! How long and how often documents are driven again before a person is asked: the same in every store.

use orderhub_order::fold::{TodoItem, TodoKind};

use super::MessageRow;
use super::commit::{Stands, TodoWrite};
use crate::causes;

/// Drives that came to no commit before a person is asked.
pub(super) const MOST_DRIVES: i64 = 3;
/// A drive that came to no commit is tried again after so long.
pub(super) const AGAIN_NS: i64 = 30 * 1_000_000_000;
/// A document waits so long before a person is asked.
pub(super) const WAITS_NS: i64 = 7 * 24 * 3_600 * 1_000_000_000;
/// What was woken by an answer is woken by another after so long at the earliest: an article for which the system fails
/// while it answers for others is not asked for with each of those.
pub(super) const WOKEN_NS: i64 = 300 * 1_000_000_000;
/// Waits for a lane or a parked document are looked at again after so long, whatever woke them or not.
pub(super) const LOOK_NS: i64 = 600 * 1_000_000_000;

/// What is shown of a document whose drives came to no end.
pub(super) fn drives_failed(message: &MessageRow, document: Option<u32>, drives: i64) -> TodoWrite {
    let why = format!("it was driven {drives} times, and no drive came to an end");
    todo(message, document, TodoKind::Parked, causes::DRIVE_FAILED, why)
}

/// What is shown of a document that waits too long; it goes on waiting.
pub(super) fn waits_long(message: &MessageRow, document: Option<u32>) -> TodoWrite {
    let why = "it has waited for seven days: for its order, an answer of its system, a call or a parked document".to_owned();
    todo(message, document, TodoKind::Waiting, causes::WAITS_LONG, why)
}

fn todo(
    message: &MessageRow,
    document: Option<u32>,
    kind: TodoKind,
    cause: &causes::Cause,
    why: String,
) -> TodoWrite {
    let system = Some(message.envelope.system.clone());
    TodoWrite {
        item: TodoItem { kind, cause: cause.word.into(), system, why, about: None },
        order: None,
        message: Some((message.id, document)),
        document: None,
        stands: Stands::Beside,
    }
}
