//! The times that polls ask for, and where their cursors stand then. Pure.
//!
//! A system that lists so long a time at once only is asked for one window after the other, at once, up to now.
//! **Invariant:** the windows leave nothing out between them, and each gets further than the one before. Test:
//! `windows_follow_each_other_up_to_now`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderhub_lang::value::Value;

use crate::apply::Cursor;
use crate::bundle;

/// The poll under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Timestamp,
}

/// What a poll that begins now asks for.
pub(super) fn window(poll: &bundle::Poll, since: Option<Timestamp>, now: Timestamp) -> Window {
    let back = |from: Timestamp, by: Duration| {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        from.checked_sub(by).unwrap_or(Timestamp::MIN)
    };
    let from = match since {
        Some(since) => Some(back(since, poll.overlap)),
        None => poll.reach.map(|reach| back(now, reach)),
    };
    // Whole seconds, downwards: many systems write no others.
    let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
    let (from, end) = (from.map(whole), whole(back(now, poll.lag)));
    Window { from, until: most(poll, from).map_or(end, |most| most.min(end)) }
}

/// When the next poll is due, of one that got so far: what ends before now was begun later than that.
pub(super) fn due(poll: &bundle::Poll, since: Timestamp) -> Timestamp {
    later(since, poll.every.saturating_add(poll.lag))
}

/// How far a poll from there may reach.
fn most(poll: &bundle::Poll, from: Option<Timestamp>) -> Option<Timestamp> {
    Some(later(from?, poll.window?))
}

/// The time that was asked for does not reach up to the poll's now: what follows is asked for at once.
pub(super) fn goes_on(poll: &bundle::Poll, window: Window) -> bool {
    most(poll, window.from) == Some(window.until)
}

/// The cursor behind a page.
pub(super) fn moved(
    cursor: &Cursor,
    (window, more): (Window, bool),
    next: Option<String>,
    now: Timestamp,
) -> Cursor {
    let (from, until) = (window.from, Some(window.until));
    match next {
        next @ Some(_) => Cursor { from, until, next, ..cursor.clone() },
        None => Cursor {
            since: until,
            from: None,
            until: None,
            next: None,
            // All up to then is there only when the last window is.
            good_at: if more { cursor.good_at } else { Some(now) },
            ..cursor.clone()
        },
    }
}

/// `since` and `until` as the documents write their revisions, and the page.
pub(super) fn arguments(
    intake: &bundle::Intake,
    window: Window,
    page: Option<&Value>,
) -> BTreeMap<String, Value> {
    let written = |at: Timestamp| bundle::written(&intake.mappings, at);
    let args = [
        ("since", window.from.map(written)),
        ("until", Some(written(window.until))),
        ("cursor", page.cloned()),
    ];
    args.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn poll(overlap: u64, reach: Option<u64>) -> bundle::Poll {
        bundle::Poll {
            name: "order".into(),
            operation: "list".into(),
            every: Duration::from_secs(300),
            overlap: Duration::from_secs(overlap),
            reach: reach.map(Duration::from_secs),
            lag: Duration::ZERO,
            window: None,
            newer: None,
            slides: false,
            fields: Vec::new(),
        }
    }

    #[test]
    fn a_poll_looks_back_as_far_as_it_must_and_may() {
        let (now, since) = (at("2026-11-02T09:00:00.7Z"), at("2026-11-02T08:55:00Z"));
        let from = |poll: &bundle::Poll, since| window(poll, since, now).from;
        assert_eq!(window(&poll(0, None), None, now).until, at("2026-11-02T09:00:00Z"));
        assert_eq!(from(&poll(120, Some(60)), Some(since)), Some(at("2026-11-02T08:53:00Z")));
        assert_eq!(from(&poll(120, Some(3_600)), None), Some(at("2026-11-02T08:00:00Z")));
        assert_eq!(from(&poll(120, None), None), None, "to the beginning");
    }

    #[test]
    fn a_poll_that_lags_leaves_nothing_out_and_is_asked_no_more_often() {
        let mut now = at("2026-11-02T09:00:00.7Z");
        let lags = bundle::Poll { lag: Duration::from_secs(180), ..poll(60, Some(3_600)) };
        let (mut since, mut asked) = (None, Vec::new());
        for _ in 0..3 {
            let window = window(&lags, since, now);
            let text = |at: Timestamp| at.strftime("%H:%M:%S").to_string();
            let (at, from) = (text(now), text(window.from.unwrap()));
            asked.push(format!("{at}: {from} {}", text(window.until)));
            since = Some(window.until);
            now = due(&lags, window.until);
        }
        assert_eq!(
            asked,
            [
                "09:00:00: 08:00:00 08:57:00",
                "09:05:00: 08:56:00 09:02:00",
                "09:10:00: 09:01:00 09:07:00",
            ]
        );
    }

    #[test]
    fn windows_follow_each_other_up_to_now() {
        let now = at("2026-11-02T09:00:00.7Z");
        let poll =
            bundle::Poll { window: Some(Duration::from_secs(3_600)), ..poll(60, Some(9_000)) };
        let mut since = None;
        let mut asked = Vec::new();
        loop {
            let window = window(&poll, since, now);
            let text = |at: Timestamp| at.strftime("%H:%M").to_string();
            asked.push(format!("{} {}", text(window.from.unwrap()), text(window.until)));
            since = Some(window.until);
            if !goes_on(&poll, window) {
                break;
            }
        }
        assert_eq!(asked, ["06:30 07:30", "07:29 08:29", "08:28 09:00"]);
    }
}
