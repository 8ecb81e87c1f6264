//! What changed, for people: keyed paths with old and new values, personal ones masked on demand.

use super::delta::{Collections, Delta, Edit, pairs, same};
use crate::catalogue::{FieldId, catalogue};
use crate::contribution::Stated;
use crate::ids::{At, Collection};
use crate::json;
use crate::model::{Element, Order};

/// What stands for a personal value.
pub const MASK: &str = "***";

/// One difference between two versions.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Keyed path: `lines[L1].qty.ordered`; the element itself where one came or went.
    pub path: String,
    /// Before, as the hub's JSON; absent: `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<serde_json::Value>,
    /// After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<serde_json::Value>,
}

/// The fields that differ between two versions, with their places; those of elements that came or
/// went included.
pub fn changed_fields(before: &Order, after: &Order) -> Vec<(At, FieldId)> {
    let mut found = Vec::new();
    for (field, old, new) in pairs(&before.fields, &after.fields) {
        if !same(old, new) {
            found.push((At::ROOT, field));
        }
    }
    in_collections(&mut found, &At::ROOT, &before.collections, &after.collections);
    found
}

fn in_collections(
    found: &mut Vec<(At, FieldId)>,
    at: &At,
    before: &Collections,
    after: &Collections,
) {
    let mut all: Vec<Collection> = before.keys().chain(after.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    for collection in all {
        let old = before.get(&collection).map_or(&[][..], Vec::as_slice);
        let new = after.get(&collection).map_or(&[][..], Vec::as_slice);
        for element in old {
            match new.iter().find(|other| other.id == element.id) {
                Some(now) => in_element(found, at, collection, element, now),
                None => whole(found, at, collection, element),
            }
        }
        for element in new.iter().filter(|one| !old.iter().any(|other| other.id == one.id)) {
            whole(found, at, collection, element);
        }
    }
}

fn in_element(
    found: &mut Vec<(At, FieldId)>,
    at: &At,
    collection: Collection,
    old: &Element,
    new: &Element,
) {
    if old.gone != new.gone {
        // A tombstone says something of every field at once: of those that went with it, too.
        let (mut all, mut then) = (Vec::new(), Vec::new());
        whole(&mut all, at, collection, new);
        whole(&mut then, at, collection, old);
        then.retain(|field| !all.contains(field));
        found.extend(all.into_iter().chain(then));
        return;
    }
    let place = at.with(collection, old.id.clone());
    for (field, old, new) in pairs(&old.fields, &new.fields) {
        if !same(old, new) {
            found.push((place.clone(), field));
        }
    }
    in_collections(found, &place, &old.collections, &new.collections);
}

/// All fields of an element and of what stands in it.
pub(super) fn fields_of(at: &At, collection: Collection, element: &Element) -> Vec<(At, FieldId)> {
    let mut found = Vec::new();
    whole(&mut found, at, collection, element);
    found
}

fn whole(found: &mut Vec<(At, FieldId)>, at: &At, collection: Collection, element: &Element) {
    let place = at.with(collection, element.id.clone());
    found.extend(element.fields.iter().map(|(field, _)| (place.clone(), field)));
    // The field that is the element's own place comes and goes with it.
    let own = catalogue().find(collection, "id").or_else(|| catalogue().find(collection, "line"));
    found.extend(own.map(|own| (place.clone(), own.id)));
    for (inner, elements) in &element.collections {
        for element in elements {
            whole(found, &place, *inner, element);
        }
    }
}

/// A delta as a list for people, in its own order; what is only bookkeeping is left out.
pub fn describe(delta: &Delta, mask_personal: bool) -> Vec<Difference> {
    let mut list = Vec::new();
    for edit in &delta.edits {
        match edit {
            Edit::Field { at, field, old, new } => list.push(Difference {
                path: at.path_of(*field),
                old: old.as_ref().map(|value| shown(*field, value, mask_personal)),
                new: new.as_ref().map(|value| shown(*field, value, mask_personal)),
            }),
            Edit::Add { at, collection, element } => {
                let place = at.with(*collection, element.id.clone());
                added(&mut list, &place, element, mask_personal);
            }
            Edit::Remove { at, collection, id } => {
                list.push(presence(&at.with(*collection, id.clone()), false));
            }
            Edit::Gone { at, gone } => list.push(presence(at, !gone)),
            Edit::Bound { role, system } => list.push(Difference {
                path: format!("bound.{role}"),
                old: None,
                new: system.as_ref().map(|system| system.as_str().into()),
            }),
            Edit::AddedBy { .. }
            | Edit::Sort { .. }
            | Edit::Fired { .. }
            | Edit::Ordinal { .. }
            | Edit::Touched { .. }
            | Edit::Unit(_) => {}
        }
    }
    list
}

fn presence(at: &At, there: bool) -> Difference {
    Difference { path: at.to_string(), old: Some((!there).into()), new: Some(there.into()) }
}

fn added(list: &mut Vec<Difference>, at: &At, element: &Element, mask: bool) {
    list.push(presence(at, true));
    for (field, value) in element.fields.iter() {
        let new = Some(shown(field, value, mask));
        list.push(Difference { path: at.path_of(field), old: None, new });
    }
    for (collection, elements) in &element.collections {
        for inner in elements {
            added(list, &at.with(*collection, inner.id.clone()), inner, mask);
        }
    }
}

/// A value for people, masked if it is personal.
/// A value as the hub's JSON; a personal one masked if that is asked for.
pub fn shown(field: FieldId, value: &Stated, mask: bool) -> serde_json::Value {
    if mask && value.is_some() && catalogue().personal().contains(field) {
        return MASK.into();
    }
    json::value(value)
}

/// The version that last changed a field: a look-up.
pub fn blame(order: &Order, at: &At, field: FieldId) -> Option<u32> {
    order.touched.get(at, &field).copied()
}
