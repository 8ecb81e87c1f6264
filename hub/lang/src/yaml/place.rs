//! Bytes of the parser's marks, and the weight of trees.

use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, Marker, Parser, ScanError};

use super::{Budget, Node, NodeValue};
use crate::codes;
use crate::diagnostic::{Diagnostic, Source, Span};

/// Takes a file's bytes as text.
///
/// # Errors
///
/// Not UTF-8: the place of the first byte that is not.
pub fn source_from_bytes(name: &str, bytes: &[u8]) -> Result<Arc<Source>, Box<Diagnostic>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let valid = error.valid_up_to();
            // What is shown is the readable part, so that the line and its place can be seen.
            let readable = String::from_utf8_lossy(bytes).into_owned();
            let source = Source::new(name, readable);
            let finding = Diagnostic::error(
                codes::NOT_UTF8,
                &source,
                Span::new(valid, valid + 3),
                "not UTF-8",
            )
            .with_label(format!("byte {valid} of the file"))
            .with_hint("save the file as UTF-8");
            Err(Box::new(finding))
        }
    }
}

/// A tab in the blanks that begin the line of `byte`, which is then the likelier cause.
pub(super) fn tab_in_indentation(source: &Source, byte: usize) -> Option<usize> {
    let before = source.text.get(..byte)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = source.text.get(start..)?;
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..blanks)?.find('\t').map(|at| start + at)
}

/// The first tab in the blanks that begin a line below that of `byte`.
pub(super) fn tab_behind(source: &Source, byte: usize) -> Option<usize> {
    let mut start = byte;
    for line in source.text.get(byte..)?.split_inclusive('\n') {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line.get(..blanks).and_then(|blanks| blanks.find('\t'));
        if let Some(tab) = tab.filter(|_| start > byte && !line.trim().is_empty()) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

/// The parser of a text, with the nesting that is allowed.
pub(super) fn parser<'t>(
    text: &'t str,
    budget: &Budget,
) -> impl Iterator<Item = Result<(Event<'t>, granit_parser::Span), ScanError>> + use<'t> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        disallow_directives: false,
        flow_nesting_limit: budget.depth + 2,
        block_nesting_limit: budget.depth + 2,
    };
    Parser::new_from_str_with_options(text, options)
}

pub(super) fn range(source: &Source, span: &granit_parser::Span) -> (usize, usize) {
    let start = byte(source, &span.start);
    (start, byte(source, &span.end).max(start))
}

/// A marker's byte; counted from its characters where the parser does not give it.
pub(super) fn byte(source: &Source, marker: &Marker) -> usize {
    let counted = || {
        source.text.char_indices().nth(marker.index()).map_or(source.text.len(), |(byte, _)| byte)
    };
    marker.byte_offset().unwrap_or_else(counted).min(source.text.len())
}

/// Bytes of text that weigh as much as one more node.
const TEXT_PER_NODE: usize = 256;

/// Weight in nodes, and height, of a tree; its depth is within the budget already. Long texts weigh
/// more, so that copies of them are bounded too.
pub(super) fn measure(node: &Node) -> (usize, usize) {
    let weight = |text: &str| 1 + text.len() / TEXT_PER_NODE;
    match &node.value {
        NodeValue::Null | NodeValue::Bool(_) => (1, 0),
        NodeValue::Number(text) | NodeValue::Text(text) => (weight(text), 0),
        NodeValue::List(list) => list.iter().fold((1, 1), |(nodes, height), node| {
            let (more, below) = measure(node);
            (nodes + more, height.max(below + 1))
        }),
        NodeValue::Map(map) => map.iter().fold((1, 1), |(nodes, height), (key, node)| {
            let (more, below) = measure(node);
            (nodes + weight(&key.name) + more, height.max(below + 1))
        }),
    }
}
