//! How far the due lanes of each system were claimed, so that the next claim need not pass over all that was
//! claimed before: a claimed lane leaves a dead entry in the index, and a transaction that stays open anywhere
//! on the server keeps those from being cleared away.
//!
//! A mark is only a place to begin: what came to lie before it is found when the whole range is read again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orderhub_order::ids::SystemName;
use tokio::time::Instant;

/// The whole range is read so often.
const WHOLE: Duration = Duration::from_secs(10);
/// Commits of other processes may be due so much earlier than what was claimed last, in nanoseconds.
const SLACK_NS: i64 = 2_000_000_000;

/// One for each system that has due lanes.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<HashMap<SystemName, Mark>>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Claimed up to this due time, but for some slack.
    due: i64,
    /// When the whole range was read last.
    whole: Instant,
}

impl Marks {
    /// Where to begin: nothing that is due before was free a moment ago.
    pub(super) fn after(&self, system: &SystemName) -> i64 {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = marks.get(system).filter(|mark| mark.whole.elapsed() < WHOLE);
        mark.map_or(i64::MIN, |mark| mark.due.saturating_sub(SLACK_NS))
    }

    /// Lanes up to this due time were claimed, beginning there.
    pub(super) fn claimed(&self, system: &SystemName, after: i64, due: i64) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match marks.get_mut(system) {
            Some(mark) if after > i64::MIN => mark.due = mark.due.max(due),
            Some(mark) => *mark = Mark { due, whole: now },
            None => drop(marks.insert(system.clone(), Mark { due, whole: now })),
        }
    }

    /// Lanes were set free: they may be due since long ago.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_whole_range_is_read_again_after_a_while_and_when_lanes_were_set_free() {
        let (marks, system) = (Marks::default(), SystemName::new("erp"));
        assert_eq!(marks.after(&system), i64::MIN);
        marks.claimed(&system, i64::MIN, 9 * SLACK_NS);
        assert_eq!(marks.after(&system), 8 * SLACK_NS);
        marks.claimed(&system, 8 * SLACK_NS, 11 * SLACK_NS);
        tokio::time::advance(WHOLE / 2).await;
        assert_eq!(marks.after(&system), 10 * SLACK_NS);
        marks.forget();
        assert_eq!(marks.after(&system), i64::MIN);
        marks.claimed(&system, i64::MIN, SLACK_NS);
        tokio::time::advance(WHOLE).await;
        assert_eq!(marks.after(&system), i64::MIN);
    }
}
