//! What was made up, as a person reads it.

use orderhub_lang::value::Value;

use crate::error::CUT;

/// Letters of a body that a person reads.
const LONGEST: usize = 300;

/// A body as a person reads it: one thing of each list, and not all of a long one.
pub(super) fn shown(body: &Value) -> String {
    let text = short(body).to_json_text();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}{CUT}", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn short(body: &Value) -> Value {
    match body {
        Value::List(list) => Value::List(list.iter().take(1).map(short).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(name, value)| (name.clone(), short(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
            body.clone()
        }
    }
}
