//! `max`: the largest of a fan-out: of numbers, amounts of one currency, times or days.

use std::cmp::Ordering;

use super::{Conversion, Put, Shape, Target, Type, sum};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct Max;

/// The value that is first in `order`.
pub(super) fn extreme<'a>(cell: &Cell<'a>, order: Ordering) -> Result<Cell<'a>, Trouble> {
    let mut best: Option<&Cell<'a>> = None;
    for value in sum::values(cell) {
        let Some(known) = best else {
            best = Some(value);
            continue;
        };
        if compare(value, known)? == order {
            best = Some(value);
        }
    }
    Ok(best.cloned().unwrap_or(Cell::Null))
}

fn compare(left: &Cell<'_>, right: &Cell<'_>) -> Result<Ordering, Trouble> {
    match (left, right) {
        (Cell::Decimal(left), Cell::Decimal(right)) => Ok(left.cmp(right)),
        (Cell::Integer(left), Cell::Integer(right)) => Ok(left.cmp(right)),
        (Cell::Timestamp(left), Cell::Timestamp(right)) => Ok(left.cmp(right)),
        (Cell::Date(left), Cell::Date(right)) => Ok(left.cmp(right)),
        (Cell::Money(left), Cell::Money(right)) if left.currency == right.currency => {
            Ok(left.amount.cmp(&right.amount))
        }
        (Cell::Money(_), Cell::Money(_)) => {
            Err(Trouble::new("currency", "amounts of two currencies do not compare"))
        }
        (left, _) => Err(Trouble::wrong_type(left, "a number, an amount or a time")),
    }
}

/// What can be compared.
pub(super) fn comparable(from: Type) -> Result<Type, String> {
    match from {
        Type::Integer | Type::Decimal | Type::Money | Type::Timestamp | Type::Date => Ok(from),
        Type::Raw
        | Type::Texts
        | Type::Text
        | Type::Local
        | Type::Boolean
        | Type::List
        | Type::Map
        | Type::Named => Err("numbers, amounts or times: put a conversion before it".to_owned()),
    }
}

impl Conversion for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        comparable(from)
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        extreme(&cell, Ordering::Greater)
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}
