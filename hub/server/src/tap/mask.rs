//! What of a document people may see who look at traffic.
//!
//! A document is a system's own: nobody says which of its fields are personal, only which hub fields they become.
//! So nothing is shown but what is known to be harmless: a value at a place that the mapping reads for hub fields
//! that are not personal ([`Open`]), or one that equals such a hub value. Whatever equals or holds a personal
//! value of this very document is hidden, wherever it stands.

use std::collections::BTreeSet;

use orderhub_mapping::open::Open;
use orderhub_order::catalogue::{FieldId, Personal, catalogue};
use orderhub_order::contribution::{Contribution, ElementStatement, Stated};
use orderhub_order::ids::At;
use orderhub_order::value::{Address, Value};
use serde_json::Value as Json;

/// What stands for what is not shown.
pub(crate) const MASK: &str = "***";
/// Shorter personal values are words of any sentence: only what equals them is hidden.
const SHORTEST: usize = 4;
/// Longest name of a field that is shown.
const LONGEST_NAME: usize = 64;

/// Values of hub fields, with where they stand.
pub(crate) type Values = Vec<(At, FieldId, Stated)>;

/// What is known of the values of a document.
#[derive(Debug, Default)]
pub(crate) struct Known {
    harmless: BTreeSet<String>,
    personal: BTreeSet<String>,
}

/// A field whose values people may see; one that this catalogue does not know might be personal.
pub(crate) fn is_open(field: FieldId) -> bool {
    catalogue().field(field).is_some_and(|field| field.personal == Personal::None)
}

impl Known {
    /// Learns from a document that was mapped in.
    pub(crate) fn contribution(&mut self, contribution: &Contribution) {
        self.harmless.insert(contribution.key.to_string());
        self.element(&contribution.body);
    }

    fn element(&mut self, element: &ElementStatement) {
        for name in [&element.key, &element.ours].into_iter().flatten() {
            self.harmless.insert(name.to_string());
        }
        self.harmless.extend(element.xrefs.iter().map(|(_, id)| id.to_string()));
        for (field, stated) in &element.fields {
            self.value(*field, stated);
        }
        for collection in &element.collections {
            collection.elements.iter().for_each(|element| self.element(element));
        }
    }

    /// Learns from a value of a hub field.
    pub(crate) fn value(&mut self, field: FieldId, stated: &Stated) {
        let Some(value) = stated else { return };
        let to = if is_open(field) { &mut self.harmless } else { &mut self.personal };
        texts(value, to);
    }

    fn hides(&self, text: &str) -> bool {
        self.personal.iter().any(|personal| {
            text == personal || (personal.chars().count() >= SHORTEST && text.contains(personal))
        })
    }

    /// The text without the personal values that are known.
    pub(crate) fn sentence(&self, text: &str) -> String {
        let mut personal: Vec<&String> =
            self.personal.iter().filter(|value| value.chars().count() >= SHORTEST).collect();
        personal.sort_by_key(|value| std::cmp::Reverse(value.len()));
        personal.into_iter().fold(text.to_owned(), |text, value| text.replace(value, MASK))
    }

    /// A body as it may be shown.
    pub(crate) fn body(&self, body: &[u8], open: &[Open]) -> Json {
        match serde_json::from_slice(body) {
            Ok(json) => self.json(json, "", open),
            Err(_) => Json::from(format!("{} bytes that are no JSON", body.len())),
        }
    }

    fn json(&self, json: Json, path: &str, open: &[Open]) -> Json {
        match json {
            Json::Null | Json::Bool(_) => json,
            Json::Array(items) => {
                let path = below(path, "*");
                items.into_iter().map(|item| self.json(item, &path, open)).collect()
            }
            Json::Object(members) => {
                let members = members.into_iter().map(|(name, inner)| {
                    let inner = self.json(inner, &below(path, &name), open);
                    (self.name(name), inner)
                });
                Json::Object(members.collect())
            }
            Json::String(text) if self.may(&text, path, open) => Json::String(text),
            Json::Number(number) if self.may(&number.to_string(), path, open) => {
                Json::Number(number)
            }
            Json::String(_) | Json::Number(_) => Json::from(MASK),
        }
    }

    fn may(&self, text: &str, path: &str, open: &[Open]) -> bool {
        !self.hides(text)
            && (self.harmless.contains(text) || open.iter().any(|open| is_at(open, path)))
    }

    /// Names of fields are words of the system, unless they are values: what looks like one is hidden.
    fn name(&self, name: String) -> String {
        let word = |c: char| c.is_ascii_alphanumeric() || "_-.$:@/ ".contains(c);
        let mail = name.contains('@') && name.contains('.');
        let fits = name.len() <= LONGEST_NAME && name.chars().all(word) && !mail;
        if fits && !self.hides(&name) { name } else { MASK.to_owned() }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn is_at(open: &Open, path: &str) -> bool {
    open.roots.iter().any(|root| {
        let rest = if root.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('.'))
        };
        // A place below one that is read as a whole belongs to it.
        rest.is_some_and(|rest| {
            let mut rest = Some(rest);
            while let Some(at) = rest {
                if open.paths.contains(at) {
                    return true;
                }
                rest = at.rsplit_once('.').map(|(outer, _)| outer);
            }
            false
        })
    })
}

/// A contribution without its personal values.
pub(crate) fn without_personal(contribution: &Contribution) -> Contribution {
    let mut masked = contribution.clone();
    without(&mut masked.body);
    masked
}

fn without(element: &mut ElementStatement) {
    for (field, stated) in &mut element.fields {
        if stated.is_some() && !is_open(*field) {
            *stated = Some(Value::text(MASK));
        }
    }
    for collection in &mut element.collections {
        collection.elements.iter_mut().for_each(without);
    }
}

fn texts(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Address(address) => {
            let parts = Address::PARTS.into_iter().filter_map(|name| address.part(name));
            into.extend(parts.flatten().map(ToString::to_string));
        }
        Value::List(texts) => into.extend(texts.iter().map(ToString::to_string)),
        Value::Map(map) => into.extend(map.values().flatten().map(ToString::to_string)),
        Value::Money(money) => {
            into.extend([money.amount.to_string(), money.currency.as_str().to_owned()]);
        }
        Value::Integer(whole) => {
            into.insert(whole.to_string());
        }
        Value::Decimal(exact) => {
            into.insert(exact.to_string());
        }
        Value::Text(_) | Value::Timestamp(_) | Value::Date(_) | Value::Ref(_) => {
            into.extend(value.as_text().map(|text| text.to_string()));
        }
        Value::Boolean(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::known;
    use serde_json::json;

    use super::*;

    fn open(roots: &[&str], paths: &[&str]) -> Open {
        Open {
            roots: roots.iter().map(ToString::to_string).collect(),
            paths: paths.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn only_open_places_are_shown() {
        let mut known = Known::default();
        let name = Address { name: Some("Ada Lovelace".into()), ..Address::default() };
        known.value(known::order::ADDRESSES_SHIP_TO, &Some(Value::Address(name.into())));
        known.value(known::order::ORDER_NO, &Some(Value::text("1001")));
        let body = json!({
            "order": {
                "no": "1001", "status": "paid", "nick": "ada", "paid": true, "gone": null,
                "note": "for Ada Lovelace", "ada@example.com": 7, "items": [{ "sku": "MUG", "engraving": "A. L." }],
                "meta": { "a": { "b": "deep" } },
            },
            "status": "outside of the document",
        });
        let open = [open(&["order"], &["status", "note", "items.*.sku", "meta"])];
        assert_eq!(
            known.body(body.to_string().as_bytes(), &open),
            json!({
                "order": {
                    "no": "1001", "status": "paid", "nick": "***", "paid": true, "gone": null,
                    "note": "***", "***": "***", "items": [{ "sku": "MUG", "engraving": "***" }],
                    "meta": { "a": { "b": "deep" } },
                },
                "status": "***",
            })
        );
        assert_eq!(known.body(b"<x>Ada</x>", &open), "10 bytes that are no JSON");
        assert_eq!(known.sentence("no such Ada Lovelace"), "no such ***");
    }
}
