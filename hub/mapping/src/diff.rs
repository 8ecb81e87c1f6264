//! What a change of a mapping does to a document: the fields that come out otherwise, with the rules that gave
//! them before and after.
//!
//! **Invariant:** a mapping compared with itself differs in nothing, and every field in which what two mappings
//! give differs is named. Test: `two_mappings_differ_where_what_they_give_differs`.

use std::collections::BTreeMap;

use orderhub_order::contribution::Contribution;
use serde_json::Value as Json;

use crate::cases::{self, document};
use crate::explain::{Explained, explain};
use crate::facts::Facts;
use crate::listing::listed;
use crate::{Context, Direction, Mapping, view};

/// One field that comes out otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which document of the body, from 0.
    pub document: usize,
    /// `lines[17].qty.ordered`; of what goes out the path in the document, `items[0].price`.
    pub field: String,
    /// What the old mapping gives; `None`: nothing.
    pub old: Option<Json>,
    /// What the new one gives.
    pub new: Option<Json>,
    /// The rule of the old mapping that gave it, `file:line:column`.
    pub old_rule: Option<String>,
    /// The rule of the new one.
    pub new_rule: Option<String>,
}

/// Values of one document by field, and the rules that gave them.
#[derive(Default)]
struct Flat {
    values: BTreeMap<String, Json>,
    rules: BTreeMap<String, String>,
}

impl Flat {
    /// The rule of a field, or of what surrounds it: an entry of a map is of the map's rule.
    fn rule(&self, field: &str) -> Option<String> {
        let mut at = field;
        loop {
            if let Some(rule) = self.rules.get(at) {
                return Some(rule.clone());
            }
            at = at.rsplit_once('.')?.0;
        }
    }
}

/// Compares what two mappings give for a body, with what was looked up for it.
pub fn differences(
    old: (&Mapping, &Context<'_>),
    new: (&Mapping, &Context<'_>),
    body: &[u8],
    facts: &dyn Facts,
) -> Vec<Difference> {
    let flat = |(mapping, context): (&Mapping, &Context<'_>)| -> Vec<Flat> {
        explain(mapping, body, context, facts).iter().map(came_in).collect()
    };
    let (old, new) = (flat(old), flat(new));
    let none = Flat::default();
    let mut found = Vec::new();
    for number in 0..old.len().max(new.len()) {
        let (old, new) = (old.get(number).unwrap_or(&none), new.get(number).unwrap_or(&none));
        compare(number, old, new, &mut found);
    }
    found
}

/// Compares two documents as they came in; which rules gave the values is not known here.
pub fn between(old: &Contribution, new: &Contribution) -> Vec<Difference> {
    let flat = |said: &Contribution| {
        let mut flat = Flat::default();
        flatten("", &view::contribution(said), &mut flat.values);
        flat
    };
    let mut found = Vec::new();
    compare(0, &flat(old), &flat(new), &mut found);
    found
}

/// Compares two documents as they go out, by their places.
pub fn between_documents(old: &Json, new: &Json) -> Vec<Difference> {
    let flat = |document: &Json| {
        let mut flat = Flat::default();
        flatten("", document, &mut flat.values);
        flat
    };
    let mut found = Vec::new();
    compare(0, &flat(old), &flat(new), &mut found);
    found
}

/// A field of [`Difference::field`] without the keys of its rows: `lines.qty.ordered`.
pub fn without_rows(field: &str) -> String {
    bare(field)
}

/// Compares what two mappings write for a hub JSON.
///
/// # Errors
///
/// The hub JSON cannot be read.
pub fn differences_out(
    old: (&Mapping, &Context<'_>),
    new: (&Mapping, &Context<'_>),
    hub: &Json,
) -> Result<Vec<Difference>, String> {
    let flat = |(mapping, context): (&Mapping, &Context<'_>)| -> Result<Flat, String> {
        let mut flat = Flat::default();
        flatten("", &cases::out(mapping, hub, context)?, &mut flat.values);
        for one in listed(mapping).iter().filter(|one| one.is.way() == Direction::Out) {
            let place = mapping.source.place(one.is.span().start);
            flat.rules.entry(one.system.clone()).or_insert(place);
        }
        Ok(flat)
    };
    let (old, new) = (flat(old)?, flat(new)?);
    let mut found = Vec::new();
    compare(0, &old, &new, &mut found);
    Ok(found)
}

fn came_in(explained: &Explained) -> Flat {
    let mut flat = Flat::default();
    if let Some(mapped) = &explained.mapped {
        flatten("", &document(mapped), &mut flat.values);
    }
    for field in &explained.fields {
        if let Some(gave) = field.tries.iter().find(|tried| tried.gave) {
            flat.rules.insert(field.field.clone(), gave.rule.clone());
        }
    }
    flat
}

fn compare(number: usize, old: &Flat, new: &Flat, found: &mut Vec<Difference>) {
    let fields: std::collections::BTreeSet<&String> =
        old.values.keys().chain(new.values.keys()).collect();
    for field in fields {
        let (was, is) = (old.values.get(field), new.values.get(field));
        if was == is {
            continue;
        }
        let rule = |flat: &Flat, there: bool| {
            let rule = there.then(|| flat.rule(field).or_else(|| flat.rule(&bare(field))));
            rule.flatten()
        };
        found.push(Difference {
            document: number,
            field: field.clone(),
            old: was.cloned(),
            new: is.cloned(),
            old_rule: rule(old, was.is_some()),
            new_rule: rule(new, is.is_some()),
        });
    }
}

/// A path without the positions of rows.
fn bare(field: &str) -> String {
    let mut text = String::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('[') {
        text.push_str(before);
        rest = after.split_once(']').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text
}

/// Values by path: `totals.total` whole, elements by key, else by position.
fn flatten(path: &str, json: &Json, values: &mut BTreeMap<String, Json>) {
    let at = |name: &str| match (path, name) {
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}.{name}"),
    };
    match json {
        Json::Object(map) if !is_value(map) => {
            for (name, inner) in map {
                match (name.as_str(), inner) {
                    ("$xref", Json::Object(xrefs)) => {
                        for (kind, id) in xrefs {
                            values.insert(at(&format!("$xref({kind})")), id.clone());
                        }
                    }
                    ("$key" | "$ours", _) if !path.is_empty() => {}
                    _ => flatten(&at(name), inner, values),
                }
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            for (number, item) in items.iter().enumerate() {
                let key = item.get("$key").or_else(|| item.get("$ours")).and_then(Json::as_str);
                let key = key.map_or_else(|| number.to_string(), str::to_owned);
                let path = format!("{path}[{key}]");
                // An element is there even where it says nothing.
                values.insert(path.clone(), Json::Bool(true));
                flatten(&path, item, values);
            }
        }
        value @ (Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_)) => {
            values.insert(path.to_owned(), value.clone());
        }
    }
}

/// Amounts, references and what is empty are one value.
fn is_value(map: &serde_json::Map<String, Json>) -> bool {
    let only = |names: &[&str]| {
        map.len() == names.len() && names.iter().all(|name| map.contains_key(*name))
    };
    map.is_empty()
        || only(&["amount", "currency"])
        || only(&["theirs"])
        || only(&["ours"])
        || only(&["sku"]) && map.values().all(Json::is_string)
}
