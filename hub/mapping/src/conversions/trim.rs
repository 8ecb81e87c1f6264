//! `trim`: without white space at both ends; a text that is only white space is null.

use super::{Conversion, Law, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Trim;

impl Conversion for Trim {
    fn name(&self) -> &'static str {
        "trim"
    }

    fn law(&self) -> Law {
        Law::Canonical("white space at both ends is dropped")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let trimmed = text.trim();
        Ok(match trimmed.len() {
            0 => Cell::Null,
            all if all == text.len() => Cell::Text(text),
            _ => Cell::text(trimmed.to_owned()),
        })
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], Target::default()).map(Put::main)
    }
}
