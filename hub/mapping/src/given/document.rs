//! The places that a mapping may write on its way out.

use orderhub_lang::path::Segment;

use crate::Mapping;
use crate::format::Format;
use crate::program::{OutItem, OutKey, OutNode};

/// Places that are named for "did you mean".
const MOST_NAMED: usize = 2_000;
/// How deep they are looked for.
const DEEPEST: usize = 32;

/// Whether something may stand at a place of what it writes, as operations read it.
pub(super) fn may_hold(mapping: &Mapping, path: &[Segment]) -> bool {
    if !matches!(mapping.format, Format::Json) {
        // What is no JSON is one text.
        return path.first().is_none_or(|first| *first == Segment::Key("raw".to_owned()));
    }
    below(&mapping.compiled.output.root.node, path)
}

fn below(node: &OutNode, path: &[Segment]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    // A value may be an object itself: a map, money, what a text holds as JSON.
    if !node.leaves.is_empty() {
        return true;
    }
    let keyed = |name: &str| {
        node.keys.iter().any(|(key, child)| match key {
            OutKey::Name(known) => **known == *name && below(child, rest),
            OutKey::Setting(_) => true,
        })
    };
    match first {
        Segment::Key(name) => {
            let only = name == "one" && node.items.iter().any(|item| element(item, rest));
            only || keyed(name)
        }
        Segment::Index(place) => {
            let there = |item: &OutItem| match item {
                OutItem::Place(known, child) => known == place && below(child, rest),
                other @ (OutItem::Each(..) | OutItem::Where(..) | OutItem::Rows(_)) => {
                    element(other, rest)
                }
            };
            node.items.iter().any(there) || keyed(&place.to_string())
        }
        Segment::Each | Segment::Where { .. } => {
            !node.keys.is_empty() || node.items.iter().any(|item| element(item, rest))
        }
        Segment::Setting(_) | Segment::Xref(_) => true,
    }
}

/// Whether something may stand below an element of a list.
fn element(item: &OutItem, rest: &[Segment]) -> bool {
    match item {
        // Commands around elements are the target's own form.
        OutItem::Each(_, _, Some(_)) => true,
        OutItem::Each(_, element, None) => below(&element.node, rest),
        OutItem::Place(_, child) | OutItem::Rows(child) => below(child, rest),
        OutItem::Where(key, _, child) => {
            matches!(rest, [Segment::Key(name)] if **name == **key) || below(child, rest)
        }
    }
}

/// The places as operations read them, `doc.items.*.article`.
pub(super) fn written(mapping: &Mapping) -> Vec<String> {
    if !matches!(mapping.format, Format::Json) {
        return vec!["doc.raw".to_owned()];
    }
    let mut found = Vec::new();
    walk(&mapping.compiled.output.root.node, "doc", 0, &mut found);
    found
}

fn walk(node: &OutNode, at: &str, depth: usize, found: &mut Vec<String>) {
    if depth > DEEPEST || found.len() >= MOST_NAMED {
        return;
    }
    if depth > 0 {
        found.push(at.to_owned());
    }
    for (key, child) in &node.keys {
        if let OutKey::Name(name) = key {
            let name = Segment::Key(name.to_string());
            walk(child, &format!("{at}.{name}"), depth + 1, found);
        }
    }
    for item in &node.items {
        match item {
            OutItem::Each(_, element, None) => {
                walk(&element.node, &format!("{at}.*"), depth + 1, found);
            }
            OutItem::Each(_, _, Some(_)) => {}
            OutItem::Place(place, child) => walk(child, &format!("{at}.{place}"), depth + 1, found),
            OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                walk(child, &format!("{at}.*"), depth + 1, found);
            }
        }
    }
}
