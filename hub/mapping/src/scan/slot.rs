//! What a scan fills: slots of borrowed spans, in frames that are linked to rows.

use super::trie::Trie;

/// What stands in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Absent,
    /// `null`, here or on the way here.
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, as written.
    Number,
    /// A text without escapes, without its quotes.
    Text,
    /// A text with escapes, without its quotes.
    Escaped,
    /// An object, whole.
    Object,
    /// An array, whole.
    Array,
    /// A scalar stands where the path goes on: the scalar, with its quotes.
    Blocked,
    /// The first row of an array, and how many there are; or a link to the next row.
    Rows,
}

/// A borrowed span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// What it is.
    pub(crate) kind: Kind,
    /// First byte; of rows: the first row's frame.
    pub(crate) start: u32,
    /// One past the last byte; of rows: how many.
    pub(crate) end: u32,
}

/// The filled slots of one body.
#[derive(Debug)]
pub(crate) struct Scanned<'a> {
    /// The body.
    pub(crate) text: &'a str,
    pub(super) slots: Vec<Slot>,
    /// (alternative under `documents.at`, its frame), in the order of the body.
    pub(crate) documents: Vec<(u8, u32)>,
    /// A list that documents would stand in is there, and empty.
    pub(crate) empty: bool,
}

impl<'a> Scanned<'a> {
    /// The slot of a frame.
    pub(crate) fn slot(&self, frame: u32, slot: u16) -> Slot {
        self.slots.get(frame as usize + usize::from(slot)).copied().unwrap_or_default()
    }

    /// The frames of an array's rows, in order.
    pub(crate) fn rows(&self, rows: Slot) -> impl Iterator<Item = u32> + '_ {
        let mut next = (rows.kind == Kind::Rows && rows.end > 0).then_some(rows.start);
        std::iter::from_fn(move || {
            let row = next?;
            let link = self.slot(row, Trie::LINK);
            next = (link.kind == Kind::Rows).then_some(link.start);
            Some(row)
        })
    }
}
