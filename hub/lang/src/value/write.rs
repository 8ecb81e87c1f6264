//! Writes JSON: no blanks, keys in their order, numbers in plain digits.

use std::fmt::Write as _;

use super::Value;

pub(super) fn value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        // Writing to a String does not fail.
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::Decimal(number) => drop(write!(out, "{number}")),
        Value::Text(text) => string(text, out),
        Value::List(list) => {
            out.push('[');
            for (position, item) in list.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                self::value(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (position, (key, item)) in map.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                self::value(item, out);
            }
            out.push('}');
        }
    }
}

/// A JSON string; only what must be escaped is.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
