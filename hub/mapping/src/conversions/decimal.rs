//! `decimal: { mark, group, text }`: reads numbers and text alike; goes out as a JSON number, with
//! `text: true` as text. Exact: a number that no decimal of 28 digits holds is an error.

use std::borrow::Cow;

use orderhub_lang::yaml::Node;
use rust_decimal::Decimal;

use super::{Conversion, Options, Put, Target, Type};
use crate::cell::{self, Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug)]
pub(crate) struct Decimals {
    written: Written,
}

impl Decimals {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        Some(Box::new(Self { written: Written::read(node, "decimal", options)? }))
    }
}

impl Conversion for Decimals {
    fn name(&self) -> &'static str {
        "decimal"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        number(from)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        self.written.get(&cell).map(Cell::Decimal)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        self.written.put(&cell).map(Put::main)
    }
}

/// The type check of conversions that read numbers.
pub(super) fn number(from: Type) -> Result<Type, String> {
    match from {
        Type::Raw | Type::Texts | Type::Text | Type::Integer | Type::Decimal => Ok(Type::Decimal),
        Type::Money
        | Type::Timestamp
        | Type::Local
        | Type::Date
        | Type::Boolean
        | Type::List
        | Type::Map
        | Type::Named => Err("a number or the text of one".to_owned()),
    }
}

/// How a system writes numbers.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Decimal mark.
    mark: char,
    /// Group separator, dropped on the way in, not written.
    group: Option<char>,
    /// How it goes out.
    form: Form,
}

/// How a number goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a JSON number.
    Number,
    /// As a text.
    Text,
}

impl Default for Written {
    fn default() -> Self {
        Self { mark: '.', group: None, form: Form::Number }
    }
}

impl Written {
    /// Of options that have nothing else.
    pub(super) fn read(node: &Node, name: &str, options: &mut Options<'_>) -> Option<Self> {
        if node.is_null() {
            return Some(Self::default());
        }
        let mut fields = options.fields(node, name)?;
        let (mark, group) = (fields.optional("mark"), fields.optional("group"));
        let text = fields.bool("text", options.findings).unwrap_or(false);
        fields.finish(options.findings);
        Self::marks(mark, group, if text { Form::Text } else { Form::Number }, options)
    }

    /// Of the two marks.
    pub(super) fn marks(
        mark: Option<&Node>,
        group: Option<&Node>,
        form: Form,
        options: &mut Options<'_>,
    ) -> Option<Self> {
        let mark = match mark {
            Some(node) => options.letter(node)?,
            None => '.',
        };
        let group = match group {
            Some(node) => {
                let letter = options.letter(node)?;
                if letter == mark {
                    options.wrong(node, "the decimal mark cannot group digits too");
                    return None;
                }
                Some(letter)
            }
            None => None,
        };
        // A number with another mark than a point can only be a text.
        let form = if mark == '.' { form } else { Form::Text };
        Some(Self { mark, group, form })
    }

    /// The exact number of a scalar.
    pub(super) fn get(&self, cell: &Cell<'_>) -> Result<Decimal, Trouble> {
        if let Cell::Decimal(exact) = cell {
            return Ok(*exact);
        }
        if let Cell::Bool(_) = cell {
            return Err(Trouble::wrong_type(cell, "a number"));
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(cell, "a number"))?;
        let text = if matches!(cell, Cell::Text(_)) { self.plain(text.trim()) } else { text };
        let exact = cell::decimal(&text).filter(|_| !text.starts_with('+'));
        exact.ok_or_else(|| Trouble::new("not_a_number", "not an exact number"))
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.mark == '.' && self.group.is_none() {
            return Cow::Borrowed(text);
        }
        let kept = text.chars().filter(|letter| Some(*letter) != self.group);
        Cow::Owned(kept.map(|letter| if letter == self.mark { '.' } else { letter }).collect())
    }

    /// The number as the system writes it.
    pub(super) fn put<'a>(&self, cell: &Cell<'_>) -> Result<Cell<'a>, Trouble> {
        let exact = match cell {
            Cell::Integer(whole) => Decimal::from(*whole),
            other => Written::default().get(other)?,
        };
        Ok(self.write(exact))
    }

    /// The number as the system writes it.
    pub(super) fn write<'a>(&self, exact: Decimal) -> Cell<'a> {
        let text = crate::written::exact_text(exact);
        if self.form == Form::Number {
            return Cell::Number(Cow::Owned(text));
        }
        if self.mark == '.' {
            Cell::text(text)
        } else {
            Cell::text(text.replace('.', &self.mark.to_string()))
        }
    }
}
