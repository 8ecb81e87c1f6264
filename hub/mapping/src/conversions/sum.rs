//! `sum`: numbers or amounts of a fan-out, added exactly. Nothing to add is null.

use super::{Conversion, Put, Shape, Target, Type, decimal::Written};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Sum;

/// The values of a fan-out that are there.
pub(super) fn values<'c, 'a>(cell: &'c Cell<'a>) -> impl Iterator<Item = &'c Cell<'a>> {
    let all =
        if let Cell::Many(cells) = cell { cells.as_slice() } else { std::slice::from_ref(cell) };
    all.iter().filter(|cell| cell.is_value())
}

impl Conversion for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match from {
            Type::Money => Ok(Type::Money),
            Type::Integer => Ok(Type::Integer),
            Type::Decimal => Ok(Type::Decimal),
            Type::Raw
            | Type::Texts
            | Type::Text
            | Type::Local
            | Type::Timestamp
            | Type::Date
            | Type::Boolean
            | Type::List
            | Type::Map
            | Type::Named => {
                Err("numbers or amounts: put `decimal` or `money` before `sum`".to_owned())
            }
        }
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let large = || Trouble::new("too_large", "too large a sum");
        let mut sum = Cell::Null;
        for value in values(&cell) {
            sum = match (sum, value) {
                (Cell::Null, value) => value.clone(),
                (Cell::Money(sum), Cell::Money(value)) => {
                    let added = sum.add(value);
                    Cell::Money(added.map_err(|error| Trouble::new("currency", error.to_string()))?)
                }
                (Cell::Integer(sum), Cell::Integer(value)) => {
                    Cell::Integer(sum.checked_add(*value).ok_or_else(large)?)
                }
                (sum, value) => {
                    let (sum, value) =
                        (Written::default().get(&sum)?, Written::default().get(value)?);
                    Cell::Decimal(sum.checked_add(value).ok_or_else(large)?)
                }
            };
        }
        Ok(sum)
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}
