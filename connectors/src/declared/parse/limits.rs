//! `limits:`: named rates, some of them for each key.

use orderhub_lang::units;
use orderhub_lang::yaml::{Fields, Node};

use super::super::login::COST;
use super::super::model::{Expr, Keyed, Reserve, Told};
use super::{Ctx, STEP};
use crate::codes;
use crate::contract::Limit;

/// What is declared of limits.
#[derive(Default)]
pub(super) struct Limits {
    pub(super) limits: Vec<Limit>,
    pub(super) keyed: Vec<Keyed>,
    /// How many calls a call counted as, by limit.
    pub(super) costs: Vec<(String, Expr)>,
    /// Where answers say the limit that holds from then on.
    pub(super) told: Vec<Told>,
    /// What calls take before they are made.
    pub(super) reserves: Vec<Reserve>,
}

pub(super) fn limits(node: &Node, ctx: &mut Ctx) -> Limits {
    let mut limits = Vec::new();
    let mut costs = Vec::new();
    let (mut keyed, mut tolds, mut reserves) = (Vec::new(), Vec::new(), Vec::new());
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`limits` is a mapping of names"));
        return Limits::default();
    };
    for (name, node) in map {
        let what = format!("limit `{}`", name.name);
        let Some(mut fields) = Fields::of(node, &what, &mut ctx.findings) else { continue };
        let rate = fields.required("rate", &mut ctx.findings).and_then(|node| rate(node, ctx));
        let burst = fields.optional("burst").map(|node| calls(node, BURST, ctx));
        let cost = fields.optional("cost");
        if let Some(cost) = cost.and_then(|node| ctx.expression(node, COST)) {
            costs.push((name.name.clone(), cost));
        }
        let by = fields.optional("by");
        let bare = Bare { limit: &name.name, keyed: by.is_some(), costs: cost.is_some() };
        let reserved = fields.optional("reserve").map(|node| reserve(&bare, node, ctx));
        if let Some(node) = fields.optional("told") {
            tolds.extend(told(&bare, reserved.is_some(), node, ctx));
        }
        reserves.extend(reserved.flatten());
        if let Some(by) = by.and_then(|node| ctx.expression(node, STEP)) {
            keyed.push(Keyed { name: name.name.clone(), by });
        }
        fields.finish(&mut ctx.findings);
        if let Some((calls, per)) = rate {
            // Without a burst, one window's calls may start at once, as vendors' windows allow.
            let burst = burst.flatten().unwrap_or(calls);
            limits.push(Limit { name: name.name.clone(), calls, per, burst });
        }
    }
    Limits { limits, keyed, costs, told: tolds, reserves }
}

/// A limit's name, and what else it has.
struct Bare<'a> {
    limit: &'a str,
    keyed: bool,
    costs: bool,
}

/// `reserve: { first: 1000, then: body.cost.asked }`: what a call takes before it is made.
fn reserve(of: &Bare<'_>, node: &Node, ctx: &mut Ctx) -> Option<Reserve> {
    let mut fields = Fields::of(node, "`reserve`", &mut ctx.findings)?;
    let first =
        fields.required("first", &mut ctx.findings).and_then(|node| calls(node, FIRST, ctx));
    let then = fields.required("then", &mut ctx.findings);
    let then = then.and_then(|node| ctx.expression(node, COST));
    fields.finish(&mut ctx.findings);
    let mut wrong = |message: &str, hint: &str| {
        let finding = ctx.findings.error(codes::RATE, node.span, message);
        ctx.findings.report(finding.with_hint(hint));
    };
    if !of.costs {
        let hint = "write `cost:`, where an answer says what the call counted as";
        wrong("what is taken before a call is given back by its `cost`", hint);
    }
    if of.keyed {
        wrong("a limit with `by` takes no `reserve`", "leave `reserve` out, or take `by` out");
    }
    Some(Reserve { name: of.limit.to_owned(), first: first?, then: then? })
}

/// `told: { rate: headers.x-rate, burst: body.burst, left: body.left }`: where an answer says the limit that holds from
/// then on, and how many calls there are.
fn told(of: &Bare<'_>, reserves: bool, node: &Node, ctx: &mut Ctx) -> Option<Told> {
    let mut fields = Fields::of(node, "`told`", &mut ctx.findings)?;
    let rate = fields.optional("rate").map(|node| ctx.expression(node, COST));
    let burst = fields.optional("burst").map(|node| ctx.expression(node, COST));
    let left = fields.optional("left").map(|node| ctx.expression(node, COST));
    fields.finish(&mut ctx.findings);
    let mut wrong = |message: &str, hint: &str| {
        let finding = ctx.findings.error(codes::RATE, node.span, message);
        ctx.findings.report(finding.with_hint(hint));
    };
    if rate.is_none() && burst.is_none() && left.is_none() {
        let hint =
            "write `told: { rate: headers.x-rate }`: calls a second, or a `burst`, or `left`";
        wrong("`told` says where an answer has the rate, the burst or what is left", hint);
    }
    if left.is_some() && !reserves {
        let hint =
            "write `reserve: { first: 1000, then: body.cost }` beside `told`, or leave `left` out";
        wrong("how many calls there are counts where they are taken before", hint);
    }
    if of.keyed {
        // What one key is told nobody knows of another.
        let hint = "leave `told` out, or take `by` out";
        wrong("a limit with `by` is not told by answers", hint);
    }
    let (rate, burst, left) = (rate.flatten(), burst.flatten(), left.flatten());
    Some(Told { name: of.limit.to_owned(), rate, burst, left })
}

fn rate(node: &Node, ctx: &mut Ctx) -> Option<(u32, std::time::Duration)> {
    let rate = node.scalar_text().and_then(|text| units::rate(&text));
    if rate.is_none() {
        let finding = ctx
            .findings
            .error(codes::RATE, node.span, "not a rate")
            .with_hint("write so many calls in a time: `10/s`, `100/min`, `1/3m`");
        ctx.findings.report(finding);
    }
    rate
}

/// A number of calls, `burst` or `first`.
fn calls(node: &Node, (key, hint): (&str, &str), ctx: &mut Ctx) -> Option<u32> {
    let calls = node.scalar_text().and_then(|text| text.parse::<u32>().ok()).filter(|n| *n > 0);
    if calls.is_none() {
        let message = format!("`{key}` is a whole number of at least 1");
        let finding = ctx.findings.error(codes::RATE, node.span, message);
        ctx.findings.report(finding.with_hint(hint));
    }
    calls
}

/// How `burst` is mended.
const BURST: (&str, &str) = ("burst", "write `burst: 20`, or leave it out");
/// How `first` of `reserve` is.
const FIRST: (&str, &str) = ("first", "write the most that a call may count as: `first: 1000`");
