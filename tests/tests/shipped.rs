//! The integrations that the project ships: every file compiles without a finding, its parts fit each other and the
//! flow, every case holds and together they touch every part of every file, and what goes out comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_connectors::contract::{Connector, Operation, OperationKind};
use orderhub_connectors::declared::{self, Declared, Documents};
use orderhub_lang::diagnostic::render;
use orderhub_mapping::Mapping;
use orderhub_mapping::cases::run_cases;
use orderhub_mapping::integration::{ConnectorUse, Deliver, Integration};
use orderhub_mapping::laws::{self, Class, Effort};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_tests::mappings::{files, root, shipped};
use orderhub_tests::till::orderhub;
use serde_json::Value;

/// The connector that speaks for each integration.
fn connectors() -> BTreeMap<&'static str, Declared> {
    let none = Documents::new();
    let compile = |integration: &'static Arc<Integration>| {
        let owner = match &integration.connector {
            ConnectorUse::Named(other) => other.as_str(),
            ConnectorUse::Declared => integration.name.as_str(),
        };
        let folder = &shipped().folder;
        let source = folder.connectors.get(owner).unwrap_or_else(|| panic!("{owner}"));
        let beside = folder.documents.get(owner).unwrap_or(&none);
        let named = shipped().named.get(owner).unwrap_or_else(|| panic!("{owner}"));
        let declared = declared::compile_naming(source, beside, named);
        let declared = declared.unwrap_or_else(|found| panic!("{}", render(&found)));
        assert!(declared.warnings().is_empty(), "{}", render(declared.warnings()));
        (integration.name.as_str(), declared)
    };
    shipped().integrations.values().map(compile).collect()
}

#[test]
fn the_hubs_own_files_are_read_without_a_finding() {
    for (name, source) in &shipped().folder.hub {
        let found = match name.as_str() {
            "flow.yaml" => Flow::parse(source).err(),
            "ownership.yaml" => Ownership::parse(source).err(),
            _ => panic!("what is hub/{name}?"),
        };
        assert!(found.is_none(), "{}", render(&found.unwrap_or_default()));
    }
    assert!(shipped().folder.hub.len() >= 2, "they are there");
}

#[test]
fn every_document_beside_a_connector_is_named_by_it() {
    let mut named = 0;
    for (owner, documents) in &shipped().folder.documents {
        let file = &shipped().folder.connectors[owner].text;
        for name in documents.keys() {
            // `graphql: order.graphql`, at the end of a line or within braces.
            let names = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric());
            let named_as = format!("graphql: {name}");
            let mut places = file.split(&named_as).skip(1);
            assert!(places.any(names), "{owner}: nothing names {name}");
            named += 1;
        }
    }
    assert!(named >= 10, "{named} documents");
}

#[test]
fn every_operation_that_an_integration_names_is_one_of_its_connector_and_of_its_kind() {
    for (name, connector) in connectors() {
        let integration = shipped().integrations.get(name).unwrap();
        for deliver in &integration.deliver {
            for operation in deliver.operation.all() {
                let found = find(&connector, operation, name);
                assert_ne!(found.kind, OperationKind::Read, "{name}: `{operation}` only reads");
                for document in deliver.with.all() {
                    let entity = integration.mapping(document).unwrap().entity.as_str();
                    assert_eq!(found.entity.as_deref(), Some(entity), "{name}: {document}");
                }
            }
            creates(&connector, deliver, name);
        }
        for (read, uses) in &integration.reads {
            let found = find(&connector, &uses.operation, name);
            assert_eq!(found.kind, OperationKind::Read, "{name}: {read}");
            assert_eq!(found.args, uses.args, "{name}: {read}");
        }
    }
}

fn find<'c>(connector: &'c Declared, operation: &str, name: &str) -> &'c Operation {
    let found = connector.operations().iter().find(|known| known.name == operation);
    found.unwrap_or_else(|| panic!("{name}: the connector has no `{operation}`"))
}

#[test]
fn a_queue_beside_an_api_has_a_credential_of_its_own() {
    let connectors = connectors();
    for (operation, proof) in [
        ("get_order", None),
        ("receive_changes", Some("receive_changes")),
        ("delete_changes", Some("receive_changes")),
    ] {
        let found = find(&connectors["amazon_push"], operation, "amazon_push");
        assert_eq!(found.proof.as_deref(), proof, "{operation}");
    }
}

/// What is chosen for an unlinked subject makes something, and only that.
fn creates(connector: &Declared, deliver: &Deliver, name: &str) {
    if let Some(create) = &deliver.operation.create {
        assert!(find(connector, create, name).creates, "{name}: `{create}` makes nothing");
    }
    if let Some(update) = &deliver.operation.update {
        assert!(!find(connector, update, name).creates, "{name}: `{update}` makes something");
    }
}

#[test]
fn every_event_that_an_integration_listens_to_is_emitted_to_its_role() {
    let flow = Flow::embedded();
    for (name, integration) in &shipped().integrations {
        for deliver in &integration.deliver {
            let emitted = flow.emits_to(&deliver.on, integration.role);
            assert!(emitted, "{name}: nothing emits `{}` to its role", deliver.on);
        }
    }
}

/// Every mapping and group with the folder its samples stand in.
fn mappings() -> Vec<(String, Arc<Mapping>)> {
    let integrations = shipped().integrations.iter();
    let own = integrations.flat_map(|(name, integration)| {
        integration.mappings.values().map(|mapping| (name.clone(), Arc::clone(mapping)))
    });
    let groups = shipped().folder.library.mappings();
    own.chain(groups.map(|(_, mapping)| ("common".to_owned(), Arc::clone(mapping)))).collect()
}

/// A sample of a folder.
fn sample(folder: &str, file: &str) -> Option<Vec<u8>> {
    files().get(&format!("{folder}/{file}")).cloned()
}

/// `orderhub test mappings --update` writes what the cases give; the difference is the review.
#[test]
fn every_mapping_has_a_case_and_every_case_holds() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (folder, mapping) in mappings() {
        let results = run_cases(&mapping, &|file| sample(&folder, file));
        if results.is_empty() {
            wrong.push(format!("{} has no case", mapping.source.name));
        }
        count += results.len();
        let failed = results.into_iter().filter(|result| !result.failures.is_empty());
        wrong.extend(failed.map(|result| format!("{}: {:?}", result.place, result.failures)));
    }
    assert!(count > 100 && wrong.is_empty(), "{count} cases: {}", wrong.join("\n"));
}

#[test]
fn every_shipped_integration_keeps_its_laws_and_no_two_push_a_field_back_and_forth() {
    let loaded: Vec<Arc<Integration>> = shipped().integrations.values().map(Arc::clone).collect();
    for integration in &loaded {
        let found = laws::findings(integration);
        assert!(found.is_empty(), "{}", render(&found));
        let read = |file: &str| sample(&integration.name, file);
        for law in laws::laws(integration, Effort::Report, &read) {
            let good = match &law.class {
                Class::Broken(_) => false,
                Class::OneWay { meant, .. } => *meant,
                Class::Lawful | Class::Canonical(_) | Class::Apart { .. } => true,
            };
            assert!(good, "{} {}: {:?}", integration.name, law.field, law.class);
        }
    }
    let found = laws::loops(&loaded, &Ownership::embedded());
    assert!(found.is_empty(), "{}", render(&found));
}

#[test]
fn the_cases_touch_every_part_of_every_file() {
    let folder = root().parent().unwrap().to_owned();
    let ran = orderhub(&folder, &["test", "mappings", "--coverage", "-o", "json"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let mut parts = 0;
    for mapping in told["mappings"].as_array().unwrap() {
        for part in mapping["coverage"].as_array().unwrap() {
            assert_eq!(part["touched"], true, "{part}");
            parts += 1;
        }
    }
    assert!(parts > 1_000, "{parts} parts");
}
