//! What a lane remembers of a field that is led back and forth.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contribution::Stated;

/// A field that goes back and forth between what its system says and what another does: see `fold/swing.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swing {
    /// Of the system whose value the order has: the one before it. Of one that is corrected: the word that did not stand.
    /// Whoever says it leads back.
    pub from: Stated,
    /// When it was led back, oldest first: at most [`Swing::TURNS`], within [`Swing::HOURS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Timestamp>,
    /// Once too often: what the system says of the field neither moves it nor is corrected, until the sides agree or a
    /// person decides.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub frozen: bool,
}

impl Swing {
    /// So often a field is led back; then it is frozen.
    pub(crate) const TURNS: usize = 3;
    /// Turns that lie further apart are none: longer than two systems take that look at each other once a night.
    pub(crate) const HOURS: i64 = 36;

    /// The next one: `before` is the last, where what is said now leads back to what it was `from`.
    pub(crate) fn after(before: Option<&Swing>, from: Stated, now: Timestamp) -> Swing {
        let oldest = now.saturating_sub(SignedDuration::from_hours(Swing::HOURS)).unwrap_or(now);
        let mut times = Vec::new();
        if let Some(before) = before {
            times.extend(before.times.iter().copied().filter(|time| *time >= oldest));
            times.push(now);
        }
        let frozen = times.len() >= Swing::TURNS;
        Swing { from, times, frozen }
    }

    /// The sides agree. One turn more within the time freezes it again.
    pub(crate) fn thaw(&mut self) {
        self.frozen = false;
        let surplus = (self.times.len() + 1).saturating_sub(Swing::TURNS);
        self.times.drain(..surplus);
    }
}
