//! From a chain's end to a hub value, by the type of the field.

use std::sync::Arc;

use orderhub_lang::value::Value as LangValue;
use orderhub_order::catalogue::FieldType;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::names_nothing;
use orderhub_order::value::{Currency, Reference, Text, Value};
use rust_decimal::Decimal;

use crate::cell::{self, Cell, Trouble};
use crate::program::RefName;

/// Absent is `None`, null is `Some(None)`.
pub(crate) fn stated(
    cell: Cell<'_>,
    ty: &FieldType,
    named: RefName,
) -> Result<Option<Stated>, Trouble> {
    match cell {
        Cell::Absent => Ok(None),
        Cell::Null => Ok(Some(None)),
        // An empty text names nothing, and nothing is said of what it would name.
        Cell::Text(text) if matches!(ty, FieldType::Ref(_)) && names_nothing(&text) => Ok(None),
        cell => value(cell, ty, named).map(|value| Some(Some(value))),
    }
}

fn value(cell: Cell<'_>, ty: &FieldType, named: RefName) -> Result<Value, Trouble> {
    match ty {
        FieldType::Text | FieldType::Enum(_) | FieldType::Language | FieldType::Uom => {
            text(cell).map(Value::Text)
        }
        FieldType::Country => country(cell),
        FieldType::Currency => {
            let code = text(cell)?;
            let why = "an ISO 4217 currency code is needed";
            let known = Currency::parse(&code).ok_or_else(|| Trouble::new("currency", why))?;
            Ok(Value::text(known.as_str()))
        }
        FieldType::Ref(_) => {
            let text = text(cell)?;
            Ok(Value::Ref(match named {
                RefName::Theirs => Reference::Theirs(text),
                RefName::Ours => Reference::Ours(text),
                RefName::Sku => Reference::Sku(text),
            }))
        }
        FieldType::Integer => match &cell {
            Cell::Integer(whole) => Ok(Value::Integer(*whole)),
            Cell::Number(text) if text.parse::<i64>().is_ok() => {
                Ok(Value::Integer(text.parse().unwrap_or_default()))
            }
            _ => Err(Trouble::wrong_type(&cell, "a whole number")),
        },
        FieldType::Decimal => match &cell {
            Cell::Decimal(exact) => Ok(Value::Decimal(*exact)),
            Cell::Integer(whole) => Ok(Value::Decimal(Decimal::from(*whole))),
            Cell::Number(text) => {
                let why = "not an exact number";
                let exact = cell::decimal(text).ok_or_else(|| Trouble::new("not_a_number", why))?;
                Ok(Value::Decimal(exact))
            }
            _ => Err(Trouble::wrong_type(&cell, "a number")),
        },
        FieldType::Money => match cell {
            Cell::Money(money) => Ok(Value::Money(money)),
            other => Err(Trouble::wrong_type(&other, "an amount with its currency")),
        },
        FieldType::Timestamp => match &cell {
            Cell::Timestamp(at) => Ok(Value::Timestamp(*at)),
            other => parsed(other, "a time").map(Value::Timestamp),
        },
        FieldType::Date => match &cell {
            Cell::Date(day) => Ok(Value::Date(*day)),
            other => parsed(other, "a day").map(Value::Date),
        },
        FieldType::Boolean => match &cell {
            Cell::Bool(yes) => Ok(Value::Boolean(*yes)),
            other => parsed(other, "a boolean").map(Value::Boolean),
        },
        FieldType::Address => Err(Trouble::wrong_type(&cell, "an address")),
        FieldType::List => list(cell),
        FieldType::Map => map(cell),
    }
}

/// Constants in files are text: they were checked against the field when the file was compiled.
fn parsed<T: std::str::FromStr>(cell: &Cell<'_>, needed: &str) -> Result<T, Trouble> {
    let text = if let Cell::Text(text) = cell { text.parse().ok() } else { None };
    text.ok_or_else(|| Trouble::wrong_type(cell, needed))
}

/// The text of a field, or of a part of an address. A boolean is no text: systems write `false` for
/// nothing (`none: [false]` says so), and nobody lives in it.
fn text(cell: Cell<'_>) -> Result<Text, Trouble> {
    let text = match cell {
        Cell::Text(text) | Cell::Number(text) => return Ok(text.into()),
        Cell::Bool(_) => None,
        ref other => other.scalar(),
    };
    text.map(Text::from).ok_or_else(|| Trouble::wrong_type(&cell, "a text"))
}

/// The types whose values are texts as they stand.
pub(super) fn is_text(ty: &FieldType) -> bool {
    matches!(ty, FieldType::Text | FieldType::Enum(_) | FieldType::Language | FieldType::Uom)
}

/// The text of a key or a reference, as [`text`]: a document whose key is `false` would be one with all
/// others of its kind.
pub(super) fn name(cell: &Cell<'_>) -> Result<Box<str>, Trouble> {
    let text = if let Cell::Bool(_) = cell { None } else { cell.scalar() };
    text.map(Box::from).ok_or_else(|| Trouble::wrong_type(cell, "a text or number"))
}

fn country(cell: Cell<'_>) -> Result<Value, Trouble> {
    let code = text(cell)?.to_ascii_uppercase();
    let letters = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let why = "an ISO 3166 country code of two letters is needed";
    if letters { Ok(Value::text(code)) } else { Err(Trouble::new("country", why)) }
}

fn list(cell: Cell<'_>) -> Result<Value, Trouble> {
    let items: Vec<Cell<'_>> = match cell {
        Cell::List(items) => items.into_iter().map(Cell::Text).collect(),
        // A fan-out passes by what has no value.
        Cell::Many(cells) => cells.into_iter().filter(Cell::is_value).collect(),
        other => match other.tree() {
            Some(LangValue::List(items)) => items.into_iter().map(Cell::from_lang).collect(),
            Some(_) | None => return Err(Trouble::wrong_type(&other, "a list of texts")),
        },
    };
    let texts = items.iter().enumerate().map(|(place, item)| {
        let wrong = || Trouble::wrong_element(item, place, "a text");
        item.scalar().map(Text::from).ok_or_else(wrong)
    });
    texts.collect::<Result<_, _>>().map(Value::List)
}

fn map(cell: Cell<'_>) -> Result<Value, Trouble> {
    if let Cell::Map(map) = cell {
        return Ok(Value::Map(map));
    }
    let tree = cell.tree();
    let entries = tree.as_ref().and_then(|tree| tree.as_map());
    let entries = entries.ok_or_else(|| Trouble::wrong_type(&cell, "names and texts"))?;
    let entry = |value: &LangValue| match value.scalar_text() {
        Some(text) => Some(Text::from(text)),
        None if value.is_null() => None,
        None => Some(Text::from(value.to_json_text())),
    };
    let entries = entries.iter().map(|(name, value)| (Text::from(name), entry(value)));
    Ok(Value::Map(Arc::new(entries.collect())))
}

/// The text of a part of an address.
pub(super) fn part(cell: Cell<'_>) -> Result<Option<Text>, Trouble> {
    if cell.is_value() { text(cell).map(Some) } else { Ok(None) }
}

/// The text of an entry of a map. What a system keeps there is kept as it is: an object or a list as
/// its JSON.
pub(super) fn entry(cell: &Cell<'_>) -> Result<Option<Text>, Trouble> {
    match cell {
        Cell::Absent | Cell::Null => Ok(None),
        Cell::Json(text) => Ok(Some(Text::from(&**text))),
        cell => cell
            .scalar()
            .map(|text| Some(text.into()))
            .ok_or_else(|| Trouble::wrong_type(cell, "a text")),
    }
}
