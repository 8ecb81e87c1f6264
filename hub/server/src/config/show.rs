//! `orderhub config`: the effective settings with the origin of each value, secrets masked.

use std::fmt::Write as _;

use serde_json::Value;

use super::Loaded;

/// The origin of what nobody set.
const DEFAULT: &str = "default";

/// One line a value: `server.listen = "127.0.0.1:8080"    # default`. `set`: without the defaults.
pub fn show(loaded: &Loaded, set: bool) -> String {
    let mut lines = Vec::new();
    // Serialising settings fails on nothing: they are plain data, and secrets mask themselves.
    let tree = serde_json::to_value(&loaded.config).unwrap_or_default();
    flatten(String::new(), &tree, &mut lines);
    lines.retain(|(key, _)| !set || origin(loaded, key) != DEFAULT);
    let width = lines.iter().map(|(key, value)| key.len() + value.len()).max().unwrap_or(0);
    let width = width.min(60);
    let mut text = String::new();
    for (key, value) in lines {
        let origin = match origin(loaded, &key) {
            "the environment" => format!("the environment: {}", variable(&key)),
            other => other.to_owned(),
        };
        let pad = width.saturating_sub(key.len() + value.len());
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{key} = {value}{:pad$}   # {origin}", "");
    }
    text
}

/// A value that is written as one environment variable or as a table counts where its parts do.
fn origin<'a>(loaded: &'a Loaded, key: &str) -> &'a str {
    let exact = loaded.origins.get(key);
    let below = || {
        let prefix = format!("{key}.");
        let mut after = loaded.origins.range(prefix.clone()..);
        after.next().filter(|(found, _)| found.starts_with(&prefix)).map(|(_, origin)| origin)
    };
    exact.or_else(below).map_or(DEFAULT, String::as_str)
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("ORDERHUB__{}", key.replace('.', "__").to_uppercase())
}

fn flatten(key: String, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(table) => {
            for (name, inner) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(key, inner, lines);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            lines.push((key, value.to_string()));
        }
    }
}
