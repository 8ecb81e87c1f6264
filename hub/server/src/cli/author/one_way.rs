//! `orderhub check --one-way`: each rule that goes one way only, and why. Most of a file that is used one way are
//! such rules, so they are shown where they are asked for; those that look as if they were not meant are
//! warnings of every check (`M0502`).

use orderhub_mapping::library::Folder;
use orderhub_mapping::{Mapping, RuleInfo, Way};
use serde_json::{Value, json};

use super::super::output::{self, Output};
use super::names::Names;
use super::selected;

/// Prints them, by file and place.
pub(super) fn show(folder: &Folder, names: &Names, below: &[String], output: Output) {
    let mut rows = Vec::new();
    for (name, loaded) in &folder.integrations {
        let Some(integration) = &loaded.integration else { continue };
        for (document, mapping) in &integration.mappings {
            if selected(&format!("{name}/{document}.yaml"), below) {
                let rules = mapping.rules().iter();
                rows.extend(rules.filter_map(|rule| row(mapping, names, rule)));
            }
        }
    }
    match output {
        Output::Table => {
            let line = |row: &Value| {
                let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
                format!("{}: {}: {}", text("place"), text("message"), text("why"))
            };
            let lines: Vec<String> = rows.iter().map(line).collect();
            output::print(&lines.join("\n"));
        }
        Output::Name | Output::Json | Output::Jsonl => {
            output::rows(&rows, &[("rule", "/rule")], output)
        }
    }
}

fn row(mapping: &Mapping, names: &Names, rule: &RuleInfo) -> Option<Value> {
    let (goes, why, asked) = match &rule.way {
        Way::Both => return None,
        Way::In { why, asked } => ("in", why, asked),
        Way::Out { why, asked } => ("out", why, asked),
    };
    let shown = if rule.hub.is_empty() { &rule.system } else { &rule.hub };
    let verb = if goes == "in" { "comes in only" } else { "goes out only" };
    Some(json!({
        "place": names.place(&mapping.source.place(rule.span.start)),
        "rule": rule.id,
        "way": goes,
        "asked": asked,
        "why": why,
        "message": format!("`{shown}` {verb}"),
    }))
}
