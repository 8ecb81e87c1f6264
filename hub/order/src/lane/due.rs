//! Since when a lane is due, and whether it only waits for the end of a time.

use jiff::Timestamp;

use super::{Lane, LaneCode};

impl Lane {
    /// Since when the target lags behind what is due to be sent; `None`: nothing is due.
    ///
    /// **Invariant:** it says how long the oldest wish has waited, whatever was tried meanwhile; a wish that was
    /// met begins anew, so that an order that changes all the time is not old. Tests:
    /// `a_wish_is_as_old_as_the_target_lags_behind`, `the_oldest_wish_is_told_while_it_waits`.
    pub fn waits_since(&self) -> Option<Timestamp> {
        self.due_at?;
        let wished = self.wants.iter().filter_map(|want| want.since).min();
        self.due_since.max(wished)
    }

    /// Whether the times of its wishes are not noted yet, or not true any more.
    pub(crate) fn is_unstamped(&self) -> bool {
        self.due_at.is_some() != self.due_since.is_some()
            || self.wants.iter().any(|want| want.since.is_none())
    }

    /// Notes since when it wants what it wants, at the end of a turn.
    pub(crate) fn stamp(&mut self, now: Timestamp) {
        for want in &mut self.wants {
            want.since.get_or_insert(now);
        }
        self.due_since = self.due_at.and_then(|_| self.due_since.or(Some(now)));
    }

    /// It waits for a time at which something that stood in its way may be gone: a refused credential, an open
    /// breaker, a limit, a pause.
    pub fn is_put_off(&self, now: Timestamp) -> bool {
        let waits = match self.code {
            Some(
                LaneCode::NotAllowed | LaneCode::BreakerOpen | LaneCode::Limited | LaneCode::Paused,
            ) => !self.flying.as_ref().is_some_and(|flight| flight.in_air),
            Some(
                LaneCode::ProjectionEqual
                | LaneCode::OwnChange
                | LaneCode::Held
                | LaneCode::Dropped
                | LaneCode::Shadow
                | LaneCode::NotRouted
                | LaneCode::NotLinked
                | LaneCode::NoUpdate
                | LaneCode::Retry
                | LaneCode::InDoubt
                | LaneCode::Dead
                | LaneCode::LetBe
                | LaneCode::Delivered,
            )
            | None => false,
        };
        waits && self.due_at.is_some_and(|due| due > now)
    }
}
