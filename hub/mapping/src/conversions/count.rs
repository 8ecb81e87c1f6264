//! `count`: how many values a fan-out has that are there.

use super::{Conversion, Put, Shape, Target, Type, sum};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Count;

impl Conversion for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, _: Type) -> Result<Type, String> {
        Ok(Type::Integer)
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        Ok(Cell::Integer(i64::try_from(sum::values(&cell).count()).unwrap_or(i64::MAX)))
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}
