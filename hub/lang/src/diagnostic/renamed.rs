//! Findings of files that their readers know by other names than those who wrote them.
//!
//! **Invariant:** a finding that is renamed shows the same lines, and names no file by its old name. Test:
//! `files_are_named_as_they_were_asked_for`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Diagnostic, Source};

/// The same findings with every file by another name, which `named` gives, and what is said by `said`. A file's
/// text is copied once, however many findings it has.
pub fn renamed(
    findings: Vec<Diagnostic>,
    named: &dyn Fn(&str) -> String,
    said: &dyn Fn(&str) -> String,
) -> Vec<Diagnostic> {
    // The old ones stay as long as their addresses are keys.
    let mut known: HashMap<*const Source, (Arc<Source>, Arc<Source>)> = HashMap::new();
    let mut other = |source: &Arc<Source>| {
        let make = || {
            let mut other = Source::clone(source);
            other.name = named(&other.name);
            (Arc::clone(source), Arc::new(other))
        };
        Arc::clone(&known.entry(Arc::as_ptr(source)).or_insert_with(make).1)
    };
    let mut one = |finding: Diagnostic| {
        let notes = finding.notes.into_iter();
        let notes = notes.map(|mut note| {
            note.source = other(&note.source);
            note
        });
        Diagnostic {
            notes: notes.collect(),
            source: other(&finding.source),
            message: said(&finding.message),
            label: said(&finding.label),
            hint: finding.hint.as_deref().map(said),
            ..finding
        }
    };
    findings.into_iter().map(&mut one).collect()
}
