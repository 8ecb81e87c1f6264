//! Holds that have a cause: they come and go with it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Books, cancel, fulfilment, totals};
use crate::catalogue::{Personal, catalogue, known};
use crate::holds::{self, Cause};
use crate::ids::{At, Collection};
use crate::lane::{Facet, Lane};
use crate::model::State;
use crate::rules::Rules;
use crate::value::MARK;

/// The codes that are decided here, and nowhere else.
const CODES: [&str; 5] =
    ["amount_mismatch", "inventory_short", "conflict", "fulfilment_rejected", "unknown_value"];

/// Finds the causes and places, keeps or ends their holds.
pub(super) fn place(state: &mut State, books: &Books, rules: &Rules<'_>, now: Timestamp) {
    let order = &state.order;
    let mut causes = Vec::new();
    for lane in state.lanes.iter() {
        causes.extend(lane.unknown.iter().map(|path| unknown(lane, path, rules)));
    }
    causes.sort_by(|a, b| a.scope.cmp(&b.scope));
    // Two systems may say what nobody knows of one field: one hold for it.
    causes.dedup_by(|a, b| a.scope == b.scope);
    if let Some(detail) = totals::mismatch(order) {
        causes.push(Cause {
            code: "amount_mismatch",
            scope: "order".to_owned(),
            detail,
            rule: None,
        });
    }
    for (line, book) in &books.lines {
        if book.uncovered() {
            let detail =
                format!("{} of {} covered", book.covered.normalize(), book.open.normalize());
            causes.push(Cause {
                code: "inventory_short",
                scope: line.to_string(),
                detail,
                rule: None,
            });
        }
        if book.shipped > book.ordered && book.shipped > Decimal::ZERO {
            let (shipped, ordered) = (book.shipped.normalize(), book.ordered.normalize());
            let detail = format!("{shipped} shipped, {ordered} ordered");
            causes.push(Cause { code: "conflict", scope: line.to_string(), detail, rule: None });
        }
    }
    for one in order.elements(Collection::Fulfilments) {
        let status = one.fields.text(known::fulfilment::STATUS);
        let unasked =
            status == Some("cancelled") && !cancel::was_asked(order, &fulfilment(&one.id));
        if status == Some("rejected") || unasked {
            let detail = status.unwrap_or_default().to_owned();
            causes.push(Cause {
                code: "fulfilment_rejected",
                scope: one.id.to_string(),
                detail,
                rule: None,
            });
        }
    }
    holds::reconcile(&mut state.order, &CODES, causes, now);
}

/// Longest word that a hold names, in characters.
const LONGEST: usize = 40;

/// A word that cannot be, or that nobody knows: what it is, who said it, where, and the rule that it came by.
fn unknown(lane: &Lane, path: &str, rules: &Rules<'_>) -> Cause {
    let system = &lane.system;
    let found = At::parse_field(path).and_then(|(at, field)| {
        let doubt = lane.fields.get(&at, &Facet::Doubt(field))?;
        let (said, _) = doubt.stated.as_ref()?;
        let word = said.as_ref()?.as_text()?;
        let personal = catalogue().field(field)?.personal != Personal::None;
        let rule = rules.shapes.rule_of(system, doubt.entity?, field);
        Some((format!("{} by {system} at {path}", named(&word, personal)), rule))
    });
    // A word that an earlier program heard is not known any more.
    let (detail, rule) = found.unwrap_or_else(|| (format!("by {system}"), None));
    Cause { code: "unknown_value", scope: path.to_owned(), detail, rule }
}

/// A word as a hold names it: as it came, but for what is personal, or too long to be one.
fn named(word: &str, personal: bool) -> String {
    let word = word.strip_prefix(MARK).unwrap_or(word);
    match word.chars().count() {
        _ if personal => "a word that is personal".to_owned(),
        length if length > LONGEST => format!("a text of {length} characters"),
        _ => format!("`{word}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_named_unless_it_is_personal_or_long() {
        assert_eq!(named("55", false), "`55`");
        assert_eq!(named("unknown:lost", false), "`lost`", "the mark is ours");
        assert_eq!(named("待发货", false), "`待发货`");
        assert_eq!(named("55", true), "a word that is personal");
        assert_eq!(named(&"x".repeat(41), false), "a text of 41 characters");
    }
}
