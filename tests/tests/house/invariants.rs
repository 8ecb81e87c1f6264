//! Invariants in comments: each names what fails when it is broken, and that exists.

use std::collections::BTreeSet;

use crate::files::{all_sources, files, none, read, root, shown};

/// The ten of the README: how each begins there, and words of the comments that keep it in the code.
const TEN: [(&str, &[&str]); 10] = [
    ("Acknowledge after commit.", &["acknowledge after commit", "only after the commit"]),
    ("One transaction holds the raw message", &["one transaction holds the raw message"]),
    ("A version of an order is never changed.", &["a version of an order is never changed"]),
    ("No call to a target without a stored claim", &["no call to a target without a stored"]),
    ("After \"may have acted\"", &["after *may have acted*", "after \"may have acted\""]),
    ("A stale answer is another type", &["a stale answer is another type than a fresh one"]),
    ("A money value is a decimal", &["no float ever touches it"]),
    ("Every queue, cache, wait", &["a lane has at most 64 wishes", "an answer is bounded"]),
    ("Unknown means unknown", &["nothing is ignored in silence"]),
    ("Secrets and personal data", &["which does not print", "shows neither the body"]),
];

/// What stands before the name of what proves an invariant.
const MARKS: &[&str] =
    &["test", "tests", "story", "stories", "rule", "rules", "case", "cases", "test:", "tests:"];

/// The comments with an invariant: file, first line, and the comment as one line of text.
fn invariants() -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    for file in all_sources() {
        let text = read(&file);
        let (mut comment, mut from) = (String::new(), 1);
        for (number, line) in (1..).zip(text.lines().chain([""])) {
            let line = line.trim_start();
            let said = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"));
            if let Some(said) = said {
                comment.push(' ');
                comment.push_str(said.trim());
                continue;
            }
            if comment.contains("**Invariant:**") {
                found.push((shown(&file), from, std::mem::take(&mut comment)));
            }
            comment.clear();
            from = number + 1;
        }
    }
    found
}

#[test]
fn every_invariant_names_what_fails_when_it_is_broken() {
    let known = proofs();
    let mut findings = Vec::new();
    for (file, line, comment) in invariants() {
        let named = named(&comment);
        if named.is_empty() {
            findings.push(format!("{file}:{line} names no test, story or rule: {comment}"));
        }
        let is_there = |name: &str| {
            let name = name.strip_suffix(".yaml").unwrap_or(name);
            known.contains(name)
        };
        let is_case = |name: &str| name.starts_with("tests/data/") && root().join(name).exists();
        let missing = named.into_iter().filter(|name| !is_there(name) && !is_case(name));
        findings.extend(missing.map(|name| format!("{file}:{line} names `{name}`: there is none")));
    }
    none(findings);
}

#[test]
fn the_ten_of_the_readme_stand_above_code() {
    let readme = read(&root().join("README.md"));
    let comments: Vec<String> =
        invariants().into_iter().map(|(_, _, comment)| comment.to_lowercase()).collect();
    let mut findings = Vec::new();
    for (number, (begins, words)) in (1..).zip(TEN) {
        if !readme.contains(&format!("\n{number}. {begins}")) {
            findings.push(format!("the README's invariant {number} begins in another way"));
        }
        let nowhere =
            words.iter().filter(|words| !comments.iter().any(|comment| comment.contains(**words)));
        findings.extend(nowhere.map(|words| format!("{number}: no comment says \"{words}\"")));
    }
    none(findings);
}

/// The names in a comment that are said to be those of tests, stories or rules.
fn named(comment: &str) -> Vec<&str> {
    let mut after = false;
    let mut found = Vec::new();
    for (before, name) in names(comment) {
        let before = before.trim().to_lowercase();
        let words = before.strip_suffix(" under").unwrap_or(&before);
        let mark = words.rsplit([' ', '(']).next().unwrap_or_default();
        after = MARKS.contains(&mark) || after && matches!(before.as_str(), "," | "and" | ", and");
        if after {
            found.push(name);
        }
    }
    found
}

/// What stands in backticks, each with the text since the last of them.
pub(crate) fn names(line: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = line.split('`').collect();
    parts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Everything that can prove: functions of tests, programs of tests, and cases as data.
fn proofs() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for file in all_sources() {
        let path = shown(&file);
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = read(&file);
        let of_tests = path.contains("tests/") || name == "tests" || name.ends_with("_tests");
        let tests = match of_tests {
            true => Some(text.as_str()),
            false => text.split_once("#[cfg(test)]").map(|(_, tests)| tests),
        };
        let functions = tests.into_iter().flat_map(|tests| tests.split("fn ").skip(1));
        known.extend(functions.map(|rest| {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        }));
        if file.parent().is_some_and(|folder| folder.ends_with("tests")) {
            known.insert(name);
        }
    }
    let cases = files(&root().join("tests/data"), "yaml");
    known.extend(cases.iter().filter_map(|case| Some(case.file_stem()?.to_str()?.to_owned())));
    known
}

#[test]
fn what_proves_an_invariant_is_read_out_of_prose() {
    let comment = "**Invariant:** x of [`y`]. Rule `a-b`, story `c-d`, `e-f`. See `other`.";
    assert_eq!(named(comment), ["a-b", "c-d", "e-f"]);
    let comment = "**Invariant:** x `y`. Tests: `one`, `two` and `three` in `tests/it/laws.rs`.";
    assert_eq!(named(comment), ["one", "two", "three"]);
    let comment =
        "**Invariant:** x. Tests: `one`, the cases under `tests/data/y`, and the case `z.yaml`.";
    assert_eq!(named(comment), ["one", "tests/data/y", "z.yaml"]);
}
