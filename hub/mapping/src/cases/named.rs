//! Files that a case may not expect anything of, because they are something else: what cases give is written over what
//! they expect (`orderhub test --update`), and must not be written over what they begin with.

use std::collections::BTreeSet;

use orderhub_lang::diagnostic::{Diagnostic, MOST_FINDINGS, Span};

use super::Case;
use crate::{Mapping, codes};

/// What a case expects a file to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// What the hub says of the document that comes in: `hub:`.
    Hub,
    /// What goes out: `out:`.
    Out,
}

/// What a file is that a case expects something of, where it is something else, too. `cases`: all of the folder.
pub fn kept<'c>(
    expects: Expects,
    file: &str,
    mut cases: impl Iterator<Item = &'c Case>,
) -> Option<&'static str> {
    if is_of_rules(file) {
        return Some("it is a file of the mappings, and no sample");
    }
    cases.find_map(|case| {
        if case.system.as_deref().is_some_and(|other| is_same(other, file)) {
            return Some("it is a document that comes in, `system:` of a case");
        }
        match (expects, case.out.as_deref()) {
            (Expects::Out, _) if is_same(&case.hub, file) => {
                Some("it is what the hub says, `hub:` of a case")
            }
            (Expects::Hub, Some(out)) if is_same(out, file) => {
                Some("it is what goes out, `out:` of a case")
            }
            (Expects::Out | Expects::Hub, _) => None,
        }
    })
}

/// A finding for each file of a case that cannot be what the case says. What goes out may be what came in: such a case
/// says that all comes back.
pub(super) fn misnamed(mapping: &Mapping) -> Vec<Diagnostic> {
    let told = |span: Span, message: String| {
        let finding = Diagnostic::error(codes::FILE, &mapping.source, span, message);
        finding.with_hint("give it a file of its own: `samples/paid.hub.json`")
    };
    let all = mapping.cases();
    let coming: BTreeSet<String> =
        all.iter().filter_map(|case| case.system.as_deref()).map(plain).collect();
    let saying: BTreeSet<String> = all.iter().map(|case| plain(&case.hub)).collect();
    let comes_in = |file: &str| coming.contains(&plain(file));
    let is_said = |file: &str| saying.contains(&plain(file));
    let mut found = Vec::new();
    for case in all {
        if found.len() >= MOST_FINDINGS {
            break;
        }
        let rules = case.files.iter().filter(|(file, _)| is_of_rules(file));
        found.extend(rules.map(|(file, span)| {
            told(*span, format!("`{file}` is a file of the mappings, and no sample"))
        }));
        let span = |name: &str| {
            let own = case.files.iter().filter(|(file, _)| file == name);
            own.map(|(_, span)| *span).next_back().unwrap_or(case.span)
        };
        if !is_of_rules(&case.hub) && comes_in(&case.hub) {
            let message =
                format!("`{}` is a document that comes in, and not what the hub says", case.hub);
            found.push(told(span(&case.hub), message));
        }
        let said = |out: &&str| !is_of_rules(out) && !comes_in(out) && is_said(out);
        if let Some(out) = case.out.as_deref().filter(said) {
            let message = format!("`{out}` is what the hub says, and not what goes out");
            found.push(told(span(out), message));
        }
    }
    found
}

/// Rules, an integration, a connector with its documents, a table, a text about them, and what is hidden.
fn is_of_rules(file: &str) -> bool {
    let file = plain(file);
    let ends = |end: &str| file.len() > end.len() && file.to_ascii_lowercase().ends_with(end);
    let hidden = file.split('/').any(|part| part.starts_with('.') && part != "..");
    let written = [".yaml", ".yml", ".graphql", ".md"].into_iter().any(ends);
    hidden || written || file.starts_with("tables/") && ends(".csv")
}

fn is_same(one: &str, other: &str) -> bool {
    one == other || plain(one) == plain(other)
}

/// `./a//b` is `a/b`.
fn plain(file: &str) -> String {
    let parts = file.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}
