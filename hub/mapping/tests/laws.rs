//! The laws, case by case: `tests/data/mapping/laws/<case>.yaml` holds rules that go both ways (or the files of an
//! integration) with the class of each field and the findings of the gate; `loops/<case>.yaml` the rules of two
//! integrations with what is found between them.

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

use orderhub_lang::diagnostic::{Diagnostic, Severity, Source, render};
use orderhub_lang::yaml::{self, Budget, Node};
use orderhub_mapping::Integration;
use orderhub_mapping::laws::{self, Class, Effort, FieldLaw, Reason};
use orderhub_order::flow::Ownership;

fn cases(topic: &str) -> Vec<(PathBuf, Node)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/mapping").join(topic);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let source = Source::new(path.to_string_lossy(), fs::read_to_string(&path).unwrap());
        let node = yaml::parse(&source, &Budget::default());
        (path, node.unwrap_or_else(|findings| panic!("{}", render(&findings))))
    };
    paths.into_iter().map(read).collect()
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::scalar_text).map(std::borrow::Cow::into_owned)
}

fn texts(node: Option<&Node>) -> Vec<String> {
    let list = node.map(Node::list_or_single).unwrap_or_default();
    list.iter().map(|node| node.scalar_text().unwrap().into_owned()).collect()
}

/// The files of an integration: as the case has them, or one mapping of its rules that goes both ways.
fn files(name: &str, case: &Node) -> BTreeMap<String, String> {
    let role = text(case, "role").unwrap_or_else(|| "channel".to_owned());
    let deliver = "deliver: [{ on: order.changed, do: put, with: order }]\n";
    let revision = text(case, "head").is_some_and(|head| head.contains("revision:"));
    let ordering = if revision { "revision" } else { "queue" };
    let intake = format!("intake: [{{ message: order, ordering: {ordering} }}]\n");
    let head = format!("orderhub: 1\nintegration: {name}\nrole: {role}\nconnector: declared\n");
    let mut files = BTreeMap::from([
        ("integration.yaml".to_owned(), format!("{head}{intake}{deliver}")),
        ("connector.yaml".to_owned(), String::new()),
    ]);
    if let Some(rules) = text(case, "fields") {
        let rules: String = rules.lines().map(|line| format!("  {line}\n")).collect();
        let head = text(case, "head").unwrap_or_else(|| "key: id\n".to_owned());
        let mapping = format!("orderhub: 1\nmapping: {name}.order\n{head}fields:\n{rules}");
        files.insert("order.yaml".to_owned(), mapping);
    }
    for (file, text) in case.get("files").and_then(Node::as_map).unwrap_or_default() {
        files.insert(file.name.clone(), text.scalar_text().unwrap().into_owned());
    }
    files
}

fn load(name: &str, case: &Node) -> Integration {
    let files = files(name, case);
    let files: Vec<(&str, &str)> =
        files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let loaded = Integration::load(name, &files);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics));
    loaded.integration.unwrap()
}

/// `order_no: lawful up to a canonical form: upper: letters become capital: …`
fn line(law: &FieldLaw) -> String {
    let FieldLaw { field, class, limits, .. } = law;
    let reason = |reason: &Reason| {
        let why = [reason.conversion.as_str(), &reason.why, &reason.example.sentence];
        why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    };
    let mut more: Vec<String> = match class {
        Class::Lawful => Vec::new(),
        Class::Canonical(reasons) => reasons.iter().map(reason).collect(),
        Class::OneWay { why, .. } | Class::Apart { why } => vec![why.clone()],
        Class::Broken(counter) => vec![counter.sentence.clone()],
    };
    more.extend(limits.iter().map(reason));
    let more: String = more.iter().map(|more| format!(" | {more}")).collect();
    format!("{field}: {}{more}", class.as_str())
}

/// `M0501 5:5 a part of the message`.
fn finding(finding: &Diagnostic) -> String {
    let at = finding.position();
    let warning = if finding.severity == Severity::Warning { "warning " } else { "" };
    format!("{warning}{} {}:{} {}", finding.code, at.line, at.column, finding.message)
}

/// What a case expects, at the end of its file. `UPDATE=1` writes what was given; the diff is the review.
fn compare(path: &Path, case: &Node, given: &[(&str, Vec<String>)], failures: &mut Vec<String>) {
    let differs = |(key, lines): &&(&str, Vec<String>)| texts(case.get(key)) != *lines;
    let shown = |lines: &[String]| -> String {
        lines.iter().map(|line| format!("  - '{}'\n", line.replace('\'', "''"))).collect()
    };
    let wrong: String = given
        .iter()
        .filter(differs)
        .map(|(key, lines)| format!("{key}:\n{}", shown(lines)))
        .collect();
    if wrong.is_empty() {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        let text = fs::read_to_string(path).unwrap();
        let first = format!("\n{}:", given[0].0);
        let (head, _) = text.split_once(&first).unwrap();
        let tail = given.iter().map(|(key, lines)| match lines.as_slice() {
            [] => format!("{key}: []\n"),
            lines => format!("{key}:\n{}", shown(lines)),
        });
        fs::write(path, format!("{head}\n{}", tail.collect::<String>())).unwrap();
    }
    failures.push(format!("{} gave\n{wrong}", path.display()));
}

#[test]
fn every_class_of_law_has_a_case() {
    let (mut all, mut classes) = (Vec::new(), BTreeSet::new());
    for (path, case) in cases("laws") {
        let integration = load("t", &case);
        let found = laws::laws(&integration, Effort::Report, &|_| None);
        let lines: Vec<String> = found.iter().map(line).collect();
        let again: Vec<String> =
            laws::laws(&integration, Effort::Report, &|_| None).iter().map(line).collect();
        assert_eq!(lines, again, "{}: judging twice gives the same", path.display());
        classes.extend(found.iter().map(|law| law.class.as_str()));
        let findings: Vec<String> = laws::findings(&integration).iter().map(finding).collect();
        compare(&path, &case, &[("laws", lines), ("findings", findings)], &mut all);
    }
    assert!(all.is_empty(), "{}", all.join("\n\n"));
    assert_eq!(classes.len(), 6, "{classes:?}");
}

#[test]
fn every_loop_has_a_case() {
    let mut all = Vec::new();
    for (path, case) in cases("loops") {
        let systems = case.get("systems").and_then(Node::as_map).unwrap();
        let integrations: Vec<Arc<Integration>> =
            systems.iter().map(|(name, case)| Arc::new(load(&name.name, case))).collect();
        let found = laws::loops(&integrations, &Ownership::embedded());
        let found: Vec<String> = found.iter().map(finding).collect();
        compare(&path, &case, &[("findings", found)], &mut all);
    }
    assert!(all.is_empty(), "{}", all.join("\n\n"));
}
