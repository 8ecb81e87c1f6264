//! `limits:`: named rates, some of them for each key.

use orderhub_lang::units;
use orderhub_lang::yaml::{Fields, Node};

use super::super::login::COST;
use super::super::model::{Expr, Keyed, Told};
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
}

pub(super) fn limits(node: &Node, ctx: &mut Ctx) -> Limits {
    let mut limits = Vec::new();
    let mut costs = Vec::new();
    let (mut keyed, mut tolds) = (Vec::new(), Vec::new());
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`limits` is a mapping of names"));
        return Limits::default();
    };
    for (name, node) in map {
        let what = format!("limit `{}`", name.name);
        let Some(mut fields) = Fields::of(node, &what, &mut ctx.findings) else { continue };
        let rate = fields.required("rate", &mut ctx.findings).and_then(|node| rate(node, ctx));
        let burst = fields.optional("burst").map(|node| burst(node, ctx));
        if let Some(cost) = fields.optional("cost").and_then(|node| ctx.expression(node, COST)) {
            costs.push((name.name.clone(), cost));
        }
        let by = fields.optional("by");
        if let Some(node) = fields.optional("told") {
            tolds.extend(told(&name.name, node, by.is_some(), ctx));
        }
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
    Limits { limits, keyed, costs, told: tolds }
}

/// `told: { rate: headers.x-rate, burst: body.burst }`: where an answer says the limit that holds from then on.
fn told(limit: &str, node: &Node, keyed: bool, ctx: &mut Ctx) -> Option<Told> {
    let mut fields = Fields::of(node, "`told`", &mut ctx.findings)?;
    let rate = fields.optional("rate").map(|node| ctx.expression(node, COST));
    let burst = fields.optional("burst").map(|node| ctx.expression(node, COST));
    fields.finish(&mut ctx.findings);
    let mut wrong = |message: &str, hint: &str| {
        let finding = ctx.findings.error(codes::RATE, node.span, message);
        ctx.findings.report(finding.with_hint(hint));
    };
    if rate.is_none() && burst.is_none() {
        let hint = "write `told: { rate: headers.x-rate }`: calls a second, or a `burst`, or both";
        wrong("`told` says where an answer has the rate or the burst", hint);
    }
    if keyed {
        // What one key is told nobody knows of another.
        let hint = "leave `told` out, or take `by` out";
        wrong("a limit with `by` is not told by answers", hint);
    }
    Some(Told { name: limit.to_owned(), rate: rate.flatten(), burst: burst.flatten() })
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

fn burst(node: &Node, ctx: &mut Ctx) -> Option<u32> {
    let burst = node.scalar_text().and_then(|text| text.parse::<u32>().ok()).filter(|n| *n > 0);
    if burst.is_none() {
        let message = "`burst` is a whole number of at least 1";
        let finding = ctx.findings.error(codes::RATE, node.span, message);
        ctx.findings.report(finding.with_hint("write `burst: 20`, or leave it out"));
    }
    burst
}
