//! The grammar of `when` and `where`: all keys must hold, a list is any of; `none` (empty), `present`
//! (there and not null), `absent` (missing or null), `{ not: [...] }`, `{ starts: [...] }`, `{ from: rank }`,
//! `linked: <role>`. One grammar for the flow (over orders) and mappings (over documents).

use std::sync::Arc;

use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Source, Span};
use crate::path::Path;
use crate::yaml::{Key, Node, NodeValue};

/// A parsed condition: every test must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The tests, in file order.
    pub tests: Vec<PathTest>,
}

/// A test of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTest {
    /// What is looked at; the name `linked` is a path too: its user decides.
    pub path: Path,
    /// Where the path stands in the file.
    pub span: Span,
    /// What must hold. A fan-out holds if any does.
    pub test: Test,
}

/// What must hold for one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Its text is one of these (numbers and booleans by their text).
    AnyOf(Vec<String>),
    /// Missing, null, or none of these.
    NotAnyOf(Vec<String>),
    /// There and not null.
    Present,
    /// Missing or null.
    Absent,
    /// No elements (`holds: none`), or absent.
    None,
    /// Its text begins with one of these; none of them is empty.
    Starts(Vec<String>),
    /// At this rank of its machine or higher.
    From(String),
}

impl Condition {
    /// Reads a condition from its YAML mapping.
    ///
    /// # Errors
    ///
    /// Every mistake, at its place.
    pub fn parse(source: &Arc<Source>, node: &Node) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Findings::new(source);
        let Some(map) = node.as_map() else {
            findings.report(
                findings
                    .wrong_type(node, "a condition is a mapping")
                    .with_hint("write `{ path: [value] }`"),
            );
            return Err(findings.into_vec());
        };
        let mut tests = Vec::new();
        for (key, node) in map {
            let path = parse_path(key, &mut findings);
            let test = parse_test(key, node, &mut findings);
            if let (Some(path), Some(test)) = (path, test) {
                tests.push(PathTest { path, span: key.span, test });
            }
        }
        findings.into_result(Some(Self { tests })).map(|(condition, _)| condition)
    }
}

fn parse_path(key: &Key, findings: &mut Findings) -> Option<Path> {
    match Path::parse(&key.name) {
        Ok(path) => Some(path),
        Err(error) => {
            let span = path_span(findings.source(), key.span, &key.name, error.span);
            findings.report(findings.error(codes::PATH, span, error.message));
            None
        }
    }
}

/// Where a part of a key stands; the whole key where it is written in another way.
fn path_span(source: &Source, key: Span, text: &str, part: Span) -> Span {
    if source.slice(key) == text { part.shifted(key.start) } else { key }
}

fn parse_test(key: &Key, node: &Node, findings: &mut Findings) -> Option<Test> {
    match &node.value {
        NodeValue::List(list) => texts(node.span, list, findings).map(Test::AnyOf),
        NodeValue::Text(word) => match word.as_str() {
            "present" => Some(Test::Present),
            "absent" => Some(Test::Absent),
            "none" => Some(Test::None),
            role if key.name == "linked" => Some(Test::AnyOf(vec![role.to_owned()])),
            other => {
                findings.report(not_a_test(findings, node, other));
                None
            }
        },
        NodeValue::Map(map) => match map.as_slice() {
            [(word, list)] if word.name == "not" => {
                texts(list.span, list.list_or_single(), findings).map(Test::NotAnyOf)
            }
            [(word, list)] if word.name == "starts" => {
                let begins = texts(list.span, list.list_or_single(), findings)?;
                if begins.iter().any(String::is_empty) {
                    let message = "every text begins with nothing";
                    let hint = "write what it begins with, `{ starts: [\"till-\"] }`, or `present`";
                    let finding = findings.error(codes::CONDITION, list.span, message);
                    findings.report(finding.with_hint(hint));
                    return None;
                }
                Some(Test::Starts(begins))
            }
            [(word, rank)] if word.name == "from" && rank.scalar_text().is_some() => {
                rank.scalar_text().map(|rank| Test::From(rank.into_owned()))
            }
            _ => {
                let message = "expected `{ not: [...] }`, `{ starts: [...] }` or `{ from: rank }`";
                let finding = findings.error(codes::CONDITION, node.span, message);
                let word = map.first().map(|(word, _)| word.name.as_str()).unwrap_or_default();
                findings.report(finding.with_nearest(word, ["not", "starts", "from"]));
                None
            }
        },
        NodeValue::Null => {
            findings.report(
                findings
                    .error(codes::CONDITION, node.span, "nothing stands here")
                    .with_hint("missing or null is `absent`; an empty list is `none`"),
            );
            None
        }
        NodeValue::Bool(_) | NodeValue::Number(_) => {
            let written = node.scalar_text().unwrap_or_default().into_owned();
            findings.report(not_a_test(findings, node, &written));
            None
        }
    }
}

fn not_a_test(findings: &Findings, node: &Node, word: &str) -> Diagnostic {
    let message = format!("`{word}` is no test");
    let finding = findings
        .error(codes::CONDITION, node.span, message)
        .with_nearest(word, ["present", "absent", "none"]);
    match finding.hint {
        Some(_) => finding,
        None => finding.with_hint(format!("values stand in a list: `[{word}]`")),
    }
}

/// The texts of a list; none where it is empty or holds something else.
fn texts(at: Span, list: &[Node], findings: &mut Findings) -> Option<Vec<String>> {
    if list.is_empty() {
        findings.report(findings.error(codes::CONDITION, at, "an empty list never holds"));
        return None;
    }
    let mut out = Vec::with_capacity(list.len());
    for item in list {
        match item.scalar_text() {
            Some(text) => out.push(text.into_owned()),
            None => {
                let message = format!("a value to compare with is a text, not {}", item.kind());
                findings.report(
                    findings
                        .error(codes::CONDITION, item.span, message)
                        .with_hint("missing or null is `absent`"),
                );
            }
        }
    }
    (out.len() == list.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{self, Budget};

    fn read(text: &str) -> Result<Condition, Vec<Diagnostic>> {
        let source = Source::new("flow.yaml", text);
        let node = yaml::parse(&source, &Budget::default()).unwrap();
        Condition::parse(&source, &node)
    }

    #[test]
    fn every_test_of_the_grammar_is_read() {
        let condition = read(
            "state.lifecycle: [open, 1, true]\nlinked: erp\nholds: none\ncancelled_at: present\n\
             a.*.b: absent\ntest: { not: [true] }\nref: { starts: till- }\nstatus: { from: handed_over }\n\
             $settings.money: [shop_money]\n/state.payment: [NO]\n",
        )
        .unwrap();
        let tests: Vec<&Test> = condition.tests.iter().map(|test| &test.test).collect();
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            tests,
            [
                &Test::AnyOf(texts(&["open", "1", "true"])),
                &Test::AnyOf(texts(&["erp"])),
                &Test::None,
                &Test::Present,
                &Test::Absent,
                &Test::NotAnyOf(texts(&["true"])),
                &Test::Starts(texts(&["till-"])),
                &Test::From("handed_over".to_owned()),
                &Test::AnyOf(texts(&["shop_money"])),
                &Test::AnyOf(texts(&["NO"])),
            ]
        );
    }

    #[test]
    fn every_mistake_is_reported_at_its_place_in_one_run() {
        let found = read("a..b: [x]\nb: presnt\nc: { no: [x] }\nd: open\ne:\nf: [null]\ng: []\n\
                          h: { starts: [] }\ni: { starts: ['a', ''] }\nj: { start: a }\nk: { starts: { a: b } }\n")
            .unwrap_err();
        let places: Vec<String> =
            found.iter().map(|f| format!("{} {}", f.code, f.position().line)).collect();
        assert_eq!(
            places,
            ["L0004 1", "L0005 2", "L0005 3", "L0005 4", "L0005 5", "L0005 6", "L0005 7"]
                .into_iter()
                .chain(["L0005 8", "L0005 9", "L0005 10", "L0005 11"])
                .map(str::to_owned)
                .collect::<Vec<_>>()
        );
        assert!(found[9].hint.as_deref().unwrap().contains("starts"));
        assert!(found[1].hint.as_deref().unwrap().contains("present"));
    }
}
