//! Orders as JSON: nested by the dots of the catalogue's paths, collections as arrays, money as text.

use orderhub_order::catalogue::{FieldSet, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::Lane;
use orderhub_order::model::{Order, State};
use orderhub_order::value::{Address, Reference, Value};
use serde_json::{Map, Value as Json, json};

/// The whole order with its references.
pub(super) fn order(state: &State) -> Json {
    let mut shown = head(&state.order);
    if let Some(members) = shown.as_object_mut() {
        let references = state.lanes.values().flat_map(references).collect();
        members.insert("xrefs".to_owned(), Json::Array(references));
    }
    shown
}

/// The order without what stands in its lanes.
pub(super) fn head(order: &Order) -> Json {
    Json::Object(element(order, &At::ROOT))
}

fn references(lane: &Lane) -> impl Iterator<Item = Json> {
    lane.xrefs.iter().map(|xref| {
        json!({
            "system": lane.system.as_str(),
            "kind": xref.kind,
            "of": xref.at.to_string(),
            "ext_id": xref.ext_id,
        })
    })
}

fn element(order: &Order, at: &At) -> Map<String, Json> {
    let mut members = Map::new();
    let collection = at.collection();
    if let Some(id) = at.id() {
        members.insert("id".to_owned(), Json::from(id.as_str()));
    }
    for field in catalogue().fields_of(collection) {
        if let Some(stated) = order.get(at, field.id) {
            insert(&mut members, field.path, stated_json(&stated));
        }
    }
    for child in collection.children().filter(|child| *child != Collection::Xrefs) {
        let elements = order.elements_at(at, child);
        if !elements.is_empty() {
            let shown = elements.iter().map(|(place, _)| Json::Object(element(order, place)));
            members.insert(child.name().to_owned(), shown.collect());
        }
    }
    members
}

/// Puts a value at a dotted path.
fn insert(members: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => {
            members.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = members.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                insert(inner, rest, value);
            }
        }
    }
}

fn stated_json(stated: &Stated) -> Json {
    stated.as_ref().map_or(Json::Null, value_json)
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_ref()),
        Value::Integer(number) => Json::from(*number),
        Value::Decimal(number) => Json::from(number.normalize().to_string()),
        Value::Money(money) => json!(money),
        Value::Timestamp(time) => Json::from(time.to_string()),
        Value::Date(day) => Json::from(day.to_string()),
        Value::Boolean(truth) => Json::from(*truth),
        Value::Address(address) => address_json(address),
        Value::List(items) => items.iter().map(|item| Json::from(item.as_ref())).collect(),
        Value::Map(members) => {
            let shown = members.iter().map(|(name, value)| {
                (name.to_string(), value.as_deref().map_or(Json::Null, Json::from))
            });
            Json::Object(shown.collect())
        }
        Value::Ref(Reference::Ours(id) | Reference::Theirs(id) | Reference::Sku(id)) => {
            Json::from(id.as_ref())
        }
    }
}

fn address_json(address: &Address) -> Json {
    let parts = Address::PARTS.iter().filter_map(|name| {
        let part = address.part(name)?.as_deref()?;
        Some(((*name).to_owned(), Json::from(part)))
    });
    Json::Object(parts.collect())
}

/// The paths of a set of fields, sorted as the catalogue numbers them.
pub(super) fn paths(fields: &FieldSet) -> Vec<String> {
    fields.iter().filter_map(|id| catalogue().field(id)).map(|f| f.full_path()).collect()
}

/// A lane: what its system shall have, has and was sent.
pub(super) fn lane(lane: &Lane) -> Json {
    let wants = lane.wants.iter().map(|want| {
        json!({
            "rule": want.key.rule,
            "subject": want.key.subject.to_string(),
            "version": want.version,
        })
    });
    let flying = lane.flying.as_ref().map(|flight| {
        json!({
            "operation": flight.operation,
            "attempt": flight.attempt,
            "version": flight.version,
            "key": flight.key,
            "in_air": flight.in_air,
            "may_have_acted": flight.may_have_acted,
        })
    });
    let sent = lane.sent.iter().map(|(key, sent)| (key.clone(), Json::from(sent.version)));
    json!({
        "system": lane.system.as_str(),
        "role": lane.role.as_str(),
        "wants": wants.collect::<Vec<_>>(),
        "flying": flying,
        "sent": Json::Object(sent.collect()),
        "due_at": lane.due_at.map(|due| due.to_string()),
        "attempts": lane.attempts,
        "code": lane.code,
        "open_conflicts": lane.open_conflicts,
    })
}
