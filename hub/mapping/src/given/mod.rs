//! What a connector's operations read, against what can be given to them: the document that the mapping of `with:`
//! writes, and references of kinds that something binds.
//!
//! **Invariant:** an order never waits for what no file can give it: that is refused before it is used; and what may be
//! there is never refused. What cannot be decided (a value below which anything may stand, a key that is a setting's, a
//! name of the whole) counts as given. Tests: `what_is_read_and_never_given_is_refused_at_its_place`,
//! `what_may_be_given_is_not_refused`.

mod document;
mod kinds;

use orderhub_lang::asked::Asked;
use orderhub_lang::diagnostic::{Diagnostic, nearest};

use crate::Mapping;
use crate::codes::{NO_KIND, NOT_GIVEN};
use crate::integration::Integration;

/// An integration, and what the connector that speaks for it says of itself.
#[derive(Clone, Debug)]
pub struct Use<'u> {
    /// The integration.
    pub integration: &'u Integration,
    /// What its operations read.
    pub asks: &'u [Asked],
    /// The kinds of references that their replies bind.
    pub binds: Vec<&'u str>,
}

/// One operation as a deliver rule uses it.
struct Delivered<'u> {
    integration: &'u Integration,
    on: &'u str,
    operation: &'u str,
    /// Maps the document out; none: it is empty.
    with: Option<&'u Mapping>,
}

/// Whatever is read by these integrations and given by nobody, each once.
pub fn findings(uses: &[Use<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for one in uses {
        found.extend(kinds::findings(one));
        for asked in one.asks {
            documents(asked, one, uses, &mut found);
        }
    }
    orderhub_lang::diagnostic::sort(&mut found);
    orderhub_lang::diagnostic::distinct(&mut found);
    found
}

/// A connector that several folders share may read what only some of them give, where it can be missing.
fn documents(asked: &Asked, one: &Use<'_>, uses: &[Use<'_>], found: &mut Vec<Diagnostic>) {
    if asked.name.root != "doc" || asked.name.segments.is_empty() {
        return;
    }
    let gives = |delivered: &Delivered<'_>| {
        let holds = |mapping: &Mapping| document::may_hold(mapping, &asked.name.segments);
        match delivered.with {
            Some(mapping) => holds(mapping) || lacks_base(mapping, asked),
            None => asked.base > 0,
        }
    };
    let own = || delivered(one, &asked.operation);
    if asked.needed {
        found.extend(own().filter(|delivered| !gives(delivered)).map(|lacks| error(asked, &lacks)));
        return;
    }
    let same = |other: &&Use<'_>| {
        let first = other.asks.first();
        first.is_some_and(|first| std::sync::Arc::ptr_eq(&first.source, &asked.source))
    };
    let given =
        uses.iter().filter(same).any(|other| delivered(other, &asked.operation).any(|d| gives(&d)));
    if !given {
        found.extend(own().next().map(|lacks| error(asked, &lacks)));
    }
}

/// What it is a part of is not given either: that is told where it is read.
fn lacks_base(mapping: &Mapping, asked: &Asked) -> bool {
    let base = asked.name.segments.get(..asked.base).unwrap_or_default();
    !base.is_empty() && !document::may_hold(mapping, base)
}

fn error(asked: &Asked, lacks: &Delivered<'_>) -> Diagnostic {
    let (name, operation) = (asked.name.as_str(), lacks.operation);
    let Some(mapping) = lacks.with else {
        let message = format!(
            "`{operation}` reads `{name}`, and `{}` of `{}` gives it no document",
            lacks.on, lacks.integration.name
        );
        let hint = format!(
            "add `with:` to that entry of `deliver:` in `{}/integration.yaml`, and a mapping that writes it",
            lacks.integration.name
        );
        return asked.error(NOT_GIVEN, message).with_hint(hint);
    };
    let here = asked.here().map(|here| format!(" (here `{here}`)")).unwrap_or_default();
    let message =
        format!("`{operation}` reads `{name}`{here}, which `{}` does not write", mapping.name);
    let written = document::written(mapping);
    let finding = asked.error(NOT_GIVEN, message);
    if !here.is_empty()
        && let Some(near) = nearest(name, written.iter().map(String::as_str))
    {
        return finding.with_hint(format!("did you mean `{}`?", asked.as_here(near)));
    }
    let finding = finding.with_nearest(name, written.iter().map(String::as_str));
    if finding.hint.is_some() {
        return finding;
    }
    let path = name.strip_prefix("doc.").unwrap_or(name);
    finding.with_hint(format!(
        "a rule of `{}` that goes out has to write it: `system: {path}`",
        mapping.name
    ))
}

/// The uses of an operation by deliver rules, with the mappings that are sound.
fn delivered<'u>(
    one: &Use<'u>,
    operation: &'u str,
) -> impl Iterator<Item = Delivered<'u>> + use<'u> {
    let integration = one.integration;
    integration.deliver.iter().flat_map(move |rule| {
        let (with, of) = (&rule.with, &rule.operation);
        let rows = [
            (&of.create, with.create.as_ref().or(with.single.as_ref())),
            (&of.update, with.update.as_ref().or(with.single.as_ref())),
            (&of.single, with.single.as_ref()),
        ];
        let used = rows.into_iter().filter(move |(name, _)| name.as_deref() == Some(operation));
        used.filter_map(move |(_, document)| {
            let with = match document {
                Some(document) => Some(&**integration.mappings.get(document)?),
                None => None,
            };
            Some(Delivered { integration, on: &rule.on, operation, with })
        })
    })
}

/// A finding about a kind that nothing binds.
fn no_kind(finding: Diagnostic, kind: &str, known: &[String]) -> Diagnostic {
    debug_assert_eq!(finding.code, NO_KIND, "it is about a kind");
    let finding = finding.with_nearest(kind, known.iter().map(String::as_str));
    if finding.hint.is_some() {
        return finding;
    }
    finding.with_hint(format!(
        "bind it: `{{ hub: $xref({kind}), system: … }}` where a document names it, or `reply: {{ xrefs: {{ {kind}: memo.… }} }}` of the operation that makes it"
    ))
}
