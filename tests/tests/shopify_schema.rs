//! Each document of the Shopify integration is valid for each version of the vendor's schema that it supports.
//!
//! What the schema allows is not yet what the shop takes: some directives are mandatory there and optional here
//! (`tests/data/shopify/README.md` says where the schemas are from).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apollo_compiler::{ExecutableDocument, Schema, validation::Valid};

/// Those of the last year, the connector's own the last.
const VERSIONS: [&str; 5] = ["2025-10", "2026-01", "2026-04", "2026-07", "2026-10"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schemas() -> BTreeMap<String, Valid<Schema>> {
    let packed = std::fs::read(root().join("tests/data/shopify/admin.graphql.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    let parts = text.split("\n# 20").map(|part| part.trim_start_matches("# 20"));
    let schema = |part: &str| {
        let (version, sdl) = part.split_once('\n').expect("a version, then its schema");
        let version = format!("20{version}");
        let schema = Schema::parse(sdl, &version);
        // The vendor's is valid.
        (version, Valid::assume_valid(schema.unwrap_or_else(|found| panic!("{}", found.errors))))
    };
    parts.map(schema).collect()
}

fn documents() -> Vec<(String, String)> {
    let folder = root().join("mappings/shopify");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents = files.filter(|path| path.extension().is_some_and(|kind| kind == "graphql"));
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    documents.map(read).collect()
}

#[test]
fn every_document_is_valid_for_every_version() {
    let schemas = schemas();
    assert_eq!(schemas.keys().map(String::as_str).collect::<Vec<_>>(), VERSIONS);
    let documents = documents();
    assert!(documents.len() >= 10, "they are there");
    for (version, schema) in &schemas {
        for (name, text) in &documents {
            let found = ExecutableDocument::parse_and_validate(schema, text, name);
            assert!(found.is_ok(), "{version}: {}", found.unwrap_err().errors);
        }
    }
}

#[test]
fn what_the_vendor_does_not_have_is_refused() {
    let schemas = schemas();
    let schema = &schemas["2026-10"];
    for wrong in [
        "query Q($id: ID!) { order(id: $id) { id totalPriceOfAll } }",
        "query Q($id: String!) { order(id: $id) { id } }",
        "mutation M($id: ID!) { orderCancel(orderId: $id, reason: BECAUSE, restock: true) { job { id } } }",
    ] {
        assert!(ExecutableDocument::parse_and_validate(schema, wrong, "wrong").is_err(), "{wrong}");
    }
}

#[test]
fn the_connector_names_the_newest_version() {
    let file = std::fs::read_to_string(root().join("mappings/shopify/connector.yaml")).unwrap();
    let newest = VERSIONS.last().unwrap();
    assert!(file.contains(&format!("/admin/api/{newest}\"")), "`base` names {newest}");
}
