//! The rest of a long line: lanes that wait for one key of a limit, and have no room in hand.
//!
//! They wait in the store, each until its turn, so that claims pass over them: the n-th behind those in hand is due
//! when n calls more were free, less half a line, so that the line in hand does not run dry. Pure.
//!
//! **Invariant:** who comes anew goes behind those who wait in the store, and one that was given back is not claimed
//! before its turn. Tests: `a_long_line_waits_in_the_store_in_its_order`,
//! `a_key_with_thousands_waiting_holds_up_no_other`.
//!
//! In memory: [`EACH`] lanes a key (in the ring, and as many more as permits, which found room at once), the end of [`MOST`] lines. A line whose end is not remembered gets
//! its turns from anew: some of its lanes come early, and are given back once more. So it is after a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::ring::Wait;

/// Lanes that wait in hand for one key of a limit.
pub(super) const EACH: usize = 256;
/// Lines whose ends are remembered.
const MOST: usize = 4096;

/// Whether a lane stood in the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It did not.
    Anew,
    /// It did: this is its turn, or it was in hand of a process that is gone.
    Again,
}

/// When calls of a limit are free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Free {
    /// Now.
    pub(super) now: Instant,
    /// The next call.
    pub(super) next: Instant,
    /// One more after each.
    pub(super) every: Duration,
}

/// The ends of the lines, as times at which their last lanes come back.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<Wait, Instant>);

impl Lines {
    /// When a lane shall come back; `None`: it waits in hand, where `here` wait already for the same, and there is
    /// `room` for all limits together.
    pub(super) fn turn(
        &mut self,
        wait: &Wait,
        (came, here, room): (Came, usize, usize),
        free: Free,
    ) -> Option<Instant> {
        let end = self.0.get(wait).copied().filter(|end| *end > free.now);
        let in_order = came == Came::Again || end.is_none();
        if in_order && here < EACH && room > 0 {
            return None;
        }
        let ahead = u32::try_from(here / 2).unwrap_or(u32::MAX);
        let first = free.next + free.every.saturating_mul(ahead);
        let turn = end.map_or(first, |end| first.max(end + free.every));
        if self.0.len() >= MOST && !self.0.contains_key(wait) {
            self.0.retain(|_, end| *end > free.now);
        }
        if self.0.len() < MOST || self.0.contains_key(wait) {
            self.0.insert(wait.clone(), turn);
        }
        Some(turn)
    }

    /// Limits are others now. Whether there were lines.
    pub(super) fn forget(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_waits_in_the_store_in_its_order() {
        let (mut lines, now, every) = (Lines::default(), Instant::now(), Duration::from_secs(2));
        let wait = |key: &str| Wait::Limit("parcel".to_owned(), Some(key.to_owned()));
        let mut turn = |key, now, came, here| {
            lines.turn(&wait(key), (came, here, 1), Free { now, next: now + every, every })
        };
        assert_eq!(turn("A", now, Came::Anew, EACH - 1), None);
        let half = u32::try_from(EACH / 2).unwrap();
        let first = now + every + every * half;
        for number in 0..5_000 {
            assert_eq!(turn("A", now, Came::Anew, EACH), Some(first + every * number));
        }
        let last = first + every * 4_999;
        // At the turn of the first, half of the line is in hand: it has room, but not for who comes anew.
        assert_eq!(turn("A", first, Came::Again, EACH / 2), None);
        assert_eq!(turn("A", first, Came::Anew, EACH / 2), Some(last + every));
        assert_eq!(turn("B", first, Came::Anew, 0), None, "another key is another line");
        // When all have come back, there is no line in the store.
        assert_eq!(turn("A", last + every, Came::Anew, 0), None);
        assert!(lines.forget() && !lines.forget());
    }

    #[test]
    fn without_room_for_limits_each_has_its_turn_all_the_same() {
        let (mut lines, now, every) = (Lines::default(), Instant::now(), Duration::from_secs(1));
        let free = Free { now, next: now + every, every };
        let wait = |key: usize| Wait::Limit("parcel".to_owned(), Some(key.to_string()));
        for number in 1..=3 {
            let turn = lines.turn(&wait(0), (Came::Again, 0, 0), free);
            assert_eq!(turn, Some(now + every * number), "no two at once");
        }
        (1..2 * MOST)
            .for_each(|key| assert!(lines.turn(&wait(key), (Came::Anew, 0, 0), free).is_some()));
        assert_eq!(lines.0.len(), MOST);
    }
}
