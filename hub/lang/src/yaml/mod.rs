//! YAML 1.2 core as a tree with spans, within budgets: integration files are untrusted input.
//!
//! `NO` and `on` are text. Keys are texts, unique, kept in order. Aliases are allowed within the
//! budget; an aliased node keeps the span of its definition.
//!
//! **Invariant:** whatever the input, reading ends with a tree within [`Budget`] or with findings at
//! their places, and takes memory in proportion to the budget. Tests:
//! `any_text_ends_with_a_tree_or_findings`, `an_alias_bomb_ends_at_the_budget`,
//! `deep_nesting_and_large_files_end_at_the_budget`.

mod brackets;
mod fields;
pub mod format;
mod hidden;
mod place;
mod read;
mod scalar;
mod slips;
mod syntax;

use std::borrow::Cow;
use std::sync::Arc;

pub use self::fields::Fields;
pub use self::place::source_from_bytes;
pub use self::read::{parse, parse_on, too_large};
use crate::diagnostic::{Source, Span};
use crate::value::Value;

/// One node with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands, in bytes.
    pub span: Span,
    /// What it holds.
    pub value: NodeValue,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeValue {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A plain number, as written.
    Number(String),
    /// Text: quoted, a block, or plain and nothing else.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in file order.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub span: Span,
    /// Its text.
    pub name: String,
}

/// How much a file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of text.
    pub bytes: usize,
    /// Nodes after aliases are expanded.
    pub nodes: usize,
    /// Nesting.
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 1 << 20, nodes: 200_000, depth: 64 }
    }
}

impl Node {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Number(_)
            | NodeValue::List(_)
            | NodeValue::Map(_) => None,
        }
    }

    /// The text of a scalar as it is written: numbers and booleans too, null not.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            NodeValue::Text(text) | NodeValue::Number(text) => Some(Cow::Borrowed(text)),
            NodeValue::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
            NodeValue::Null | NodeValue::List(_) | NodeValue::Map(_) => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let NodeValue::Bool(yes) = self.value { Some(yes) } else { None }
    }

    /// The elements, if it is a sequence.
    pub fn as_list(&self) -> Option<&[Node]> {
        if let NodeValue::List(list) = &self.value { Some(list) } else { None }
    }

    /// The elements of a sequence, or the node itself as the only one.
    pub fn list_or_single(&self) -> &[Node] {
        self.as_list().unwrap_or(std::slice::from_ref(self))
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        if let NodeValue::Map(map) = &self.value { Some(map) } else { None }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.value == NodeValue::Null
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name.name == key).map(|(_, node)| node)
    }

    /// What it is, for messages: `a mapping`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Number(_) => "a number",
            NodeValue::Text(_) => "a text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    /// The same as a value, for bodies. Numbers are exact; one too long for a decimal stays a text.
    pub fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(yes) => Value::Bool(*yes),
            NodeValue::Number(text) => scalar::number(text),
            NodeValue::Text(text) => Value::Text(text.clone()),
            NodeValue::List(list) => Value::List(list.iter().map(Node::to_value).collect()),
            NodeValue::Map(map) => Value::Map(
                map.iter().map(|(key, node)| (key.name.clone(), node.to_value())).collect(),
            ),
        }
    }

    /// The same with every place moved by `bytes`: a file that another one includes.
    #[must_use]
    pub fn shifted(&self, bytes: u32) -> Node {
        let span = self.span.shifted(bytes);
        let value = match &self.value {
            NodeValue::List(list) => {
                NodeValue::List(list.iter().map(|node| node.shifted(bytes)).collect())
            }
            NodeValue::Map(map) => NodeValue::Map(
                map.iter()
                    .map(|(key, node)| {
                        let span = key.span.shifted(bytes);
                        (Key { span, name: key.name.clone() }, node.shifted(bytes))
                    })
                    .collect(),
            ),
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::Text(_) => {
                self.value.clone()
            }
        };
        Node { span, value }
    }

    /// How many nodes it has, long texts for more than one: what a copy of it costs.
    pub fn weight(&self) -> usize {
        place::measure(self).0
    }

    /// Where a part of this text stands in the file: exact where the text is written as it is; the
    /// whole node where quotes or folding changed it.
    pub fn inner(&self, source: &Arc<Source>, part: Span) -> Span {
        let written = source.slice(self.span);
        let Some(text) = self.scalar_text() else { return self.span };
        for quote in ["", "'", "\""] {
            let inside = written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
            if inside == Some(text.as_ref()) {
                let opening = u32::try_from(quote.len()).unwrap_or_default();
                return part.shifted(self.span.start + opening);
            }
        }
        self.span
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
