//! Room for what goes out: the values of each element, and all that is written, so that a file cannot make more of a
//! small order than there is memory for.
//!
//! **Invariant:** no document goes out that is larger than [`MOST_WRITTEN`]. Test:
//! `hostile_files_end_in_time_and_room`.

use orderhub_lang::room::{Full, Room};

use super::{Computed, Out};
use crate::ReverseError;
use crate::cell::{Cell, Trouble};
use crate::program::OutRule;

/// Bytes of the largest document that is written: as large as the largest body that is taken.
const MOST_WRITTEN: usize = 16 << 20;

/// Room for the values of one element, or for the inputs of one rule.
pub(super) fn room() -> Room {
    Room::of(MOST_WRITTEN)
}

impl Out<'_> {
    /// A value that stays until its element is written.
    pub(super) fn keep(&self, room: &Room, computed: &Computed<'_>) -> Result<(), ReverseError> {
        let beside: usize = computed.beside.iter().map(Cell::size).sum();
        let taken = room.take(computed.main.size().saturating_add(beside));
        taken.map_err(|full| self.large(computed.rule, full))
    }

    /// One of the inputs of a rule.
    pub(super) fn hold(
        &self,
        room: &Room,
        rule: &OutRule,
        cell: &Cell<'_>,
    ) -> Result<(), ReverseError> {
        room.take(cell.size()).map_err(|full| self.large(rule, full))
    }

    /// Whether there is room for what is written by now. `rule` is told to be one that writes.
    pub(super) fn written(&self, rule: Option<&OutRule>, size: usize) -> Result<(), ReverseError> {
        match rule {
            Some(rule) if size > MOST_WRITTEN => {
                Err(self.large(rule, Full { size, most: MOST_WRITTEN }))
            }
            Some(_) | None => Ok(()),
        }
    }

    #[cold]
    fn large(&self, rule: &OutRule, full: Full) -> ReverseError {
        self.failed(rule, Trouble::large(full), None)
    }
}
