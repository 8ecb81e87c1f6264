//! What a check of some files is about: those files, and what they need to mean anything. Errors of neighbours
//! are counted, and not shown.
//!
//! **Invariant:** a finding at a file that was asked for is always shown. Test:
//! `a_check_tells_of_what_is_asked_for_and_what_it_needs`.

use std::collections::BTreeSet;

use orderhub_lang::diagnostic::{Diagnostic, Severity};
use orderhub_mapping::codes;

use super::selected;
use crate::bundle::Files as Mappings;

/// The findings that are told, and the folders that have errors which are not.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) findings: Vec<Diagnostic>,
    pub(super) left_out: BTreeSet<String>,
}

/// Sorts out findings. `below` is what was asked for; an empty path is everything.
pub(super) fn told(files: &Mappings, below: &[String], found: Vec<Diagnostic>) -> Told {
    if below.iter().any(String::is_empty) {
        return Told { findings: found, ..Told::default() };
    }
    let needed = needed(files, below);
    let mut told = Told::default();
    for finding in found {
        let notes = finding.notes.iter().map(|note| path(&note.source.name));
        let at = path(&finding.source.name);
        // Which other documents a folder has is no matter of one that is asked for by itself.
        let beside = finding.code == codes::FILE && !selected(at, below);
        let own = selected(at, below) || needed.contains(at) && !beside;
        if own || notes.clone().any(|note| selected(note, below)) {
            told.findings.push(finding);
        } else if finding.severity == Severity::Error {
            told.left_out.insert(at.split('/').next().unwrap_or(at).to_owned());
        }
    }
    told
}

/// A file's path below the mappings folder.
fn path(name: &str) -> &str {
    name.strip_prefix("mappings/").unwrap_or(name)
}

/// The files that others need: named conversions, the connector, groups of rules and tables, the hub's own side.
fn needed(files: &Mappings, below: &[String]) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<String> =
        files.keys().filter(|file| selected(file, below)).cloned().collect();
    while let Some(file) = next.pop() {
        let Some(bytes) = files.get(&file).filter(|_| needed.insert(file.clone())) else {
            continue;
        };
        if !file.ends_with(".yaml") {
            continue;
        }
        let text = String::from_utf8_lossy(bytes);
        let folder = file.split('/').next().unwrap_or_default();
        let names = |other: &&String| uses(&text, folder, other);
        next.extend(files.keys().filter(|other| !needed.contains(*other)).filter(names).cloned());
    }
    needed
}

/// Whether a file of a folder reads as if it used another. What is named in a comment counts, too: that shows
/// a finding more, never one less.
fn uses(text: &str, folder: &str, other: &str) -> bool {
    let Some((place, name)) = other.split_once('/') else { return false };
    match place {
        "hub" => folder != "common",
        "common" => {
            let stem = other.strip_suffix(".yaml");
            stem.map_or_else(|| text.contains(name), |stem| text.contains(stem))
        }
        _ if place == folder => {
            name == "integration.yaml" || name.starts_with("tables/") && text.contains(name)
        }
        _ => name == "connector.yaml" && connects(text, place),
    }
}

/// Whether a text says `connector:` of a folder, in quotes or not.
fn connects(text: &str, folder: &str) -> bool {
    text.lines().any(|line| {
        let value = line.trim_start().strip_prefix("connector:").map(str::trim);
        let word = value.and_then(|value| value.split([' ', '\t', '#']).next());
        word.is_some_and(|word| word.trim_matches(['"', '\'']) == folder)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bundle::{Bundle, Looked};
    use crate::config::Config;

    #[test]
    fn a_shared_connector_is_needed_however_it_is_written() {
        for line in ["connector: wms", "connector:  \"wms\"", "connector: 'wms'  # shared"] {
            assert!(uses(line, "shelf", "wms/connector.yaml"), "{line}");
        }
        assert!(!uses("connector: wms_two", "shelf", "wms/connector.yaml"));
    }

    #[test]
    fn a_check_tells_of_what_is_asked_for_and_what_it_needs() {
        let integration = |name: &str| {
            format!(
                "orderhub: 1\nintegration: {name}\nrole: channel\nconnector: {name}\nintake: [{{ message: order, ordering: queue }}, {{ message: late, ordering: queue }}]\n"
            )
        };
        let mapping = |name: &str, rule: &str| {
            format!(
                "orderhub: 1\nmapping: {name}.order\nkey: id\nfields: [{{ include: common/one }}, {rule}]\n"
            )
        };
        let group = |name: &str, field: &str| {
            format!(
                "orderhub: 1\nsnippet: common/{name}\nfields: [{{ hub: {field}, system: a }}]\n"
            )
        };
        let files: Mappings = [
            ("shop/integration.yaml", integration("shop")),
            ("shop/order.yaml", mapping("shop", "{ hub: regio, system: r }")),
            ("till/integration.yaml", integration("till")),
            ("till/order.yaml", mapping("till", "{ hub: curreny, system: c }")),
            ("common/one.yaml", group("one", "order_nr")),
            ("common/two.yaml", group("two", "order_nr")),
        ]
        .map(|(file, text)| (file.to_owned(), text.into_bytes()))
        .into();
        let looked = Looked { files, ..Looked::default() };
        let found = Bundle::check(&looked, &Config::default()).unwrap();
        let shown = |below: &str| {
            let told = told(&looked.files, &[below.to_owned()], found.clone());
            let at = told.findings.iter().map(|one| path(&one.source.name).to_owned());
            (
                at.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
                told.left_out.into_iter().collect::<Vec<_>>(),
            )
        };
        let strings = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let whole = strings(&["common/one.yaml", "shop/integration.yaml", "shop/order.yaml"]);
        assert_eq!(shown("shop"), (whole, strings(&["common", "till"])));
        let alone = strings(&["common/one.yaml", "shop/order.yaml"]);
        let (at, left) = shown("shop/order.yaml");
        assert_eq!((at, left), (alone, strings(&["common", "shop", "till"])));
        assert_eq!(shown("").1, strings(&[]));
        assert_eq!(shown("common/two.yaml").0, strings(&["common/two.yaml"]));
    }
}
