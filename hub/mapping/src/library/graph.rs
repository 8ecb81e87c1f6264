//! In which order groups of rules are checked: those that others include come first. Circles end here.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_lang::diagnostic::{Diagnostic, Span};
use orderhub_lang::yaml::{Node, NodeValue};

use super::{MOST_DEPTH, Snippet};
use crate::codes;

/// What each group includes: the name, and the place that says so.
type Includes<'s> = BTreeMap<&'s str, Vec<(&'s str, Span)>>;

/// All groups, each after those that it includes, and whether it can be used: not one that stands in a
/// circle or too deep, which is told at the place that makes it so.
pub(super) fn order(
    snippets: &BTreeMap<String, Snippet>,
    found: &mut Vec<Diagnostic>,
) -> Vec<(String, bool)> {
    let includes: Includes<'_> = snippets
        .iter()
        .map(|(name, snippet)| {
            let mut named = Vec::new();
            snippet.fields().into_iter().for_each(|fields| includes(fields, &mut named));
            named.retain(|(other, _)| snippets.contains_key(*other));
            (name.as_str(), named)
        })
        .collect();
    let (mut order, mut done): (Vec<(String, bool)>, BTreeSet<&str>) = Default::default();
    // Whoever includes nothing that is left is next; after so many rounds the rest is a circle, or too deep.
    for _ in 0..MOST_DEPTH {
        let ready = |(name, named): &(&&str, &Vec<(&str, Span)>)| {
            !done.contains(**name) && named.iter().all(|(other, _)| done.contains(other))
        };
        let next: Vec<&str> = includes.iter().filter(ready).map(|(name, _)| *name).collect();
        order.extend(next.iter().map(|name| ((*name).to_owned(), true)));
        done.extend(next);
    }
    let left: BTreeSet<&str> =
        includes.keys().copied().filter(|name| !done.contains(name)).collect();
    order.extend(left.iter().map(|name| ((*name).to_owned(), false)));
    tell(snippets, &includes, &left, found);
    order
}

/// Tells of each circle once, and of each group that only stands too deep.
fn tell(
    snippets: &BTreeMap<String, Snippet>,
    includes: &Includes<'_>,
    left: &BTreeSet<&str>,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for start in left {
        let (mut at, mut way): (&str, Vec<(&str, Span)>) = (start, Vec::new());
        while seen.insert(at) {
            let named = includes.get(at).map(Vec::as_slice).unwrap_or_default();
            let Some((next, span)) = named.iter().find(|(other, _)| left.contains(other)) else {
                found.extend(snippets.get(at).and_then(|own| too_deep(own, named)));
                break;
            };
            way.push((at, *span));
            if let Some(first) = way.iter().position(|(name, _)| name == next) {
                let circle = way.get(first..).unwrap_or_default();
                found.extend(snippets.get(at).map(|own| turns(own, *span, circle, next)));
            }
            at = next;
        }
    }
}

fn turns(own: &Snippet, span: Span, circle: &[(&str, Span)], first: &str) -> Diagnostic {
    let names: Vec<&str> = circle.iter().map(|(name, _)| *name).chain([first]).collect();
    let message = format!("`{first}` includes itself");
    Diagnostic::error(codes::CIRCLE, &own.source, span, message)
        .with_label(shortened(&names))
        .with_hint("take one of these includes out, and write its rules where they are needed")
}

/// A long circle is shown by its ends.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    if names.len() <= SHOWN {
        return names.join(" ► ");
    }
    let (first, last) = names.split_at(SHOWN / 2);
    let last = last.get(last.len().saturating_sub(SHOWN / 2)..).unwrap_or_default();
    format!("{} ► … ► {}", first.join(" ► "), last.join(" ► "))
}

fn too_deep(own: &Snippet, named: &[(&str, Span)]) -> Option<Diagnostic> {
    let (_, span) = named.first()?;
    let message = format!("groups of rules stand within each other more than {MOST_DEPTH} deep");
    let finding = Diagnostic::error(codes::EXPANSION, &own.source, *span, message);
    Some(finding.with_hint("write the rules of the innermost one where they are needed"))
}

/// Everything that a list of rules includes, at any depth.
fn includes<'n>(node: &'n Node, named: &mut Vec<(&'n str, Span)>) {
    match &node.value {
        NodeValue::List(list) => list.iter().for_each(|node| includes(node, named)),
        NodeValue::Map(map) => {
            for (key, node) in map {
                match node.as_text() {
                    Some(name) if key.name == "include" => named.push((name, node.span)),
                    _ => includes(node, named),
                }
            }
        }
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::Text(_) => {}
    }
}
