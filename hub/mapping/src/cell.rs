//! The value that a chain of conversions works on, in either direction.
//!
//! **Invariant:** absent, null and value are three different things from the document to the
//! contribution and back; no number ever becomes a float. Tests: the cases
//! `tests/data/mapping/presence/` and `tests/data/mapping/conversions/numbers.yaml`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a conversion names the few kinds of cell it takes; any other is an error of the rule"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::room::Full;
use orderhub_lang::value::Value as LangValue;
use orderhub_order::value::{Money, Reference, Text, Value};
use rust_decimal::Decimal;

/// A value between a document and the hub.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Not there.
    Absent,
    /// There, and null.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number as written.
    Number(Cow<'a, str>),
    /// A text.
    Text(Cow<'a, str>),
    /// The JSON text of an object or array.
    Json(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// An amount with its currency.
    Money(Money),
    /// A moment.
    Timestamp(jiff::Timestamp),
    /// A day.
    Date(jiff::civil::Date),
    /// A list of texts.
    List(Vec<Cow<'a, str>>),
    /// Names and texts.
    Map(Arc<BTreeMap<Text, Option<Text>>>),
    /// A named element.
    Ref(Reference),
    /// The values of a fan-out, before they are folded.
    Many(Vec<Cell<'a>>),
    /// The values of named inputs, in the order of their names in the rule.
    Named(Vec<Cell<'a>>),
}

impl<'a> Cell<'a> {
    /// A hub value, borrowed.
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Value::Integer(whole) => Cell::Integer(*whole),
            Value::Decimal(exact) => Cell::Decimal(*exact),
            Value::Money(money) => Cell::Money(money.clone()),
            Value::Timestamp(at) => Cell::Timestamp(*at),
            Value::Date(day) => Cell::Date(*day),
            Value::Boolean(yes) => Cell::Bool(*yes),
            // Addresses are mapped part by part and never reach a chain whole.
            Value::Address(_) => Cell::Absent,
            Value::List(items) => {
                Cell::List(items.iter().map(|item| Cow::Borrowed(&**item)).collect())
            }
            Value::Map(map) => Cell::Map(Arc::clone(map)),
            Value::Ref(reference) => Cell::Ref(reference.clone()),
        }
    }

    /// The same, borrowing nothing.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Cell::Absent => Cell::Absent,
            Cell::Null => Cell::Null,
            Cell::Bool(yes) => Cell::Bool(yes),
            Cell::Number(text) => Cell::Number(own(text)),
            Cell::Text(text) => Cell::Text(own(text)),
            Cell::Json(text) => Cell::Json(own(text)),
            Cell::Integer(whole) => Cell::Integer(whole),
            Cell::Decimal(exact) => Cell::Decimal(exact),
            Cell::Money(money) => Cell::Money(money),
            Cell::Timestamp(at) => Cell::Timestamp(at),
            Cell::Date(day) => Cell::Date(day),
            Cell::List(items) => Cell::List(items.into_iter().map(own).collect()),
            Cell::Map(map) => Cell::Map(map),
            Cell::Ref(reference) => Cell::Ref(reference),
            Cell::Many(cells) => Cell::Many(cells.into_iter().map(Cell::into_owned).collect()),
            Cell::Named(cells) => Cell::Named(cells.into_iter().map(Cell::into_owned).collect()),
        }
    }

    /// A text.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Cell::Text(text.into())
    }

    /// Takes a value where nothing stands yet, as nearly always: there is nothing to drop then.
    #[inline(always)]
    pub(crate) fn fill(&mut self, value: Cell<'a>) {
        if matches!(self, Cell::Absent) {
            std::mem::forget(std::mem::replace(self, value));
        } else {
            *self = value;
        }
    }

    /// Neither absent nor null.
    pub(crate) fn is_value(&self) -> bool {
        !matches!(self, Cell::Absent | Cell::Null)
    }

    /// The text of a scalar: of numbers as written, of booleans `true` and `false`.
    pub(crate) fn scalar(&self) -> Option<Cow<'a, str>> {
        match self {
            Cell::Number(text) | Cell::Text(text) => Some(text.clone()),
            Cell::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
            Cell::Integer(whole) => Some(Cow::Owned(whole.to_string())),
            Cell::Decimal(exact) => Some(Cow::Owned(exact.to_string())),
            Cell::Timestamp(at) => Some(Cow::Owned(at.to_string())),
            Cell::Date(day) => Some(Cow::Owned(day.to_string())),
            Cell::Ref(Reference::Theirs(text) | Reference::Ours(text) | Reference::Sku(text)) => {
                Some(Cow::Owned(text.to_string()))
            }
            Cell::Absent
            | Cell::Null
            | Cell::Json(_)
            | Cell::Money(_)
            | Cell::List(_)
            | Cell::Map(_)
            | Cell::Many(_)
            | Cell::Named(_) => None,
        }
    }

    /// The bytes of memory that it takes, nearly; one that is absent is not kept.
    pub(crate) fn size(&self) -> usize {
        let below = match self {
            Cell::Absent => return 0,
            Cell::Number(text) | Cell::Text(text) | Cell::Json(text) => text.len(),
            Cell::List(items) => items.iter().map(|item| size_of_val(item) + item.len()).sum(),
            Cell::Map(map) => map
                .iter()
                .map(|(name, text)| name.len() + text.as_ref().map_or(0, |text| text.len()))
                .sum(),
            Cell::Many(cells) | Cell::Named(cells) => cells.iter().map(Cell::size).sum(),
            Cell::Null
            | Cell::Bool(_)
            | Cell::Integer(_)
            | Cell::Decimal(_)
            | Cell::Money(_)
            | Cell::Timestamp(_)
            | Cell::Date(_)
            | Cell::Ref(_) => 0,
        };
        size_of::<Self>() + below
    }

    /// What it is, for messages: `a number`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Cell::Absent => "nothing",
            Cell::Null => "null",
            Cell::Bool(_) => "a boolean",
            Cell::Number(_) | Cell::Integer(_) | Cell::Decimal(_) => "a number",
            Cell::Text(_) => "a text",
            Cell::Json(text) if text.starts_with('[') => "a list",
            Cell::Json(_) => "an object",
            Cell::Money(_) => "an amount",
            Cell::Timestamp(_) => "a timestamp",
            Cell::Date(_) => "a date",
            Cell::List(_) | Cell::Many(_) => "a list",
            Cell::Map(_) | Cell::Named(_) => "an object",
            Cell::Ref(_) => "a reference",
        }
    }

    /// The value of an object or array; `None` for scalars and for JSON that cannot be read.
    pub(crate) fn tree(&self) -> Option<LangValue> {
        match self {
            Cell::Json(text) => LangValue::from_json(text.as_bytes()).ok(),
            _ => None,
        }
    }

    /// As expressions see it.
    pub(crate) fn to_lang(&self) -> LangValue {
        match self {
            Cell::Absent | Cell::Null => LangValue::Null,
            Cell::Bool(yes) => LangValue::Bool(*yes),
            Cell::Number(text) => number(text),
            Cell::Integer(whole) => LangValue::Int(*whole),
            Cell::Decimal(exact) => LangValue::Decimal(*exact),
            Cell::Json(_) => self.tree().unwrap_or_default(),
            Cell::Money(money) => LangValue::Map(vec![
                ("amount".to_owned(), LangValue::Decimal(money.amount)),
                ("currency".to_owned(), LangValue::Text(code(money).into_owned())),
            ]),
            Cell::List(items) => LangValue::List(
                items.iter().map(|item| LangValue::Text(item.to_string())).collect(),
            ),
            Cell::Map(map) => LangValue::Map(
                map.iter()
                    .map(|(name, text)| {
                        let text = text.as_ref().map(|text| LangValue::Text(text.to_string()));
                        (name.to_string(), text.unwrap_or_default())
                    })
                    .collect(),
            ),
            Cell::Many(cells) | Cell::Named(cells) => {
                LangValue::List(cells.iter().map(Cell::to_lang).collect())
            }
            Cell::Text(_) | Cell::Timestamp(_) | Cell::Date(_) | Cell::Ref(_) => {
                self.scalar().map(|text| LangValue::Text(text.into_owned())).unwrap_or_default()
            }
        }
    }

    /// What an expression or a tree gives.
    pub(crate) fn from_lang(value: LangValue) -> Self {
        match value {
            LangValue::Null => Cell::Null,
            LangValue::Bool(yes) => Cell::Bool(yes),
            LangValue::Int(whole) => Cell::Integer(whole),
            LangValue::Decimal(exact) => Cell::Decimal(exact),
            LangValue::Text(text) => Cell::Text(Cow::Owned(text)),
            other @ (LangValue::List(_) | LangValue::Map(_)) => {
                Cell::Json(Cow::Owned(other.to_json_text()))
            }
        }
    }
}

/// The currency's three letters.
pub(crate) fn code(money: &Money) -> Cow<'static, str> {
    match money.currency.name() {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(String::from_utf8_lossy(&money.currency.0).into_owned()),
    }
}

/// A number as written, exact; one that no decimal holds stays text.
pub(crate) fn number(text: &str) -> LangValue {
    if let Ok(whole) = text.parse::<i64>() {
        return LangValue::Int(whole);
    }
    decimal(text).map_or_else(|| LangValue::Text(text.to_owned()), LangValue::Decimal)
}

/// A decimal as written, `1.5e3` too; `None` if it is no number or would lose digits.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let mut scientific = false;
    for byte in text.bytes() {
        match byte {
            // Between digits for those who write programs: no system groups them so.
            b'_' => return None,
            b'e' | b'E' => scientific = true,
            _ => {}
        }
    }
    if scientific {
        let exact = Decimal::from_scientific(text).ok()?;
        let digits = text.split(['e', 'E']).next()?.bytes().filter(u8::is_ascii_digit).count();
        return (digits <= 28).then_some(exact);
    }
    Decimal::from_str_exact(text).ok()
}

/// Why a value cannot be converted: becomes a `MapError` at the rule's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// A stable cause.
    pub(crate) cause: &'static str,
    /// What is wrong, without the value.
    pub(crate) why: String,
}

impl Trouble {
    /// A cause with its sentence.
    pub(crate) fn new(cause: &'static str, why: impl Into<String>) -> Self {
        Self { cause, why: why.into() }
    }

    /// More would be made than there is room for.
    pub(crate) fn large(full: Full) -> Self {
        Self::new("too_large", full.to_string())
    }

    /// The value has another type than the rule needs.
    pub(crate) fn wrong_type(found: &Cell<'_>, needed: &str) -> Self {
        Self::new("wrong_type", format!("{needed} is needed, not {}", found.kind()))
    }

    /// An element of a list has another type than the rule needs; places count from 0, as in paths.
    pub(crate) fn wrong_element(found: &Cell<'_>, place: usize, needed: &str) -> Self {
        let why = format!("{needed} is needed at place {place} of the list, not {}", found.kind());
        Self::new("wrong_type", why)
    }
}
