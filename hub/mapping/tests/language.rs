//! The language, case by case: `tests/data/mapping/<topic>/<case>.yaml` holds a mapping (whole, or its
//! rules under a standard head) with documents and what they give, what goes out, or what is found.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source, render};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{self, Budget, Node};
use orderhub_mapping::cases::{explain_out, given_with, missing, out, run_cases};
use orderhub_mapping::coverage::{Part, coverage};
use orderhub_mapping::explain;
use orderhub_mapping::facts::{Facts, Looked, LookupKey, NoFacts};
use orderhub_mapping::library::Library;
use orderhub_mapping::mutate::mutate;
use orderhub_mapping::{Context, Direction, Integration, Mapped, Mapping};
use orderhub_order::ids::SystemName;
use serde_json::Value as Json;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/mapping")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // `wrong` has a runner of its own, `tests/tests/wrong.rs`.
            if !path.ends_with("wrong") {
                files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
}

fn read(path: &Path) -> Node {
    let source = Source::new(path.to_string_lossy(), fs::read_to_string(path).unwrap());
    yaml::parse(&source, &Budget::default())
        .unwrap_or_else(|findings| panic!("{}", render(&findings)))
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::scalar_text).map(std::borrow::Cow::into_owned)
}

fn json(node: &Node) -> Json {
    serde_json::from_slice(&node.to_value().to_json()).unwrap()
}

/// The case's mapping: whole, or `fields` under `head`.
fn mapping_text(case: &Node) -> String {
    if let Some(whole) = text(case, "mapping") {
        return whole;
    }
    let head = text(case, "head").unwrap_or_else(|| "key: id\n".to_owned());
    let fields = text(case, "fields").unwrap_or_default();
    let fields: String = fields.lines().map(|line| format!("  {line}\n")).collect();
    format!("orderhub: 1\nmapping: t.case\n{head}fields:\n{fields}")
}

/// The case's mapping, with the shared files that `library` holds: groups of rules and tables by path.
fn compile(case: &Node) -> Result<Mapping, Vec<Diagnostic>> {
    let files = pairs(case.get("library"));
    let files: Vec<(&str, Arc<Source>)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), Source::new(path.as_str(), text.as_str())))
        .collect();
    let (library, found) = Library::load(&files, &BTreeSet::new());
    if !found.is_empty() {
        return Err(found);
    }
    Mapping::compile(&Source::new("case.yaml", mapping_text(case)), &library.named("t"))
}

fn pairs(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.and_then(Node::as_map).unwrap_or_default();
    entries
        .iter()
        .map(|(key, value)| {
            (key.name.clone(), value.scalar_text().unwrap_or_default().into_owned())
        })
        .collect()
}

/// Everything that `expected` names is so; documents that fail may say more than that.
fn differs(expected: &Json, given: &Json) -> bool {
    match (expected, given) {
        (Json::Object(wanted), Json::Object(found)) if wanted.contains_key("$error") => {
            wanted.iter().any(|(key, value)| found.get(key) != Some(value))
        }
        (Json::Array(wanted), Json::Array(found)) if wanted.len() == found.len() => {
            wanted.iter().zip(found).any(|(wanted, found)| differs(wanted, found))
        }
        (wanted, found) => wanted != found,
    }
}

/// What references are bound to, and what reads answered: kind and id ► that; and what was refused, or not asked for yet.
#[derive(Debug)]
struct Said {
    known: Known,
    refused: Known,
    open: Known,
}

type Known = BTreeMap<(String, String), String>;

impl Facts for Said {
    fn look(&self, key: &LookupKey) -> Looked {
        let named = (key.name.to_string(), key.id.to_string());
        if self.open.contains_key(&named) {
            return Looked::Open;
        }
        match self.refused.get(&named) {
            Some(why) => Looked::Refused(why.as_str().into()),
            None => self.known.look(key),
        }
    }
}

fn said(run: &Node) -> Said {
    let named = |member| -> Known {
        let said = pairs(run.get(member)).into_iter();
        let named = said.filter_map(|(name, value)| {
            let (kind, id) = name.split_once('.')?;
            Some(((kind.to_owned(), id.to_owned()), value))
        });
        named.collect()
    };
    Said { known: named("lookups"), refused: named("refused"), open: named("open") }
}

fn run(case: &Node, run: &Node, failures: &mut Vec<String>) {
    let mapping = match compile(case) {
        Ok(mapping) => mapping,
        Err(findings) => return failures.push(render(&findings)),
    };
    let system = SystemName::new("case");
    let settings = pairs(run.get("settings"));
    let args: BTreeMap<String, Value> =
        pairs(run.get("args")).into_iter().map(|(key, text)| (key, Value::Text(text))).collect();
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    if let Some(document) = run.get("system") {
        let body = match document.as_text() {
            Some(raw) => raw.as_bytes().to_vec(),
            None => document.to_value().to_json(),
        };
        let said = said(run);
        let nothing = ["lookups", "refused"].iter().all(|member| run.get(member).is_none());
        let facts: &dyn Facts = if nothing { &NoFacts } else { &said };
        let found = given_with(&mapping, &body, &context, facts);
        let expected = run.get("hub").map(json).unwrap_or_default();
        if differs(&expected, &found) {
            failures.push(format!("in: expected {expected:#}\ngave {found:#}"));
        }
        assert_eq!(
            found,
            given_with(&mapping, &body, &context, facts),
            "mapping twice gives the same"
        );
        if let Some(wants) = run.get("wants").map(json) {
            let asked = mapping.wants(&body, &context, &NoFacts);
            let asked: Vec<String> =
                asked.iter().map(|key| format!("{} {} {}", key.name, key.id, key.take)).collect();
            assert_eq!(serde_json::json!(asked), wants);
        }
        told(run, &explain::render(&explain::explain(&mapping, &body, &context, facts)), failures);
        let rule = mapping.run(&body, &context).into_iter().find_map(|mapped| match mapped {
            Mapped::Failed(error) => error.rule,
            Mapped::Document(_) | Mapped::Skipped => None,
        });
        if let Some(expected) = text(run, "rule")
            && rule.as_ref() != Some(&expected)
        {
            failures.push(format!("the rule is {expected}, not {rule:?}"));
        }
    }
    if let Some(expected) = run.get("out").map(json) {
        let hub = run.get("from").or(run.get("hub")).map(json).unwrap_or_default();
        if run.get("system").is_none() {
            let explained = explain_out(&mapping, &hub, &context).unwrap();
            told(run, &explain::render(&[explained]), failures);
        }
        match out(&mapping, &hub, &context) {
            Ok(found) if !differs(&expected, &found) => {}
            Ok(found) => failures.push(format!("out: expected {expected:#}\ngave {found:#}")),
            Err(why) => failures.push(why),
        }
    }
}

/// What an explanation shows, line by line: each line of `explain` stands in it, in that order.
fn told(run: &Node, shown: &str, failures: &mut Vec<String>) {
    let Some(wanted) = text(run, "explain") else { return };
    let mut lines = shown.lines().map(str::trim);
    for wanted in wanted.lines().map(str::trim) {
        if !lines.any(|line| line == wanted) {
            return failures.push(format!("explain: `{wanted}` is not shown\n{shown}"));
        }
    }
}

/// `M0107 4:5 a part of the message`.
fn findings(expected: &[Node], found: &[Diagnostic], failures: &mut Vec<String>) {
    let lines: Vec<String> = found
        .iter()
        .map(|finding| {
            let at = finding.position();
            let hint = finding.hint.as_deref().unwrap_or_default();
            format!("{} {}:{} {} | {hint}", finding.code, at.line, at.column, finding.message)
        })
        .collect();
    let matches = |line: &String, wanted: &str| {
        let (place, rest) =
            wanted.split_at(wanted.match_indices(' ').nth(1).map_or(wanted.len(), |(at, _)| at));
        line.starts_with(place) && line.contains(rest.trim())
    };
    let wanted: Vec<String> =
        expected.iter().map(|node| node.scalar_text().unwrap().into_owned()).collect();
    let same = wanted.len() == lines.len()
        && wanted.iter().zip(&lines).all(|(wanted, line)| matches(line, wanted));
    if !same {
        failures
            .push(format!("expected findings {wanted:#?}\nfound {lines:#?}\n{}", render(found)));
    }
}

/// What the cases of a mapping do not touch, and which changes of it they do not notice.
fn of_cases(case: &Node, failures: &mut Vec<String>) {
    let mapping = match compile(case) {
        Ok(mapping) => mapping,
        Err(findings) => return failures.push(render(&findings)),
    };
    let samples = case.get("samples").unwrap();
    let read = |file: &str| samples.get(file).map(|json| json.to_value().to_json());
    for result in run_cases(&mapping, &read) {
        failures.extend(result.failures);
    }
    let place = |place: &str| place.trim_start_matches("case.yaml:").to_owned();
    let found = coverage(&mapping, &read, &|_| true, &[Direction::In, Direction::Out]);
    let shown = |part: &Part| format!("{} {}: {}", place(&part.rule), part.way, part.part);
    same(case.get("untouched"), found.untouched().map(shown).collect(), failures);
    let found = mutate(&mapping, &read, &|_| true, &[Direction::In, Direction::Out]);
    assert!(found.tried > found.survivors.len() && !found.more, "{found:?}");
    let shown = |(at, words): &(String, String)| format!("{}: {words}", place(at));
    same(case.get("unnoticed"), found.survivors.iter().map(shown).collect(), failures);
}

fn same(expected: Option<&Node>, found: Vec<String>, failures: &mut Vec<String>) {
    let Some(expected) = expected else { return };
    let wanted = expected.as_list().unwrap().iter().map(|node| node.as_text().unwrap().to_owned());
    let wanted: Vec<String> = wanted.collect();
    if wanted != found {
        failures.push(format!("expected {wanted:#?}\nfound {found:#?}"));
    }
}

fn load(case: &Node) -> Vec<Diagnostic> {
    let files = pairs(case.get("files"));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let loaded = Integration::load("t", &files);
    let mut found = loaded.diagnostics;
    if let Some(integration) = loaded.integration {
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| *name).collect();
        let mappings = integration.mappings.values();
        found.extend(mappings.flat_map(|mapping| missing(mapping, &names)));
    }
    found
}

#[test]
fn every_case_of_the_language_holds() {
    let mut paths = Vec::new();
    files(&data(), &mut paths);
    assert!(paths.len() > 20, "only {} cases", paths.len());
    let mut all = Vec::new();
    for path in paths {
        let case = read(&path);
        let mut failures = Vec::new();
        assert!(text(&case, "why").is_some(), "{} says no why", path.display());
        // Of `tests/laws.rs`.
        if case.get("laws").is_some() || case.get("systems").is_some() {
            continue;
        }
        if let Some(expected) = case.get("findings") {
            let found = if case.get("files").is_some() {
                load(&case)
            } else {
                match compile(&case) {
                    Ok(mapping) => mapping.warnings().to_vec(),
                    Err(findings) => findings,
                }
            };
            findings(expected.as_list().unwrap(), &found, &mut failures);
        } else if case.get("samples").is_some() {
            of_cases(&case, &mut failures);
        } else {
            match case.get("runs").and_then(Node::as_list) {
                Some(runs) => runs.iter().for_each(|one| run(&case, one, &mut failures)),
                None => run(&case, &case, &mut failures),
            }
        }
        if !failures.is_empty() {
            let why = text(&case, "why").unwrap_or_default();
            all.push(format!("{}: {why}\n{}", path.display(), failures.join("\n")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n\n"));
}
