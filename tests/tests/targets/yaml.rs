//! A story as the steps of a rule file.

use serde_json::Value as Json;

/// Members in this order come first.
const FIRST: &[&str] = &[
    "note", "document", "fly", "look", "looked", "blocked", "receipt", "drain", "person", "rename",
    "answer", "system", "rule", "to", "entity", "key", "ref", "revision", "says", "order_no",
    "class", "calls", "fields",
];

/// A value in the flow style of YAML, on one line.
pub(crate) fn line(json: &Json) -> String {
    match json {
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let place = |name: &str| FIRST.iter().position(|it| *it == name).unwrap_or(FIRST.len());
            members.sort_by_key(|(name, _)| place(name));
            let shown = members.iter().map(|(name, value)| format!("{name}: {}", line(value)));
            format!("{{ {} }}", shown.collect::<Vec<_>>().join(", "))
        }
        Json::Array(all) => format!("[{}]", all.iter().map(line).collect::<Vec<_>>().join(", ")),
        Json::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text means itself without quotes.
fn is_plain(text: &str) -> bool {
    let letter = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-/ ".contains(c);
    letter && text.chars().all(inner) && !text.ends_with(' ') && !is_word(text)
}

fn is_word(text: &str) -> bool {
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str())
}
