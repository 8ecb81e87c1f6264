//! What a format must know besides the tree: which columns a table has, what stands around a document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::Mapping;
use crate::format::{EVERY, Format, Shape};
use crate::program::{OutItem, OutKey, OutNode};

pub(super) fn shape<'s>(mapping: &'s Mapping, settings: &'s BTreeMap<String, String>) -> Shape<'s> {
    let output = &mapping.compiled.output;
    let grouped = mapping.grouping.is_some();
    let mut columns = Vec::new();
    if matches!(mapping.format, Format::Csv(_)) {
        let root = &output.root.node;
        if grouped {
            for (key, node) in &root.keys {
                match name(key, settings).as_deref() {
                    Some(EVERY) => names(node, settings, &mut columns),
                    Some("rows") => rows(node, settings, &mut columns),
                    Some(_) | None => {}
                }
            }
        } else {
            names(root, settings, &mut columns);
        }
    }
    Shape { around: &output.around, columns, grouped }
}

fn rows<'s>(
    node: &'s OutNode,
    settings: &'s BTreeMap<String, String>,
    columns: &mut Vec<Cow<'s, str>>,
) {
    for item in &node.items {
        if let OutItem::Each(_, element, _) = item {
            names(&element.node, settings, columns);
        }
    }
}

fn names<'s>(
    node: &'s OutNode,
    settings: &'s BTreeMap<String, String>,
    columns: &mut Vec<Cow<'s, str>>,
) {
    for (key, _) in &node.keys {
        if let Some(name) = name(key, settings).filter(|name| !columns.contains(name)) {
            columns.push(name);
        }
    }
}

fn name<'s>(key: &'s OutKey, settings: &'s BTreeMap<String, String>) -> Option<Cow<'s, str>> {
    match key {
        OutKey::Name(name) => Some(Cow::Borrowed(name)),
        OutKey::Setting(name) => settings.get(name).map(|name| Cow::Borrowed(name.as_str())),
    }
}
