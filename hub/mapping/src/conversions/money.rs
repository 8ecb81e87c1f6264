//! `money: { amount, currency, minor, mark, group, round, number, write }`: an amount with its currency.
//!
//! `amount` and `currency` are paths from the value's place (or absolute), or `currency` a code; both
//! are written back, the amount alone with `write: amount`. Amounts go out as text, `number: true` as a number; `minor: true` counts cents.
//! Digits beyond ISO 4217 that are not zero are an error unless `round:` names how; nor is anything written that
//! is finer than the smallest unit, where that is what is counted. An expression's `{ amount, currency }` goes out
//! as an amount.

use orderhub_lang::yaml::Node;
use orderhub_order::value::{Currency, Money, MoneyError, UNIT_PRICE_DIGITS};
use rust_decimal::{Decimal, RoundingStrategy};

use super::decimal::{Form, Written};
use super::{Aside, Beside, Conversion, Law, Options, Put, Target, Type};
use crate::cell::{self, Cell, Trouble};
use crate::quote::{self, Quote};

#[derive(Debug)]
pub(crate) struct MoneyOf {
    /// The amount's path, if it stands beside; then the currency's, if it is no code.
    beside: Vec<Beside>,
    amount_beside: bool,
    fixed: Option<Currency>,
    minor: bool,
    /// The currency stands elsewhere: it is read here, and not written.
    alone: bool,
    round: Option<RoundingStrategy>,
    written: Written,
}

impl MoneyOf {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            options.wrong(node, "the currency is needed: money: { currency: /currency }");
        }
        let mut fields = options.fields(node, "money")?;
        let amount = fields.optional("amount");
        let currency = fields.required("currency", options.findings);
        let minor = fields.bool("minor", options.findings).unwrap_or(false);
        let number = fields.bool("number", options.findings).unwrap_or(false);
        let (mark, group) = (fields.optional("mark"), fields.optional("group"));
        let (round, write) = (fields.optional("round"), fields.optional("write"));
        fields.finish(options.findings);
        let alone = match write {
            Some(node) => options.word(node, &[("amount", true), ("both", false)])?,
            None => false,
        };
        let round = match round {
            None => None,
            Some(node) => Some(options.word(node, ROUNDINGS)?),
        };
        // Amounts in cents are whole numbers in every system that has them: they go out as numbers.
        let form = if number || minor { Form::Number } else { Form::Text };
        let written = Written::marks(mark, group, form, options)?;
        let mut beside = Vec::new();
        if let Some(node) = amount {
            beside.push(Beside { path: options.path(node)? });
        }
        let currency = currency?;
        let fixed = currency
            .as_text()
            .filter(|text| text.len() == 3)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_uppercase()));
        let fixed = match fixed {
            Some(code) => match Currency::parse(code) {
                Some(known) => Some(known),
                None => {
                    options.wrong(currency, "not a currency of ISO 4217");
                    return None;
                }
            },
            None => {
                beside.push(Beside { path: options.path(currency)? });
                None
            }
        };
        let amount_beside = amount.is_some();
        Some(Box::new(Self { beside, amount_beside, fixed, minor, alone, round, written }))
    }

    fn currency(&self, beside: &[Cell<'_>]) -> Result<Currency, Trouble> {
        if let Some(fixed) = self.fixed {
            return Ok(fixed);
        }
        let given = beside.last().filter(|given| given.is_value());
        let given = given.ok_or_else(|| Trouble::new("currency", "the amount has no currency"))?;
        let code = given.scalar().ok_or_else(|| Trouble::wrong_type(given, "a currency"))?;
        Currency::parse(&code).ok_or_else(|| {
            let shown = quote::shown(given, Quote::Typed);
            let words = shown.map_or_else(|| given.kind().to_owned(), |shown| shown.words());
            Trouble::new("currency", format!("{words} is not a currency of ISO 4217"))
        })
    }

    fn amount(&self, exact: Decimal, currency: Currency, target: Target) -> Result<Money, Trouble> {
        let own = currency.digits().unwrap_or_default();
        let mut amount = exact;
        if self.minor {
            let shift = Decimal::new(1, own);
            let large = || Trouble::new("amount", "too large an amount");
            amount = amount.checked_mul(shift).ok_or_else(large)?;
        }
        let digits = target.money_digits.unwrap_or(own).max(own);
        if let Some(rounding) = self.round {
            amount = amount.round_dp_with_strategy(digits, rounding);
        }
        Money::with_digits(amount, currency, digits).map_err(|error| {
            let cause = match error {
                MoneyError::TooFine { .. } => "amount_scale",
                MoneyError::NotANumber(_) | MoneyError::TooLarge => "amount",
                MoneyError::UnknownCurrency(_) | MoneyError::TwoCurrencies(..) => "currency",
            };
            Trouble::new(cause, error.to_string())
        })
    }
}

/// An amount as expressions see one.
fn computed(cell: &Cell<'_>) -> Option<Money> {
    let tree = cell.tree()?;
    let part = |name| tree.get(name).and_then(|part| part.scalar_text());
    let (amount, currency) = (part("amount")?, part("currency")?);
    Money::parse(&amount, &currency, Some(UNIT_PRICE_DIGITS)).ok()
}

const ROUNDINGS: &[(&str, RoundingStrategy)] = &[
    ("half_up", RoundingStrategy::MidpointAwayFromZero),
    ("half_even", RoundingStrategy::MidpointNearestEven),
    ("down", RoundingStrategy::ToZero),
];

impl Conversion for MoneyOf {
    fn name(&self) -> &'static str {
        "money"
    }

    fn law(&self) -> Law {
        if self.round.is_none() {
            return Law::Exact;
        }
        Law::Canonical("it is rounded to the digits of its currency")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match from {
            Type::Raw | Type::Texts | Type::Text | Type::Integer | Type::Decimal => Ok(Type::Money),
            Type::Money
            | Type::Timestamp
            | Type::Local
            | Type::Date
            | Type::Boolean
            | Type::List
            | Type::Map
            | Type::Named => Err("a number, the text of one, or an object with both".to_owned()),
        }
    }

    fn beside(&self) -> &[Beside] {
        &self.beside
    }

    fn of_object(&self) -> bool {
        self.amount_beside
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(
        &self,
        cell: Cell<'a>,
        beside: &[Cell<'a>],
        target: Target,
    ) -> Result<Cell<'a>, Trouble> {
        let amount = if self.amount_beside { beside.first() } else { Some(&cell) };
        let amount = match amount {
            Some(Cell::Absent) | None => return Ok(Cell::Absent),
            Some(Cell::Null) => return Ok(Cell::Null),
            Some(amount) => amount,
        };
        let exact = self.written.get(amount)?;
        let currency = self.currency(beside)?;
        self.amount(exact, currency, target).map(Cell::Money)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let wrong = || Trouble::wrong_type(&cell, "an amount with its currency");
        let money = match &cell {
            Cell::Money(money) => money.clone(),
            Cell::Json(_) => computed(&cell).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        if self.fixed.is_some_and(|fixed| fixed != money.currency) {
            let why = format!("the currency is {}", cell::code(&money));
            return Err(Trouble::new("currency", why));
        }
        let mut exact = money.amount;
        if self.minor {
            let shift = Decimal::from(
                10_u64.pow(money.currency.digits().unwrap_or_default().min(UNIT_PRICE_DIGITS)),
            );
            let large = || Trouble::new("amount", "too large an amount");
            exact = exact.checked_mul(shift).ok_or_else(large)?.normalize();
            if let Some(rounding) = self.round {
                exact = exact.round_dp_with_strategy(0, rounding);
            }
            if !exact.is_integer() {
                let why = "finer than the smallest unit of its currency: say how it is rounded (`round:`)";
                return Err(Trouble::new("amount_scale", why));
            }
        }
        let amount = self.written.write(exact);
        let currency = || if self.alone { Cell::Absent } else { Cell::text(cell::code(&money)) };
        Ok(match (self.amount_beside, self.fixed) {
            (false, Some(_)) => Put::main(amount),
            (false, None) => Put { main: amount, beside: Aside::One(currency()) },
            (true, Some(_)) => Put { main: Cell::Absent, beside: Aside::One(amount) },
            (true, None) => Put { main: Cell::Absent, beside: vec![amount, currency()].into() },
        })
    }

    fn canon<'a>(&self, cell: Cell<'a>) -> Cell<'a> {
        // What comes back has the digits that were sent; a unit price may have more than its currency.
        let digits = Target { money_digits: Some(UNIT_PRICE_DIGITS), ..Target::default() };
        let Ok(put) = self.put(cell.clone(), digits) else { return cell };
        self.get(put.main, &put.beside, digits).unwrap_or(cell)
    }
}
