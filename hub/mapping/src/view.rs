//! A contribution as the hub's JSON, for cases and tools: fields nested by path, elements with what
//! identifies them under names that begin with `$`.
//!
//! `$key`, `$ours`, `$revision`, `$parents`, `$xref` (kind ► id), `$complete` (collections), `$adds:
//! false`. The same form is read back for cases of the way out, where `$order` holds what surrounds
//! the subject.

use orderhub_order::catalogue::catalogue;
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision, Stated,
};
use orderhub_order::ids::{Collection, Entity};
use orderhub_order::value::{Address, Reference, Text, Value};
use serde_json::{Map, Value as Json, json};

/// A contribution as JSON.
pub fn contribution(contribution: &Contribution) -> Json {
    let mut out = Map::new();
    out.insert("$key".to_owned(), json!(contribution.key));
    if let Some(revision) = &contribution.revision {
        let revision = match revision {
            Revision::Integer(number) => json!(number),
            Revision::Timestamp(at) => json!(at.to_string()),
        };
        out.insert("$revision".to_owned(), revision);
    }
    if !contribution.parents.is_empty() {
        let parents = contribution.parents.iter().map(|parent| match parent {
            ParentReference::Xref { kind, ext_id } => json!({ "xref": kind, "id": ext_id }),
            ParentReference::Ref(reference) => json!({ "ref": reference }),
        });
        out.insert("$parents".to_owned(), parents.collect());
    }
    element(&contribution.body, &mut out);
    Json::Object(out)
}

fn element(statement: &ElementStatement, out: &mut Map<String, Json>) {
    if let Some(key) = &statement.key {
        out.insert("$key".to_owned(), json!(key));
    }
    if let Some(ours) = &statement.ours {
        out.insert("$ours".to_owned(), json!(ours));
    }
    if !statement.adds {
        out.insert("$adds".to_owned(), json!(false));
    }
    if !statement.xrefs.is_empty() {
        let xrefs = statement.xrefs.iter().map(|(kind, id)| (kind.to_string(), json!(id)));
        out.insert("$xref".to_owned(), Json::Object(xrefs.collect()));
    }
    for (id, value) in &statement.fields {
        if let Some(field) = catalogue().field(*id) {
            put(out, field.path, value.as_ref().map_or(Json::Null, json_of));
        }
    }
    let complete = statement.collections.iter().filter(|collection| collection.complete);
    let complete: Vec<&str> = complete.map(|collection| collection.collection.name()).collect();
    if !complete.is_empty() {
        out.insert("$complete".to_owned(), json!(complete));
    }
    for collection in &statement.collections {
        let elements = collection.elements.iter().map(|statement| {
            let mut out = Map::new();
            element(statement, &mut out);
            Json::Object(out)
        });
        out.insert(collection.collection.name().to_owned(), elements.collect());
    }
}

/// Puts a value at a dotted path.
fn put(out: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => {
            out.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = out.entry(first.to_owned()).or_insert_with(|| json!({}));
            if let Json::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// A value as the hub's JSON writes it.
pub fn json_of(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Integer(whole) => json!(whole),
        Value::Decimal(exact) => json!(exact.to_string()),
        Value::Money(money) => {
            json!({ "amount": money.amount.to_string(), "currency": money.currency.as_str() })
        }
        Value::Timestamp(at) => json!(at.to_string()),
        Value::Date(day) => json!(day.to_string()),
        Value::Boolean(yes) => json!(yes),
        Value::Address(address) => {
            let parts = Address::PARTS.into_iter().filter_map(|name| {
                let text = address.part(name)?.as_ref()?;
                Some((name.to_owned(), json!(text)))
            });
            Json::Object(parts.collect())
        }
        Value::List(items) => json!(items),
        Value::Map(map) => json!(map),
        Value::Ref(Reference::Theirs(id)) => json!({ "theirs": id }),
        Value::Ref(Reference::Ours(id)) => json!({ "ours": id }),
        Value::Ref(Reference::Sku(sku)) => json!({ "sku": sku }),
    }
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
