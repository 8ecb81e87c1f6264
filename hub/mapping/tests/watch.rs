//! What is told of a mapping while it runs, and that it runs the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use orderhub_lang::diagnostic::render as shown;
use orderhub_lang::value::Value;
use orderhub_mapping::cases::{Around, Case, document, given};
use orderhub_mapping::explain::{Explained, Got, explain};
use orderhub_mapping::facts::NoFacts;
use orderhub_mapping::library::Folder;
use orderhub_mapping::{Context, Integration, Mapped, Mapping, view};
use orderhub_order::ids::SystemName;
use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings")
}

/// What ships, by name.
fn shipped() -> BTreeMap<String, Integration> {
    let (mut files, mut open) = (BTreeMap::new(), vec![root()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let folder = Folder::load(&files, &BTreeSet::new());
    let found = folder.findings();
    assert!(found.is_empty(), "{}", shown(&found));
    let loaded = folder.integrations.into_iter();
    loaded.filter_map(|(name, loaded)| Some((name, loaded.integration?))).collect()
}

/// Sees one document of a case.
type See<'s> = &'s mut dyn FnMut(&Mapping, &Case, &[u8], &Context<'_>);

/// Every document that comes in by a case of a shipped mapping.
fn every_document(see: See<'_>) {
    let system = SystemName::new("case");
    for (name, integration) in shipped() {
        for mapping in integration.mappings.values() {
            for case in mapping.cases() {
                let Some(sample) = &case.system else { continue };
                let body = fs::read(root().join(&name).join(sample)).unwrap();
                let (mut settings, mut args) = (BTreeMap::new(), BTreeMap::new());
                for (around, name, value) in &case.context {
                    match around {
                        Around::Setting => {
                            settings.insert(name.clone(), value.clone());
                        }
                        Around::Argument => {
                            args.insert(name.clone(), Value::Text(value.clone()));
                        }
                        Around::Lookup => {}
                    }
                }
                let context =
                    Context { system: &system, settings: &settings, args: &args, hub: None };
                see(mapping, case, &body, &context);
            }
        }
    }
}

#[test]
fn watching_changes_nothing() {
    let mut seen = 0;
    every_document(&mut |mapping, case, body, context| {
        let plain = given(mapping, body, context);
        let explained = explain(mapping, body, context, &NoFacts);
        let mapped = explained.iter().map(|one| document(one.mapped.as_ref().unwrap()));
        let mut watched: Vec<Json> = mapped.collect();
        let watched = if watched.len() == 1 { watched.remove(0) } else { Json::Array(watched) };
        assert_eq!(watched, plain, "{}: {}", mapping.name, case.why);
        seen += 1;
    });
    assert!(seen >= 8, "only {seen} documents");
}

/// A field of the hub's JSON by a name of an explanation: `lines[17].qty.ordered`.
fn find<'j>(json: &'j Json, field: &str) -> Option<&'j Json> {
    if let Some(kind) = field.strip_prefix("$parents.") {
        let is = |parent: &&Json| parent["xref"] == kind;
        let parents = json["$parents"].as_array()?;
        let id = parents.iter().find(is).map(|parent| &parent["id"]);
        return id.or_else(|| parents.iter().find_map(|parent| parent.get(kind)));
    }
    let mut at = json;
    let mut rest = field;
    while let Some((name, after)) = rest.split_once('[') {
        let (key, after) = after.split_once(']').unwrap();
        let list = name.split('.').try_fold(at, |at, part| at.get(part))?;
        at = list.as_array()?.iter().find(|one| one["$key"] == key || one["$ours"] == key)?;
        rest = after.trim_start_matches('.');
    }
    let mut parts = rest.split('.').peekable();
    while let Some(part) = parts.next() {
        // Entries of maps have dots of their own.
        let whole = std::iter::once(part).chain(parts.clone()).collect::<Vec<_>>().join(".");
        if let Some(found) = at.get(&whole) {
            return Some(found);
        }
        // A rule that gives a map to an entry gives the entries below its name.
        let below = |(name, _): &(&String, &Json)| name.starts_with(&format!("{whole}."));
        if let Some((_, found)) = at.as_object().and_then(|map| map.iter().find(below)) {
            return Some(found);
        }
        at = at.get(part)?;
    }
    Some(at)
}

fn told(explained: &Explained, json: &Json, why: &str) -> usize {
    let mut values = 0;
    for field in explained.fields.iter().filter(|field| !field.field.contains("$xref")) {
        let found = find(json, &field.field);
        match &field.got {
            // A map without entries gives none.
            Got::Value(Value::Map(map)) if map.is_empty() => {}
            Got::Value(_) | Got::Object | Got::Elements(1..) => {
                assert!(found.is_some_and(|json| !json.is_null()), "{why}: {}", field.field);
                assert!(field.tries.iter().any(|one| one.gave), "{why}: {}", field.field);
                values += 1;
            }
            Got::Failed => panic!("{why}: {} failed", field.field),
            Got::Null => {
                // Parts of an address are not told null.
                assert!(found.is_none_or(Json::is_null), "{why}: {} {found:?}", field.field);
            }
            Got::Absent | Got::Elements(0) => {
                let empty = found.is_none_or(|json| json == &serde_json::json!([]));
                assert!(empty, "{why}: {} {found:?}", field.field);
            }
        }
    }
    values
}

#[test]
fn what_is_explained_is_what_the_mapping_gives() {
    let mut values = 0;
    every_document(&mut |mapping, case, body, context| {
        for one in explain(mapping, body, context, &NoFacts) {
            let Some(Mapped::Document(document)) = &one.mapped else { continue };
            values += told(&one, &view::contribution(document), &case.why);
        }
    });
    assert!(values > 200, "only {values} values");
}
