//! `ack:` of a listing: the operation that tells the system that a page is stored here.

use orderhub_lang::diagnostic::Span;
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Ack, Compiled};
use super::{Ctx, REPLY, page};
use crate::contract::Idempotency;

/// An `ack:` with where it names its operation.
pub(super) struct Named {
    /// The listing.
    listing: String,
    ack: Span,
    operation: String,
    at: Span,
    args: Vec<(String, Span)>,
}

pub(super) fn ack(
    fields: &mut Fields<'_>,
    listing: &str,
    named: &mut Vec<Named>,
    ctx: &mut Ctx,
) -> Option<Ack> {
    let node = fields.optional("ack")?;
    let mut inner = Fields::of(node, "`ack`", &mut ctx.findings)?;
    let target = inner.required("do", &mut ctx.findings);
    let args = inner.optional("args");
    inner.finish(&mut ctx.findings);
    let list = args.and_then(Node::as_map).unwrap_or_default();
    if let Some(node) = args.filter(|node| node.as_map().is_none()) {
        ctx.findings.report(ctx.findings.wrong_type(node, "`args` is a mapping of names"));
    }
    let operation = target?.scalar_text()?.into_owned();
    named.push(Named {
        listing: listing.to_owned(),
        ack: node.span,
        operation: operation.clone(),
        at: target?.span,
        args: list.iter().map(|(key, _)| (key.name.clone(), key.span)).collect(),
    });
    let rule = |(key, node): &(orderhub_lang::yaml::Key, Node)| {
        Some((key.name.clone(), ctx.expression(node, REPLY)?))
    };
    let args = list.iter().map(rule).collect::<Option<Vec<_>>>()?;
    Some(Ack { operation, args })
}

/// What confirms may be sent again, and is given what it asks for.
pub(super) fn check(named: &[Named], operations: &[Compiled], ctx: &mut Ctx) {
    for ack in named {
        let listing = operations.iter().find(|known| known.operation.name == ack.listing);
        if listing.is_some_and(|listing| listing.reply.documents.is_none()) {
            let hint = "write it beside `documents:` of a read, or leave it out";
            page::wrong(ctx, ack.ack, "`ack` confirms a listing", hint);
        }
        let Some(found) = operations.iter().find(|known| known.operation.name == ack.operation)
        else {
            let message = format!("there is no operation `{}`", ack.operation);
            let known = operations.iter().map(|known| known.operation.name.as_str());
            let finding = ctx.findings.error(crate::codes::ACK, ack.at, message);
            ctx.findings.report(finding.with_one_of(&ack.operation, known));
            continue;
        };
        let unsafe_step = found.steps.iter().find(|s| s.idempotency != Idempotency::Safe);
        if let Some(step) = unsafe_step {
            let message = format!("step `{}` of `{}` cannot be sent again", step.id, ack.operation);
            let finding = ctx.findings.error(crate::codes::ACK, ack.at, message).with_hint(
                "what confirms may be sent twice: say `idempotency: safe` where that does no harm",
            );
            ctx.findings.report(finding);
        }
        let wanted = &found.operation.args;
        for (arg, span) in ack.args.iter().filter(|(arg, _)| !wanted.contains(arg)) {
            let message = format!("`{}` has no argument `{arg}`", ack.operation);
            let finding = ctx.findings.error(crate::codes::ACK, *span, message);
            ctx.findings.report(finding.with_one_of(arg, wanted.iter().map(String::as_str)));
        }
        let missing = wanted.iter().find(|arg| !ack.args.iter().any(|(given, _)| given == *arg));
        if let Some(arg) = missing {
            let message = format!("`{}` needs the argument `{arg}`", ack.operation);
            let hint = format!("add `args: {{ {arg}: body.items.*.id }}`");
            let finding = ctx.findings.error(crate::codes::ACK, ack.ack, message);
            ctx.findings.report(finding.with_hint(hint));
        }
    }
}
