//! The values that the cases of an integration's files have: what its fields really hold.

use std::collections::BTreeMap;

use orderhub_order::contribution::ElementStatement;
use orderhub_order::value::{Address, Value};
use serde_json::Value as Json;

use super::ends::Key;
use crate::integration::Integration;
use crate::{Mapping, view};

/// Most values of one field that are taken from cases.
pub(super) const MOST: usize = 100;

/// By field; files that are not there, or are no documents of the hub, are passed by: `test` finds those.
pub(super) fn values(
    integration: &Integration,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Samples {
    let mut samples = Samples::default();
    for mapping in integration.mappings.values() {
        for case in mapping.cases() {
            let bytes = read_sample(&case.hub).unwrap_or_default();
            let documents = match serde_json::from_slice(&bytes) {
                Ok(Json::Array(documents)) => documents,
                Ok(json) => vec![json],
                Err(_) => continue,
            };
            for json in &documents {
                document(mapping, json, &mut samples.all);
                if case.system.is_some() {
                    let came_in = samples.came_in.entry(mapping.name.clone()).or_default();
                    document(mapping, json, came_in);
                }
            }
        }
    }
    samples
}

/// Values of fields.
type Values = BTreeMap<Key, Vec<Value>>;

/// What the cases have.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// By field.
    pub(super) all: Values,
    /// What documents gave, by the mapping that read them.
    came_in: BTreeMap<String, Values>,
}

impl Samples {
    /// What documents gave a field through a mapping.
    pub(super) fn of(&self, mapping: &str, key: &Key) -> Vec<Value> {
        let values = self.came_in.get(mapping).and_then(|values| values.get(key));
        values.cloned().unwrap_or_default()
    }
}

fn document(mapping: &Mapping, json: &Json, values: &mut Values) {
    let Ok(read) = view::read(json, mapping.entity) else { return };
    element(&read.body, values);
    if let Some(order) = &read.order {
        element(order, values);
    }
}

fn element(statement: &ElementStatement, values: &mut Values) {
    for (id, stated) in &statement.fields {
        match stated {
            Some(Value::Address(address)) => {
                for part in Address::PARTS {
                    if let Some(Some(text)) = address.part(part) {
                        let key = Key { id: *id, part: Some(part.into()) };
                        add(values, key, Value::Text(text.clone()));
                    }
                }
            }
            Some(value) => add(values, Key { id: *id, part: None }, value.clone()),
            None => {}
        }
    }
    for inner in statement.collections.iter().flat_map(|collection| &collection.elements) {
        element(inner, values);
    }
}

fn add(values: &mut Values, key: Key, value: Value) {
    let known = values.entry(key).or_default();
    if known.len() < MOST && !known.contains(&value) {
        known.push(value);
    }
}
