//! `operations:`: what can be done, as steps.

use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::diagnostic::Span;
use orderhub_lang::expression::Kind;
use orderhub_lang::template::Template;
use orderhub_lang::yaml::{Fields, Key, Node};

use super::super::model::{Classes, Compiled, Expr, Gives, Save, Step};
use super::known::Element;
use super::{Ctx, ack, auth, items, reply, sent, step};
use crate::codes;
use crate::contract::{Idempotency, Limit, Operation, OperationKind};
use crate::sign::Signer;

/// Most steps of an operation.
const MOST_STEPS: usize = 50;

/// What holds for steps that say nothing else.
pub(super) struct Defaults<'a> {
    pub(super) timeout: Duration,
    pub(super) classes: Classes,
    pub(super) limits: &'a [Limit],
}

pub(super) fn operations(node: &Node, defaults: &Defaults<'_>, ctx: &mut Ctx) -> Vec<Compiled> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`operations` is a mapping of names"));
        return Vec::new();
    };
    let mut acks = Vec::new();
    let operations: Vec<Compiled> = map
        .iter()
        .filter_map(|(name, node)| operation(name, node, defaults, (&mut acks, ctx)))
        .collect();
    // An operation with mistakes of its own is told once, not as one that is missing.
    if operations.len() == map.len() {
        ack::check(&acks, &operations, ctx);
    }
    operations
}

fn operation(
    name: &Key,
    node: &Node,
    defaults: &Defaults<'_>,
    (acks, ctx): (&mut Vec<ack::Named>, &mut Ctx),
) -> Option<Compiled> {
    let what = format!("operation `{}`", name.name);
    let mut fields = Fields::of(node, &what, &mut ctx.findings)?;
    ctx.begin(&name.name);
    let kind = fields.required("kind", &mut ctx.findings);
    let kind = kind.and_then(|node| ctx.choice(node, "`kind`", &["state", "fact", "read"]));
    let entity = fields.text("entity", &mut ctx.findings);
    let creates = fields.bool("creates", &mut ctx.findings).unwrap_or(false);
    let args = fields.texts("args", &mut ctx.findings);
    let limit = fields.optional("limit").and_then(|node| known_limit(node, defaults, ctx));
    let limit = limit.unwrap_or_else(|| "default".to_owned());
    let timeout = fields.optional("timeout").and_then(|node| ctx.timeout(node));
    let timeout = timeout.unwrap_or(defaults.timeout);
    let (own_base, signer, proof) = own(&mut fields, &name.name, ctx);
    let lets = items::lets(&mut fields, ctx);
    let steps = fields.required("steps", &mut ctx.findings);
    let (limited, classes) = (limit.clone(), &defaults.classes);
    let base = step::Base { timeout, limit: limited, classes, lets: &lets };
    let listed = steps.and_then(Node::as_list).map_or(0, <[Node]>::len);
    let steps = steps.map(|node| steps_of(node, &base, defaults, ctx)).unwrap_or_default();
    ctx.element = Element::None;
    let mut reply = reply::reply(&mut fields, ctx);
    reply.ack = ack::ack(&mut fields, &name.name, acks, ctx);
    ctx.lets.clear();
    ctx.element = Element::Unknown;
    ctx.end(Some(steps.as_slice()).filter(|steps| steps.len() == listed));
    fields.finish(&mut ctx.findings);
    let kind = match kind? {
        "state" => OperationKind::State,
        "fact" => OperationKind::Fact,
        _ => OperationKind::Read,
    };
    let timeout = steps.iter().map(|step| step.timeout).fold(timeout, Duration::max);
    let names = entity.as_deref().is_some_and(|e| reply.xrefs.iter().any(|xref| xref.kind == e));
    let (name_, window) = (name.name.clone(), steps.iter().find_map(|step| step.window));
    let in_steps = in_steps(&steps);
    let operation = Operation {
        name: name_,
        kind,
        entity,
        creates,
        in_steps,
        names,
        lists: reply.documents.is_some(),
        args,
        limit,
        timeout,
        window,
        proof,
        // What is confirmed is gone from the list.
        slides: reply.ack.is_none()
            && steps.iter().any(|step| step.page.as_ref().is_some_and(|page| !page.snapshot)),
    };
    check(name.span, &operation, &steps, &reply, ctx);
    let mut compiled = Compiled { operation, steps, reply, base: own_base, signer, lets };
    auth::sends_own(node, &compiled, ctx);
    mark_last(&mut compiled);
    sent::mark(&mut compiled.steps);
    mark_names(&mut compiled, ctx);
    Some(compiled)
}

/// Whether it may have done a part of what it does: it writes several times.
fn in_steps(steps: &[Step]) -> bool {
    let writes = |step: &&Step| !matches!(step.method, "GET" | "HEAD");
    match steps.iter().filter(writes).collect::<Vec<_>>().as_slice() {
        [] => false,
        [only] => only.each.is_some(),
        [_, _, ..] => true,
    }
}

/// Its own address and proof, in place of those of the file.
fn own(
    fields: &mut Fields<'_>,
    operation: &str,
    ctx: &mut Ctx,
) -> (Option<Template>, Option<Arc<Signer>>, Option<String>) {
    let base = fields.optional("base").and_then(|node| super::address(node, ctx));
    let node = fields.optional("auth");
    let signer = node.and_then(|node| auth::own(node, ctx));
    (base, signer.map(Arc::new), node.map(|node| auth::proof(node, operation, ctx)))
}

pub(super) fn known_limit(node: &Node, defaults: &Defaults<'_>, ctx: &mut Ctx) -> Option<String> {
    let name = node.scalar_text()?.into_owned();
    let known: Vec<&str> = defaults.limits.iter().map(|limit| limit.name.as_str()).collect();
    if known.contains(&name.as_str()) {
        return Some(name);
    }
    let message = format!("there is no limit `{name}`");
    let finding = ctx
        .findings
        .error(codes::LIMIT, node.span, message)
        .with_one_of(&name, known.iter().copied());
    let finding = match finding.hint {
        Some(_) => finding,
        None => finding.with_hint(format!("add it: `limits: {{ {name}: {{ rate: 10/s }} }}`")),
    };
    ctx.findings.report(finding);
    None
}

fn steps_of(
    node: &Node,
    base: &step::Base<'_>,
    defaults: &Defaults<'_>,
    ctx: &mut Ctx,
) -> Vec<Step> {
    let list = node.as_list().unwrap_or_default();
    if list.is_empty() || list.len() > MOST_STEPS {
        let message = format!("an operation has 1 to {MOST_STEPS} steps");
        let finding = ctx.findings.error(codes::STEPS, node.span, message);
        let hint = "write `steps: [{ id: get, method: GET, path: /orders }]`";
        ctx.findings.report(finding.with_hint(hint));
        return Vec::new();
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut broken = false;
    for node in list {
        let earlier = step::Earlier { steps: &steps, broken };
        let Some(step) = step::step(node, base, defaults, &earlier, ctx) else {
            broken = true;
            continue;
        };
        if steps.iter().any(|other| other.id == step.id) {
            let message = format!("two steps are called `{}`", step.id);
            let span = node.get("id").map_or(node.span, |id| id.span);
            let finding = ctx.findings.error(codes::TWICE, span, message);
            ctx.findings.report(finding.with_hint("give one of them another `id`"));
        }
        steps.push(step);
    }
    steps
}

fn check(
    span: Span,
    operation: &Operation,
    steps: &[Step],
    reply: &super::super::model::Reply,
    ctx: &mut Ctx,
) {
    let mut report = |message: &str, hint: &str| {
        ctx.findings.report(ctx.findings.error(codes::OPERATION, span, message).with_hint(hint));
    };
    let paged = steps.iter().position(|step| step.page.is_some());
    if paged.is_some_and(|at| at + 1 != steps.len() || reply.documents.is_none()) {
        report(
            "`page` belongs to the last step of a read that has `documents:`",
            "write `kind: read` and `documents: body.items`, and `page:` in the last step",
        );
    }
    let safe = steps.iter().all(|step| step.idempotency == Idempotency::Safe);
    match operation.kind {
        OperationKind::Read => {
            if !safe {
                report(
                    "every step of a read is `safe`",
                    "read by GET, or say `idempotency: safe` where nothing happens at the system",
                );
            }
            if operation.creates {
                report("a read makes nothing", "leave `creates:` out, or write `kind: state`");
            }
            if reply.document.is_some() == reply.documents.is_some() {
                report(
                    "a read has either `document:` or `documents:`",
                    "write `document: body` for one, `documents: body.items` for a list",
                );
            }
        }
        OperationKind::State | OperationKind::Fact => {
            if operation.creates && operation.entity.is_none() {
                report(
                    "what `creates: true` makes is said by `entity:`",
                    "add `entity: fulfilment`, or whatever it makes",
                );
            }
            if reply.documents.is_some() {
                report(
                    "`documents:` is for reads",
                    "write `reply: { document: body }`, or `kind: read`",
                );
            }
        }
    }
}

/// The last step's body is what the reply reads.
fn mark_last(compiled: &mut Compiled) {
    let reads = reply::reads_body(&compiled.reply);
    let read = compiled.operation.kind == OperationKind::Read;
    let gives = |value: &Option<Expr>, list| {
        value.as_ref().filter(|_| read).map(|value| Gives { value: Expr::clone(value), list })
    };
    let gives = gives(&compiled.reply.documents, true).or(gives(&compiled.reply.document, false));
    for step in &mut compiled.steps {
        step.held = true;
    }
    if let Some(last) = compiled.steps.last_mut() {
        last.needs_body |= reads;
        last.gives = gives;
        last.held = last.idempotency == Idempotency::Safe;
    }
}

/// What steps keep by which the thing is known from then on.
fn mark_names(Compiled { operation, steps, reply, .. }: &mut Compiled, ctx: &mut Ctx) {
    let Some(entity) = &operation.entity else { return };
    let of = reply.xrefs.iter().filter(|xref| xref.kind == *entity);
    let rules: Vec<_> = of.map(|xref| &xref.rule).collect();
    for save in steps.iter_mut().flat_map(|step| &mut step.save) {
        save.names = rules.iter().any(|rule| reply::keeps(rule, &save.name));
        let is = save.names.then(|| never_an_id(save, ctx)).flatten();
        if let Some(is) = is {
            let message = format!(
                "`{}` is the id of the {entity} for the reply, and this is {is}",
                save.name
            );
            let finding = ctx.findings.error(codes::OPERATION, save.at, message);
            let hint = "keep the id itself, `body.items.one.id`; keep what else is asked for by a name of its own";
            ctx.findings.report(finding.with_hint(hint));
        }
    }
}

/// What a value is that can be no id, as far as it is known before anything runs.
fn never_an_id(save: &Save, ctx: &Ctx) -> Option<&'static str> {
    let at = save.at.start as usize..save.at.end as usize;
    let text = ctx.findings.source().text.get(at).unwrap_or_default();
    let calls = |function: &str| text.trim_start_matches(['"', '\'']).starts_with(function);
    match save.value.kind() {
        Kind::Boolean => Some("true or false"),
        Kind::Integer if calls("len(") => Some("a count"),
        Kind::Number if calls("sum(") => Some("a sum"),
        Kind::Unknown | Kind::Integer | Kind::Number | Kind::Text => None,
    }
}
