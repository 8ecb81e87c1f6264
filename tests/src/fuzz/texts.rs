//! Texts of the language: YAML, its layout, expressions.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Source};
use orderhub_lang::expression::{self, EvalError, Name, Scope};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{self, Budget, format};

/// The text of an input, as the reader of files takes it; bytes that are none end with a finding.
pub(super) fn source(input: &[u8]) -> Option<Arc<Source>> {
    match yaml::source_from_bytes("fuzz.yaml", input) {
        Ok(source) => Some(source),
        Err(finding) => {
            told(&[*finding]);
            None
        }
    }
}

/// Findings can be shown in every form, and stand in order within their file.
pub(super) fn told(found: &[Diagnostic]) {
    assert!(!found.is_empty(), "it was refused, and nobody says why");
    for finding in found {
        let length = finding.source.text.len();
        let (start, end) = (finding.span.start as usize, finding.span.end as usize);
        assert!(start <= end && end <= length, "{}: {:?} of {length}", finding.code, finding.span);
        let text = &finding.source.text;
        let whole = text.is_char_boundary(start) && text.is_char_boundary(end);
        assert!(whole, "{}: {:?} cuts a letter", finding.code, finding.span);
        assert!(orderhub_lang::diagnostic::render(std::slice::from_ref(finding)).len() > 10);
        serde_json::to_string(&finding.to_json()).expect("a finding is JSON");
    }
    let mut sorted = found.to_vec();
    diagnostic::sort(&mut sorted);
    let places = |found: &[Diagnostic]| -> Vec<_> {
        found.iter().map(|finding| (finding.source.name.clone(), finding.span.start)).collect()
    };
    assert_eq!(places(found), places(&sorted), "findings stand in the order of their places");
}

/// Any text ends with a tree that can be written as JSON and read again, or with findings.
pub(super) fn yaml(input: &[u8]) {
    let Some(source) = source(input) else { return };
    match yaml::parse(&source, &Budget::default()) {
        Err(found) => told(&found),
        Ok(root) => {
            let value = root.to_value();
            if let Ok(again) = Value::from_json(&value.to_json()) {
                assert_eq!(again, value, "the tree is not the one that was written");
            }
        }
    }
}

/// A laid-out file means what it meant, and is laid out the same again.
pub(super) fn fmt(input: &[u8]) {
    let Some(source) = source(input) else { return };
    let budget = Budget::default();
    let laid = match format::format(&source, &budget) {
        Ok(laid) => laid,
        Err(format::NotFormatted::Unreadable(found)) => return told(&found),
        Err(format::NotFormatted::Meaning | format::NotFormatted::Restless) => return,
    };
    let tree = |source: &Arc<Source>| yaml::parse(source, &budget).map(|root| root.to_value());
    let again = Source::new("again.yaml", laid.clone());
    assert_eq!(tree(&again).ok(), tree(&source).ok(), "it means something else now:\n{laid}");
    let twice = format::format(&again, &budget).expect("what was laid out can be laid out");
    assert_eq!(twice, laid, "its layout does not rest");
}

/// The names that expressions may read here.
const ROOTS: [&str; 6] = ["body", "doc", "value", "list", "memo", "hub"];

struct Values(BTreeMap<&'static str, Value>);

impl Scope for Values {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        name.within(self.0.get(name.root.as_str()).unwrap_or(&Value::Null))
    }
}

/// The first line is an expression, the rest of the lines are JSON values of the names, in the order of [`ROOTS`].
pub(super) fn expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (text, values) = text.split_once('\n').unwrap_or((text, ""));
    let compiled = match expression::compile(text, &ROOTS) {
        Ok(compiled) => compiled,
        Err(error) => {
            let (start, end) = (error.span.start as usize, error.span.end as usize);
            assert!(text.get(start..end).is_some(), "{:?} is no part of it", error.span);
            assert!(!error.message.is_empty());
            return;
        }
    };
    let read = |line: &str| Value::from_json(line.as_bytes()).unwrap_or_else(|_| Value::text(line));
    let values = Values(ROOTS.into_iter().zip(values.lines().map(read)).collect());
    for name in compiled.reads() {
        assert!(ROOTS.contains(&name.root.as_str()), "it reads `{}`", name.as_str());
    }
    assert_eq!(compiled.eval(&values), compiled.eval(&values), "twice the same");
}
