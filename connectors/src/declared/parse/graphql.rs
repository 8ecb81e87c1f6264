//! `graphql: order.graphql` with `variables:`: a document in a file of its own, beside the connector's.
//!
//! A document is never a template: what varies goes through its variables, so that no value can become a part of
//! the query. Its syntax is checked when the file is loaded, at its place, and its variables against those that the
//! step gives; what the system's schema allows is the system's to say.
//!
//! **Bounds:** [`MOST_TOKENS`] and [`DEEPEST`]. **Invariant:** exactly one operation a document: which one is meant
//! is never a guess. Test: `every_mistake_of_a_file_is_reported_at_its_place_in_one_run` (`wrong/graphql.yaml`).

use std::sync::Arc;

use apollo_parser::Parser;
use apollo_parser::cst::{CstNode as _, Definition, OperationDefinition, Type};
use orderhub_lang::diagnostic::{Diagnostic, Findings, Source, Span};
use orderhub_lang::template::Tree;
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::Body;
use super::{Ctx, STEP};
use crate::codes;

/// Words and signs of a document.
const MOST_TOKENS: usize = 20_000;
/// Selections within each other.
const DEEPEST: usize = 100;

/// A variable that a document declares.
struct Variable {
    name: String,
    /// It has no default and takes no null.
    needed: bool,
}

/// Reads both keys; `None` where the step has no `graphql:`.
pub(super) fn body(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Option<Body> {
    let given = fields.entry("variables");
    let Some(node) = fields.optional("graphql") else {
        if let Some((key, _)) = given {
            let message = "`variables:` belongs to a `graphql:` document";
            wrong(ctx, key.span, message, "add `graphql: order.graphql`, or leave it out");
        }
        return None;
    };
    let variables = given.map(|(_, node)| variables(node, ctx)).unwrap_or_default();
    let source = document(node, ctx)?;
    let declared = declared(&source, ctx)?;
    check(node, given.map(|(_, node)| node), &declared, ctx);
    Some(Body::Graphql { query: source.text.as_str().into(), variables })
}

fn variables(node: &Node, ctx: &mut Ctx) -> Vec<(String, Tree)> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`variables` is a mapping of names"));
        return Vec::new();
    };
    map.iter().filter_map(|(key, node)| Some((key.name.clone(), ctx.tree(node, STEP)?))).collect()
}

/// The document that the step names.
fn document(node: &Node, ctx: &mut Ctx) -> Option<Arc<Source>> {
    let name = node.scalar_text().unwrap_or_default().into_owned();
    if let Some(source) = ctx.beside.get(&name) {
        return Some(Arc::clone(source));
    }
    let message = format!("there is no document `{name}` beside this file");
    let known = ctx.beside.keys().map(String::as_str);
    let mut finding =
        ctx.findings.error(codes::GRAPHQL, node.span, message).with_nearest(&name, known);
    if finding.hint.is_none() {
        finding =
            finding.with_hint("write the document into a file in this folder: `order.graphql`");
    }
    ctx.findings.report(finding);
    None
}

/// The variables of the one operation of a document.
fn declared(source: &Arc<Source>, ctx: &mut Ctx) -> Option<Vec<Variable>> {
    let parser = Parser::new(&source.text).token_limit(MOST_TOKENS).recursion_limit(DEEPEST);
    let tree = parser.parse();
    let mut findings = Findings::new(source);
    for error in tree.errors() {
        let span = Span::new(error.index(), error.index() + error.data().len().max(1));
        let message = format!("this is no GraphQL: {}", error.message());
        findings.report(findings.error(codes::GRAPHQL, span, message));
    }
    if tree.errors().len() > 0 {
        ctx.beside_findings.extend(findings.into_vec());
        return None;
    }
    let mut operations = tree.document().definitions().filter_map(|definition| {
        if let Definition::OperationDefinition(operation) = definition {
            Some(operation)
        } else {
            None
        }
    });
    let (Some(operation), None) = (operations.next(), operations.next()) else {
        let message = "a document has exactly one operation";
        let finding = Diagnostic::error(codes::GRAPHQL, source, Span::default(), message);
        let hint = "write one `query …` or `mutation …` a file; fragments may stand beside it";
        ctx.beside_findings.push(finding.with_hint(hint));
        return None;
    };
    Some(variables_of(&operation))
}

fn variables_of(operation: &OperationDefinition) -> Vec<Variable> {
    let list = operation.variable_definitions();
    let all = list.iter().flat_map(|list| list.variable_definitions());
    all.filter_map(|definition| {
        let name = definition.variable()?.name()?.syntax().text().to_string();
        let nullable = !matches!(definition.ty(), Some(Type::NonNullType(_)));
        Some(Variable {
            name: name.trim().to_owned(),
            needed: !nullable && definition.default_value().is_none(),
        })
    })
    .collect()
}

/// What the step gives is what the document asks for.
fn check(node: &Node, given: Option<&Node>, declared: &[Variable], ctx: &mut Ctx) {
    let names = given.and_then(Node::as_map).unwrap_or_default();
    for (key, _) in names {
        if declared.iter().any(|variable| variable.name == key.name) {
            continue;
        }
        let message = format!("the document has no variable `${}`", key.name);
        let known = declared.iter().map(|variable| variable.name.as_str());
        let finding = ctx.findings.error(codes::GRAPHQL, key.span, message);
        ctx.findings.report(finding.with_one_of(&key.name, known));
    }
    for variable in declared.iter().filter(|variable| variable.needed) {
        if !names.iter().any(|(key, _)| key.name == variable.name) {
            let name = &variable.name;
            let message = format!("the document needs `${name}`, and the step does not give it");
            wrong(ctx, node.span, &message, &format!("add `variables: {{ {name}: \"{{…}}\" }}`"));
        }
    }
}

fn wrong(ctx: &mut Ctx, span: Span, message: &str, hint: &str) {
    let finding = ctx.findings.error(codes::GRAPHQL, span, message).with_hint(hint);
    ctx.findings.report(finding);
}
