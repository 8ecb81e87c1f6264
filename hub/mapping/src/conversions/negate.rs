//! `negate`: the other sign, both ways: a discount that a system writes below zero.

use super::{Conversion, Put, Target, Type, decimal::Written};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug, Default)]
pub(crate) struct Negate;

impl Conversion for Negate {
    fn name(&self) -> &'static str {
        "negate"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        if from == Type::Money { Ok(Type::Money) } else { super::decimal::number(from) }
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        if let Cell::Money(mut money) = cell {
            money.amount = minus(money.amount);
            return Ok(Cell::Money(money));
        }
        Written::default().get(&cell).map(|exact| Cell::Decimal(minus(exact)))
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], target).map(Put::main)
    }
}

/// Zero has no sign: `-0.00` would be another text than `0.00`.
fn minus(exact: rust_decimal::Decimal) -> rust_decimal::Decimal {
    if exact.is_zero() { exact } else { -exact }
}
