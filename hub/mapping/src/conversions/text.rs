//! `text`: reads numbers and booleans as text; goes out as text.

use super::{Conversion, Put, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Text;

impl Conversion for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        as_text(&cell)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        as_text(&cell).map(Put::main)
    }
}

/// The text of a scalar.
pub(super) fn as_text<'a>(cell: &Cell<'a>) -> Result<Cell<'a>, Trouble> {
    cell.scalar().map(Cell::Text).ok_or_else(|| Trouble::wrong_type(cell, "a text"))
}

/// The type check of conversions between texts.
pub(super) fn scalar(from: Type) -> Result<Type, String> {
    match from {
        Type::Raw | Type::Texts | Type::Text => Ok(Type::Text),
        Type::Integer | Type::Decimal | Type::Boolean => Ok(Type::Text),
        Type::Timestamp | Type::Local | Type::Date => Ok(Type::Text),
        Type::Money | Type::List | Type::Map | Type::Named => Err("a text or number".to_owned()),
    }
}
