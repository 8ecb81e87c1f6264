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
        expression::compile_node(&node, &roots, self.findings)
    }
}
