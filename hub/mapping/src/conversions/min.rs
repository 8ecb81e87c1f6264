//! `min`: the smallest of a fan-out: of numbers, amounts of one currency, times or days.

use std::cmp::Ordering;

use super::{Conversion, Put, Shape, Target, Type, max};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Min;

impl Conversion for Min {
    fn name(&self) -> &'static str {
        "min"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        max::comparable(from)
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        max::extreme(&cell, Ordering::Less)
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}
