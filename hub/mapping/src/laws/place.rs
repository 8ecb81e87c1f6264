//! Where a field stands in a hub document with one element of each collection.

use orderhub_order::catalogue::catalogue;
use orderhub_order::ids::Collection;
use orderhub_order::value::Value;
use serde_json::{Map, Value as Json};

use super::ends::Key;
use crate::{Mapping, view};

/// The collections between the mapping's subject and the field's element.
fn steps(mapping: &Mapping, key: &Key) -> Option<Vec<Collection>> {
    let own = mapping.entity.collection().unwrap_or(Collection::Root);
    let mut collection = catalogue().field(key.id)?.collection;
    let mut steps = Vec::new();
    while collection != own {
        steps.push(collection);
        collection = collection.parent()?;
    }
    steps.reverse();
    Some(steps)
}

/// Where a field stands in its element: `qty`, `ordered`; an entry's name may hold dots.
fn names(key: &Key) -> Vec<String> {
    let path = catalogue().field(key.id).map(|field| field.path).unwrap_or_default();
    let own = path.split('.').map(str::to_owned);
    own.chain(key.part.iter().map(|part| part.to_string())).collect()
}

/// Writes a field into a hub document, with the element that it is of.
pub(super) fn put(hub: &mut Map<String, Json>, mapping: &Mapping, key: &Key, value: &Value) {
    let Some(steps) = steps(mapping, key) else { return };
    let mut element = hub;
    for collection in steps {
        let rows = element.entry(collection.name()).or_insert_with(|| {
            let row = [("$key".to_owned(), "1".into()), ("$ours".to_owned(), "L1".into())];
            Json::Array(vec![Json::Object(row.into_iter().collect())])
        });
        let Some(Json::Object(row)) = rows.get_mut(0) else { return };
        element = row;
    }
    let names = names(key);
    let Some((last, above)) = names.split_last() else { return };
    for name in above {
        let inner = element.entry(name.as_str()).or_insert_with(|| Json::Object(Map::new()));
        let Json::Object(inner) = inner else { return };
        element = inner;
    }
    element.insert(last.clone(), view::json_of(value));
}

/// What came back of a field.
pub(super) fn at(back: &Json, mapping: &Mapping, key: &Key) -> Option<Json> {
    let mut element = back;
    for collection in steps(mapping, key)? {
        element = element.get(collection.name())?.get(0)?;
    }
    for name in names(key) {
        element = element.get(name)?;
    }
    Some(element.clone())
}
