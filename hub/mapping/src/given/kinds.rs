//! Kinds of references: which something binds, and which are read.

use std::collections::BTreeSet;

use orderhub_lang::diagnostic::{Diagnostic, Span};
use orderhub_order::fold::kind_of;
use orderhub_order::ids::{Collection, Entity};

use super::{Use, no_kind};
use crate::Mapping;
use crate::ast::{Chain, Key, Rule};
use crate::codes::NO_KIND;
use crate::hub_path::Leaf;
use crate::program::{Element, OutElement, OutGiven, OutItem, OutNode, OutRule, OutSource};

/// The kinds that something binds for the systems of an integration: entities and elements by their keys, what the
/// mappings state (`$xref(kind)`), what replies of operations name. Sorted.
fn known(one: &Use<'_>) -> Vec<String> {
    let own = Entity::ALL.into_iter().map(Entity::as_str);
    let own = own.chain(Collection::ALL.into_iter().map(kind_of));
    let mut kinds: BTreeSet<String> = own.map(str::to_owned).collect();
    kinds.extend(one.binds.iter().map(|kind| (*kind).to_owned()));
    for mapping in one.integration.mappings.values() {
        stated(&mapping.compiled.input.root, &mut kinds);
    }
    kinds.into_iter().collect()
}

fn stated(element: &Element, kinds: &mut BTreeSet<String>) {
    kinds.extend(element.xrefs.iter().map(|(kind, _)| kind.to_string()));
    for collection in &element.collections {
        collection.sources.iter().for_each(|source| stated(&source.element, kinds));
    }
}

/// The kinds that connector and mappings read, and nothing binds.
pub(super) fn findings(one: &Use<'_>) -> Vec<Diagnostic> {
    let known = known(one);
    let unknown = |kind: &str| known.binary_search_by(|other| (**other).cmp(kind)).is_err();
    let mut found = Vec::new();
    let used: BTreeSet<&str> = one
        .integration
        .deliver
        .iter()
        .flat_map(|rule| rule.operation.all())
        .map(String::as_str)
        .collect();
    for asked in one.asks.iter().filter(|asked| asked.name.root == "xref") {
        let Some(kind) = asked.name.key().filter(|kind| unknown(kind)) else { continue };
        if used.contains(&*asked.operation) {
            let message = format!("nothing binds references of the kind `{kind}`");
            found.push(no_kind(asked.error(NO_KIND, message), kind, &known));
        }
    }
    for mapping in one.integration.mappings.values() {
        for (kind, span) in read(one, mapping) {
            if unknown(&kind) {
                let message = format!("nothing binds references of the kind `{kind}`");
                let finding = Diagnostic::error(NO_KIND, &mapping.source, span, message);
                found.push(no_kind(finding, &kind, &known));
            }
        }
    }
    found
}

/// The kinds that a mapping reads, with their places: what it looks up, what it finds orders by, what it sends.
fn read(one: &Use<'_>, mapping: &Mapping) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let file = &mapping.file;
    for parent in &file.parents {
        found.extend(parent.kind.clone().map(|kind| (kind, parent.rule.span)));
        looked_up(&parent.rule.chain, &mut found);
    }
    if let Some(Key::Rule(rule)) = &file.key {
        looked_up(&rule.chain, &mut found);
    }
    file.revision.iter().for_each(|rule| looked_up(&rule.chain, &mut found));
    rules(&file.fields, &mut found);
    let named = |document: &String| **document == *mapping.document;
    if one.integration.deliver.iter().any(|rule| rule.with.all().any(named)) {
        sent(&mapping.compiled.output.root, &mut found);
    }
    found
}

fn rules(list: &[Rule], found: &mut Vec<(String, Span)>) {
    for rule in list {
        looked_up(&rule.chain, found);
        rules(rule.fields.as_deref().unwrap_or_default(), found);
        if let Some(each) = &rule.each {
            if let Some(Key::Rule(key)) = &each.key {
                looked_up(&key.chain, found);
            }
            each.ours.iter().for_each(|ours| looked_up(&ours.chain, found));
            rules(&each.fields, found);
        }
    }
}

fn looked_up(chain: &Chain, found: &mut Vec<(String, Span)>) {
    for link in chain {
        found.extend(link.conversion.reference().map(|kind| (kind.to_owned(), link.span)));
    }
}

/// References on the way out: without one nothing is sent.
fn sent(element: &OutElement, found: &mut Vec<(String, Span)>) {
    for rule in &element.rules {
        let kinds = sources(rule).filter_map(|source| match source {
            OutSource::Hub(path) => match &path.leaf {
                Leaf::Xref(kind) => Some((kind.clone(), rule.span)),
                Leaf::Field(..) | Leaf::Collection(_) | Leaf::Ordinal => None,
            },
            OutSource::Setting(_) => None,
        });
        found.extend(kinds);
    }
    node(&element.node, found);
}

fn sources(rule: &OutRule) -> impl Iterator<Item = &OutSource> {
    let (plain, named): (&[OutSource], &[(String, OutSource)]) = match &rule.input {
        OutGiven::First(sources) | OutGiven::Named(sources) => (sources, &[]),
        OutGiven::Expression(inputs, _) => (&[], inputs),
        OutGiven::Constant(_) | OutGiven::Object(_) | OutGiven::Key | OutGiven::Ours => (&[], &[]),
    };
    let inverse = rule.inverse.iter().flat_map(|inverse| &inverse.inputs);
    plain.iter().chain(named.iter().chain(inverse).map(|(_, source)| source))
}

fn node(at: &OutNode, found: &mut Vec<(String, Span)>) {
    at.keys.iter().for_each(|(_, child)| node(child, found));
    for item in &at.items {
        match item {
            OutItem::Each(_, element, _) => sent(element, found),
            OutItem::Place(_, child) | OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                node(child, found);
            }
        }
    }
}
