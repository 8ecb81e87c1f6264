//! A contribution as the hub's JSON, for cases and tools: fields nested by path, elements with what
//! identifies them under names that begin with `$`.
//!
//! `$key`, `$ours`, `$revision`, `$parents`, `$xref` (kind ► id), `$complete` (collections), `$adds:
//! false`. The same form is read back for cases of the way out, where `$order` holds what surrounds
//! the subject.

mod write;

use orderhub_order::catalogue::catalogue;
use orderhub_order::contribution::{CollectionStatement, Contribution, ElementStatement, Stated};
use orderhub_order::ids::{Collection, Entity};
use orderhub_order::value::{Reference, Text, Value};
use serde_json::{Map, Value as Json};

use self::write::Writer;

/// A contribution as JSON.
pub fn contribution(contribution: &Contribution) -> Json {
    serde_json::from_slice(&bytes(contribution)).unwrap_or_default()
}

/// The same as bytes: fields in the order of the catalogue, so that equal contributions give equal bytes.
pub fn bytes(contribution: &Contribution) -> Vec<u8> {
    let mut to = Writer::new(2048);
    to.contribution(contribution);
    to.bytes()
}

/// A value as the hub's JSON writes it.
pub fn json_of(value: &Value) -> Json {
    let mut to = Writer::new(64);
    to.value(value);
    serde_json::from_slice(&to.bytes()).unwrap_or_default()
}

/// What a case's hub JSON says of a subject.
#[derive(Debug, Default)]
pub struct Read {
    /// The subject.
    pub body: ElementStatement,
    /// Its key at the system.
    pub key: Option<String>,
    /// What surrounds it (`$order`), for entities other than the order.
    pub order: Option<ElementStatement>,
}

/// Reads the JSON of a case.
///
/// # Errors
///
/// What cannot be read, with its path.
pub fn read(json: &Json, entity: Entity) -> Result<Read, String> {
    let Json::Object(map) = json else { return Err("an object is needed".to_owned()) };
    let collection = entity.collection().unwrap_or(Collection::Root);
    let body = read_element(map, collection)?;
    let order = match map.get("$order") {
        Some(Json::Object(order)) => Some(read_element(order, Collection::Root)?),
        _ => None,
    };
    let key = map.get("$key").and_then(Json::as_str).map(str::to_owned);
    Ok(Read { body, key, order })
}

fn read_element(
    map: &Map<String, Json>,
    collection: Collection,
) -> Result<ElementStatement, String> {
    let mut statement = ElementStatement { adds: true, ..ElementStatement::default() };
    for (name, value) in map {
        match name.as_str() {
            "$key" => statement.key = value.as_str().map(Box::from),
            "$ours" => statement.ours = value.as_str().map(Box::from),
            "$adds" => statement.adds = value.as_bool().unwrap_or(true),
            "$xref" => {
                for (kind, id) in value.as_object().into_iter().flatten() {
                    statement
                        .xrefs
                        .push((kind.as_str().into(), id.as_str().unwrap_or_default().into()));
                }
            }
            name if name.starts_with('$') => {}
            name => match collection.child(name) {
                Some(inner) => statement.collections.push(read_collection(value, inner)?),
                None => read_field(name, value, collection, &mut statement.fields)?,
            },
        }
    }
    statement.fields.sort_by_key(|(id, _)| *id);
    Ok(statement)
}

fn read_collection(json: &Json, collection: Collection) -> Result<CollectionStatement, String> {
    let mut elements = Vec::new();
    for element in json.as_array().into_iter().flatten() {
        let Json::Object(map) = element else {
            return Err(format!("`{}` holds objects", collection.path()));
        };
        elements.push(read_element(map, collection)?);
    }
    Ok(CollectionStatement { collection, complete: false, elements })
}

fn read_field(
    path: &str,
    json: &Json,
    collection: Collection,
    fields: &mut Vec<(orderhub_order::catalogue::FieldId, Stated)>,
) -> Result<(), String> {
    if let Some(field) = catalogue().find(collection, path) {
        let reference = |name| json.get(name).and_then(Json::as_str).map(Text::from);
        let stated = if let Some(id) = reference("theirs") {
            Some(Value::Ref(Reference::Theirs(id)))
        } else if let Some(id) = reference("ours") {
            Some(Value::Ref(Reference::Ours(id)))
        } else if let Some(sku) = reference("sku") {
            Some(Value::Ref(Reference::Sku(sku)))
        } else {
            Value::from_json(field, json).map_err(|error| error.to_string())?
        };
        fields.push((field.id, stated));
        return Ok(());
    }
    let Json::Object(inner) = json else { return Err(format!("unknown hub field `{path}`")) };
    for (name, value) in inner {
        read_field(&format!("{path}.{name}"), value, collection, fields)?;
    }
    Ok(())
}
