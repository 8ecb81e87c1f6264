//! The way that most rules go: one row, paths of the document, no conversion. What is copied needs no cell in
//! between.
//!
//! **Invariant:** a rule gives here what it gives the general way, which is asked wherever anything else stands
//! than a text, null or nothing, and wherever somebody watches. Test: `watching_changes_nothing`.

use super::{Frames, Run};
use crate::cell::Cell;
use crate::program::{Given, InRule, Source};
use crate::scan::{Kind, Slot};

/// What a rule copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied<'a> {
    Absent,
    Null,
    Text(&'a str),
}

impl<'a> Run<'_, 'a> {
    /// What a rule copies; `None`: it is none of these, and goes the general way.
    pub(super) fn copied(&self, rule: &InRule, rows: &[Frames]) -> Option<Copied<'a>> {
        let ([frames], Given::First(reads)) = (rows, &rule.input) else { return None };
        let plain = rule.each.is_empty() && rule.fold.is_none() && rule.where_.is_empty();
        if !plain || self.watch.is_some() {
            return None;
        }
        let mut best = Copied::Absent;
        for (source, _) in reads {
            let Source::Document(read) = source else { return None };
            if !read.rows.is_empty() {
                return None;
            }
            let slot = self.at(read.slot, frames);
            match slot.kind {
                Kind::Absent => {}
                Kind::Null => best = Copied::Null,
                Kind::Text => {
                    let text = self.text_of(slot);
                    if rule.none.iter().any(|none| is_text(none, text)) {
                        best = Copied::Null;
                    } else {
                        return Some(Copied::Text(text));
                    }
                }
                Kind::True
                | Kind::False
                | Kind::Number
                | Kind::Escaped
                | Kind::Object
                | Kind::Array
                | Kind::Blocked
                | Kind::Rows => return None,
            }
        }
        Some(best)
    }

    /// What stands in the span of a slot.
    pub(super) fn text_of(&self, slot: Slot) -> &'a str {
        self.scanned.text.get(slot.start as usize..slot.end as usize).unwrap_or_default()
    }
}

fn is_text(cell: &Cell<'_>, text: &str) -> bool {
    if let Cell::Text(known) = cell { known == text } else { false }
}
