//! Reads values of hub fields from text and from JSON, by the field's type.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value as Json;
use thiserror::Error;

use super::{Address, Currency, Money, MoneyError, Reference, Text, Value};
use crate::catalogue::{Field, FieldType};
use crate::contribution::Stated;

/// A value that the field cannot hold. Never says the value of a personal field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Another type.
    #[error("`{path}` takes {expected}")]
    Type {
        /// The field.
        path: String,
        /// What it takes, in words.
        expected: &'static str,
    },
    /// A bad amount.
    #[error("`{path}`: {cause}")]
    Money {
        /// The field.
        path: String,
        /// Why.
        #[source]
        cause: MoneyError,
    },
}

impl Value {
    /// Reads a value of `field` as the hub's own JSON writes it: money as
    /// `{ "amount": "12.50", "currency": "EUR" }`, decimals as text (numbers are taken too), times as
    /// RFC 3339. `null` is `None`.
    ///
    /// # Errors
    ///
    /// [`ValueError`], with the field's path.
    pub fn from_json(field: &Field, json: &Json) -> Result<Stated, ValueError> {
        if json.is_null() {
            return Ok(None);
        }
        let value = match (&field.ty, json) {
            (FieldType::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer),
            (FieldType::Boolean, Json::Bool(truth)) => Some(Value::Boolean(*truth)),
            (FieldType::Money, Json::Object(_)) => return money(field, json).map(Some),
            (FieldType::Address, Json::Object(_)) => {
                let address = serde_json::from_value::<Address>(json.clone()).ok();
                address.map(|address| Value::Address(Arc::new(address)))
            }
            (FieldType::List, Json::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(Text::from)).collect();
                Option::map(texts, Value::List)
            }
            (FieldType::Map, Json::Object(members)) => members
                .iter()
                .map(|(name, value)| Some((name.as_str().into(), scalar(value)?)))
                .collect::<Option<_>>()
                .map(|members| Value::Map(Arc::new(members))),
            (FieldType::Decimal, Json::Number(number)) => {
                Decimal::from_str_exact(&number.to_string()).ok().map(Value::Decimal)
            }
            (_, Json::String(text)) => Value::from_text(field, text),
            (_, _) => None,
        };
        value.map(Some).ok_or_else(|| wrong(field))
    }

    /// Reads a value of `field` from one text; `None` where the text is no such value, and for
    /// types that one text cannot hold (money, addresses, lists, maps).
    pub fn from_text(field: &Field, text: &str) -> Option<Value> {
        match field.ty {
            FieldType::Text | FieldType::Enum(_) | FieldType::Language | FieldType::Uom => {
                Some(Value::text(text))
            }
            FieldType::Country => {
                let code = text.to_ascii_uppercase();
                let letters = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
                letters.then(|| Value::text(code))
            }
            FieldType::Currency => Some(Value::text(Currency::parse(text)?.as_str())),
            FieldType::Ref(_) => Some(Value::Ref(Reference::Ours(text.into()))),
            FieldType::Integer => text.parse().ok().map(Value::Integer),
            FieldType::Decimal => Decimal::from_str_exact(text).ok().map(Value::Decimal),
            FieldType::Timestamp => text.parse().ok().map(Value::Timestamp),
            FieldType::Date => text.parse().ok().map(Value::Date),
            FieldType::Boolean => text.parse().ok().map(Value::Boolean),
            FieldType::Money | FieldType::Address | FieldType::List | FieldType::Map => None,
        }
    }
}

fn money(field: &Field, json: &Json) -> Result<Value, ValueError> {
    let part = |name| json.get(name).and_then(Json::as_str).ok_or_else(|| wrong(field));
    let read = Money::parse(part("amount")?, part("currency")?, field.money_digits());
    let read = read.map_err(|cause| ValueError::Money { path: field.full_path(), cause });
    read.map(Value::Money)
}

/// A text, number or boolean as text; null stays null; anything else is none.
fn scalar(json: &Json) -> Option<Option<Text>> {
    match json {
        Json::Null => Some(None),
        Json::String(text) => Some(Some(text.as_str().into())),
        Json::Number(number) => Some(Some(number.to_string().into())),
        Json::Bool(truth) => Some(Some(truth.to_string().into())),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn wrong(field: &Field) -> ValueError {
    let expected = match field.ty {
        FieldType::Text | FieldType::Enum(_) => "a text",
        FieldType::Ref(_) => "the id of an element",
        FieldType::Integer => "a whole number",
        FieldType::Decimal => "a decimal number, as text",
        FieldType::Money => {
            "an amount and its currency, as `{ \"amount\": \"12.50\", \"currency\": \"EUR\" }`"
        }
        FieldType::Timestamp => "a time as RFC 3339, such as `2026-01-31T12:00:00Z`",
        FieldType::Date => "a day, such as `2026-01-31`",
        FieldType::Boolean => "`true` or `false`",
        FieldType::Country => "an ISO 3166 country code of two letters",
        FieldType::Currency => "an ISO 4217 currency code",
        FieldType::Language => "a language code",
        FieldType::Uom => "a unit code of UN/ECE Rec 20",
        FieldType::Address => "an address: an object of texts",
        FieldType::List => "a list of texts",
        FieldType::Map => "an object of texts",
    };
    ValueError::Type { path: field.full_path(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;

    #[test]
    fn json_is_read_by_the_type_of_the_field() {
        let good = [
            ("order_no", r##""#1001""##, "#1001"),
            ("currency", r#""cny""#, "CNY"),
            ("placed_at", r#""2026-01-31T12:00:00+08:00""#, "2026-01-31T04:00:00Z"),
            ("totals.tax_included", "true", "true"),
            ("lines.line_no", "7", "7"),
            ("lines.qty.ordered", r#""1.500""#, "1.5"),
            ("lines.qty.ordered", "2", "2"),
            ("lines.unit_price", r#"{ "amount": "0.012345", "currency": "EUR" }"#, "0.012345 EUR"),
            ("shipments.lines.line", r#""L1""#, "L1"),
        ];
        for (path, json, text) in good {
            let field = catalogue().find_full(path).unwrap();
            let value = Value::from_json(field, &serde_json::from_str(json).unwrap()).unwrap();
            assert_eq!(value.unwrap().as_text().unwrap(), text, "{path}");
            assert_eq!(Value::from_json(field, &Json::Null), Ok(None));
        }
    }

    #[test]
    fn json_of_another_type_is_refused_with_the_path() {
        let bad = [
            ("order_no", "7"),
            ("currency", r#""dollars""#),
            ("placed_at", r#""yesterday""#),
            ("lines.qty.ordered", r#""many""#),
            ("totals.total", r#""12.50""#),
            ("totals.total", r#"{ "amount": "12.505", "currency": "EUR" }"#),
            ("addresses.ship_to", r#"{ "street": "x" }"#),
            ("tags", r#"["a", 1]"#),
            ("ext", r#"{ "a": [] }"#),
        ];
        for (path, json) in bad {
            let field = catalogue().find_full(path).unwrap();
            let error = Value::from_json(field, &serde_json::from_str(json).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{path}`")), "{error}");
        }
    }
}
