//! The value that templates and expressions work on: what a JSON document holds, with exact numbers.

mod json;
mod write;

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

pub use self::json::{DEPTH, JsonError};

/// A JSON-like tree without floats. Numbers keep their exact decimal value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`, and whatever is missing: look-ups are total.
    #[default]
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other number.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object in document order, keys unique.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Reads one JSON text.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with the place: not JSON, not UTF-8, a key twice, nested deeper than [`DEPTH`], or a
    /// number that no decimal of 28 digits holds exactly.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JsonError> {
        json::parse(bytes)
    }

    /// Writes JSON without blanks: the same value gives the same bytes.
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_text().into_bytes()
    }

    /// The same as text.
    pub fn to_json_text(&self) -> String {
        let mut out = String::new();
        write::value(self, &mut out);
        out
    }

    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it is null (or was missing).
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The value of a key of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The same to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let Self::Map(map) = self else { return None };
        map.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one (`2` and `2.00`).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Decimal(number) if number.fract().is_zero() => number.to_i64(),
            Self::Null
            | Self::Bool(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Map(_) => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }

    /// The bytes of memory that it takes, nearly: those of its texts, and of each value and key.
    pub fn size(&self) -> usize {
        let below = match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Decimal(_) => 0,
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(Self::size).sum(),
            Self::Map(map) => {
                map.iter().map(|(key, value)| size_of::<String>() + key.len() + value.size()).sum()
            }
        };
        size_of::<Self>() + below
    }

    /// The elements of an array.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The entries of an object.
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The text of a scalar: numbers and booleans as JSON writes them; none for null, lists, maps.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Decimal(number) => Some(Cow::Owned(number.to_string())),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// What it is, for messages: `a list`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Decimal(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// Sets a key of an object, at its place or at the end; a null becomes an object first.
    /// Returns whether it could: other values have no keys.
    pub fn set(&mut self, key: &str, value: Value) -> bool {
        if self.is_null() {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(map) = self else { return false };
        match map.iter_mut().find(|(name, _)| name == key) {
            Some((_, slot)) => *slot = value,
            None => map.push((key.to_owned(), value)),
        }
        true
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
