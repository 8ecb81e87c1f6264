//! `first`: the first value of a fan-out that is there.

use super::{Conversion, Put, Shape, Target, Type, sum};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct First;

impl Conversion for First {
    fn name(&self) -> &'static str {
        "first"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        Ok(from)
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        Ok(sum::values(&cell).next().cloned().unwrap_or(Cell::Null))
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}
