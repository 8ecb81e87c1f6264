//! The integrations that the project ships: every file compiles without a finding, its parts fit
//! each other and the flow, and every case holds.
//!
//! `UPDATE=1` writes what the cases gave into their expectations; the difference is the review.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_connectors::contract::{Connector, Operation, OperationKind};
use orderhub_connectors::declared::{self, Declared, Documents};
use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::{Case, CaseResult, run_cases};
use orderhub_mapping::integration::{Deliver, Integration};
use orderhub_mapping::library::Folder;
use orderhub_order::flow::{Flow, Ownership};

fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// The names of the integrations.
fn names() -> Vec<String> {
    let entries = fs::read_dir(mappings()).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries.filter(|path| path.join("integration.yaml").is_file());
    let mut names: Vec<String> =
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 5, "the integrations are there: {names:?}");
    names
}

fn source(path: &Path) -> Arc<Source> {
    let name = path.strip_prefix(mappings().parent().unwrap()).unwrap();
    Source::new(name.to_str().unwrap(), fs::read_to_string(path).unwrap())
}

/// Loads an integration; any finding, also a warning, fails the test.
fn load(name: &str) -> Integration {
    let folder = mappings().join(name);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            files.insert(file, fs::read_to_string(&path).unwrap());
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let loaded = Integration::load(name, &files);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics));
    loaded.integration.unwrap()
}

/// The documents beside a connector file.
fn documents(folder: &Path) -> Documents {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|ext| ext == "graphql"));
    documents
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), source(&path)))
        .collect()
}

fn connector(name: &str) -> Declared {
    let source = source(&mappings().join(name).join("connector.yaml"));
    let declared = declared::compile_with(&source, &documents(&mappings().join(name)));
    let declared = declared.unwrap_or_else(|found| panic!("{}", render(&found)));
    assert!(declared.warnings().is_empty(), "{}", render(declared.warnings()));
    declared
}

#[test]
fn the_hubs_own_files_are_read_without_a_finding() {
    let flow = source(&mappings().join("hub/flow.yaml"));
    Flow::parse(&flow).unwrap_or_else(|found| panic!("{}", render(&found)));
    let ownership = source(&mappings().join("hub/ownership.yaml"));
    Ownership::parse(&ownership).unwrap_or_else(|found| panic!("{}", render(&found)));
}

#[test]
fn groups_of_rules_and_tables_are_read_without_a_finding_and_their_cases_hold() {
    let mut files = BTreeMap::new();
    let mut open = vec![mappings()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(mappings()).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let folder = Folder::load(&files, &BTreeSet::new());
    let found = folder.findings();
    assert!(found.is_empty(), "{}", render(&found));
    let is_group = |file: &&String| file.starts_with("common/") && file.ends_with(".yaml");
    assert_eq!(folder.library.mappings().count(), files.keys().filter(is_group).count());
    let (mut count, mut failures) = (0, Vec::new());
    for (group, mapping) in folder.library.mappings() {
        let results = run_cases(mapping, &|file| files.get(&format!("common/{file}")).cloned());
        assert!(!results.is_empty(), "{group} has no cases");
        count += results.len();
        let failed = results.into_iter().filter(|result| !result.failures.is_empty());
        failures.extend(failed.map(|result| format!("{}: {:?}", result.place, result.failures)));
    }
    assert!(count > 10 && failures.is_empty(), "{count} cases: {}", failures.join("\n"));
}

#[test]
fn every_operation_that_an_integration_names_is_one_of_its_connector_and_of_its_kind() {
    for name in names() {
        let (integration, connector) = (load(&name), connector(&name));
        for deliver in &integration.deliver {
            for operation in deliver.operation.all() {
                let found = find(&connector, operation, &name);
                assert_ne!(found.kind, OperationKind::Read, "{name}: `{operation}` only reads");
                for document in deliver.with.all() {
                    let entity = integration.mapping(document).unwrap().entity.as_str();
                    assert_eq!(found.entity.as_deref(), Some(entity), "{name}: {document}");
                }
            }
            creates(&connector, deliver, &name);
        }
        for (read, uses) in &integration.reads {
            let found = find(&connector, &uses.operation, &name);
            assert_eq!(found.kind, OperationKind::Read, "{name}: {read}");
            assert_eq!(found.args, uses.args, "{name}: {read}");
        }
    }
}

fn find<'c>(connector: &'c Declared, operation: &str, name: &str) -> &'c Operation {
    let found = connector.operations().iter().find(|known| known.name == operation);
    found.unwrap_or_else(|| panic!("{name}: the connector has no `{operation}`"))
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
    for name in names() {
        let integration = load(&name);
        for deliver in &integration.deliver {
            let emitted = flow.emits_to(&deliver.on, integration.role);
            assert!(emitted, "{name}: nothing emits `{}` to its role", deliver.on);
        }
    }
}

#[test]
fn every_mapping_has_a_case_and_every_case_holds() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for name in names() {
        let folder = mappings().join(&name);
        for (document, mapping) in load(&name).mappings {
            if mapping.cases().is_empty() {
                wrong.push(format!("mappings/{name}/{document}.yaml has no case"));
            }
            let read = |sample: &str| fs::read(folder.join(sample)).ok();
            for (case, result) in mapping.cases().iter().zip(run_cases(&mapping, &read)) {
                if update {
                    rewrite(&folder, case, &result);
                }
                let failures = result.failures.join("\n  ");
                if !failures.is_empty() {
                    wrong.push(format!("{} {}\n  {failures}", result.place, result.why));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a case gave becomes what it expects. The hub side of a way out is written by hand.
fn rewrite(folder: &Path, case: &Case, result: &CaseResult) {
    let write = |file: &str, json: &serde_json::Value| {
        let text = serde_json::to_string_pretty(json).unwrap() + "\n";
        fs::write(folder.join(file), text).unwrap();
    };
    if let Some(hub) = &result.hub {
        write(&case.hub, hub);
    }
    if let (Some(file), Some(out)) = (&case.out, &result.out) {
        write(file, out);
    }
}
