//! The version of each field's last change: what a delta says of it by its edits, and what it must add.

use std::collections::BTreeMap;

use super::delta::Edit;
use super::diff::fields_of;
use crate::ids::{At, Collection};
use crate::model::{Element, Order};

/// The last changes of fields that follow neither from those before nor from what the edits say; by path.
pub(super) fn unsaid(before: &BTreeMap<String, u32>, edits: &[Edit], after: &Order) -> Vec<Edit> {
    let mut said = BTreeMap::new();
    edits.iter().for_each(|edit| touch(&mut said, edit, after.version));
    let after = &after.touched;
    let follows = |path: &String| said.get(path).or_else(|| before.get(path));
    let changed = after.iter().filter(|(path, version)| follows(path) != Some(*version));
    let changed = changed.map(|(path, version)| (path, Some(*version)));
    let gone = before.keys().chain(said.keys().filter(|path| !before.contains_key(*path)));
    let gone = gone.filter(|path| !after.contains_key(*path)).map(|path| (path, None));
    let mut all: Vec<_> = changed.chain(gone).collect();
    all.sort_unstable_by_key(|(path, _)| *path);
    let edit = |(path, version): (&String, _)| Edit::Touched { path: path.clone(), version };
    all.into_iter().map(edit).collect()
}

/// Notes what an edit says by itself of the last change of fields, so that this need not be stored.
pub(super) fn touch(touched: &mut BTreeMap<String, u32>, edit: &Edit, version: u32) {
    match edit {
        Edit::Field { at, field, .. } => {
            touched.insert(at.path_of(*field), version);
        }
        Edit::Add { at, collection, element } => {
            touch_whole(touched, at, *collection, element, version)
        }
        Edit::Remove { .. }
        | Edit::Gone { .. }
        | Edit::AddedBy { .. }
        | Edit::Sort { .. }
        | Edit::Bound { .. }
        | Edit::Fired { .. }
        | Edit::Ordinal { .. }
        | Edit::Touched { .. }
        | Edit::Unit(_) => {}
    }
}

fn touch_whole(
    touched: &mut BTreeMap<String, u32>,
    at: &At,
    collection: Collection,
    element: &Element,
    version: u32,
) {
    for (place, field) in fields_of(at, collection, element) {
        touched.insert(place.path_of(field), version);
    }
}
