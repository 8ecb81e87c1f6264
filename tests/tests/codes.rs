//! Every code of every crate: it is explained, its wrong example gives it and nothing else, its right
//! example gives nothing, and a case under `tests/data` names it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_connectors::contract::Connector as _;
use orderhub_connectors::declared;
use orderhub_lang::codes::{Explanation, MORE, NOT_UTF8};
use orderhub_lang::diagnostic::{Diagnostic, Source, render};
use orderhub_lang::yaml::{self, Budget, source_from_bytes};
use orderhub_mapping::codes::{
    ECHO, LAW, LOOP, NO_KIND, NO_READ, NOT_GIVEN, ONE_WAY, POSITION, STUCK, TWO_SHAPES, UNTRIED,
};
use orderhub_mapping::given::{self, Use};
use orderhub_mapping::library::Library;
use orderhub_mapping::{Integration, Mapping, laws};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_tests::texts::walk;

/// How often `# ...` repeats the line above it: more than a report shows, or than a file may hold.
const MORE_THAN_SHOWN: usize = 200;
const TOO_MANY: usize = 40_000;

/// A mapping around rules.
const RULES: &str = "orderhub: 1\nmapping: shop.order\nkey: id\nfields:\n";
/// What an integration's example lies beside.
const ORDER: &str = "orderhub: 1\nmapping: shop.order\nkey: id\nrevision: { system: rev, as: integer }\n\
                     fields:\n  - { hub: order_no, system: name }\n";
/// What is written where an example reads it.
const NAME: &str = "- { hub: order_no, system: name }\n";
/// A connector around some of its keys.
const CONNECTOR: &str = "orderhub: 1\nconnector: wms\nbase: \"{base_url}\"\n";
/// A connector around steps.
const STEPS: &str = "operations:\n  put_job:\n    kind: state\n    steps:\n";
/// What a connector needs besides.
const NO_OPERATIONS: &str = "operations: {}\n";
/// A flow, and ownership, around their rules.
const FLOW: &str = "orderhub: 1\nflow: example\n";
const OWNERSHIP: &str = "orderhub: 1\nownership: example\nrules:\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn all() -> Vec<&'static Explanation> {
    let lists = [
        orderhub_lang::codes::CODES,
        orderhub_order::codes::CODES,
        orderhub_connectors::codes::CODES,
        orderhub_mapping::codes::CODES,
    ];
    lists.into_iter().flatten().collect()
}

/// What an example is part of.
#[derive(Debug)]
enum Kind {
    Mapping,
    Group,
    Integration,
    Connector,
    Flow,
    Ownership,
    Yaml,
}

/// The file that an example stands for: a whole one, or the example under what is always there.
fn file(code: &str, example: &str) -> (Kind, String) {
    let under = |head: &str, by: &str| {
        let lines: String = example.lines().map(|line| format!("{by}{line}\n")).collect();
        format!("{head}{lines}")
    };
    let says = |key: &str| example.contains(key);
    if example.starts_with("orderhub") {
        let kind = match () {
            () if says("integration: ") => Kind::Integration,
            () if says("connector: ") => Kind::Connector,
            () if says("snippet: ") => Kind::Group,
            () => Kind::Mapping,
        };
        return (kind, example.to_owned());
    }
    if example.starts_with("- ") {
        return match () {
            () if says("method: ") => {
                (Kind::Connector, under(&format!("{CONNECTOR}{STEPS}"), "      "))
            }
            () if says("emits: ") => (Kind::Flow, under(&format!("{FLOW}releases:\n"), "  ")),
            () if says("owner: ") => (Kind::Ownership, under(OWNERSHIP, "  ")),
            () => (Kind::Mapping, under(RULES, "  ")),
        };
    }
    match code.as_bytes()[0] {
        b'C' if says("operations:") => (Kind::Connector, under(CONNECTOR, "")),
        b'C' => (Kind::Connector, under(&format!("{CONNECTOR}{NO_OPERATIONS}"), "")),
        b'F' => (Kind::Flow, under(&format!("{FLOW}releases: []\n"), "")),
        _ => (Kind::Yaml, example.to_owned()),
    }
}

/// The example with the lines that `# ...` stands for.
fn grown(example: &str, times: usize) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in example.lines() {
        match lines.last() {
            Some(last) if line == "# ..." => lines.extend(vec![*last; times]),
            _ => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

/// An integration of rules that go both ways in one file, or under `# sent.yaml` out and `# seen.yaml` in.
fn both_ways(name: &str, role: &str, example: &str) -> Integration {
    let two = example.contains("# sent.yaml");
    let (sent, seen) = if two { ("sent", "seen") } else { ("order", "order") };
    let own = format!(
        "orderhub: 1\nintegration: {name}\nrole: {role}\nconnector: declared\n\
         intake: [{{ message: {seen}, ordering: queue }}]\n\
         deliver: [{{ on: order.changed, do: put, with: {sent} }}]\n"
    );
    let mut files =
        vec![("integration.yaml".to_owned(), own), ("connector.yaml".to_owned(), String::new())];
    let mapping = |document: &str, rules: &str| {
        let rules: String = rules.lines().map(|line| format!("  {line}\n")).collect();
        let text = format!("orderhub: 1\nmapping: {name}.{document}\nkey: id\nfields:\n{rules}");
        (format!("{document}.yaml"), text)
    };
    match example.strip_prefix("# sent.yaml\n").and_then(|rest| rest.split_once("# seen.yaml\n")) {
        Some((first, second)) => files.extend([mapping("sent", first), mapping("seen", second)]),
        None if example.starts_with("orderhub") => {
            files.push(("order.yaml".to_owned(), example.to_owned()));
        }
        None => files.push(mapping("order", example)),
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let loaded = Integration::load(name, &files);
    loaded.integration.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics)))
}

/// What laws and loops say of an example, if its code is theirs.
fn laws_of(code: &str, example: &str) -> Option<Vec<Diagnostic>> {
    match code {
        LOOP | ECHO => {
            let pair = [("one", "channel"), ("other", "crm")];
            let pair = pair.map(|(name, role)| Arc::new(both_ways(name, role, example)));
            Some(laws::loops(&pair, &Ownership::embedded()))
        }
        LAW | ONE_WAY | POSITION | STUCK | TWO_SHAPES | UNTRIED => {
            Some(laws::findings(&both_ways("shop", "channel", example)))
        }
        NO_READ => Some(reading(&file(code, example).1)),
        NO_KIND => Some(given_to(&both_ways("shop", "channel", example), NO_OPERATIONS)),
        NOT_GIVEN => {
            let operations = example.strip_prefix("# connector.yaml\n").unwrap();
            Some(given_to(&both_ways("shop", "channel", NAME), operations))
        }
        _ => None,
    }
}

/// What is found in a mapping of an integration that has a cached read `groups`.
fn reading(mapping: &str) -> Vec<Diagnostic> {
    let own = "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
               intake: [{ message: order, ordering: queue }]\n\
               reads: { groups: { do: get_group, args: [id], fresh_for: 1h } }\n";
    let files = [("connector.yaml", ""), ("integration.yaml", own), ("order.yaml", mapping)];
    Integration::load("shop", &files).diagnostics
}

/// What operations read, and an integration does not give them.
fn given_to(integration: &Integration, operations: &str) -> Vec<Diagnostic> {
    let source = Source::new("connector.yaml", format!("{CONNECTOR}{operations}"));
    let connector = declared::compile(&source).unwrap_or_else(|found| panic!("{}", render(&found)));
    given::findings(&[Use { integration, asks: connector.asks(), binds: connector.binds() }])
}

/// What is found in an example. `bytes` makes the file of its text.
fn findings(code: &str, example: &str, bytes: fn(&str) -> Vec<u8>) -> Vec<Diagnostic> {
    if let Some(found) = laws_of(code, example) {
        return found;
    }
    let times = if code == MORE { MORE_THAN_SHOWN } else { TOO_MANY };
    let (kind, text) = file(code, &grown(example, times));
    let source = match source_from_bytes("example.yaml", &bytes(&text)) {
        Ok(source) => source,
        Err(finding) => return vec![*finding],
    };
    match kind {
        Kind::Mapping => {
            let (library, found) = library(example);
            if !found.is_empty() {
                return found;
            }
            match Mapping::compile(&source, &library.named("shop")) {
                Ok(mapping) => mapping.warnings().to_vec(),
                Err(found) => found,
            }
        }
        Kind::Group => library(example).1,
        Kind::Integration => {
            let files = [
                ("connector.yaml", ""),
                ("integration.yaml", source.text.as_str()),
                ("order.yaml", ORDER),
            ];
            Integration::load("shop", &files).diagnostics
        }
        Kind::Connector => match declared::compile(&source) {
            Ok(connector) => connector.warnings().to_vec(),
            Err(found) => found,
        },
        Kind::Flow => Flow::parse(&source).err().unwrap_or_default(),
        Kind::Ownership => Ownership::parse(&source).err().unwrap_or_default(),
        Kind::Yaml => yaml::parse(&source, &Budget::default()).err().unwrap_or_default(),
    }
}

/// Groups of rules and tables that examples name; an example may be a group itself. What is wrong in itself
/// is there only for the example that names it.
fn library(example: &str) -> (Arc<Library>, Vec<Diagnostic>) {
    let city = "orderhub: 1\nsnippet: common/address_xx\npart: address\n\
                fields: [{ hub: city, system: city }]\n";
    let own = example.contains("snippet: ");
    let city = if own { example.to_owned() } else { city.to_owned() };
    let huge = "  - { hub: city, system: city }\n".repeat(30_000);
    let huge = format!("orderhub: 1\nsnippet: common/huge_xx\npart: address\nfields:\n{huge}");
    let long: String = (0..100_001).map(|row| format!("{row},a\n")).collect();
    let files = [
        ("common/address_xx.yaml", city),
        ("common/huge_xx.yaml", huge),
        ("shop/tables/tiers.csv", "theirs,ours\n1,gold\n".to_owned()),
        ("hub/master/tiers.csv", "theirs,ours\n1,gold\n".to_owned()),
        ("shop/tables/wrong.csv", "theirs,ours\n1,gold\n2\n".to_owned()),
        ("shop/tables/long.csv", format!("theirs,ours\n{long}")),
    ];
    let name = |path: &str| path.rsplit('/').next().unwrap().replace(".yaml", "");
    let meant = |path: &str| match name(path).as_str() {
        "address_xx" | "tiers.csv" => true,
        other => example.contains(other),
    };
    let files: Vec<(&str, Arc<Source>)> = files
        .into_iter()
        .filter(|(path, _)| meant(path))
        .map(|(path, text)| (path, Source::new(path, text)))
        .collect();
    Library::load(&files, &BTreeSet::new())
}

fn utf8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// As an editor of another time saves it.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

#[test]
fn every_code_is_shown_by_its_own_example() {
    let mut failures = Vec::new();
    for Explanation { code, wrong, right, .. } in all() {
        let saved = if *code == NOT_UTF8 { latin_1 } else { utf8 };
        let found = findings(code, wrong, saved);
        let mut codes: BTreeSet<&str> = found.iter().map(|finding| finding.code).collect();
        if *code == MORE {
            // It only ever stands behind others.
            assert!(codes.remove("L0001"));
        }
        if codes != BTreeSet::from([*code]) {
            failures.push(format!("{code}, wrong: {codes:?}\n{}", render(&found)));
        }
        let found = findings(code, right, utf8);
        if !found.is_empty() {
            failures.push(format!("{code}, right:\n{}", render(&found)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn codes_are_explained_once_in_order_and_in_sentences() {
    let codes: Vec<&str> = all().iter().map(|entry| entry.code).collect();
    assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len(), "{codes:?}");
    for pair in codes.windows(2) {
        assert!(pair[0][..1] != pair[1][..1] || pair[0] < pair[1], "{pair:?}");
    }
    for entry in all() {
        let code = entry.code;
        assert!(entry.text.ends_with('.') && !entry.title.ends_with('.'), "{code}");
        assert!(!entry.wrong.is_empty() && !entry.right.is_empty(), "{code}");
    }
}

/// `"M0107"` in a line of code that names a constant.
fn constant(line: &str) -> Option<&str> {
    let code = line.trim().strip_suffix("\";")?.rsplit('"').next()?;
    let (kind, number) = code.split_at_checked(1)?;
    let is_code = kind.bytes().all(|b| b.is_ascii_uppercase())
        && number.len() == 4
        && number.bytes().all(|b| b.is_ascii_digit());
    (is_code && line.contains("const ")).then_some(code)
}

#[test]
fn every_code_that_a_finding_can_carry_is_explained() {
    let mut sources = Vec::new();
    for top in ["hub", "connectors"] {
        walk(&root().join(top), &["rs"], &mut sources);
    }
    let texts: Vec<String> = sources.iter().map(|(_, text)| text.clone()).collect();
    let named: BTreeSet<&str> =
        texts.iter().flat_map(|text| text.lines().filter_map(constant)).collect();
    let explained: BTreeSet<&str> = all().iter().map(|entry| entry.code).collect();
    assert!(named.len() > 70, "{named:?}");
    assert_eq!(named, explained);
}

#[test]
fn every_code_has_a_case() {
    let mut cases = Vec::new();
    walk(&root().join("tests/data"), &["yaml", "txt"], &mut cases);
    // What is too large to be kept is made there.
    walk(&root().join("tests/tests/hostile"), &["rs"], &mut cases);
    let cases: BTreeMap<PathBuf, String> = cases.into_iter().collect();
    let without: Vec<&str> = all()
        .iter()
        .map(|entry| entry.code)
        .filter(|code| !cases.values().any(|text| text.contains(code)))
        .collect();
    assert!(without.is_empty(), "no case under tests/data names {without:?}");
}
