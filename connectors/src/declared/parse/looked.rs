//! `idempotency: { find_first: … }`: the step that looks, and whether its answer can tell that there is none.
//!
//! **Invariant:** a step that looks keeps, or asks for, something that an answer of another shape does not have. A
//! gateway's page would else be a no, and the thing made twice. Test: `find-anything.yaml` in
//! `tests/data/connectors/wrong`.
//! What the `when:` of the step that makes asks for is told by its own path, or is a part of what another save names
//! (`id: body.id` beside `label: body.label.id ?? ()`): beside a save that is there anyway (`n: body.items`) an element
//! without an id would be a no. Test: `find-beside.yaml`, there.
//! How it is told: a page of a gateway is judged by the step's own classes, and each save is computed of it. What compares
//! the answer with something of the call (`body.total == doc.total`) cannot be told here and is trusted; that the
//! steps behind the named one tell something is not asked.

use std::time::Duration;

use orderhub_lang::expression::{EvalError, Name, Scope, StandIn};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Classes, Expr, Save, Step};
use super::super::walk::yes;
use super::step::{Earlier, SETTLES};
use super::{Ctx, beside};
use crate::codes;
use crate::contract::Idempotency;

pub(super) fn find_first(
    node: &Node,
    earlier: &Earlier<'_>,
    when: Option<&Expr>,
    ctx: &mut Ctx,
) -> Option<Idempotency> {
    let mut fields = Fields::of(node, "`idempotency`", &mut ctx.findings)?;
    let target = fields.required("find_first", &mut ctx.findings);
    let settles = fields.optional("settles").and_then(|node| settles(node, ctx)).unwrap_or(SETTLES);
    fields.finish(&mut ctx.findings);
    let target = target?;
    let name = target.scalar_text().unwrap_or_default();
    let found = earlier.steps.iter().position(|step| step.id == name);
    let safe = found
        .and_then(|index| earlier.steps.get(index))
        .is_some_and(|step| step.idempotency == Idempotency::Safe);
    let Some(index) = found.filter(|_| safe) else {
        if earlier.broken && found.is_none() {
            return None;
        }
        let message = format!("`{name}` is no earlier step that is safe");
        let finding = ctx
            .findings
            .error(codes::FIND_FIRST, target.span, message)
            .with_one_of(&name, earlier.steps.iter().map(|step| step.id.as_str()));
        ctx.findings.report(finding);
        return None;
    };
    let unguarded = earlier
        .steps
        .iter()
        .skip(index)
        .find(|step| step.idempotency != Idempotency::Safe && step.when.is_none());
    if let Some(between) = unguarded {
        let message = format!("resuming at `{name}` would run step `{}` again", between.id);
        let finding = ctx.findings.error(codes::UNGUARDED, target.span, message).with_hint(
            format!("give step `{}` a `when:` that is false once it is done", between.id),
        );
        ctx.findings.report(finding);
    }
    if let Some((message, hint)) = untold(index, earlier.steps, when) {
        let finding = ctx.findings.error(codes::FIND_FIRST, target.span, message);
        ctx.findings.report(finding.with_hint(hint));
    }
    Some(Idempotency::FindFirst { step: u32::try_from(index).ok()?, settles })
}

/// How long the system may still be acting on what was sent.
fn settles(node: &Node, ctx: &mut Ctx) -> Option<Duration> {
    let settles = ctx.duration(node)?;
    if settles.is_zero() {
        let message = "what was sent a moment ago would be looked for before it can be there";
        let finding = ctx.findings.error(codes::DURATION, node.span, message);
        let hint = "write how long after a lost answer the system may still be acting, `settles: 30s`, or leave it out for 30 s";
        ctx.findings.report(finding.with_hint(hint));
        return None;
    }
    Some(settles)
}

/// What is wrong with the step that looks, and what to write instead, where its answer cannot tell that there is none.
fn untold(index: usize, steps: &[Step], when: Option<&Expr>) -> Option<(String, String)> {
    let step = steps.get(index)?;
    if let Some(hint) = takes_anything(step) {
        let name = &step.id;
        let message =
            format!("`{name}` would take any answer for \"there is none\": a gateway's page, too");
        return Some((message, hint.to_owned()));
    }
    if judged(&step.classes) != Some(Judged::Ok) {
        return None;
    }
    let others = steps.iter().enumerate().filter(|(at, _)| *at != index);
    let kept_by_others = |name: &str| {
        others.clone().any(|(_, other)| other.save.iter().any(|save| save.name == name))
    };
    let save = beside::untold(step, when?, &kept_by_others)?;
    let message = format!(
        "`{}` tells nothing by `{}`, which `when:` asks for: an answer without it would be a no, whatever its shape",
        step.id, save.name
    );
    let hint = format!(
        "keep it by its path alone, `save: {{ {}: body.items.one.id }}`: an empty list says that there is none, and an element \
         without an id says nothing; where the system says it otherwise, write `answer: {{ none: status == 404 }}` beside it",
        save.name
    );
    Some((message, hint))
}

/// What to write instead where a step that looks takes any answer.
fn takes_anything(step: &Step) -> Option<&'static str> {
    match judged(&step.classes)? {
        Judged::None => Some(
            "`none:` (or `already:`) names what the system says when there is none, `answer: { none: body.code == 'NONE' \
             }`, not what is missing: that is missing in a gateway's page, too",
        ),
        Judged::Ok if !step.save.is_empty() && step.save.iter().all(keeps_anything) => Some(
            "keep what is looked for by its path alone, `save: { id: body.items.one.id }`: an empty list says that there is \
             none, without `has(…)`, `?? ()` or another fallback; where the system says it otherwise, write `answer: { none: \
             status == 404 }` beside it",
        ),
        Judged::Ok => None,
    }
}

/// What the page of a gateway is to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// What was asked for.
    Ok,
    /// That there is none, or that all is done: nothing of it is asked for.
    None,
}

/// What the classes of a step make of a gateway's page; `None`: no answer, or nobody can tell here.
fn judged(classes: &Classes) -> Option<Judged> {
    let holds = |class: &Option<Expr>| class.as_ref().map_or(Some(false), of_page);
    let refused =
        [&classes.throttled, &classes.not_allowed, &classes.not_acted, &classes.may_have_acted];
    for class in refused {
        if holds(class)? {
            return None;
        }
    }
    if holds(&classes.already)? || holds(&classes.none)? {
        return Some(Judged::None);
    }
    classes.ok.as_ref().map_or(Some(true), of_page)?.then_some(Judged::Ok)
}

/// Whether a class holds for a gateway's page; `None` where that depends on the call, or cannot be computed: an answer
/// that cannot be judged is none.
fn of_page(class: &Expr) -> Option<bool> {
    let of_answer =
        |name: &Name| matches!(name.root.as_str(), "status" | "headers" | "body" | "text");
    let body = class.reads().iter().any(|name| name.root == "body");
    if body && !class.reads().iter().all(of_answer) {
        return None;
    }
    yes(class, &Page).ok()
}

/// Whether a step keeps a value of any answer at all.
pub(super) fn keeps_anything(save: &Save) -> bool {
    let reads = save.value.reads();
    let path = reads.iter().any(|name| name.root == "body" && !name.segments.is_empty());
    match save.stands_in {
        StandIn::Nothing => true,
        StandIn::Unsaid => !path,
        // What ends as nothing is held to its paths, and what cannot be computed is for a person.
        StandIn::Other => !path || save.value.eval(&Page).is_ok_and(|value| !value.is_null()),
    }
}

/// A gateway's page with status 200: it has nothing of what a file names, and nothing is known yet of what is looked for.
pub(super) struct Page;

impl Scope for Page {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Ok(match name.root.as_str() {
            "status" => Value::Int(200),
            "body" if name.segments.is_empty() => Value::Map(Vec::new()),
            "body" | "headers" | "memo" | "mine" | "xref" => Value::Null,
            _ => Value::text("maintenance"),
        })
    }
}
