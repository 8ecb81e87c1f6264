//! The difference between two versions, as edits that lead from the one to the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::touched;
use crate::catalogue::FieldId;
use crate::contribution::{Stated, maybe};
use crate::ids::{At, Collection, ElementId, Role, SystemName};
use crate::model::{Element, Order, Record};

/// Collections of an order or an element.
pub type Collections = BTreeMap<Collection, Vec<Element>>;

/// What leads from one version to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The version it leads to.
    pub version: u32,
    /// In the order in which they apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// One edit. Old values stand in it too, so that a change explains itself without its predecessor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// A field: the outer `None` is absent, the inner null.
    Field {
        /// Where.
        at: At,
        /// Which.
        field: FieldId,
        /// What stood there.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
        old: Option<Stated>,
        /// What stands there now.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
        new: Option<Stated>,
    },
    /// An element, whole, at the end of its collection.
    Add {
        /// What surrounds it.
        at: At,
        /// Its collection.
        collection: Collection,
        /// The element.
        element: Element,
    },
    /// An element is taken out (only ended holds are).
    Remove {
        /// What surrounds it.
        at: At,
        /// Its collection.
        collection: Collection,
        /// Its id.
        id: ElementId,
    },
    /// A tombstone is set or lifted.
    Gone {
        /// The element.
        at: At,
        /// Gone from now on.
        gone: bool,
    },
    /// Who added an element is known otherwise now.
    AddedBy {
        /// The element.
        at: At,
        /// Who.
        system: Option<SystemName>,
    },
    /// The elements of a collection in their new order.
    Sort {
        /// What surrounds it.
        at: At,
        /// Its collection.
        collection: Collection,
        /// The ids; a collection without any is dropped when `empty` is false.
        ids: Vec<ElementId>,
        /// The collection is there at all.
        there: bool,
    },
    /// A role is bound, or no longer.
    Bound {
        /// Which.
        role: Role,
        /// To whom.
        system: Option<SystemName>,
    },
    /// An entry of `fired` was made, or undone.
    Fired {
        /// Its key.
        key: String,
        /// At which version.
        version: Option<u32>,
    },
    /// The last ordinal given in a collection.
    Ordinal {
        /// Which.
        collection: Collection,
        /// The last one.
        last: Option<u32>,
    },
    /// A field's last change, where no other edit of this delta says it.
    Touched {
        /// Where.
        at: At,
        /// Which.
        field: FieldId,
        /// At which version.
        version: Option<u32>,
    },
    /// The business unit.
    Unit(Box<str>),
}

/// A delta that does not fit the version it is applied to: the history is broken there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the delta to version {version} does not fit version {found}: {what}")]
pub struct ApplyError {
    /// The delta's version.
    pub version: u32,
    /// The order's version.
    pub found: u32,
    /// What is missing, as a keyed path.
    pub what: String,
}

impl Delta {
    /// Whether it changes nothing but perhaps the version.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}

/// The edits that lead from `before` to `after`: two versions of one order.
pub fn between(before: &Order, after: &Order) -> Delta {
    let mut edits = Vec::new();
    if before.unit != after.unit {
        edits.push(Edit::Unit(after.unit.clone()));
    }
    fields(&mut edits, &At::ROOT, &before.fields, &after.fields);
    collections(&mut edits, &At::ROOT, &before.collections, &after.collections);
    for (role, system) in differences(&before.bound, &after.bound) {
        edits.push(Edit::Bound { role, system });
    }
    for (key, version) in differences(&before.fired, &after.fired) {
        edits.push(Edit::Fired { key, version });
    }
    for (collection, last) in differences(&before.ordinals, &after.ordinals) {
        edits.push(Edit::Ordinal { collection, last });
    }
    let unsaid = touched::unsaid(&before.touched, &edits, after);
    edits.extend(unsaid);
    Delta { version: after.version, edits }
}

/// The entries of two maps that differ, with the new value; by key.
fn differences<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>)> {
    let changed = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), None));
    let mut all: Vec<_> = changed.chain(gone).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn fields(edits: &mut Vec<Edit>, at: &At, before: &Record, after: &Record) {
    for (field, old, new) in pairs(before, after) {
        if !same(old, new) {
            let (old, new) = (old.cloned(), new.cloned());
            edits.push(Edit::Field { at: at.clone(), field, old, new });
        }
    }
}

/// One field of two records side by side.
pub(super) type Pair<'a> = (FieldId, Option<&'a Stated>, Option<&'a Stated>);

/// The fields of two records side by side, by number: both are sorted.
pub(super) fn pairs<'a>(
    before: &'a Record,
    after: &'a Record,
) -> impl Iterator<Item = Pair<'a>> + use<'a> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        let first = before.peek().into_iter().chain(after.peek()).map(|(field, _)| *field).min()?;
        let old = before.next_if(|(field, _)| *field == first).map(|(_, value)| value);
        let new = after.next_if(|(field, _)| *field == first).map(|(_, value)| value);
        Some((first, old, new))
    })
}

/// Equal to the digit: `1.0` and `1.00` are equal numbers and two different texts, and history is
/// byte for byte.
pub(super) fn same(old: Option<&Stated>, new: Option<&Stated>) -> bool {
    if old != new {
        return false;
    }
    match (old, new) {
        (Some(Some(old)), Some(Some(new))) => scale(old) == scale(new),
        (_, _) => true,
    }
}

fn scale(value: &crate::value::Value) -> Option<u32> {
    value.as_decimal().or_else(|| value.as_money().map(|money| money.amount)).map(|d| d.scale())
}

fn collections(edits: &mut Vec<Edit>, at: &At, before: &Collections, after: &Collections) {
    let mut all: Vec<Collection> = before.keys().chain(after.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    for collection in all {
        let old = before.get(&collection).map_or(&[][..], Vec::as_slice);
        let new = after.get(&collection).map_or(&[][..], Vec::as_slice);
        elements(edits, at, collection, old, new);
        let reached: Vec<&ElementId> =
            kept(old, new).chain(added(old, new)).map(|e| &e.id).collect();
        let wanted: Vec<&ElementId> = new.iter().map(|element| &element.id).collect();
        let there = after.contains_key(&collection);
        let would_be = before.contains_key(&collection) || !new.is_empty();
        if reached != wanted || there != would_be {
            let ids = wanted.into_iter().cloned().collect();
            edits.push(Edit::Sort { at: at.clone(), collection, ids, there });
        }
    }
}

fn kept<'a>(old: &'a [Element], new: &'a [Element]) -> impl Iterator<Item = &'a Element> {
    old.iter().filter(|element| new.iter().any(|other| other.id == element.id))
}

fn added<'a>(old: &'a [Element], new: &'a [Element]) -> impl Iterator<Item = &'a Element> {
    new.iter().filter(|element| !old.iter().any(|other| other.id == element.id))
}

fn elements(
    edits: &mut Vec<Edit>,
    at: &At,
    collection: Collection,
    old: &[Element],
    new: &[Element],
) {
    for element in old {
        let place = at.with(collection, element.id.clone());
        let Some(now) = new.iter().find(|other| other.id == element.id) else {
            edits.push(Edit::Remove { at: at.clone(), collection, id: element.id.clone() });
            continue;
        };
        if element == now && fields_equal(element, now) {
            continue;
        }
        if element.gone != now.gone {
            edits.push(Edit::Gone { at: place.clone(), gone: now.gone });
        }
        if element.added_by != now.added_by {
            edits.push(Edit::AddedBy { at: place.clone(), system: now.added_by.clone() });
        }
        fields(edits, &place, &element.fields, &now.fields);
        collections(edits, &place, &element.collections, &now.collections);
    }
    for element in added(old, new) {
        edits.push(Edit::Add { at: at.clone(), collection, element: element.clone() });
    }
}

/// Equal elements may still differ in the digits of a number.
fn fields_equal(old: &Element, new: &Element) -> bool {
    pairs(&old.fields, &new.fields).all(|(_, old, new)| same(old, new))
        && old
            .collections
            .values()
            .flatten()
            .zip(new.collections.values().flatten())
            .all(|(old, new)| fields_equal(old, new))
}

/// Leads an order to the next version.
///
/// # Errors
///
/// [`ApplyError`] where the delta names what is not there; the order is then of no use.
pub fn apply(order: &mut Order, delta: &Delta) -> Result<(), ApplyError> {
    for edit in &delta.edits {
        if one(order, edit).is_none() {
            let (version, found) = (delta.version, order.version);
            return Err(ApplyError { version, found, what: place(edit) });
        }
        touched::touch(&mut order.touched, edit, delta.version);
    }
    order.version = delta.version;
    Ok(())
}

fn place(edit: &Edit) -> String {
    match edit {
        Edit::Field { at, field, .. } | Edit::Touched { at, field, .. } => at.path_of(*field),
        Edit::Add { at, collection, .. }
        | Edit::Remove { at, collection, .. }
        | Edit::Sort { at, collection, .. } => format!("{at}/{}", collection.name()),
        Edit::Gone { at, .. } | Edit::AddedBy { at, .. } => at.to_string(),
        Edit::Bound { role, .. } => role.to_string(),
        Edit::Fired { key, .. } => key.clone(),
        Edit::Ordinal { collection, .. } => collection.name().to_owned(),
        Edit::Unit(unit) => unit.to_string(),
    }
}

fn put<K: Ord + Clone, V: Clone>(map: &mut BTreeMap<K, V>, key: &K, value: Option<&V>) {
    match value {
        Some(value) => map.insert(key.clone(), value.clone()),
        None => map.remove(key),
    };
}

fn one(order: &mut Order, edit: &Edit) -> Option<()> {
    match edit {
        Edit::Field { at, field, new, .. } => {
            let record = order.record_mut(at)?;
            match new {
                Some(value) => record.set(*field, value.clone()),
                None => record.remove(*field),
            };
        }
        Edit::Add { at, collection, element } => {
            within(order, at)?.entry(*collection).or_default().push(element.clone());
        }
        Edit::Remove { at, collection, id } => {
            within(order, at)?.get_mut(collection)?.retain(|element| element.id != *id);
        }
        Edit::Gone { at, gone } => order.element_mut(at)?.gone = *gone,
        Edit::AddedBy { at, system } => order.element_mut(at)?.added_by.clone_from(system),
        Edit::Sort { at, collection, ids, there } => {
            let all = within(order, at)?;
            if *there {
                let place = |id: &ElementId| ids.iter().position(|other| other == id);
                all.entry(*collection).or_default().sort_by_key(|element| place(&element.id));
            } else {
                all.remove(collection);
            }
        }
        Edit::Bound { role, system } => put(&mut order.bound, role, system.as_ref()),
        Edit::Fired { key, version } => put(&mut order.fired, key, version.as_ref()),
        Edit::Ordinal { collection, last } => put(&mut order.ordinals, collection, last.as_ref()),
        Edit::Touched { at, field, version: Some(version) } => {
            order.touched.insert(at, *field, *version);
        }
        Edit::Touched { at, field, version: None } => {
            order.touched.remove(at, field);
        }
        Edit::Unit(unit) => order.unit.clone_from(unit),
    }
    Some(())
}

fn within<'a>(order: &'a mut Order, at: &At) -> Option<&'a mut Collections> {
    if at.is_root() {
        Some(&mut order.collections)
    } else {
        order.element_mut(at).map(|element| &mut element.collections)
    }
}
