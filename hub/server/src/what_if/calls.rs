//! What of the changes reaches which target: each kind of call with a few orders as examples.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_order::lane::LaneCode;
use serde::Serialize;

/// Kinds of calls that are told.
const MOST_CALLS: usize = 1_000;
/// Orders of each.
const MOST_EXAMPLES: usize = 5;
/// Places in the document of each.
const MOST_FIELDS: usize = 50;

/// One kind of call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// `newly_delivered`, `no_longer_delivered`: a call that only one of them makes, for these orders or, by `why`, for new
    /// ones like them. `held_back`: one that the new files want and that waits, by `code`. `sent_otherwise`: the document of the next call differs.
    /// `carried_otherwise`: the call was made, and is not made again for these orders; for new ones like them its
    /// document would differ.
    /// `not_sent`, `sent_again`: only one of them can map it out.
    pub what: &'static str,
    /// The target.
    pub system: String,
    /// The deliver rule: `<event>/<operation>`.
    pub rule: String,
    /// The operation; `None`: none would be called.
    pub operation: Option<String>,
    /// Why it waits.
    pub code: Option<LaneCode>,
    /// Orders with it.
    pub orders: u64,
    /// Places in the document that differ. Their values are the target's own, and may be personal.
    pub fields: BTreeSet<String>,
    /// Why it cannot be mapped out, or is called by one of them only.
    pub why: Option<String>,
    /// The rule of the new files that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_rule: Option<String>,
    /// Some of the orders, by their ref, with the subject.
    pub examples: Vec<String>,
}

/// What one order adds.
#[derive(Debug)]
pub(super) struct Seen<'s> {
    pub(super) what: &'static str,
    pub(super) system: &'s str,
    pub(super) rule: &'s str,
    pub(super) operation: Option<&'s str>,
    pub(super) code: Option<LaneCode>,
    pub(super) subject: &'s str,
    /// Why: what is so for another reason is another kind.
    pub(super) why: Option<&'s str>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    kinds: BTreeMap<(&'static str, String, String, String), Call>,
    untold: u64,
}

impl Calls {
    /// Notes one; gives it, to add what differs. `None`: there are too many kinds.
    pub(super) fn note(&mut self, order: &str, seen: &Seen<'_>) -> Option<&mut Call> {
        let Seen { what, system, rule, operation, code, subject, why } = *seen;
        let kind = kind(seen);
        if self.kinds.len() >= MOST_CALLS && !self.kinds.contains_key(&kind) {
            self.untold += 1;
            return None;
        }
        let call = self.kinds.entry(kind).or_insert_with(|| Call {
            what,
            system: system.to_owned(),
            rule: rule.to_owned(),
            operation: operation.map(str::to_owned),
            code,
            orders: 0,
            fields: BTreeSet::new(),
            why: why.map(str::to_owned),
            new_rule: None,
            examples: Vec::new(),
        });
        call.orders += 1;
        if call.examples.len() < MOST_EXAMPLES {
            call.examples.push(match subject {
                "order" => order.to_owned(),
                subject => format!("{order} {subject}"),
            });
        }
        Some(call)
    }

    /// One that was noted, to add what differs.
    pub(super) fn known(&mut self, seen: &Seen<'_>) -> Option<&mut Call> {
        self.kinds.get_mut(&kind(seen))
    }

    /// As they are told, those of most orders first, and how many are not.
    pub(super) fn closed(self) -> (Vec<Call>, u64) {
        let mut calls: Vec<Call> = self.kinds.into_values().collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.orders));
        (calls, self.untold)
    }
}

/// What makes calls one kind.
fn kind(seen: &Seen<'_>) -> (&'static str, String, String, String) {
    let code = seen.code.map(|code| format!("{code:?}")).unwrap_or_default();
    let (operation, why) = (seen.operation.unwrap_or_default(), seen.why.unwrap_or_default());
    let detail = format!("{operation} {code} {why}");
    (seen.what, seen.system.to_owned(), seen.rule.to_owned(), detail)
}

impl Call {
    /// Adds places that differ.
    pub(super) fn differs(&mut self, fields: impl Iterator<Item = String>) {
        for field in fields {
            if self.fields.len() < MOST_FIELDS {
                self.fields.insert(field);
            }
        }
    }
}
