//! What is pure, how long a file may be, and how it begins.

use crate::PURE;
use crate::code::{code_of, imports, says};
use crate::files::{all_sources, files, none, read, root, shown};

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

/// Imports that would let any of them through under another name.
const IMPURE_IMPORTS: &[&str] = &["std", "std::*"];

/// Source files longer than this hold two things.
const MOST_LINES: usize = 400;

#[test]
fn pure_crates_touch_no_clock_file_network_or_environment() {
    let mut findings = Vec::new();
    for (name, folder) in PURE {
        for file in files(&root().join(folder).join("src"), "rs") {
            for (line, word) in impure(&read(&file)) {
                findings.push(format!("`{name}` is pure, but {}:{line}: `{word}`", shown(&file)));
            }
        }
    }
    none(findings);
}

fn impure(source: &str) -> Vec<(usize, String)> {
    let code = code_of(source);
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let said = IMPURE_WORDS.iter().filter(|word| says(line, word));
        found.extend(said.map(|word| (number + 1, (*word).to_owned())));
    }
    for (line, path) in imports(&code) {
        let word = IMPURE_WORDS.iter().any(|word| says(&path, word));
        if word || IMPURE_IMPORTS.contains(&path.as_str()) {
            found.push((line, path));
        }
    }
    found
}

#[test]
fn what_is_impure_is_found_however_it_is_imported() {
    for source in [
        "use std::{fs, io};",
        "use std::{\n    io::{self},\n    env,\n};",
        "use std as s;",
        "use std::*;",
        "let url = \"http://a\"; std::process::exit(1)",
        "let now = jiff::Timestamp::now();",
    ] {
        assert!(!impure(source).is_empty(), "{source}");
    }
    for source in ["// std::fs", "let a = \"std::fs\";", "use std::fmt;", "Instantly::new()"] {
        assert!(impure(source).is_empty(), "{source}");
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
