//! Expressions of rules: their inputs and their text.

use std::sync::Arc;

use orderhub_lang::expression::{self, Expression};
use orderhub_lang::yaml::{Node, NodeValue};

use super::Compiler;
use crate::ast::Rule;

impl Compiler<'_> {
    /// The expression of a rule; mistakes are reported within its text.
    pub(super) fn expression(&mut self, rule: &Rule) -> Option<Arc<dyn Expression>> {
        let text = rule.expr.as_ref()?;
        let roots: Vec<&str> = rule.with.iter().map(|(name, _)| name.as_str()).collect();
        let node = Node { span: text.span, value: NodeValue::Text(text.is.clone()) };
        let naming = "name the input: `with: { <name>: <path in the document> }`";
        expression::compile_naming(&node, &roots, naming, self.findings)
    }
}

/// Whether a rule's expression says what becomes of what is missing: `a ?? 'x'`, `a == ()`, `has(a)`.
pub(super) fn stands_in(rule: &Rule) -> bool {
    let text = rule.expr.as_ref().map(|expr| expr.is.as_str()).unwrap_or_default();
    // Every second part stands between quotes.
    let mut outside = text.split('\'').step_by(2);
    let says = |part: &str| {
        let part: String = part.split_whitespace().collect();
        ["??", "()", "has("].iter().any(|sign| part.contains(sign))
    };
    outside.any(says)
}
