//! Files of an integration: one mapping, and a whole folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic;
use orderhub_lang::value::Value;
use orderhub_mapping::library::Folder;
use orderhub_mapping::{Context, Mapping, Named, laws};
use orderhub_order::flow::Ownership;
use orderhub_order::ids::SystemName;

use super::texts::{source, told};

/// A file compiles, and then maps anything, or every finding stands at its place.
pub(super) fn mapping_compile(input: &[u8]) {
    let Some(source) = source(input) else { return };
    match Mapping::compile(&source, &Named::default()) {
        Err(found) => told(&found),
        Ok(mapping) => try_out(&mapping),
    }
}

/// Runs a compiled mapping both ways with next to nothing: what can be compiled can be run.
fn try_out(mapping: &Mapping) {
    if !mapping.warnings().is_empty() {
        told(mapping.warnings());
    }
    let settings: BTreeMap<String, String> =
        mapping.settings().map(|name| (name.to_owned(), "1".to_owned())).collect();
    let args: BTreeMap<String, Value> = BTreeMap::new();
    let system = SystemName::new("fuzz");
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    for body in ["{}", "[{\"id\": 1}]", "id,a\n1,2\n", "<a><id>1</id></a>", "id=1&a[b]=2"] {
        super::bodies::told(&mapping.run(body.as_bytes(), &context));
    }
    let hub = serde_json::json!({ "$key": "1", "order_no": "A", "lines": [{ "$key": "2" }] });
    orderhub_mapping::cases::project(mapping, &hub, &context).ok();
    let _open = mapping.open();
    assert!(mapping.rules().len() <= usize::from(u16::MAX));
}

/// Several files in one: a line `=== path` begins each. The same folder gives the same findings, and what is sound
/// can be judged by its laws.
pub(super) fn library(input: &[u8]) {
    let files = files(input);
    let folder = Folder::load(&files, &BTreeSet::new());
    let found = folder.findings();
    if !found.is_empty() {
        told(&found);
    }
    let again = Folder::load(&files, &BTreeSet::new()).findings();
    assert_eq!(diagnostic::render(&found), diagnostic::render(&again), "twice the same");
    let sound = folder.integrations.into_values().filter_map(|loaded| loaded.integration);
    let sound: Vec<Arc<_>> = sound.map(Arc::new).collect();
    for integration in &sound {
        let found = laws::findings(integration);
        assert!(diagnostic::render(&found).len() >= found.len());
    }
    let found = laws::loops(&sound, &Ownership::embedded());
    assert!(diagnostic::render(&found).len() >= found.len());
}

/// At most so many files, as a folder has them.
const MOST_FILES: usize = 16;

fn files(input: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut path = "shop/order.yaml".to_owned();
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"=== ") {
            Some(named) if files.len() < MOST_FILES => {
                path = String::from_utf8_lossy(named).trim_end().to_owned();
                files.entry(path.clone()).or_default();
            }
            _ => files.entry(path.clone()).or_default().extend_from_slice(line),
        }
    }
    files
}
