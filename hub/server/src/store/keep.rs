//! How long rows are kept that grow with every message, and what a step of throwing away came to.
//!
//! Whole days go, in UTC, by the time of the commit: a day when its last moment is older than the settings
//! say. So that both stores keep the same, and PostgreSQL drops a table instead of deleting rows.
//!
//! **Invariant:** what is still needed is never thrown away: orders, versions, and a raw message that will be
//! driven again or that an open todo is about. Tests: `what_waits_or_is_an_open_todo_is_kept_beyond_its_time`,
//! `versions_are_kept_for_ever`.

use jiff::Timestamp;

use super::columns::to_column;
use crate::config::{Keep, KeptFor};

pub(super) const NS_PER_DAY: i64 = 24 * 3_600 * 1_000_000_000;
pub(super) const NS_PER_WEEK: i64 = 7 * NS_PER_DAY;
pub(super) const MINUTES_PER_DAY: i64 = 24 * 60;

/// What is kept how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) keep: Keep,
    pub(super) seen_days: u16,
}

/// What one step came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// There is more to do: the next step may follow soon.
    pub more: bool,
    /// What is over and could not go, in words; it is tried again with the next step.
    pub held: Option<String>,
}

/// The day of a moment, counted from 1970.
pub(super) fn day(now: Timestamp) -> i64 {
    to_column(now).div_euclid(NS_PER_DAY)
}

/// The week of a moment, counted from 1970.
pub(super) fn week(now: Timestamp) -> i64 {
    to_column(now).div_euclid(NS_PER_WEEK)
}

/// Days in one partition where so many days are kept: each look-up goes through all partitions, and each takes a
/// lock or two, of which a server has some thousands. So there are at most about 120, however long is kept.
pub(super) fn span(days: i64) -> i64 {
    match days {
        ..=100 => 1,
        101..=732 => 7,
        _ => 30,
    }
}

/// The oldest day of each kind that stays; days before it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oldest {
    pub(super) messages: i64,
    pub(super) receipts: i64,
    pub(super) minutes: i64,
    /// The oldest week of message ids.
    pub(super) seen: i64,
}

impl Oldest {
    pub(super) fn at(now: Timestamp, keep: &Keep, seen_days: u16) -> Self {
        let oldest = |kept: KeptFor| match kept.as_days() {
            Some(days) => day(now).saturating_sub(days.into()),
            None => i64::MIN / NS_PER_DAY,
        };
        let seen = to_column(now).saturating_sub(i64::from(seen_days) * NS_PER_DAY);
        Self {
            messages: oldest(keep.messages),
            receipts: oldest(keep.receipts),
            minutes: oldest(keep.minutes),
            seen: seen.div_euclid(NS_PER_WEEK),
        }
    }
}
