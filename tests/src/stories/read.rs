//! Contributions and values as stories write them: hub paths and values, straight from YAML.
//!
//! An object's keys are `key`, `ours`, `adds`, `xrefs`, names of collections, and paths of fields.
//! A collection is a list, or `{ complete: true, elements: [...] }`. A reference is `theirs:id`,
//! `ours:id` or `sku:text`.

use orderhub_order::catalogue::{Field, FieldType, catalogue};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision, Stated,
};
use orderhub_order::ids::{At, Collection, Entity, SystemName};
use orderhub_order::value::{Reference, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// A document of a story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Who speaks.
    pub system: String,
    /// The kind of document; default: the entity's name.
    pub document: Option<String>,
    /// What it is about; default `order`.
    pub entity: Option<String>,
    /// Its key.
    pub key: String,
    /// Its message id, for the first layer of duplicate detection.
    pub id: Option<String>,
    /// Our reference that it names.
    pub r#ref: Option<String>,
    /// References of other kinds that it names: kind ► external id.
    #[serde(default)]
    pub parents: Map<String, Json>,
    /// A number, or a time.
    pub revision: Option<Json>,
    /// May create an order; default: role channel and entity order.
    pub creates: Option<bool>,
    /// What it says.
    #[serde(default)]
    pub says: Map<String, Json>,
}

/// The contribution of a document; `channel`: its system's role creates orders.
pub fn contribution(document: &Document, channel: bool) -> Contribution {
    let entity = document.entity.as_deref().unwrap_or("order");
    let entity = Entity::parse(entity).unwrap_or_else(|| panic!("no entity `{entity}`"));
    let collection = entity.collection().unwrap_or(Collection::Root);
    let mut parents: Vec<ParentReference> = document
        .parents
        .iter()
        .map(|(kind, id)| ParentReference::Xref {
            kind: kind.as_str().into(),
            ext_id: text(id).into(),
        })
        .collect();
    parents.extend(document.r#ref.iter().map(|r| ParentReference::Ref(r.as_str().into())));
    Contribution {
        system: SystemName::new(document.system.as_str()),
        document: document.document.as_deref().unwrap_or(entity.as_str()).into(),
        entity,
        key: document.key.as_str().into(),
        parents,
        creates: document.creates.unwrap_or(channel && entity == Entity::Order),
        revision: document.revision.as_ref().map(revision),
        body: statement(collection, &document.says),
    }
}

/// A revision: a whole number, or a time.
pub fn revision(json: &Json) -> Revision {
    match json.as_i64() {
        Some(number) => Revision::Integer(number),
        None => Revision::Timestamp(text(json).parse().expect("a revision is a number or a time")),
    }
}

/// What is said of one element.
pub fn statement(collection: Collection, says: &Map<String, Json>) -> ElementStatement {
    let mut made = ElementStatement { adds: true, ..ElementStatement::default() };
    for (name, json) in says {
        match name.as_str() {
            "key" => made.key = Some(text(json).into()),
            "ours" => made.ours = Some(text(json).into()),
            "adds" => made.adds = json.as_bool().expect("`adds` is true or false"),
            "xrefs" => {
                let xrefs = json.as_object().expect("`xrefs` is kind: id");
                made.xrefs =
                    xrefs.iter().map(|(k, v)| (k.as_str().into(), text(v).into())).collect();
            }
            name => member(&mut made, collection, name, json),
        }
    }
    made.fields.sort_by_key(|(id, _)| *id);
    made
}

fn member(made: &mut ElementStatement, collection: Collection, name: &str, json: &Json) {
    if let Some(inner) = collection.child(name) {
        let (complete, elements) = match json {
            Json::Object(list) => (
                list.get("complete").and_then(Json::as_bool).unwrap_or_default(),
                list.get("elements").cloned().unwrap_or_default(),
            ),
            list => (false, list.clone()),
        };
        let elements = elements.as_array().unwrap_or_else(|| panic!("`{name}` is a list")).clone();
        let elements = elements
            .iter()
            .map(|element| statement(inner, element.as_object().expect("elements are objects")))
            .collect();
        made.collections.push(CollectionStatement { collection: inner, complete, elements });
    } else {
        let field = catalogue().find(collection, name);
        let field = field.unwrap_or_else(|| panic!("no field `{name}` in `{}`", collection.path()));
        made.fields.push((field.id, value(field, json)));
    }
}

/// A value of a field. Money is also written `12.50 EUR`.
pub fn value(field: &Field, json: &Json) -> Stated {
    if let (FieldType::Money, Json::String(text)) = (&field.ty, json) {
        let (amount, currency) = text.split_once(' ').expect("money is `amount CUR`");
        let money = serde_json::json!({ "amount": amount, "currency": currency });
        return value(field, &money);
    }
    if let (FieldType::Ref(_), Json::String(text)) = (&field.ty, json) {
        let (by, id) = text.split_once(':').expect("a reference is `theirs:`, `ours:` or `sku:`");
        return Some(Value::Ref(match by {
            "theirs" => Reference::Theirs(id.into()),
            "ours" => Reference::Ours(id.into()),
            "sku" => Reference::Sku(id.into()),
            other => panic!("no reference by `{other}`"),
        }));
    }
    let json = match (&field.ty, json) {
        (FieldType::Text | FieldType::Enum(_), Json::Number(number)) => {
            Json::String(number.to_string())
        }
        (_, json) => json.clone(),
    };
    Value::from_json(field, &json).unwrap_or_else(|error| panic!("{error}"))
}

/// A place: `order`, or `shipments[S1]`.
pub fn at(text: &str) -> At {
    let text = if text == "order" { "" } else { text };
    At::parse(text).unwrap_or_else(|| panic!("no place `{text}`"))
}

/// A scalar as text.
pub fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
