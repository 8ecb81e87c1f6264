//! `integer`: reads numbers and text alike; goes out as a JSON number.

use orderhub_lang::yaml::Node;
use rust_decimal::prelude::ToPrimitive;

use super::{Conversion, Law, Options, Put, Target, Type, decimal};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug)]
pub(crate) struct Integer {
    written: decimal::Written,
}

impl Integer {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let written = decimal::Written::read(node, "integer", options)?;
        Some(Box::new(Self { written }))
    }
}

impl Conversion for Integer {
    fn name(&self) -> &'static str {
        "integer"
    }

    fn law(&self) -> Law {
        Law::Canonical("a text is written as a whole number")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        decimal::number(from).map(|_| Type::Integer)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let exact = self.written.get(&cell)?;
        let whole = exact.is_integer().then(|| exact.to_i64()).flatten();
        let why = "a whole number of at most 18 digits is needed";
        whole.map(Cell::Integer).ok_or_else(|| Trouble::new("not_a_number", why))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        // A text that is a whole number (an id) goes out as a number too.
        let whole = self.get(cell, &[], Target::default())?;
        self.written.put(&whole).map(Put::main)
    }
}
