//! The integrations that ship: each loads without a finding, and its cases hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_lang::diagnostic::render;
use orderhub_mapping::cases::{Case, CaseResult, run_cases};
use orderhub_mapping::laws::{self, Class, Effort};
use orderhub_mapping::{Integration, Loaded};
use orderhub_order::flow::Ownership;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings")
}

fn load(name: &str) -> Loaded {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((file, fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Integration::load(name, &files)
}

fn integrations() -> Vec<String> {
    let folders = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = folders
        .filter(|path| path.join("integration.yaml").is_file())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_shipped_integration_loads_without_a_finding() {
    let names = integrations();
    assert!(names.len() >= 5, "only {names:?}");
    for name in names {
        let loaded = load(&name);
        assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics));
        assert!(loaded.integration.is_some());
    }
}

#[test]
fn every_shipped_integration_keeps_its_laws_and_no_two_push_a_field_back_and_forth() {
    let loaded: Vec<Arc<Integration>> =
        integrations().iter().filter_map(|name| load(name).integration).map(Arc::new).collect();
    for integration in &loaded {
        let found = laws::findings(integration);
        assert!(found.is_empty(), "{}", render(&found));
        let read = |file: &str| fs::read(root().join(&integration.name).join(file)).ok();
        for law in laws::laws(integration, Effort::Report, &read) {
            let good = match &law.class {
                Class::Broken(_) => false,
                Class::OneWay { meant, .. } => *meant,
                Class::Lawful | Class::Canonical(_) => true,
            };
            assert!(good, "{} {}: {:?}", integration.name, law.field, law.class);
        }
    }
    let found = laws::loops(&loaded, &Ownership::embedded());
    assert!(found.is_empty(), "{}", render(&found));
}

/// `UPDATE=1` writes what the cases give over what they expect; the diff is the review.
fn update(folder: &Path, case: &Case, result: &CaseResult) {
    if std::env::var_os("UPDATE").is_none() {
        return;
    }
    let write = |file: &str, json: &serde_json::Value| {
        fs::write(folder.join(file), format!("{json:#}\n")).unwrap();
    };
    if let (Some(_), Some(json)) = (&case.system, &result.hub) {
        write(&case.hub, json);
    }
    if let (Some(out), Some(json)) = (&case.out, &result.out) {
        write(out, json);
    }
}

#[test]
fn every_case_of_a_shipped_mapping_holds() {
    let mut failures = Vec::new();
    for name in integrations() {
        let Some(integration) = load(&name).integration else { continue };
        for mapping in integration.mappings.values() {
            let read = |file: &str| fs::read(root().join(&name).join(file)).ok();
            for (case, result) in mapping.cases().iter().zip(run_cases(mapping, &read)) {
                update(&root().join(&name), case, &result);
                if result.failures.is_empty() {
                    continue;
                }
                failures.push(format!(
                    "{} ({})\n  {}\ngave in: {}\ngave out: {}",
                    result.place,
                    result.why,
                    result.failures.join("\n  "),
                    result.hub.map_or_else(String::new, |json| format!("{json:#}")),
                    result.out.map_or_else(String::new, |json| format!("{json:#}")),
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
