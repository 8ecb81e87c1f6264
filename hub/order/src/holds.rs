//! Holds: what keeps an order from being released, placed by rules, people and documents.
//!
//! A hold with a cause (`release: auto`) is derived in every turn and goes with its cause. A person's
//! release of one waives the cause until its values change: the ended hold stays as the memory of
//! what was waived. Holds without a cause (`release: manual`) end by a person.
//!
//! **Invariant:** every code of the catalogue's enum `hold` has its page in [`HOLDS`]. Test:
//! `every_hold_has_its_page`.

use jiff::Timestamp;

use crate::catalogue::known::hold;
use crate::ids::{At, Collection, ElementId};
use crate::model::{Element, Order};
use crate::value::Value;

mod pages;

pub use pages::{HOLDS, Hold, page};

/// Why a hold stands, found anew in every turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Code of the catalogue's enum `hold`.
    pub code: &'static str,
    /// `order`, a line, a fulfilment, a role.
    pub scope: String,
    /// The values that make the cause, without personal ones: a waiver lasts while they stay.
    pub detail: String,
    /// The rule that they came by, `file:line:column`: told behind the detail, and no part of what is compared, for a line
    /// moves with each edit of its file.
    pub rule: Option<String>,
}

/// What stands between the values and their rule.
const BY: &str = ", by the rule ";

impl Cause {
    /// What the hold says.
    fn says(&self) -> String {
        match &self.rule {
            None => self.detail.clone(),
            Some(rule) => format!("{}{BY}{rule}", self.detail),
        }
    }

    /// Whether a hold says the same values.
    fn is_said(&self, says: Option<&str>) -> bool {
        let rest = says.and_then(|says| says.strip_prefix(self.detail.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(BY))
    }
}

/// Places a hold that ends by a person, unless the same one (code and scope) stands already.
pub fn place(
    order: &mut Order,
    code: &str,
    scope: &str,
    detail: &str,
    placed_by: &str,
    now: Timestamp,
) {
    let stands = order.elements(Collection::Holds).any(|element| is(element, code, scope));
    if !stands {
        add(order, [code, scope, detail, placed_by, "manual"], now);
    }
}

/// Ends a hold by a person; says whether there was one.
pub fn release(order: &mut Order, id: &str) -> bool {
    let at = At::of(Collection::Holds, ElementId::new(id));
    match order.element_mut(&at) {
        Some(element) if !element.gone => {
            element.gone = true;
            true
        }
        Some(_) | None => false,
    }
}

/// Makes the holds of `codes` what their causes say: new causes place one, gone causes take theirs
/// along, waived ones stay waived while their values stay.
pub fn reconcile(order: &mut Order, codes: &[&str], causes: Vec<Cause>, now: Timestamp) {
    let mut open = causes;
    if let Some(all) = order.collections.get_mut(&Collection::Holds) {
        all.retain_mut(|element| keep(element, codes, &mut open));
        if all.is_empty() {
            order.collections.remove(&Collection::Holds);
        }
    }
    for cause in open {
        add(order, [cause.code, &cause.scope, &cause.says(), "hub", "auto"], now);
    }
}

/// Whether a hold stays; takes the cause that it answers out of `open`.
fn keep(element: &mut Element, codes: &[&str], open: &mut Vec<Cause>) -> bool {
    let code = element.fields.text(hold::CODE).unwrap_or_default();
    let caused = element.fields.text(hold::RELEASE) == Some("auto") && codes.contains(&code);
    if !caused {
        return true;
    }
    let Some(place) = open.iter().position(|cause| is(element, cause.code, &cause.scope)) else {
        return false;
    };
    let same =
        open.get(place).is_some_and(|cause| cause.is_said(element.fields.text(hold::DETAIL)));
    if element.gone && !same {
        // Waived with other values: a new hold takes its place.
        return false;
    }
    let cause = open.remove(place);
    if !same {
        element.fields.set(hold::DETAIL, Some(Value::text(cause.says())));
    }
    true
}

fn is(element: &Element, code: &str, scope: &str) -> bool {
    element.fields.text(hold::CODE) == Some(code) && element.fields.text(hold::SCOPE) == Some(scope)
}

fn add(order: &mut Order, [code, scope, detail, by, release]: [&str; 5], now: Timestamp) {
    let Some(at) = order.add(&At::ROOT, Collection::Holds, None, None) else { return };
    let texts = [
        (hold::SCOPE, scope),
        (hold::CODE, code),
        (hold::DETAIL, detail),
        (hold::PLACED_BY, by),
        (hold::RELEASE, release),
    ];
    for (field, text) in texts {
        order.set(&at, field, Some(Value::text(text)));
    }
    order.set(&at, hold::PLACED_AT, Some(Value::Timestamp(now)));
}
