//! The map of the code in the README: what it names exists.

use crate::files::{none, read, root};
use crate::invariants::names;

/// The README in each language, with the heading of its map and of its invariants.
const READMES: &[(&str, &str, &str)] = &[
    ("README.md", "\n## Map of the code\n", "\n### Ten invariants\n"),
    ("README.zh-CN.md", "\n## 代码地图\n", "\n### 十条不变量\n"),
];

/// Under a heading, up to the next one of the same level or above.
fn below<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, after) = text.split_once(heading).unwrap_or_else(|| panic!("no heading {heading:?}"));
    after.split("\n## ").next().unwrap_or_default()
}

#[test]
fn the_map_of_the_code_names_what_exists() {
    let mut findings = Vec::new();
    for (readme, map, invariants) in READMES {
        let text = read(&root().join(readme));
        let map = below(&text, map).split(invariants).next().unwrap_or_default();
        let rows: Vec<&str> = map.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(rows.len() >= 8, "{readme}: the map has {} rows", rows.len());
        for row in rows {
            let mut named = names(row).into_iter().map(|(_, name)| name);
            let folder = root().join(named.next().unwrap_or_default());
            let here = |name: &str| {
                let module = folder.join("src").join(name);
                let places = [folder.join(name), root().join(name), module.with_extension("rs")];
                places.iter().chain([&module]).any(|place| place.exists())
            };
            let missing = named.filter(|name| !here(name));
            findings.extend(missing.map(|name| format!("{readme}: `{name}` is not there: {row}")));
            if !folder.is_dir() {
                findings.push(format!("{readme}: no such folder: {row}"));
            }
        }
        let prose = map.lines().filter(|line| !line.starts_with('|'));
        let paths = prose.flat_map(names).map(|(_, name)| name).filter(|name| name.contains('/'));
        let missing = paths.filter(|path| !root().join(path).exists());
        findings.extend(missing.map(|path| format!("{readme}: `{path}` is not there")));
    }
    none(findings);
}

#[test]
fn every_language_lists_the_same_invariants() {
    for (readme, _, invariants) in READMES {
        let text = read(&root().join(readme));
        let lines = below(&text, invariants).lines();
        let numbers: Vec<usize> =
            lines.filter_map(|line| line.split_once(". ")?.0.parse().ok()).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>(), "{readme}");
    }
}
