//! Constants in files: scalars with the type they are written in.

use orderhub_lang::yaml::{Node, NodeValue};

use crate::cell::Cell;

/// A scalar of a file; `None` for lists and mappings.
pub(crate) fn literal(node: &Node) -> Option<Cell<'static>> {
    match &node.value {
        NodeValue::Null => Some(Cell::Null),
        NodeValue::Bool(yes) => Some(Cell::Bool(*yes)),
        NodeValue::Number(text) => Some(Cell::Number(text.clone().into())),
        NodeValue::Text(text) => Some(Cell::Text(text.clone().into())),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}
