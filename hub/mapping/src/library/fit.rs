//! What does not fit where it is included.
//!
//! A group of rules is checked by itself before anything includes it. What is found in it later is therefore
//! no mistake of the group but of the place that includes it, and is told there, once.

use std::collections::BTreeSet;

use orderhub_lang::diagnostic::{self, Diagnostic, Note, Severity};

use crate::codes;

/// The findings of a file, those within what it includes at the place that includes it.
pub(crate) fn told_where_included(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let (mut told, mut seen) = (Vec::new(), BTreeSet::new());
    for finding in found {
        // A warning is about the rule itself, wherever it is included.
        let outer = finding.included_at().filter(|_| finding.severity == Severity::Error).cloned();
        let Some(outer) = outer else {
            told.push(finding);
            continue;
        };
        // One mistake of the place makes each rule of the group wrong: the first says what is the matter.
        if seen.insert((outer.source.name.clone(), outer.span)) {
            told.push(at(&outer, finding));
        }
    }
    diagnostic::sort(&mut told);
    told
}

fn at(outer: &Note, finding: Diagnostic) -> Diagnostic {
    if finding.code == codes::EXPANSION {
        let mut told = Diagnostic::error(finding.code, &outer.source, outer.span, finding.message);
        told.label = finding.label;
        told.hint = finding.hint;
        return told;
    }
    // The last but one place is that of the group that the file itself includes.
    let inner = finding.notes.len().checked_sub(2).and_then(|at| finding.notes.get(at));
    let group = inner.map_or(&finding.source, |note| &note.source);
    let name = group.name.trim_start_matches("mappings/").trim_end_matches(".yaml");
    let message = format!("`{name}` does not fit here: {}", finding.message);
    let told = Diagnostic::error(codes::MISFIT, &outer.source, outer.span, message);
    let told = told.with_label("included here");
    let told = told.with_note(&finding.source, finding.span, "the rule that does not fit");
    told.with_hint(finding.hint.unwrap_or_else(|| WHERE.to_owned()))
}

/// What to look at where nothing is nearer.
const WHERE: &str = "a group for an address stands in its `fields:` or `under` a path, one for elements in those of an `each:`";
