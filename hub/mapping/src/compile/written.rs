//! What a format other than JSON can hold of what a file writes.
//!
//! **Invariant:** a path that the format cannot write is a finding at its rule, not a document that fails. Test:
//! the cases `tests/data/mapping/findings/table-out.yaml` and `xml-out.yaml` beside it.

use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::Segment;
use orderhub_order::catalogue::FieldType;

use super::Compiler;
use crate::ast::File;
use crate::codes;
use crate::format::{EVERY, Format, is_name};
use crate::program::{OutElement, OutGiven, OutItem, OutKey, OutNode, OutRule, OutSource};

impl Compiler<'_> {
    /// Checks a file's way out against its format.
    pub(super) fn written(&mut self, file: &File, out: &OutElement) {
        if !self.output.any {
            return;
        }
        match &file.format {
            Format::Json | Format::Form(_) => {}
            Format::Csv(csv) => self.table(csv.header, file.grouping.is_some(), out),
            Format::Xml(_) => {
                self.output.around = self.around(file);
                if self.output.around.is_empty() && out.node.keys.len() != 1 {
                    let span = out.rules.first().map_or_else(
                        || file.name.as_ref().map_or(Span::default(), |name| name.span),
                        |rule| rule.span,
                    );
                    let message = "a document of XML has one element around all others";
                    let hint =
                        "name it: `documents: { at: order }`, or write it in each path: `order.no`";
                    self.wrong(codes::FORMAT_PATH, span, message, hint);
                }
                self.elements(&out.node, out);
            }
        }
    }

    /// The elements around a document: those in which it comes in.
    fn around(&self, file: &File) -> Vec<String> {
        let Some(path) = file.documents.first() else { return Vec::new() };
        let keys = path.is.segments.iter().filter_map(|segment| match segment {
            Segment::Key(name) => Some(Some(name.clone())),
            Segment::Each => None,
            Segment::Index(_) | Segment::Where { .. } | Segment::Setting(_) | Segment::Xref(_) => {
                Some(None)
            }
        });
        keys.collect::<Option<Vec<String>>>().unwrap_or_default()
    }

    /// A table has columns, and texts in them.
    fn table(&mut self, header: bool, grouped: bool, out: &OutElement) {
        for (key, node) in &out.node.keys {
            let OutKey::Name(name) = key else { continue };
            match &**name {
                EVERY => {
                    for (key, node) in &node.keys {
                        self.column(key, node, header, out);
                    }
                }
                "rows" if grouped => {
                    for item in &node.items {
                        let OutItem::Each(_, element, None) = item else {
                            self.no_cell(first(node, out), "rows");
                            continue;
                        };
                        for (key, node) in &element.node.keys {
                            self.column(key, node, header, element);
                        }
                    }
                }
                _ if grouped => self.no_cell(first(node, out), name),
                _ => self.column(key, node, header, out),
            }
        }
    }

    fn column(&mut self, key: &OutKey, node: &OutNode, header: bool, out: &OutElement) {
        let OutKey::Name(name) = key else { return };
        if !node.keys.is_empty() || !node.items.is_empty() {
            return self.no_cell(first(node, out), name);
        }
        if !header && crate::format::place(name).is_none() {
            let span = first(node, out).unwrap_or_default();
            let message = format!("a table without a header has no column `{name}`");
            self.wrong(codes::FORMAT_PATH, span, message, "write `c1`, `c2`, … by place");
        }
        for leaf in &node.leaves {
            if let Some(rule) = out.rules.get(leaf.rule).filter(|rule| is_list(rule)) {
                let message = format!("the cell `{name}` holds one text");
                self.wrong(codes::FORMAT_PATH, rule.span, message, "add `as: { join: \", \" }`");
            }
        }
    }

    fn no_cell(&mut self, span: Option<Span>, name: &str) {
        let message = format!("a table has no place for `{name}`");
        let hint = "a path is the name of a column; rows that belong together stand under `rows`, with \
                    `documents: { by: … }`";
        self.wrong(codes::FORMAT_PATH, span.unwrap_or_default(), message, hint);
    }

    fn elements(&mut self, node: &OutNode, out: &OutElement) {
        for (key, child) in &node.keys {
            if let OutKey::Name(name) = key {
                let plain = name.strip_prefix('@').unwrap_or(name);
                if !is_name(plain) && &**name != "#text" {
                    let span = first(child, out).unwrap_or_default();
                    let message = format!("`{name}` is no name of an element or an attribute");
                    self.wrong(codes::FORMAT_PATH, span, message, "");
                }
            }
            self.elements(child, out);
        }
        for item in &node.items {
            match item {
                OutItem::Each(_, element, _) => self.elements(&element.node, element),
                OutItem::Place(_, node) | OutItem::Where(_, _, node) | OutItem::Rows(node) => {
                    self.elements(node, out);
                }
            }
        }
    }
}

/// The place of the first rule that writes below a node.
fn first(node: &OutNode, out: &OutElement) -> Option<Span> {
    let own = node.leaves.first().and_then(|leaf| out.rules.get(leaf.rule));
    let below = || node.keys.iter().find_map(|(_, node)| first(node, out));
    let inside = || {
        node.items.iter().find_map(|item| match item {
            OutItem::Each(_, element, _) => element.rules.first().map(|rule| rule.span),
            OutItem::Place(_, node) | OutItem::Where(_, _, node) | OutItem::Rows(node) => {
                first(node, out)
            }
        })
    };
    own.map(|rule| rule.span).or_else(below).or_else(inside)
}

/// A list or names and texts as they stand.
fn is_list(rule: &OutRule) -> bool {
    let OutGiven::First(sources) = &rule.input else { return false };
    let of = |source: &OutSource| match source {
        OutSource::Hub(path) => path.field().is_some_and(|field| {
            matches!(field.ty, FieldType::List | FieldType::Map) && path.leaf_is_whole()
        }),
        OutSource::Setting(_) => false,
    };
    rule.chain.is_empty() && sources.iter().any(of)
}
