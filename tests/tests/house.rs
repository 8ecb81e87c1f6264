//! House rules that a machine can check: who may use whom, what is pure, how long a file may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// An arrow allows all further along it; tests may use all; twins know none of the others.
const MAY_USE: &[(&str, &[&str])] = &[
    ("orderhub-lang", &[]),
    ("orderhub-order", &["orderhub-lang"]),
    ("orderhub-mapping", &["orderhub-lang", "orderhub-order"]),
    ("orderhub-connectors", &["orderhub-lang"]),
    ("orderhub-twins", &[]),
    (
        "orderhub",
        &[
            "orderhub-connectors",
            "orderhub-lang",
            "orderhub-mapping",
            "orderhub-order",
            "orderhub-twins",
        ],
    ),
];

/// Crates without I/O, with their folders.
const PURE: &[(&str, &str)] = &[
    ("orderhub-lang", "hub/lang"),
    ("orderhub-order", "hub/order"),
    ("orderhub-mapping", "hub/mapping"),
    ("orderhub-connectors", "connectors"),
];

/// What a pure crate may not depend on.
const IMPURE_CRATES: &[&str] =
    &["tokio", "reqwest", "rusqlite", "sqlx", "lapin", "axum", "hyper", "rand", "uuid"];

/// What a pure crate's sources may not say.
const IMPURE_WORDS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
];

/// Source files longer than this hold two things.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn crates_use_only_what_the_architecture_allows() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata answers");
    let ours: BTreeSet<String> = metadata.packages.iter().map(|p| p.name.to_string()).collect();
    for package in &metadata.packages {
        let name = package.name.to_string();
        if name == "orderhub-tests" {
            continue;
        }
        let allowed = MAY_USE.iter().find(|(n, _)| *n == name).map(|(_, a)| *a);
        let allowed = allowed.unwrap_or_else(|| panic!("`{name}` stands in no line of MAY_USE"));
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let pure = PURE.iter().any(|(n, _)| *n == name);
            if ours.contains(used) {
                assert!(allowed.contains(&used), "`{name}` must not use `{used}`");
            } else if pure && dependency.kind != DependencyKind::Development {
                assert!(
                    !IMPURE_CRATES.contains(&used),
                    "`{name}` is pure: it must not use `{used}`"
                );
            }
        }
    }
}

#[test]
fn pure_crates_touch_no_clock_file_network_or_environment() {
    for (name, folder) in PURE {
        for file in rust_files(&root().join(folder).join("src")) {
            for (number, line) in read(&file).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in IMPURE_WORDS {
                    let at = format!("{}:{}", file.display(), number + 1);
                    assert!(!code.contains(word), "`{name}` is pure, but {at} says `{word}`");
                }
            }
        }
    }
}

#[test]
fn no_source_file_is_longer_than_it_can_be_read() {
    for file in all_sources() {
        let lines = read(&file).lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines; split it", file.display());
    }
}

#[test]
fn every_source_file_says_first_what_it_is_for() {
    for file in all_sources() {
        let text = read(&file);
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        assert!(first.starts_with("//!"), "{} starts without `//!`", file.display());
    }
}

#[test]
fn every_dependency_has_a_sentence_why() {
    let manifest = read(&root().join("Cargo.toml"));
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let mut before = "";
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with("orderhub")) {
        // `tokio-util` may share the sentence of `tokio` above it.
        let family = |line: &str| line.split(['-', ' ']).next().unwrap_or_default().to_owned();
        let explained = before.starts_with('#') || family(before) == family(line);
        assert!(line.starts_with('#') || explained, "no sentence above this dependency: {line}");
        before = line;
    }
}

#[test]
fn members_take_dependencies_from_the_workspace() {
    for folder in ["connectors", "hub/lang", "hub/order", "hub/mapping", "hub/server", "hub/twins"]
    {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        let table = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let table = table.split("\n[").next().unwrap_or_default();
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(line.contains("workspace"), "{folder}/Cargo.toml: `{line}` has an own version");
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    ["connectors", "hub", "tests"].iter().flat_map(|top| rust_files(&root().join(top))).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}")) {
            let path = entry.unwrap().path();
            let skipped = path.file_name().is_some_and(|n| n == "target" || n == "node_modules");
            if path.is_dir() && !skipped {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
