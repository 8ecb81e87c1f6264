//! What one rule of a file gives a field and another rule of that file cannot write: an order that has it is never sent
//! to the system again.
//!
//! Words that are known are tried: constants, and what tables give. A rule that holds for some documents only
//! (`where:`) may never meet them, and one that says nothing of other words (`on_unknown: ignore`) means it: both are
//! left alone. Nor is `when:` of an entry looked at, which may keep such orders from the system: it is a warning.
//!
//! Bounds: [`MOST`] words of a field.

use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::value::Value;

use super::ends::{Ends, In, Key, Out, Used};
use super::judge::UNKNOWN;
use super::trip::{NOT_WRITTEN, Road, Trip};
use super::words::shown;
use crate::codes;
use crate::integration::Integration;
use crate::program::Given;

/// Words of one field that are tried.
const MOST: usize = 2_000;

/// Each rule that goes out and cannot write what comes in by another, with the first such word.
pub(super) fn findings(integration: &Integration) -> Vec<Diagnostic> {
    let ends = Used::of(integration).ends();
    ends.iter().flat_map(|(key, ends)| of_field(key, ends)).collect()
}

fn of_field(key: &Key, ends: &Ends<'_>) -> Vec<Diagnostic> {
    let mut left = MOST;
    let mut found = Vec::new();
    for out in ends.outs.iter().filter(|out| out.alone && out.rule.where_.is_empty()) {
        let Some(road) = Road::alone(key, out.chain(), &[]) else { continue };
        let stuck = ends.ins.iter().find_map(|read| {
            let own = out.mapping.name == read.mapping.name;
            let other = own && !out.is(read) && !out.same_place(read);
            let words = if other { words(key, read) } else { Vec::new() };
            let tried = words.into_iter().take(left).collect::<Vec<_>>();
            left -= tried.len();
            tried.into_iter().find_map(|word| match road.trip(&word) {
                Trip::Refused(UNKNOWN, why) if why != NOT_WRITTEN => Some((*read, word, why)),
                Trip::Refused(..)
                | Trip::Same
                | Trip::Changed(_)
                | Trip::Held(_)
                | Trip::Unreadable(..) => None,
            })
        });
        found.extend(stuck.and_then(|stuck| finding(key, out, &stuck)));
    }
    found
}

/// The words that a rule is known to give.
fn words(key: &Key, read: &In<'_>) -> Vec<Value> {
    if let Given::Constant(cell) = &read.rule.input {
        return crate::run_stated(cell.clone(), &key.ty()).flatten().into_iter().collect();
    }
    let road = read.chain().and_then(|chain| Road::alone(key, chain, &read.rule.none));
    road.map(|road| road.words()).unwrap_or_default()
}

fn finding(
    key: &Key,
    out: &Out<'_>,
    (read, word, why): &(In<'_>, Value, String),
) -> Option<Diagnostic> {
    let (place, other) = (out.info()?, read.info()?);
    let message = format!(
        "{} comes in as `{}` by another rule, and does not go out by this one: {why}",
        shown(word),
        key.path()
    );
    let source = &out.mapping.source;
    let finding = Diagnostic::error(codes::STUCK, source, place.span, message).as_warning();
    let finding = finding.with_label("an order that has it is not sent to the system");
    let finding = finding.with_note(&read.mapping.source, other.span, "it comes in by this rule");
    Some(finding.with_hint(
        "add the row that it is written by; or say `on_unknown: ignore` if the system is told nothing then, or `direction: in`",
    ))
}
