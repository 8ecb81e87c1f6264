//! The shape of an order, from the catalogue of hub fields.

#![expect(
    clippy::indexing_slicing,
    reason = "the description is the same in every process, and tests read it"
)]

use orderhub_order::catalogue::{Field, FieldType, catalogue};
use orderhub_order::fold::TodoKind;
use orderhub_order::history::MASK;
use orderhub_order::ids::Collection;
use serde_json::{Map, Value, json};

use crate::store::ReceiptRow;

/// The filters for states: name, words.
pub(super) fn states() -> Vec<(String, Vec<&'static str>)> {
    let fields = catalogue().fields_of(Collection::Root);
    let states = fields.filter_map(|field| {
        let FieldType::Enum(name) = field.ty else { return None };
        let words = catalogue().enum_values(name).to_vec();
        field.path.starts_with("state.").then(|| (field.path.to_owned(), words))
    });
    states.collect()
}

/// The words of a parameter of this name.
pub(super) fn words_of(parameter: &str) -> Option<Vec<&'static str>> {
    match parameter {
        "stage" | "hold" => Some(catalogue().enum_values(parameter).to_vec()),
        "kind" => Some(TodoKind::ALL.map(TodoKind::as_str).to_vec()),
        "class" => Some(ReceiptRow::CLASSES.to_vec()),
        "act" => Some(vec!["open", "close"]),
        _ => None,
    }
}

/// An order: what is nobody's field (`xrefs`) is allowed besides.
pub(super) fn schema() -> Value {
    let mut whole = place(Collection::Root);
    whole["required"] = json!(["id", "ref", "version"]);
    whole["description"] = json!(
        "An order: nested by the dots of the hub fields' paths, collections as arrays. Absent is absent, null is \
         null. Money is `{ amount, currency }`, amounts and quantities are decimals as text."
    );
    whole
}

fn place(collection: Collection) -> Value {
    let mut members = Map::new();
    for field in catalogue().fields_of(collection) {
        let parts: Vec<&str> = field.path.split('.').collect();
        put(&mut members, &parts, value(field));
    }
    for inner in collection.children() {
        let list = json!({ "type": "array", "items": place(inner) });
        members.insert(inner.name().to_owned(), list);
    }
    json!({ "type": "object", "properties": members })
}

/// Puts a field's shape behind the names of its path.
fn put(members: &mut Map<String, Value>, path: &[&str], shape: Value) {
    match path {
        [] => {}
        [name] => drop(members.insert((*name).to_owned(), shape)),
        [group, rest @ ..] => {
            let group = members
                .entry((*group).to_owned())
                .or_insert_with(|| json!({ "type": "object", "properties": {} }));
            if let Some(inner) = group["properties"].as_object_mut() {
                put(inner, rest, shape);
            }
        }
    }
}

fn value(field: &Field) -> Value {
    let kinds = match field.ty {
        FieldType::Integer => json!(["integer", "null"]),
        FieldType::Boolean => json!(["boolean", "null"]),
        FieldType::List => json!(["array", "null"]),
        FieldType::Money | FieldType::Address | FieldType::Map => json!(["object", "null"]),
        FieldType::Text
        | FieldType::Ref(_)
        | FieldType::Decimal
        | FieldType::Timestamp
        | FieldType::Date
        | FieldType::Enum(_)
        | FieldType::Country
        | FieldType::Currency
        | FieldType::Language
        | FieldType::Uom => json!(["string", "null"]),
    };
    let shape = json!({ "type": kinds });
    if catalogue().personal().contains(field.id) {
        return json!({ "anyOf": [shape, { "const": MASK }] });
    }
    shape
}
