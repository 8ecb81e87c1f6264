//! Every cause that a document fails for, or a todo has, is explained: causes are taken from the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use orderhub_tests::texts::walk;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_cause_of_a_failed_document_is_explained() {
    let mut sources = Vec::new();
    walk(&root().join("hub/mapping/src"), &["rs"], &mut sources);
    let mut named = BTreeSet::new();
    for (path, text) in &sources {
        for mark in ["Trouble::new(\"", "cause: \""] {
            let after = text.split(mark).skip(1);
            named.extend(after.map(|rest| (rest.split('"').next().unwrap(), path)));
        }
        for chosen in text.split("let cause = match").skip(1) {
            let arms = chosen.split("};").next().unwrap().split("=> \"").skip(1);
            named.extend(arms.map(|rest| (rest.split('"').next().unwrap(), path)));
        }
    }
    let explained: BTreeSet<&str> =
        orderhub_mapping::causes::CAUSES.iter().map(|cause| cause.word).collect();
    let missing: Vec<_> = named.iter().filter(|(cause, _)| !explained.contains(cause)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let used: BTreeSet<&str> = named.iter().map(|(cause, _)| *cause).collect();
    let unused: Vec<_> = explained.difference(&used).collect();
    assert!(unused.is_empty(), "nothing says {unused:?}");
}

/// Causes of todos are constants with their pages: nothing else can be given to one, but the words of failed documents.
#[test]
fn every_cause_of_a_todo_is_explained() {
    let mut sources = Vec::new();
    for top in ["hub/order/src", "hub/server/src"] {
        walk(&root().join(top), &["rs"], &mut sources);
    }
    let known: BTreeSet<&str> = orderhub::causes::all().map(|cause| cause.word).collect();
    let (mut constants, mut named) = (BTreeSet::new(), BTreeSet::new());
    for (path, text) in &sources {
        let own = text.split("Cause = &Cause {").skip(1);
        constants.extend(own.filter_map(|rest| rest.split('"').nth(1)));
        // Words that are written beside a kind of todo, or as the cause of a failure, without their constant.
        let test = path.components().any(|part| part.as_os_str() == "tests");
        let code = text.split("#[cfg(test)]").next().unwrap();
        if test {
            continue;
        }
        let beside = code.split("TodoKind::").skip(1).filter_map(|rest| rest.split_once(", \""));
        let beside = beside.filter(|(kind, _)| kind.chars().all(char::is_alphanumeric));
        named.extend(beside.map(|(_, rest)| (rest.split('"').next().unwrap(), path)));
        let failures = code.split("cause: \"").skip(1).filter_map(|rest| rest.split_once('"'));
        let failures = failures.filter(|(_, rest)| !rest.starts_with(".into()"));
        named.extend(failures.map(|(word, _)| (word, path)));
    }
    assert!(constants.len() > 40, "{constants:?}");
    let unexplained: Vec<_> = constants.difference(&known).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
    let missing: Vec<_> = named.iter().filter(|(word, _)| !known.contains(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Every hold has its page; what the hub places by itself stands in both tables of the reference.
#[test]
fn every_hold_that_is_placed_stands_in_the_reference() {
    let placed: Vec<&str> = orderhub_order::holds::HOLDS
        .iter()
        .filter(|hold| !hold.text.contains("no rule of this hub places it"))
        .map(|hold| hold.code)
        .collect();
    assert!(placed.len() > 5, "{placed:?}");
    for (name, title) in [("mapping.md", "## Holds"), ("mapping.zh-CN.md", "## 挂起")] {
        let text = std::fs::read_to_string(root().join("docs").join(name)).unwrap();
        let section = text.split(title).nth(1).unwrap_or_else(|| panic!("{name} has no {title}"));
        for code in &placed {
            assert!(section.contains(&format!("\n| `{code}` |")), "{name}: {code}");
        }
    }
}

/// Answers are judged in one order, and the reference says which.
#[test]
fn the_reference_judges_answers_as_the_program_does() {
    let source = std::fs::read_to_string(root().join("connectors/src/declared/judge.rs")).unwrap();
    let judged: Vec<&str> =
        source.split("class(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(judged.len(), 7, "{judged:?}");
    for (name, title) in
        [("mapping.md", "## What an answer means"), ("mapping.zh-CN.md", "## 回答的含义")]
    {
        let text = std::fs::read_to_string(root().join("docs").join(name)).unwrap();
        let section = text.split(title).nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let said: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
        assert_eq!(said, judged, "{name}");
    }
}
