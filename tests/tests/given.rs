//! What a connector's operations read, against what the mappings beside it give: cases below `tests/data/given`.
//! `UPDATE=1` rewrites the findings; the difference is the review.

use std::collections::BTreeMap;
use std::path::Path;

use orderhub_connectors::contract::Connector as _;
use orderhub_connectors::declared;
use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::Integration;
use orderhub_mapping::given::{Use, findings};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    connector: String,
    files: BTreeMap<String, String>,
    findings: Vec<String>,
}

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/given/{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let case: Case = serde_saphyr::from_str(&text).unwrap();
    let source = Source::new("connector.yaml", &case.connector);
    let connector = declared::compile(&source).unwrap_or_else(|found| panic!("{}", render(&found)));
    let files = case.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files: Vec<(&str, &str)> = files.chain([("connector.yaml", "")]).collect();
    let loaded = Integration::load("t", &files);
    let integration =
        loaded.integration.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics)));
    let one = Use { integration: &integration, asks: connector.asks(), binds: connector.binds() };
    let found: Vec<String> = findings(&[one])
        .iter()
        .map(|finding| {
            let place = finding.source.place(finding.span.start);
            let hint = finding.hint.as_deref().unwrap_or_default();
            format!("{} {place} {} | {hint}", finding.code, finding.message)
        })
        .collect();
    if std::env::var_os("UPDATE").is_some() {
        let (head, _) = text.split_once("\nfindings:").unwrap();
        let list: String =
            found.iter().map(|line| format!("\n  - {}", serde_json::json!(line))).collect();
        let list = if list.is_empty() { " []".to_owned() } else { list };
        std::fs::write(&path, format!("{head}\nfindings:{list}\n")).unwrap();
        return;
    }
    assert_eq!(found, case.findings, "{}: {}", path.display(), case.why);
}

#[test]
fn what_is_read_and_never_given_is_refused_at_its_place() {
    check("nobody-gives");
}

#[test]
fn what_may_be_given_is_not_refused() {
    check("may-be-given");
}
