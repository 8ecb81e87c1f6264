//! `answer:` of a file or a step: expressions that class an answer, and where its reason stands.

use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Classes, Expr};
use super::{ANSWER, Ctx, page};
use crate::contract::Idempotency;

pub(super) fn classes(node: &Node, ctx: &mut Ctx) -> Classes {
    let Some(mut fields) = Fields::of(node, "`answer`", &mut ctx.findings) else {
        return Classes::default();
    };
    let mut class =
        |name| fields.optional(name).and_then(|node: &Node| ctx.expression(node, ANSWER));
    let mut classes = Classes {
        throttled: class("throttled"),
        not_allowed: class("not_allowed"),
        not_acted: class("not_acted"),
        may_have_acted: class("may_have_acted"),
        already: class("already"),
        none: class("none"),
        ok: class("ok"),
        why: Vec::new(),
    };
    if let Some(why) = fields.optional("why") {
        classes.why =
            why.list_or_single().iter().filter_map(|item| ctx.expression(item, ANSWER)).collect();
    }
    fields.finish(&mut ctx.findings);
    classes
}

/// A step's own `answer:`.
pub(super) fn own(
    fields: &mut Fields<'_>,
    idempotency: Option<&Idempotency>,
    ctx: &mut Ctx,
) -> Classes {
    let makes = idempotency.is_some_and(|own| *own != Idempotency::Safe);
    let many = fields.entry("items").is_some();
    let Some(node) = fields.optional("answer") else { return Classes::default() };
    if let Some(none) = node.get("none").filter(|_| makes || many) {
        let message = "`none:` is said by the answer to a step that looks for one thing";
        let hint = "write it in the step that looks, which is `safe`";
        page::wrong(ctx, none.span, message, hint);
    }
    classes(node, ctx)
}

/// A step's own classes over those of the file.
pub(super) fn over(step: Classes, file: &Classes) -> Classes {
    let either = |own: Option<Expr>, general: &Option<Expr>| own.or_else(|| general.clone());
    Classes {
        throttled: either(step.throttled, &file.throttled),
        not_allowed: either(step.not_allowed, &file.not_allowed),
        not_acted: either(step.not_acted, &file.not_acted),
        may_have_acted: either(step.may_have_acted, &file.may_have_acted),
        already: either(step.already, &file.already),
        none: either(step.none, &file.none),
        ok: either(step.ok, &file.ok),
        why: if step.why.is_empty() { file.why.clone() } else { step.why },
    }
}
