//! Rows that belong together, lists of one, and texts without attributes.

use std::collections::HashMap;

use orderhub_lang::value::Value;

use super::{Bad, Grouping, Read, Unreadable};
use crate::scan::trie::{NodeId, Trie};

/// Where the text of an element stands that has attributes, too.
const TEXT: &str = "#text";

pub(super) fn json(body: &[u8]) -> Result<Value, Unreadable> {
    Value::from_json(body).map_err(|error| Unreadable(error.to_string()))
}

/// Documents of the rows that are equal in one value, in the order of the first of each. One of whose rows
/// cannot be read fails whole: it would lack a line.
pub(super) fn group(read: Read, grouping: &Grouping) -> Result<Read, Unreadable> {
    let Read { value: body, lines, bad } = read;
    let found = grouping.at.iter().map(|path| path.values(&body)).find(|rows| !rows.is_empty());
    let rows = match found.unwrap_or_default().as_slice() {
        [Value::List(rows)] => rows.iter().collect(),
        rows => rows.to_vec(),
    };
    let by = |row: &Value| -> Option<String> {
        let text = grouping.by.first(row).scalar_text().filter(|text| !text.is_empty());
        text.map(std::borrow::Cow::into_owned)
    };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(u64, Result<Vec<Value>, Bad>)> = Vec::new();
    for (number, row) in rows.into_iter().enumerate() {
        let line = lines.get(number).copied().unwrap_or_default();
        let Some(by) = by(row) else {
            return Err(Unreadable(format!("row {} does not say where it belongs", number + 1)));
        };
        let place = *places.entry(by).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, Ok(group))) => group.push(row.clone()),
            Some((_, Err(_))) => {}
            None => groups.push((line, Ok(vec![row.clone()]))),
        }
    }
    for bad in bad {
        // Only beside rows of one document is it certain that a row of another length is of that one.
        let known = by(&bad.row).and_then(|by| places.get(&by));
        let group = known.and_then(|place| groups.get_mut(*place));
        let Some((_, group)) = group else { return Err(Unreadable(bad.why)) };
        if group.is_ok() {
            *group = Err(bad);
        }
    }
    let (mut documents, mut starts, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (line, group) in groups {
        match group {
            Ok(rows) => {
                documents.push(Value::Map(vec![("rows".to_owned(), Value::List(rows))]));
                starts.push(line);
            }
            Err(bad) => failed.push(Bad { before: documents.len(), ..bad }),
        }
    }
    let lines = if lines.is_empty() { Vec::new() } else { starts };
    Ok(Read { value: Value::List(documents), lines, bad: failed })
}

/// Makes a list of one where a list is read: of one element alone nobody can tell that it is one of many. And makes
/// an object of a text alone where what stands beside texts is read: the attributes are missing this time.
pub(super) fn as_read(value: &mut Value, trie: &Trie, node: NodeId) {
    let Some(place) = trie.node(node) else { return };
    let single = !matches!(value, Value::List(_) | Value::Null);
    if single && place.reads_array() && !place.reads_object() {
        *value = Value::List(vec![std::mem::take(value)]);
    }
    if matches!(value, Value::Text(_)) && place.reads_beside_text() {
        *value = Value::Map(vec![(TEXT.to_owned(), std::mem::take(value))]);
    }
    if place.document.is_some() && node != Trie::DOCUMENT {
        as_read(value, trie, Trie::DOCUMENT);
    }
    match value {
        Value::Map(entries) => {
            for (name, value) in entries {
                if let Some(below) = place.key(name) {
                    as_read(value, trie, below);
                }
            }
        }
        Value::List(elements) => {
            for (number, element) in elements.iter_mut().enumerate() {
                if let Some(rows) = place.rows {
                    as_read(element, trie, rows.element);
                }
                for (_, below) in place.places.iter().filter(|(at, _)| *at as usize == number) {
                    as_read(element, trie, *below);
                }
                for (_, _, below) in &place.wheres {
                    as_read(element, trie, *below);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {}
    }
}
