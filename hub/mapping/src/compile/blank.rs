//! Empty cells: a table and a form have no null, and an empty text is no number and no time.
//!
//! **Invariant:** a rule of such a format that fails on an empty text is told at its place, as a warning. Test:
//! the case `tests/data/mapping/findings/empty-cells.yaml`.

use orderhub_order::catalogue::catalogue;

use super::Compiler;
use super::typing::holds;
use crate::cell::Cell;
use crate::codes;
use crate::program::{Alternative, Element, Given, InRule, Source};

impl Compiler<'_> {
    /// Warns of rules that an empty cell fails. The last step: a warning stops no rule.
    pub(super) fn blanks(&mut self, element: &Element) {
        for field in &element.fields {
            for rule in &field.rules {
                let Alternative::Whole(rule, _) = rule else { continue };
                if !reads_document(rule) || takes_blank(rule) {
                    continue;
                }
                let path = catalogue().field(field.id).map(|field| field.full_path());
                let message = format!(
                    "an empty cell is not {}: a document with one fails at `{}`",
                    holds(&field.ty),
                    path.unwrap_or_default()
                );
                let finding = self.findings.error(codes::BLANK, rule.span, message);
                let hint =
                    "say what an empty cell means: `none: [\"\"]`, here or for the whole file";
                self.findings.report(finding.as_warning().with_hint(hint));
            }
        }
        for collection in &element.collections {
            for source in &collection.sources {
                self.blanks(&source.element);
            }
        }
    }
}

fn reads_document(rule: &InRule) -> bool {
    let Given::First(reads) = &rule.input else { return false };
    reads.iter().any(|(source, _)| matches!(source, Source::Document(_)))
}

/// Whether an empty text passes a rule: it means null, or every conversion before a fold takes it.
fn takes_blank(rule: &InRule) -> bool {
    if rule.none.iter().any(|none| *none == Cell::text("")) {
        return true;
    }
    let mut cell = Cell::text("");
    for conversion in &rule.each {
        if cell == Cell::Absent || (cell == Cell::Null && !conversion.takes_null()) {
            return true;
        }
        match conversion.get(cell, &[], crate::conversions::Target::default()) {
            Ok(given) => cell = given,
            // What fails for a value beside it does not fail for the empty text.
            Err(trouble) => return trouble.cause == "currency",
        }
    }
    true
}
