//! Expressions of rules: their inputs and their text.

use std::sync::Arc;

use orderhub_lang::codes::UNKNOWN_NAME;
use orderhub_lang::diagnostic::Findings;
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
        let mut apart = Findings::new(self.findings.source());
        let compiled = expression::compile_node(&node, &roots, &mut apart);
        self.findings.extend(apart.into_vec().into_iter().map(|finding| {
            let listed = finding.hint.as_deref().is_some_and(|hint| hint.contains("names"));
            if finding.code == UNKNOWN_NAME && listed {
                finding.with_hint("name the input: `with: { <name>: <path in the document> }`")
            } else {
                finding
            }
        }));
        compiled
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
