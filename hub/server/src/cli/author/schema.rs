//! `orderhub schema`: JSON Schemas of the files that people edit, for editors and for checks elsewhere.
//!
//! The shapes of files are data beside the crates that read them; what the program knows itself (fields, enums,
//! events, roles, settings) is filled in here, so that it is told once.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use orderhub_order::catalogue::{Field, FieldType, catalogue};
use orderhub_order::flow::EVENTS;
use orderhub_order::ids::{Collection, Entity, Role};
use orderhub_order::value::Address;
use serde_json::{Map, Value as Json, json};

use crate::cli::output::{self, Code, Fault, Output, say};
use crate::config::REFERENCE;

/// A kind of file, or what the hub holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// `mappings/<integration>/integration.yaml`
    Integration,
    /// `mappings/<integration>/<document>.yaml`
    Mapping,
    /// `mappings/common/<name>.yaml`
    Snippet,
    /// `mappings/<integration>/connector.yaml`
    Connector,
    /// `mappings/hub/flow.yaml`
    Flow,
    /// `mappings/hub/ownership.yaml`
    Ownership,
    /// An order, as the API gives it.
    Order,
    /// `orderhub.toml`
    Settings,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Integration,
        Kind::Mapping,
        Kind::Snippet,
        Kind::Connector,
        Kind::Flow,
        Kind::Ownership,
        Kind::Order,
        Kind::Settings,
    ];

    fn name(self) -> &'static str {
        match self {
            Kind::Integration => "integration",
            Kind::Mapping => "mapping",
            Kind::Snippet => "snippet",
            Kind::Connector => "connector",
            Kind::Flow => "flow",
            Kind::Ownership => "ownership",
            Kind::Order => "order",
            Kind::Settings => "settings",
        }
    }
}

/// Which schema.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub schema mapping > mapping.json
  orderhub schema --write mappings       # into mappings/.schema; the first line of a file names its own:
                                         # # yaml-language-server: $schema=../.schema/mapping.json")]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Schema {
    /// Of what.
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Write all of them into `.schema` of this folder.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

pub(in crate::cli) fn schema(asked: &Schema) -> Result<ExitCode, Fault> {
    if let Some(kind) = asked.kind {
        output::document(&of(kind)?, Output::Json);
    }
    let Some(folder) = &asked.write else { return Ok(ExitCode::SUCCESS) };
    if !folder.is_dir() {
        let fault = Fault::new(Code::Usage, format!("there is no folder `{}`", folder.display()));
        return Err(fault.hint("name the mappings folder: `orderhub schema --write mappings`"));
    }
    // Folders that begin with a dot are no part of what the hub runs.
    let folder = folder.join(".schema");
    let failed = |error: std::io::Error| {
        Fault::new(Code::Problems, format!("cannot write `{}`: {error}", folder.display()))
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    for kind in Kind::ALL {
        let text = format!("{:#}\n", of(kind)?);
        fs::write(folder.join(format!("{}.json", kind.name())), text).map_err(failed)?;
    }
    say(&format!("wrote {} schemas to {}", Kind::ALL.len(), folder.display()));
    Ok(ExitCode::SUCCESS)
}

fn of(kind: Kind) -> Result<Json, Fault> {
    let roles = || Role::ALL.into_iter().map(Role::as_str);
    match kind {
        Kind::Order => Ok(order()),
        Kind::Settings => Ok(settings()),
        Kind::Connector => {
            filled(include_str!("../../../../../connectors/schema/connector.json"), &[])
        }
        Kind::Ownership => filled(include_str!("../../../../order/schema/ownership.json"), &[]),
        Kind::Flow => {
            let targets = roles().chain(["origin", "linked", "all"]).collect();
            let words = [("event", EVENTS.to_vec()), ("target", targets)];
            filled(include_str!("../../../../order/schema/flow.json"), &words)
        }
        Kind::Integration => {
            let words = [("event", EVENTS.to_vec()), ("role", roles().collect())];
            filled(include_str!("../../../../mapping/schema/integration.json"), &words)
        }
        Kind::Mapping => {
            let entities = Entity::ALL.into_iter().map(Entity::as_str).collect();
            let words = [("entity", entities)];
            let mut schema =
                filled(include_str!("../../../../mapping/schema/mapping.json"), &words)?;
            if let Some(link) = schema.pointer_mut("/definitions/link/anyOf/0/examples") {
                *link = json!(orderhub_mapping::conversion_names());
            }
            Ok(schema)
        }
        Kind::Snippet => Ok(snippet(of(Kind::Mapping)?)),
    }
}

/// A group of rules: those parts of a mapping that it has, and what it is for.
fn snippet(mut schema: Json) -> Json {
    let parts = ["orderhub", "entity", "use", "fields", "cases"];
    let name = json!({ "type": "string", "pattern": "^common/", "description": "common/<name>, as the file is called." });
    let part = json!({ "type": "string", "description": "`address`, or a collection of the entity: what the rules are for." });
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|key, _| parts.contains(&key.as_str()));
        properties.insert("snippet".to_owned(), name);
        properties.insert("part".to_owned(), part);
    }
    if let Json::Object(map) = &mut schema {
        map.insert("title".to_owned(), json!("OrderHub group of rules"));
        map.insert("description".to_owned(), json!("Rules that mappings include."));
        map.insert("required".to_owned(), json!(["orderhub", "snippet", "fields"]));
    }
    schema
}

/// A schema with the words of its enums.
fn filled(text: &str, words: &[(&str, Vec<&str>)]) -> Result<Json, Fault> {
    let mut schema: Json = serde_json::from_str(text)
        .map_err(|error| Fault::new(Code::Problems, format!("a schema is no JSON: {error}")))?;
    for (name, words) in words {
        if let Some(place) = schema.pointer_mut(&format!("/definitions/{name}/enum")) {
            *place = json!(words);
        }
    }
    Ok(schema)
}

/// An order as the API gives it: nested by the dots of the catalogue's paths.
fn order() -> Json {
    let mut schema = collection(Collection::Root);
    if let Json::Object(map) = &mut schema {
        map.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        map.insert("title".to_owned(), json!("OrderHub order"));
    }
    schema
}

fn collection(of: Collection) -> Json {
    let mut properties = Map::new();
    for field in catalogue().fields_of(of) {
        put(&mut properties, field.path, nullable(field));
    }
    for inner in of.children() {
        let items = json!({ "type": "array", "items": collection(inner) });
        properties.insert(inner.name().to_owned(), items);
    }
    json!({ "type": "object", "properties": properties })
}

fn put(properties: &mut Map<String, Json>, path: &str, schema: Json) {
    let Some((first, rest)) = path.split_once('.') else {
        properties.insert(path.to_owned(), schema);
        return;
    };
    let inner = properties
        .entry(first.to_owned())
        .or_insert_with(|| json!({ "type": "object", "properties": {} }));
    if let Some(Json::Object(inner)) = inner.get_mut("properties") {
        put(inner, rest, schema);
    }
}

fn nullable(field: &Field) -> Json {
    json!({ "anyOf": [value(&field.ty), { "type": "null" }], "description": format!("{:?}, {:?}", field.ty, field.kind) })
}

fn value(ty: &FieldType) -> Json {
    let text = json!({ "type": "string" });
    match ty {
        FieldType::Text | FieldType::Ref(_) | FieldType::Language | FieldType::Uom => text,
        FieldType::Integer => json!({ "type": "integer" }),
        FieldType::Decimal => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$" }),
        FieldType::Money => json!({
            "type": "object",
            "required": ["amount", "currency"],
            "properties": {
                "amount": { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$" },
                "currency": { "type": "string", "pattern": "^[A-Z]{3}$" },
            },
        }),
        FieldType::Timestamp => json!({ "type": "string", "format": "date-time" }),
        FieldType::Date => json!({ "type": "string", "format": "date" }),
        FieldType::Boolean => json!({ "type": "boolean" }),
        // Words that the hub does not know are kept as they are.
        FieldType::Enum(name) => {
            json!({ "anyOf": [{ "enum": catalogue().enum_values(name) }, text] })
        }
        FieldType::Country => json!({ "type": "string", "pattern": "^[A-Z]{2}$" }),
        FieldType::Currency => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        FieldType::Address => {
            let parts = Address::PARTS.into_iter();
            let parts = parts.map(|part| (part.to_owned(), json!({ "type": ["string", "null"] })));
            json!({ "type": "object", "properties": parts.collect::<Map<_, _>>() })
        }
        FieldType::List => json!({ "type": "array", "items": text }),
        FieldType::Map => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "null"] } })
        }
    }
}

/// The settings: tables, keys, defaults and sentences are those of the reference that the program carries.
fn settings() -> Json {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "OrderHub settings",
        "type": "object",
        "properties": {},
        "additionalProperties": false,
    });
    let mut table: Vec<String> = Vec::new();
    for line in REFERENCE.lines() {
        let (code, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let (code, comment) = (code.trim(), comment.trim());
        let name = code.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = name {
            table = name.split('.').map(str::to_owned).collect();
            at(&mut root, &table, comment);
        } else if let Some((key, default)) = code.split_once(" = ") {
            let place = at(&mut root, &table, "");
            let schema = setting(default.trim(), comment);
            match (key.trim(), place) {
                // Any name may stand here.
                ("NAME", Json::Object(map)) => {
                    map.insert("additionalProperties".to_owned(), schema);
                }
                (key, place) => {
                    if let Some(Json::Object(properties)) = place.get_mut("properties") {
                        properties.insert(key.to_owned(), schema);
                    }
                }
            }
        }
    }
    root
}

/// The schema of a table, made where it is not there yet; `NAME` stands for any name.
fn at<'j>(root: &'j mut Json, table: &[String], comment: &str) -> &'j mut Json {
    let Some((first, rest)) = table.split_first() else {
        if !comment.is_empty()
            && let Json::Object(map) = root
        {
            map.entry("description").or_insert_with(|| json!(comment));
        }
        return root;
    };
    let new = || json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let Json::Object(map) = root else { return root };
    let inner = if first == "NAME" {
        let any = map.entry("additionalProperties").or_insert_with(new);
        if !any.is_object() {
            *any = new();
        }
        any
    } else {
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Json::Object(properties) = properties {
            properties.entry(first.clone()).or_insert_with(new)
        } else {
            properties
        }
    };
    at(inner, rest, comment)
}

/// One setting by its default; one that may be written in several ways is not held to one.
fn setting(default: &str, comment: &str) -> Json {
    let several = comment.contains("{ file") || comment.contains("{ env") || default == "{}";
    let mut schema = if several {
        json!({})
    } else if default.starts_with('"') {
        json!({ "type": "string" })
    } else if default.starts_with('[') {
        json!({ "type": "array" })
    } else if matches!(default, "true" | "false") {
        json!({ "type": "boolean" })
    } else {
        json!({ "type": "number" })
    };
    let given = serde_json::from_str::<Json>(default).ok();
    if let Json::Object(map) = &mut schema {
        map.insert("description".to_owned(), json!(comment));
        if let Some(given) = given.filter(|given| !several && *given != json!("")) {
            map.insert("default".to_owned(), given);
        }
    }
    schema
}
