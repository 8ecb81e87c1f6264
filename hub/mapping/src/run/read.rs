//! From slots to values: what a source holds in the frames of a rule.

use std::borrow::Cow;

use orderhub_lang::path::{Segment, values};
use orderhub_lang::value::Value as LangValue;

use super::{Frame, Frames, Run};
use crate::cell::{Cell, Trouble};
use crate::program::{Read, Source};
use crate::scan::token::unescape;
use crate::scan::trie::Address;
use crate::scan::{Kind, Slot};

impl<'a> Run<'_, 'a> {
    pub(super) fn at(&self, address: Address, frames: &[Frame]) -> Slot {
        let frame = frames.get(usize::from(address.level));
        frame.map(|frame| self.scanned.slot(frame.base, address.slot)).unwrap_or_default()
    }

    /// The value in a slot. A scalar in the way of a path is null if it means none.
    pub(super) fn cell(&self, slot: Slot, none: &[Cell<'_>]) -> Result<Cell<'a>, Trouble> {
        let text = || self.text_of(slot);
        let cell = match slot.kind {
            Kind::Absent => Cell::Absent,
            Kind::Null => Cell::Null,
            Kind::True => Cell::Bool(true),
            Kind::False => Cell::Bool(false),
            Kind::Number => Cell::Number(Cow::Borrowed(text())),
            Kind::Text => Cell::Text(Cow::Borrowed(text())),
            Kind::Escaped => Cell::Text(unescape(text())),
            Kind::Object | Kind::Array => Cell::Json(Cow::Borrowed(text())),
            Kind::Rows => Cell::Absent,
            Kind::Blocked => {
                let value = self.standing(slot);
                if means_none(&value, none) {
                    return Ok(Cell::Null);
                }
                let why = format!("the path goes on, but {} stands here", value.kind());
                return Err(Trouble::new("wrong_type", why));
            }
        };
        Ok(if means_none(&cell, none) { Cell::Null } else { cell })
    }

    /// What stands where a path goes on.
    fn standing(&self, slot: Slot) -> Cell<'a> {
        let value = LangValue::from_json(self.text_of(slot).as_bytes());
        value.map_or(Cell::Absent, Cell::from_lang)
    }

    /// Calls `each` with the frames of every row of a fan-out; false if there is no array.
    pub(super) fn fan(
        &self,
        rows: &[Address],
        frames: &Frames,
        each: &mut dyn FnMut(&Frames) -> Result<(), Trouble>,
    ) -> Result<Presence, Trouble> {
        let Some((first, rest)) = rows.split_first() else {
            each(frames)?;
            return Ok(Presence::Value);
        };
        let slot = self.at(*first, frames);
        match slot.kind {
            Kind::Rows => {}
            Kind::Absent => return Ok(Presence::Absent),
            Kind::Null => return Ok(Presence::Null),
            Kind::Blocked
            | Kind::True
            | Kind::False
            | Kind::Number
            | Kind::Text
            | Kind::Escaped
            | Kind::Object
            | Kind::Array => return Ok(Presence::Blocked(slot)),
        }
        let depth = usize::from(first.level) + 1;
        let mut inner: Frames = frames.iter().take(depth).copied().collect();
        for (row, base) in self.scanned.rows(slot).enumerate() {
            inner.truncate(depth);
            inner.push(Frame { base, row: u32::try_from(row).unwrap_or(u32::MAX) });
            if let Presence::Blocked(slot) = self.fan(rest, &inner, each)? {
                return Ok(Presence::Blocked(slot));
            }
        }
        Ok(Presence::Value)
    }

    /// The frames of the rows of an `each`; `None`: there is no array.
    pub(super) fn rows(
        &self,
        read: &Read,
        frames: &Frames,
    ) -> Result<Option<Vec<Frames>>, Trouble> {
        let mut all = Vec::new();
        let presence = self.fan(&read.rows, frames, &mut |frames| {
            all.push(frames.clone());
            Ok(())
        })?;
        match presence {
            // Null is no list: an unknown list destroys nothing.
            Presence::Absent | Presence::Null => Ok(None),
            Presence::Value => Ok(Some(all)),
            Presence::Blocked(slot) => self.blocked(slot, &self.mapping.none).map(|_| None),
        }
    }

    pub(super) fn blocked(&self, slot: Slot, none: &[Cell<'_>]) -> Result<Cell<'a>, Trouble> {
        let found = self.standing(slot);
        if means_none(&found, none) {
            return Ok(Cell::Null);
        }
        Err(Trouble::wrong_type(&found, "a list"))
    }

    /// One value of a source that is no fan-out.
    pub(super) fn single(
        &self,
        source: &Source,
        frames: &Frames,
        none: &[Cell<'_>],
    ) -> Result<Cell<'a>, Trouble> {
        match source {
            Source::Document(read) => self.cell(self.at(read.slot, frames), none),
            Source::Setting(name) => Ok(match self.context.settings.get(name) {
                Some(text) => Cell::Text(Cow::Owned(text.clone())),
                None => Cell::Absent,
            }),
            Source::Argument(segments) => Ok(self.argument(segments)),
            Source::Hub(path) => {
                let Some(subject) = self.context.hub else { return Ok(Cell::Absent) };
                Ok(crate::reverse::hub_value(subject, path))
            }
            Source::Index => {
                let row = frames.last().map_or(0, |frame| frame.row);
                Ok(Cell::Integer(i64::from(row)))
            }
        }
    }

    fn argument(&self, segments: &[Segment]) -> Cell<'a> {
        let Some((Segment::Key(name), rest)) = segments.split_first() else {
            return Cell::Absent;
        };
        let found =
            self.context.args.get(name).and_then(|value| values(rest, value).first().copied());
        found.map_or(Cell::Absent, |value| Cell::from_lang(value.clone()))
    }
}

/// What came of looking for an array.
#[derive(Clone, Copy, Debug)]
pub(super) enum Presence {
    Absent,
    Null,
    Value,
    Blocked(Slot),
}

pub(super) fn presence(cells: &[Cell<'_>]) -> Presence {
    if cells.iter().any(Cell::is_value) {
        return Presence::Value;
    }
    if cells.contains(&Cell::Null) { Presence::Null } else { Presence::Absent }
}

/// Whether a value is one of those that mean null.
pub(crate) fn means_none(cell: &Cell<'_>, none: &[Cell<'_>]) -> bool {
    none.iter().any(|none| match (none, cell) {
        (Cell::Number(left), Cell::Number(right)) => {
            left == right || crate::cell::decimal(left) == crate::cell::decimal(right)
        }
        (Cell::Json(_), _) => false,
        (none, cell) => none == cell,
    })
}

/// Where a source stands, for messages.
pub(super) fn path_of(source: &Source, frames: &Frames) -> String {
    match source {
        Source::Document(read) => place(&read.text, frames),
        Source::Setting(name) => format!("$settings.{name}"),
        Source::Argument(_) => "$args".to_owned(),
        Source::Hub(_) => "$hub".to_owned(),
        Source::Index => "$index".to_owned(),
    }
}

/// A path with the positions of its rows: `line_items.2.price`.
pub(super) fn place(text: &str, frames: &Frames) -> String {
    let mut rows = frames.iter().skip(2);
    let parts = text.split('.').map(|part| match part {
        "*" => rows.next().map_or_else(|| "*".to_owned(), |frame| frame.row.to_string()),
        other => other.to_owned(),
    });
    parts.collect::<Vec<_>>().join(".")
}
