//! Reads the embedded catalogue. Names are leaked once: they live as long as the program.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Catalogue, CollectionRules, Field, FieldId, FieldType, Kind, Merge, Owner, Personal};
use crate::ids::{Collection, Role};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    no: u16,
    #[serde(rename = "type")]
    ty: String,
    kind: String,
    #[serde(default)]
    owner: Vec<String>,
    #[serde(default)]
    merge: Option<Merge>,
    #[serde(default)]
    personal: Option<String>,
}

/// Reads the catalogue, or says in a sentence what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Catalogue, String> {
    let file: BTreeMap<String, Value> =
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut catalogue = Catalogue::default();
    for (name, value) in &file {
        match name.as_str() {
            "next_no" | "address" => {}
            "order" => collection(&mut catalogue, Collection::Root, value)?,
            "enums" => catalogue.enums = enums(value)?,
            "machines" => machines(&mut catalogue, value)?,
            other => {
                let found = Collection::parse(other).ok_or_else(|| unknown("collection", other))?;
                collection(&mut catalogue, found, value)?;
            }
        }
    }
    Ok(catalogue)
}

fn unknown(what: &str, name: &str) -> String {
    format!("unknown {what} `{name}`")
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn collection(catalogue: &mut Catalogue, at: Collection, value: &Value) -> Result<(), String> {
    let map = value.as_object().ok_or("a collection is a mapping")?;
    let mut rules = CollectionRules::default();
    for (name, value) in map {
        if name == "$key" {
            rules.key = names(value).into_iter().map(|name| leak(&name)).collect();
        } else if name == "$adds" {
            rules.adds = names(value).iter().map(|name| owner(name)).collect::<Result<_, _>>()?;
        } else if value.get("type").is_some() {
            add(catalogue, at, name, value)?;
        } else {
            let path = format!("{}.{name}", at.path());
            let inner = Collection::parse(&path).ok_or_else(|| unknown("collection", &path))?;
            collection(catalogue, inner, value)?;
        }
    }
    catalogue.collections.insert(at, rules);
    Ok(())
}

/// A text, or a list of texts.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::String(name) => vec![name.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn add(
    catalogue: &mut Catalogue,
    collection: Collection,
    path: &str,
    value: &Value,
) -> Result<(), String> {
    let raw: RawField = serde_json::from_value(value.clone())
        .map_err(|error| format!("`{}.{path}`: {error}", collection.path()))?;
    let id = FieldId(raw.no);
    let index = usize::from(raw.no);
    if index >= 256 {
        return Err(format!("`{path}`: the number {index} is above 255"));
    }
    let path = leak(path);
    let personal = personal(raw.personal.as_deref().unwrap_or("none"))?;
    let field = Field {
        id,
        collection,
        path,
        ty: field_type(&raw.ty)?,
        kind: kind(&raw.kind)?,
        owners: raw.owner.iter().map(|name| owner(name)).collect::<Result<_, _>>()?,
        merge: raw.merge.unwrap_or(Merge::OwnerWins),
        personal,
    };
    if personal != Personal::None {
        catalogue.personal.insert(id);
    }
    if catalogue.fields.len() <= index {
        catalogue.fields.resize(index + 1, None);
    }
    if let Some(slot) = catalogue.fields.get_mut(index)
        && slot.replace(field).is_some()
    {
        return Err(format!("the number {index} is used twice"));
    }
    catalogue.by_place.insert((collection, path), id);
    Ok(())
}

fn field_type(text: &str) -> Result<FieldType, String> {
    if let Some(name) = text.strip_prefix("enum ") {
        return Ok(FieldType::Enum(leak(name)));
    }
    Ok(match text {
        "ref line" => FieldType::Ref(Collection::Lines),
        "ref fulfilment" => FieldType::Ref(Collection::Fulfilments),
        "text" => FieldType::Text,
        "integer" => FieldType::Integer,
        "decimal" => FieldType::Decimal,
        "money" => FieldType::Money,
        "timestamp" => FieldType::Timestamp,
        "date" => FieldType::Date,
        "boolean" => FieldType::Boolean,
        "country" => FieldType::Country,
        "currency" => FieldType::Currency,
        "language" => FieldType::Language,
        "uom" => FieldType::Uom,
        "address" => FieldType::Address,
        "list" => FieldType::List,
        "map" => FieldType::Map,
        other => return Err(unknown("type", other)),
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    Ok(match text {
        "given" => Kind::Given,
        "atomic" => Kind::Atomic,
        "fact" => Kind::Fact,
        "derived" => Kind::Derived,
        "hub" => Kind::Hub,
        other => return Err(unknown("kind", other)),
    })
}

fn personal(text: &str) -> Result<Personal, String> {
    Ok(match text {
        "none" => Personal::None,
        "contact" => Personal::Contact,
        "address" => Personal::Address,
        "identity" => Personal::Identity,
        "payment" => Personal::Payment,
        other => return Err(unknown("class of personal data", other)),
    })
}

fn owner(text: &str) -> Result<Owner, String> {
    read_owner(text).ok_or_else(|| unknown("owner", text))
}

/// Reads an owner as the catalogue and `ownership.yaml` write it.
pub(crate) fn read_owner(text: &str) -> Option<Owner> {
    Some(match text {
        "service" => Owner::Service,
        "hub" => Owner::Hub,
        "any" => Owner::Any,
        role => Owner::Role(Role::parse(role)?),
    })
}

fn enums(value: &Value) -> Result<BTreeMap<&'static str, Vec<&'static str>>, String> {
    let map = value.as_object().ok_or("`enums` is a mapping")?;
    let list = |value: &Value| names(value).iter().map(|name| leak(name)).collect();
    Ok(map.iter().map(|(name, values)| (leak(name), list(values))).collect())
}

fn machines(catalogue: &mut Catalogue, value: &Value) -> Result<(), String> {
    for (name, ranks) in value.as_object().ok_or("`machines` is a mapping")? {
        if name == "final" {
            catalogue.finals = enums(ranks)?;
            continue;
        }
        let ranks = ranks.as_array().ok_or("ranks are a list of lists")?;
        let ranks =
            ranks.iter().map(|rank| names(rank).iter().map(|name| leak(name)).collect()).collect();
        catalogue.machines.insert(leak(name), ranks);
    }
    Ok(())
}
