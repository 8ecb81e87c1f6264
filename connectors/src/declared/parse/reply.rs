//! `reply:` of operations, `document:` and `documents:` of reads.

use orderhub_lang::codes::PATH;
use orderhub_lang::expression::Name;
use orderhub_lang::path::{Path, Root};
use orderhub_lang::yaml::{Fields, Key, Node};

use super::super::model::{OursRule, Reply, Text, Xref, XrefRule};
use super::{Ctx, REPLY};

pub(super) fn reply(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Reply {
    let mut reply = Reply::default();
    if let Some(node) = fields.optional("reply")
        && let Some(mut inner) = Fields::of(node, "`reply`", &mut ctx.findings)
    {
        if let Some(node) = inner.optional("xrefs") {
            reply.xrefs = xrefs(node, ctx);
        }
        reply.document = inner.optional("document").and_then(|node| ctx.expression(node, REPLY));
        inner.finish(&mut ctx.findings);
    }
    if let Some(node) = fields.optional("document") {
        reply.document = ctx.expression(node, REPLY);
    }
    reply.documents = fields.optional("documents").and_then(|node| ctx.expression(node, REPLY));
    reply
}

fn xrefs(node: &Node, ctx: &mut Ctx) -> Vec<Xref> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`xrefs` is a mapping of kinds"));
        return Vec::new();
    };
    map.iter().filter_map(|(kind, node)| xref(kind, node, ctx)).collect()
}

fn xref(key: &Key, node: &Node, ctx: &mut Ctx) -> Option<Xref> {
    let kind = key.name.clone();
    if node.as_map().is_none() {
        return Some(Xref { kind, rule: value(node, ctx)?, convert: None });
    }
    let what = format!("`xrefs.{kind}`");
    let mut fields = Fields::of(node, &what, &mut ctx.findings)?;
    let conversions = ctx.conversions;
    let chain = fields.optional("as");
    let convert = chain.map(|node| conversions.chain(node, &mut ctx.findings));
    let rule = if let Some(node) = fields.optional("value") {
        value(node, ctx)
    } else {
        let at = fields.required("at", &mut ctx.findings);
        let at = at.and_then(|node| ctx.expression(node, REPLY));
        let ext =
            fields.required("ext", &mut ctx.findings).and_then(|node| element_path(node, ctx));
        let ours = fields.required("ours", &mut ctx.findings);
        let ours = ours.and_then(|node| element_path(node, ctx));
        match (at, ours, ext) {
            (Some(at), Some(ours), Some(ext)) => {
                let ours = if ours.root == Root::Position {
                    OursRule::Position
                } else {
                    OursRule::Id(ours)
                };
                Some(XrefRule::Elements { at, ours, ext })
            }
            _ => None,
        }
    };
    fields.finish(&mut ctx.findings);
    let convert = match convert {
        Some(convert) => Some(convert?),
        None => None,
    };
    Some(Xref { kind, rule: rule?, convert })
}

fn value(node: &Node, ctx: &mut Ctx) -> Option<XrefRule> {
    Some(match ctx.text(node, REPLY)? {
        Text::Template(template) => XrefRule::Value(template),
        Text::Expression(expression) => XrefRule::Expression(expression),
    })
}

/// A path within an element, or `$position`.
pub(super) fn element_path(node: &Node, ctx: &mut Ctx) -> Option<Path> {
    let Some(text) = node.scalar_text() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "a path is a text"));
        return None;
    };
    match Path::parse(&text) {
        Ok(path) if matches!(path.root, Root::Here | Root::Position) => Some(path),
        Ok(_) => {
            let message = "this path starts at the element";
            ctx.findings.report(ctx.findings.error(PATH, node.span, message));
            None
        }
        Err(error) => {
            let span = node.inner(ctx.findings.source(), error.span);
            ctx.findings.report(ctx.findings.error(PATH, span, error.message));
            None
        }
    }
}

/// Whether a reply reads the last answer's body.
pub(super) fn reads_body(reply: &Reply) -> bool {
    let body = |name: &Name| matches!(name.root.as_str(), "body");
    let xrefs = reply.xrefs.iter().any(|xref| rule_reads(&xref.rule, &body));
    let documents = [&reply.document, &reply.documents];
    let acks = reply.ack.iter().flat_map(|ack| &ack.args);
    let ack = acks.map(|(_, rule)| rule).any(|rule| rule.reads().iter().any(body));
    ack || xrefs
        || documents.into_iter().flatten().any(|expression| expression.reads().iter().any(body))
}

fn rule_reads(rule: &XrefRule, test: &dyn Fn(&Name) -> bool) -> bool {
    match rule {
        XrefRule::Value(template) => template.reads().any(test),
        XrefRule::Expression(expression) => expression.reads().iter().any(test),
        XrefRule::Elements { at, .. } => at.reads().iter().any(test),
    }
}

/// Whether a reference is what steps keep by a name, and nothing else.
pub(super) fn keeps(rule: &XrefRule, name: &str) -> bool {
    let only = match rule {
        XrefRule::Value(template) => template.only_name(),
        XrefRule::Expression(expression) => {
            expression.reads().first().filter(|_| expression.is_name())
        }
        XrefRule::Elements { .. } => None,
    };
    only.is_some_and(|only| {
        only.root == "memo" && only.segments.len() == 1 && only.key() == Some(name)
    })
}
