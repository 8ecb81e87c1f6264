//! Leads an order back to what an earlier version said, by a new version.
//!
//! What is put back is what a person may set ([`super::owner`]): values that a system owns are asked of that
//! system, what happened stays happened, and what is derived follows from the rest. [`remainder`] says of
//! everything that stays different why it does.
//!
//! **Invariant:** a restore writes nothing that an edit by a person could not write, and nothing at all when the
//! order has moved since its author looked. Tests: `every_rule_of_the_fold_holds` (rule `restore`),
//! `a_restore_puts_back_what_people_may_set_and_says_why_not_the_rest`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::act::Put;
use super::field::Spot;
use super::work::{Done, Folding, Work};
use crate::catalogue::{Field, FieldId, Kind, Merge, catalogue};
use crate::causes;
use crate::history::{changed_fields, shown};
use crate::ids::{At, Collection};
use crate::model::{Order, State};
use crate::rules::Rules;

/// Something that stays different from the version that is led back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remains {
    /// Keyed path; the element itself where one came or went since.
    pub path: String,
    /// What stands there after the restore; absent: `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<serde_json::Value>,
    /// What stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<serde_json::Value>,
    /// Why it is not put back.
    pub why: Why,
}

/// Why a difference is not undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It happened outside: parcels, payments, bookings. Only the system where it did can take it back.
    Happened,
    /// Its owner is a system: changed there, it comes here by itself.
    Owned,
    /// It is computed from the rest.
    Derived,
    /// The hub's own record of what it did.
    Bookkeeping,
    /// The element came since.
    Came,
    /// The element was taken away since, by whoever owns the list.
    Gone,
    /// Holds stand as long as their cause does; people release and place them.
    Hold,
    /// Put back, and moved on at once by what follows from it.
    Follows,
}

impl Why {
    /// For people: why, and what to do instead.
    pub fn words(self) -> &'static str {
        match self {
            Why::Happened => "it happened outside; only the system where it did can take it back",
            Why::Owned => "a system owns it; change it there, and it comes here by itself",
            Why::Derived => "computed from the rest",
            Why::Bookkeeping => "the hub's own record of what it did",
            Why::Came => "it came since; whoever added it can cancel it",
            Why::Gone => "it was taken away since; whoever owns the list can add it again",
            Why::Hold => "holds follow their causes; release or place them by hand",
            Why::Follows => "put back, and moved on by what follows from it",
        }
    }
}

/// The values to put back so that the order says again what `then`, an earlier version of it, says.
pub fn restorable(state: &State, then: &Order, rules: &Rules<'_>) -> Vec<Put> {
    let differing = changed_fields(&state.order, then);
    let mut puts = Vec::new();
    for (at, id) in differing {
        let Some(field) = catalogue().field(id) else { continue };
        if verdict(state, then, rules, &at, field).is_ok() {
            let value = then.record(&at).and_then(|record| record.get(id)).cloned();
            puts.push(Put { at, field: id, value });
        }
    }
    puts
}

/// What still differs from `then` once the restore is folded, and why: `after` is the order then.
pub fn remainder(after: &State, then: &Order, rules: &Rules<'_>, mask: bool) -> Vec<Remains> {
    let mut said = BTreeSet::new();
    let mut remains = Vec::new();
    for (at, id) in changed_fields(&after.order, then) {
        let Some(field) = catalogue().field(id) else { continue };
        let why = verdict(after, then, rules, &at, field).err().unwrap_or(Why::Follows);
        let entry = match presence(&after.order, then, &at) {
            Some((element, there)) => Remains {
                path: element.to_string(),
                is: Some(there.into()),
                was: Some((!there).into()),
                why,
            },
            None => {
                let value =
                    |order: &Order| order.get(&at, id).map(|stated| shown(id, &stated, mask));
                let (is, was) = (value(&after.order), value(then));
                Remains { path: at.path_of(id), is, was, why }
            }
        };
        if said.insert(entry.path.clone()) {
            remains.push(entry);
        }
    }
    remains
}

/// The outermost element around `at` that only one of the two orders has, and whether it is the first.
fn presence(now: &Order, then: &Order, at: &At) -> Option<(At, bool)> {
    let there = |order: &Order, at: &At| order.element(at).is_some_and(|element| !element.gone);
    (1..=at.0.len()).find_map(|depth| {
        let outer = At(at.0.iter().take(depth).cloned().collect());
        let (is, was) = (there(now, &outer), there(then, &outer));
        (is != was).then_some((outer, is))
    })
}

/// Whether a field may be led back; else why not.
fn verdict(
    state: &State,
    then: &Order,
    rules: &Rules<'_>,
    at: &At,
    field: &Field,
) -> Result<(), Why> {
    if at.0.first().is_some_and(|(collection, _)| *collection == Collection::Holds) {
        return Err(Why::Hold);
    }
    if let Some((_, there)) = presence(&state.order, then, at) {
        return Err(if there { Why::Came } else { Why::Gone });
    }
    if state.order.element(at).is_some_and(|element| element.gone) {
        return Err(Why::Gone);
    }
    may(state, rules, at, field)
}

/// Whether a person may lead this field back; else why not.
fn may(state: &State, rules: &Rules<'_>, at: &At, field: &Field) -> Result<(), Why> {
    // The state of a parcel, a payment, a job: a person may correct it by an edit, but to lead an order back
    // does not turn the van around.
    let moved_outside = field.merge == Merge::Advance && !at.is_root();
    match field.kind {
        Kind::Derived => Err(Why::Derived),
        Kind::Fact => Err(Why::Happened),
        Kind::Given | Kind::Atomic if moved_outside => Err(Why::Happened),
        Kind::Given | Kind::Atomic | Kind::Hub => {
            if super::owner::person_may(state, rules, at, field) {
                Ok(())
            } else if field.kind == Kind::Hub {
                Err(Why::Bookkeeping)
            } else {
                Err(Why::Owned)
            }
        }
    }
}

/// Puts values back as they were, all of them or none.
pub(super) fn restore(work: &mut Work<'_>, seen: u32, to: u32, puts: &[Put]) -> Folding<Done> {
    let version = work.state.order.version;
    if version != seen {
        let why = format!(
            "the order is at version {version}, and the restore was decided at version {seen}; look at what it \
             would do now"
        );
        return super::person::refused(causes::MOVED, why);
    }
    for Put { at, field, value } in puts {
        let Some(field) = known(&work.state.order, at, *field) else {
            let why = format!("the order has no such field at `{at}` any more");
            return super::person::refused(causes::UNKNOWN_FIELD, why);
        };
        let spot = Spot { at, field };
        if may(work.state, work.rules, at, field).is_err() {
            let why = format!("`{}` is not led back to version {to} by people", spot.path());
            return super::person::refused(causes::NOT_OWNER, why);
        }
        super::person::write(work, &spot, value.clone());
    }
    Ok(Done::Merged)
}

/// The field, where the order has its place.
fn known(order: &Order, at: &At, field: FieldId) -> Option<&'static Field> {
    let field = catalogue().field(field).filter(|field| field.collection == at.collection())?;
    let there = at.is_root() || order.element(at).is_some_and(|element| !element.gone);
    there.then_some(field)
}
