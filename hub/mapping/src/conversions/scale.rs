//! `scale: { by: 0.001, round: 3 }`: units and packs: times `by` in, divided out; `round` is the most
//! digits after the point, both ways, half away from zero.

use orderhub_lang::yaml::Node;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Conversion, Law, Options, Put, Target, Type, decimal};
use crate::cell::{self, Cell, Trouble};
use crate::quote::Quote;

/// Digits that are kept where none are named: what a decimal holds beside a realistic whole part.
const DIGITS: u32 = 12;

#[derive(Debug)]
pub(crate) struct Scale {
    by: Decimal,
    round: u32,
}

impl Scale {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            options.wrong(node, "a factor is needed: scale: { by: 0.001 }");
        }
        let mut fields = options.fields(node, "scale")?;
        let by = fields.required("by", options.findings);
        let round = fields.optional("round");
        fields.finish(options.findings);
        let by = by?;
        let factor = by.scalar_text().and_then(|text| cell::decimal(&text));
        let Some(factor) = factor.filter(|by| !by.is_zero()) else {
            options.wrong(by, "a number other than 0 is needed: by: 12");
            return None;
        };
        let digits = match round {
            None => Some(DIGITS),
            Some(node) => node.scalar_text().and_then(|text| text.parse().ok()),
        };
        let Some(digits) = digits.filter(|digits| *digits <= DIGITS) else {
            options.wrong(round.unwrap_or(node), "a number of digits is needed, 0 to 12");
            return None;
        };
        Some(Box::new(Self { by: factor, round: digits }))
    }

    fn rounded<'a>(&self, exact: Option<Decimal>) -> Result<Cell<'a>, Trouble> {
        let exact = exact.ok_or_else(|| Trouble::new("too_large", "too large a number"))?;
        let midpoint = RoundingStrategy::MidpointAwayFromZero;
        Ok(Cell::Decimal(exact.round_dp_with_strategy(self.round, midpoint).normalize()))
    }
}

impl Conversion for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn law(&self) -> Law {
        Law::Canonical("it is rounded to the digits that the rule keeps")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        decimal::number(from)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let exact = decimal::Written::default().get(&cell)?;
        self.rounded(exact.checked_mul(self.by))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let exact = decimal::Written::default().get(&cell)?;
        self.rounded(exact.checked_div(self.by)).map(Put::main)
    }
}
