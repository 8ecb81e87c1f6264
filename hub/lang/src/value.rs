//! The value that templates and expressions work on: what a JSON document holds, with exact numbers.

use rust_decimal::Decimal;

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
