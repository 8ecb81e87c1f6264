//! A system's own change never goes back to it.

use crate::catalogue::{FieldId, Kind, catalogue};
use crate::contribution::Stated;
use crate::flow::near;
use crate::ids::{At, Collection};
use crate::lane::{Facet, FieldState, Lane, Want};
use crate::model::State;
use crate::rules::Rules;

use super::teller::Heard;

/// Whether every field that the rule's mapping reads stands as the system itself has it: equal to
/// `base` and to what it showed last, in the form in which it would give our value back. Absent
/// equals never agreed. A value of its own that lost is no agreement: the correction must go out. What
/// it showed before it took a call of ours says nothing any more, whichever rule made that call. What
/// it has by a call of another operation, or for another subject, this one has still to tell: see `teller`. What a call
/// may have written that was given up is known of nothing.
pub(super) fn change(state: &State, lane: &Lane, want: &Want, rules: &Rules<'_>) -> bool {
    let reads = rules.shapes.reads(&lane.system, &want.key.rule);
    if reads.is_empty() {
        return false;
    }
    let heard = Heard::of(state, lane, &want.key, rules);
    reads.iter().filter(|field| compared(*field)).all(|field| {
        let Some(collection) = catalogue().field(field).map(|field| field.collection) else {
            return true;
        };
        places(state, collection).iter().filter(|(place, _)| near(place, &want.key.subject)).all(
            |(place, gone)| {
                let theirs = lane.fields.get(place, &Facet::Field(field));
                let taken = theirs.is_none_or(|theirs| heard.has(theirs.told_at) && !theirs.unsure);
                // It may still hold a value of ours for something that is gone.
                let there = theirs.is_some_and(|theirs| matches!(theirs.base, Some(Some(_))));
                taken && if *gone { !there } else { agrees(state, lane, place, field, rules) }
            },
        )
    })
}

/// Names of ours never change and are never agreed on: they decide nothing.
fn compared(field: FieldId) -> bool {
    let name = |path: &str| matches!(path, "id" | "ref" | "line" | "channel.system" | "system");
    catalogue().field(field).is_some_and(|field| field.kind != Kind::Hub || !name(field.path))
}

/// All places of a collection in an order, each with whether it is gone.
fn places(state: &State, collection: Collection) -> Vec<(At, bool)> {
    let Some(parent) = collection.parent() else { return vec![(At::ROOT, false)] };
    let mut found = Vec::new();
    for (outer, gone) in places(state, parent) {
        let all = state.order.collections_at(&outer).and_then(|all| all.get(&collection));
        for element in all.into_iter().flatten() {
            found.push((outer.with(collection, element.id.clone()), gone || element.gone));
        }
    }
    found
}

fn agrees(state: &State, lane: &Lane, at: &At, field: FieldId, rules: &Rules<'_>) -> bool {
    let ours = state.order.get(at, field).map(std::borrow::Cow::into_owned);
    let theirs = lane.fields.get(at, &Facet::Field(field));
    let base = theirs.and_then(|state: &FieldState| state.base.as_ref());
    let newest = theirs.filter(|state| state.taken == 0 || state.heard > state.taken);
    let shown = newest.and_then(|state| state.stated.as_ref()).map(|(shown, _)| shown);
    let same = |theirs: Option<&Stated>| match (&ours, theirs) {
        (None | Some(None), None | Some(None)) => true,
        (Some(ours), Some(theirs)) => {
            let canon = |value| rules.shapes.canon(&lane.system, field, value);
            ours == theirs || canon(ours) == canon(theirs)
        }
        (None, Some(Some(_))) | (Some(Some(_)), None) => false,
    };
    same(base) && shown.is_none_or(|shown| same(Some(shown)))
}
