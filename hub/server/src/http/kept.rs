//! What is said of what was kept for its time and is gone.

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Api, Problem};
use crate::config::KeptFor;

/// The day before which all that is kept so long is gone; `None`: nothing goes.
fn day(now: Timestamp, kept: KeptFor) -> Option<Timestamp> {
    let days = kept.as_days()?;
    let today = now.to_zoned(TimeZone::UTC).start_of_day().ok()?.timestamp();
    today.checked_sub(jiff::SignedDuration::from_hours(24 * i64::from(days))).ok()
}

fn words(what: &str, setting: &str, kept: KeptFor, before: Timestamp) -> String {
    let date = before.to_zoned(TimeZone::UTC).date();
    format!("{what} from before {date} are kept no longer: `store.keep.{setting}` is `{kept}`")
}

/// What to say of the attempts of an order that is as old as its first version.
pub(super) fn attempts(api: &Api, first: Timestamp) -> Option<String> {
    let kept = api.config.store.keep.receipts;
    let before = day(api.clock.now(), kept)?;
    (first < before).then(|| words("attempts", "receipts", kept, before))
}

/// What to say of a raw message that is not there.
pub(super) fn message(api: &Api) -> String {
    let kept = api.config.store.keep.messages;
    match day(api.clock.now(), kept) {
        Some(before) => words("raw messages", "messages", kept, before),
        // The setting was another when it went.
        None => "the raw message was kept for its time and is gone; `store.keep.messages` is `forever` since"
            .to_owned(),
    }
}

/// The message that a call needs is gone.
pub(super) fn gone(api: &Api) -> Problem {
    let hint = "; have the sender send it again, or discard this";
    Problem::new(StatusCode::GONE, "message_gone", format!("{}{hint}", message(api)))
}
