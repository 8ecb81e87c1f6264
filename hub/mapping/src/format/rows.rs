//! Rows that belong together, and lists of one.

use std::collections::HashMap;

use orderhub_lang::value::Value;

use super::{Grouping, Unreadable};
use crate::scan::trie::{NodeId, Trie};

pub(super) fn json(body: &[u8]) -> Result<Value, Unreadable> {
    Value::from_json(body).map_err(|error| Unreadable(error.to_string()))
}

/// Documents of the rows that are equal in one value, in the order of the first of each.
pub(super) fn group(body: Value, grouping: &Grouping) -> Result<Value, Unreadable> {
    let found = grouping.at.iter().map(|path| path.values(&body)).find(|rows| !rows.is_empty());
    let rows = match found.unwrap_or_default().as_slice() {
        [Value::List(rows)] => rows.iter().collect(),
        rows => rows.to_vec(),
    };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<Value>> = Vec::new();
    for (number, row) in rows.into_iter().enumerate() {
        let by = grouping.by.first(row).scalar_text().filter(|text| !text.is_empty());
        let Some(by) = by else {
            return Err(Unreadable(format!("row {} does not say where it belongs", number + 1)));
        };
        let place = *places.entry(by.into_owned()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row.clone()),
            None => groups.push(vec![row.clone()]),
        }
    }
    let document = |rows| Value::Map(vec![("rows".to_owned(), Value::List(rows))]);
    Ok(Value::List(groups.into_iter().map(document).collect()))
}

/// Makes a list of one where a list is read: of one element alone nobody can tell that it is one of many.
pub(super) fn as_lists(value: &mut Value, trie: &Trie, node: NodeId) {
    let Some(place) = trie.node(node) else { return };
    let single = !matches!(value, Value::List(_) | Value::Null);
    if single && place.reads_array() && !place.reads_object() {
        *value = Value::List(vec![std::mem::take(value)]);
    }
    if place.document.is_some() && node != Trie::DOCUMENT {
        as_lists(value, trie, Trie::DOCUMENT);
    }
    match value {
        Value::Map(entries) => {
            for (name, value) in entries {
                if let Some(below) = place.key(name) {
                    as_lists(value, trie, below);
                }
            }
        }
        Value::List(elements) => {
            for (number, element) in elements.iter_mut().enumerate() {
                if let Some(rows) = place.rows {
                    as_lists(element, trie, rows.element);
                }
                for (_, below) in place.places.iter().filter(|(at, _)| *at as usize == number) {
                    as_lists(element, trie, *below);
                }
                for (_, _, below) in &place.wheres {
                    as_lists(element, trie, *below);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {}
    }
}
