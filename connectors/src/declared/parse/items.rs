//! What a step does besides sending once: `let:`, `until:` with `every:`, `items:`.

use std::time::Duration;

use orderhub_lang::expression::Name;
use orderhub_lang::path::{Path, Root};
use orderhub_lang::template::Tree;
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Each, Expr, Items, OursRule, Until};
use super::{ANSWER, Ctx, STEP, page, reply};
use crate::codes;
use crate::contract::Idempotency;

/// How often a job is asked for, where the file says nothing.
const EVERY: Duration = Duration::from_secs(5);
/// No sooner than this: what is due is looked for about once a second.
const LEAST_EVERY: Duration = Duration::from_secs(1);
/// Trees of an operation and of a step.
const MOST_LETS: usize = 50;

/// `let:`: trees with names; each reads those before it. They stay known until the operation or step that has them ends.
pub(super) fn lets(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Vec<(String, Tree)> {
    let Some(node) = fields.optional("let") else { return Vec::new() };
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`let` is a mapping of names"));
        return Vec::new();
    };
    if map.len() > MOST_LETS {
        let message = format!("`let` names at most {MOST_LETS} trees");
        page::wrong(ctx, node.span, &message, "write them where they are sent");
        return Vec::new();
    }
    let mut lets = Vec::new();
    for (key, node) in map {
        if ctx.lets.iter().any(|(known, _)| *known == key.name) {
            let message = format!("two trees are called `{}`", key.name);
            let finding = ctx.findings.error(codes::TWICE, key.span, message);
            ctx.findings.report(finding.with_hint("give one of them another name"));
            continue;
        }
        let tree = ctx.tree(node, STEP);
        ctx.lets.push((key.name.clone(), tree.clone()));
        lets.extend(tree.map(|tree| (key.name.clone(), tree)));
    }
    lets
}

/// `until:` with `every:`: a job that is asked for until it is done.
pub(super) fn until(
    fields: &mut Fields<'_>,
    idempotency: Option<&Idempotency>,
    ctx: &mut Ctx,
) -> Option<Until> {
    let every = fields.entry("every");
    let Some((key, node)) = fields.entry("until") else {
        if let Some((key, _)) = every {
            let hint = "add `until: body.state == 'done'`, or leave it out";
            page::wrong(ctx, key.span, "`every:` belongs to an `until:`", hint);
        }
        return None;
    };
    let done = ctx.expression(node, ANSWER);
    if idempotency.is_some_and(|idempotency| *idempotency != Idempotency::Safe) {
        let hint = "start the job in one step, and ask for its end in another, which is `safe`";
        page::wrong(ctx, key.span, "what is asked for again and again is `safe`", hint);
    }
    let every = match every {
        Some((_, node)) => {
            let every = ctx.bounded(node)?;
            if every < LEAST_EVERY {
                let message = "a job is asked for at most once a second";
                let finding = ctx.findings.error(codes::DURATION, node.span, message);
                ctx.findings.report(finding.with_hint("write `every: 5s`, or longer"));
            }
            every
        }
        None => EVERY,
    };
    Some(Until { done: done?, every })
}

/// `items:`: how the one answer to a request about all elements of `each:` speaks of them.
/// `list` is the name of what `each` runs over, where it is one.
pub(super) fn items(
    fields: &mut Fields<'_>,
    (each, list): (Option<&Each>, Option<Name>),
    ctx: &mut Ctx,
) -> Option<Items> {
    let (key, node) = fields.entry("items")?;
    if each.is_none() {
        let message = "nothing says which elements the answer speaks of";
        page::wrong(ctx, key.span, message, "add `each: doc.lines`: they are sent as `{items}`");
    }
    let mut inner = Fields::of(node, "`items`", &mut ctx.findings)?;
    let at = inner.required("at", &mut ctx.findings).and_then(|node| ctx.expression(node, ANSWER));
    let ours = inner.required("ours", &mut ctx.findings);
    let ours = ours.and_then(|node| reply::element_path(node, ctx));
    let id_at = inner.optional("id");
    let id = id_at.map(|node| reply::element_path(node, ctx));
    let id_at = id_at.or(node.get("ours"));
    let ok = inner.required("ok", &mut ctx.findings).and_then(|node| ctx.expression(node, ANSWER));
    let again = inner.optional("again").and_then(|node| ctx.expression(node, ANSWER));
    let why: Vec<Expr> = inner
        .optional("why")
        .map(Node::list_or_single)
        .unwrap_or_default()
        .iter()
        .filter_map(|node| ctx.expression(node, ANSWER))
        .collect();
    inner.finish(&mut ctx.findings);
    let ours = ours?;
    let id = match id {
        Some(id) => id?,
        None => ours.clone(),
    };
    if let Some((list, at)) = list.zip(id_at) {
        ctx.in_element(&list, &id, at);
    }
    let id = if id.root == Root::Position { Path::parse(".").ok()? } else { id };
    let ours = if ours.root == Root::Position { OursRule::Position } else { OursRule::Id(ours) };
    Some(Items { at: at?, ours, id, ok: ok?, again, why })
}
