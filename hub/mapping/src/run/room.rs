//! Room for what the rules make of a body: bounded by the body, so that a file cannot make more of a small one than there
//! is memory for.
//!
//! A rule of each element that reads the whole document gives as much again for each of them.
//! Counted are the values that a contribution keeps, of all documents of a body together, and apart from them what one
//! rule holds at once: the values of a fan-out, the inputs of an expression. Not counted is the time that this takes.
//!
//! **Invariant:** the bound is by far more than rules give that read each value a few times, and what is beyond it ends
//! with words. Tests: `a_long_order_is_far_from_the_bound`, `hostile_files_end_in_time_and_room`.

use orderhub_lang::room::{Full, Room};

use super::{Failure, Frames, Run};
use crate::cell::{Cell, Trouble};
use crate::program::InRule;
use crate::quote::Quote;

/// Bytes that may be made of the smallest body.
const AT_LEAST: usize = 32 << 20;

/// Bytes besides, for each byte of the body.
const PER_BYTE: usize = 8;

/// Room for what is made of a body.
pub(super) fn kept(body: usize) -> Room {
    Room::of(body.saturating_mul(PER_BYTE).saturating_add(AT_LEAST))
}

/// Takes room for a value.
pub(super) fn take(room: &Room, cell: &Cell<'_>) -> Result<(), Trouble> {
    room.take(cell.size()).map_err(Trouble::large)
}

impl<'a> Run<'_, 'a> {
    /// Room for what one rule holds at once.
    pub(super) fn held(&self) -> Room {
        kept(self.scanned.text.len())
    }

    /// A value that is kept.
    pub(super) fn keep(
        &self,
        rule: &InRule,
        rows: &[Frames],
        cell: Cell<'a>,
    ) -> Result<Cell<'a>, Failure> {
        match self.room.take(cell.size()) {
            Ok(()) => Ok(cell),
            Err(full) => Err(self.large(rule, rows, full)),
        }
    }

    /// The same of a text that is copied.
    pub(super) fn keep_text(
        &self,
        rule: &InRule,
        rows: &[Frames],
        text: &str,
    ) -> Result<(), Failure> {
        let taken = self.room.take(size_of::<Cell<'_>>().saturating_add(text.len()));
        taken.map_err(|full| self.large(rule, rows, full))
    }

    #[cold]
    fn large(&self, rule: &InRule, rows: &[Frames], full: Full) -> Failure {
        let frames = rows.first().cloned().unwrap_or_default();
        self.rule_failure(rule, &frames, Trouble::large(full), Quote::Hidden)
    }
}
