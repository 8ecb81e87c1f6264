//! Who may use whom, and where dependencies come from.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::PURE;
use crate::code::{code_of, says};
use crate::files::{files, none, read, root, shown};

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

/// Packages beside the workspace, built with `--locked`: what is added to a crate of ours is added to them, too.
const OWN_LOCKS: &[&str] = &["fuzz/Cargo.lock", "tests/bench/beside/Cargo.lock"];

/// What a pure crate may not depend on.
const IMPURE_CRATES: &[&str] =
    &["tokio", "reqwest", "rusqlite", "sqlx", "lapin", "axum", "hyper", "rand", "uuid"];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps();
    command.exec().expect("cargo metadata answers")
}

#[test]
fn crates_use_only_what_the_architecture_allows() {
    let metadata = metadata();
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
    let mut findings = Vec::new();
    for package in metadata().packages {
        let path = package.manifest_path.as_std_path();
        let manifest = read(path);
        // `[dependencies]`, `[dev-dependencies]`, `[build-dependencies]`, `[target.….dependencies]`.
        let mut inside = false;
        for line in manifest.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let header = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(header) = header {
                inside = header.ends_with("dependencies");
                if header.contains("dependencies.") {
                    findings.push(format!("{}: `{line}`: one line is enough", shown(path)));
                }
            } else if inside && !says(line, "workspace") {
                findings.push(format!("{}: `{line}` has an own version", shown(path)));
            }
        }
    }
    none(findings);
}

#[test]
fn no_dependency_is_left_over() {
    let mut findings = Vec::new();
    for package in metadata().packages {
        let folder = package.manifest_path.parent().unwrap().as_std_path();
        let code: Vec<String> =
            files(folder, "rs").iter().map(|file| code_of(&read(file))).collect();
        for dependency in &package.dependencies {
            let name = dependency.name.replace('-', "_");
            // The other name of the digest's crate is its package's.
            let name = if name == "md_5" { "md5" } else { &name };
            if !code.iter().any(|code| says(code, name)) {
                findings.push(format!("{} does not use `{}`", package.name, dependency.name));
            }
        }
    }
    none(findings);
}

#[test]
fn packages_beside_the_workspace_have_locked_what_ours_need() {
    let packages = metadata().packages;
    let mut findings = Vec::new();
    for lock in OWN_LOCKS {
        let text = read(&root().join(lock));
        let locked = locked(&text);
        for package in &packages {
            let Some(known) = locked.get(package.name.as_str()) else { continue };
            let needed = package.dependencies.iter();
            let needed = needed.filter(|one| one.kind != DependencyKind::Development);
            for missing in needed.filter(|one| !one.optional && !known.contains(&one.name)) {
                findings.push(format!(
                    "{lock}: `{}` needs `{}` now: run `cargo update --workspace` there",
                    package.name, missing.name
                ));
            }
        }
    }
    none(findings);
}

/// Of each package of a lock file: the names of what it depends on.
fn locked(lock: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let packages = lock.split("[[package]]").skip(1);
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let named = packages.filter_map(|package| {
        let name = package.lines().find_map(|line| line.strip_prefix("name = "))?.trim_matches('"');
        let listed = package.split_once("dependencies = [").map_or("", |(_, rest)| rest);
        let names = listed.lines().filter_map(quoted);
        // A name stands with its version where the lock has several of it.
        let bare = names.filter_map(|name| name.split(' ').next().map(str::to_owned));
        Some((name, bare.collect()))
    });
    named.collect()
}
