//! How far the due lanes of each system were looked through, so that the next look need not pass over all that was
//! claimed before: a lane that is claimed or settled leaves a dead entry in the index, and a transaction that stays
//! open anywhere on the server keeps those from being cleared away.
//!
//! A mark is only a place to begin: what came to lie before it is found when the whole range is read again, after
//! [`WHOLE`], or later where that takes long, but no later than after [`LONGEST`].
//!
//! **Bound:** whatever the dead entries of hours, whole ranges take a small part of the time. Test:
//! `a_whole_range_that_takes_long_or_fails_is_read_less_often`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orderhub_order::ids::SystemName;
use tokio::time::Instant;

/// The whole range is read so often.
const WHOLE: Duration = Duration::from_secs(10);
/// At the least, so many times as long as it took passes between two whole reads.
const REST: u32 = 50;
/// Longest time between two whole reads.
const LONGEST: Duration = Duration::from_secs(60);
/// Commits may be due so much earlier than what was looked at last, in nanoseconds.
const SLACK_NS: i64 = 500_000_000;

/// Of a system: lanes that nobody holds, or those of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// Anybody may claim them.
    Free,
    /// This process may have them in hand.
    Own,
}

/// For each system that has due lanes.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<HashMap<(SystemName, Whose), Mark>>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Looked through up to this due time, but for some slack.
    due: i64,
    /// When the whole range was read last, or was tried.
    whole: Instant,
    /// When it is read next, after that.
    rest: Duration,
}

/// A look that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// What is due later; nothing else was there a moment ago.
    pub(super) after: i64,
    since: Instant,
}

impl Marks {
    /// Where to begin when what lies before need not be found.
    pub(super) fn after(&self, system: &SystemName, whose: Whose) -> i64 {
        let marks = self.marks();
        marks
            .get(&(system.clone(), whose))
            .map_or(i64::MIN, |mark| mark.due.saturating_sub(SLACK_NS))
    }

    /// Begins a look that is to find everything within a while.
    pub(super) fn begin(&self, system: &SystemName, whose: Whose) -> Begun {
        let (mut marks, since) = (self.marks(), Instant::now());
        let Some(mark) = marks.get_mut(&(system.clone(), whose)) else {
            return Begun { after: i64::MIN, since };
        };
        if mark.whole.elapsed() < mark.rest {
            return Begun { after: mark.due.saturating_sub(SLACK_NS), since };
        }
        // One that does not come to its end is not tried again at once.
        (mark.whole, mark.rest) = (since, (mark.rest * 2).min(LONGEST));
        Begun { after: i64::MIN, since }
    }

    /// Ends a look: everything that was due by then was found.
    pub(super) fn looked(&self, system: &SystemName, whose: Whose, begun: Begun, due: i64) {
        let mut marks = self.marks();
        let rest = (begun.since.elapsed() * REST).clamp(WHOLE, LONGEST);
        match marks.get_mut(&(system.clone(), whose)) {
            Some(mark) if begun.after > i64::MIN => mark.due = mark.due.max(due),
            Some(mark) => *mark = Mark { due, whole: begun.since, rest },
            // Set free meanwhile: the next look reads everything.
            None if begun.after > i64::MIN => {}
            None => {
                marks.insert((system.clone(), whose), Mark { due, whole: begun.since, rest });
            }
        }
    }

    /// Lanes of others were set free: they may be due since long ago.
    pub(super) fn forget(&self) {
        self.marks().clear();
    }

    /// This process has lanes of a system in hand no more, that may be due since long ago.
    pub(super) fn forget_own(&self, system: &SystemName) {
        self.marks().remove(&(system.clone(), Whose::Own));
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<(SystemName, Whose), Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks through everything that is due by then; where it began.
    async fn look(marks: &Marks, due: i64, took: Duration) -> i64 {
        let system = SystemName::new("erp");
        let begun = marks.begin(&system, Whose::Free);
        tokio::time::advance(took).await;
        marks.looked(&system, Whose::Free, begun, due);
        begun.after
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_range_is_read_again_after_a_while_and_when_lanes_were_set_free() {
        let marks = Marks::default();
        assert_eq!(look(&marks, 9 * SLACK_NS, Duration::ZERO).await, i64::MIN);
        assert_eq!(look(&marks, 11 * SLACK_NS, Duration::ZERO).await, 8 * SLACK_NS);
        assert_eq!(marks.after(&SystemName::new("erp"), Whose::Own), i64::MIN);
        tokio::time::advance(WHOLE / 2).await;
        assert_eq!(look(&marks, 0, Duration::ZERO).await, 10 * SLACK_NS);
        marks.forget();
        assert_eq!(look(&marks, SLACK_NS, Duration::ZERO).await, i64::MIN);
        tokio::time::advance(WHOLE).await;
        assert_eq!(look(&marks, SLACK_NS, Duration::ZERO).await, i64::MIN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_range_that_takes_long_or_fails_is_read_less_often() {
        let (marks, erp, long) = (Marks::default(), SystemName::new("erp"), WHOLE / 25);
        look(&marks, SLACK_NS, long).await;
        tokio::time::advance(long * (REST - 2)).await;
        assert_eq!(look(&marks, SLACK_NS, Duration::ZERO).await, 0);
        tokio::time::advance(long * 2).await;
        // It never ends: it is tried after twice the time, and at last after the longest.
        for rest in [4 * WHOLE, LONGEST, LONGEST] {
            assert_eq!(marks.begin(&erp, Whose::Free).after, i64::MIN);
            tokio::time::advance(rest - Duration::from_secs(1)).await;
            assert_eq!(look(&marks, SLACK_NS, Duration::ZERO).await, 0);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(look(&marks, SLACK_NS, Duration::ZERO).await, i64::MIN);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_set_free_during_a_look_is_found_by_the_next() {
        let (marks, erp) = (Marks::default(), SystemName::new("erp"));
        look(&marks, 9 * SLACK_NS, Duration::ZERO).await;
        let begun = marks.begin(&erp, Whose::Free);
        marks.forget();
        marks.looked(&erp, Whose::Free, begun, 10 * SLACK_NS);
        assert_eq!(marks.begin(&erp, Whose::Free).after, i64::MIN);
    }
}
