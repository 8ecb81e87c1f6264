//! What the head of a mapping reads and no case has: most often a path that leads beside its document.

use orderhub_lang::diagnostic::{Diagnostic, Span};
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::{Entity, SystemName};

use crate::program::InRule;
use crate::{Context, Mapped, Mapping, codes};

/// A warning for a `revision:`, and for the entries of `parent:` of what is no order, that give nothing for any document
/// of any case. `read_sample` gives a file below the integration's folder; cases whose file is not there say nothing.
pub fn silent(mapping: &Mapping, read_sample: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<Diagnostic> {
    let input = &mapping.compiled.input;
    let parents = if mapping.entity == Entity::Order { &[][..] } else { &input.parents };
    if input.revision.is_none() && parents.is_empty() {
        return Vec::new();
    }
    let said = documents(mapping, read_sample);
    let mut found = Vec::new();
    if said.is_empty() {
        return found;
    }
    if let Some(rule) = &input.revision
        && said.iter().all(|document| document.revision.is_none())
    {
        let message = format!("no document of any case has a revision ({} looked at)", said.len());
        found.push(warning(mapping, rule, message, "documents without one count as they arrive"));
    }
    if let Some((_, rule)) = parents.first()
        && said.iter().all(|document| document.parents.is_empty())
    {
        let message =
            format!("no document of any case has what `parent:` names ({} looked at)", said.len());
        let then = "the order is found by the document's own key then, or not at all";
        found.push(warning(mapping, rule, message, then));
    }
    found
}

fn warning(mapping: &Mapping, rule: &InRule, message: String, then: &str) -> Diagnostic {
    let span: Span = rule.span;
    let hint = format!(
        "{then}; see what stands in the document: `.` and plain paths begin at it, `^` at what is around it; or add a case that \
         has one"
    );
    let finding = Diagnostic::error(codes::SYSTEM_PATH, &mapping.source, span, message);
    finding.as_warning().with_hint(hint)
}

/// What the documents of all cases say.
fn documents(
    mapping: &Mapping,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<Contribution> {
    let mut said = Vec::new();
    for case in mapping.cases() {
        let Some(body) = case.system.as_ref().and_then(|name| read_sample(name)) else { continue };
        let (settings, args) = case.surroundings();
        let system = SystemName::new("case");
        let context = Context { system: &system, settings: &settings, args: &args, hub: None };
        let mapped = mapping.run_with(&body, &context, &case.lookups());
        said.extend(mapped.into_iter().filter_map(|mapped| {
            if let Mapped::Document(document) = mapped { Some(*document) } else { None }
        }));
    }
    said
}
