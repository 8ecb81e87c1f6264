//! The values beside the one that a conversion writes.

use std::ops::Deref;

use crate::cell::Cell;

/// Nearly always there is none, or one: the currency of an amount. That one needs no list of its own.
#[derive(Debug, Default)]
pub(crate) enum Aside<'a> {
    /// None.
    #[default]
    None,
    /// One.
    One(Cell<'a>),
    /// Any number.
    Many(Vec<Cell<'a>>),
}

impl<'a> Aside<'a> {
    /// More values, behind so many; those that are missing before them are absent.
    pub(crate) fn extend_from(&mut self, before: usize, more: Aside<'a>) {
        let mut all = std::mem::take(self).into_vec();
        all.resize(before, Cell::Absent);
        all.extend(more.into_vec());
        *self = all.into();
    }

    /// As a list.
    pub(crate) fn into_vec(self) -> Vec<Cell<'a>> {
        match self {
            Aside::None => Vec::new(),
            Aside::One(cell) => vec![cell],
            Aside::Many(cells) => cells,
        }
    }
}

impl<'a> From<Vec<Cell<'a>>> for Aside<'a> {
    fn from(cells: Vec<Cell<'a>>) -> Self {
        Aside::Many(cells)
    }
}

impl<'a> Deref for Aside<'a> {
    type Target = [Cell<'a>];

    fn deref(&self) -> &[Cell<'a>] {
        match self {
            Aside::None => &[],
            Aside::One(cell) => std::slice::from_ref(cell),
            Aside::Many(cells) => cells,
        }
    }
}

impl PartialEq for Aside<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
