//! The version of each field's last change: what a delta says of it by its edits, and what it must add.

use super::delta::Edit;
use super::diff::fields_of;
use crate::catalogue::FieldId;
use crate::ids::At;
use crate::model::{ByPlace, Order};

/// Versions of last changes, as the order keeps them.
type Touched = ByPlace<FieldId, u32>;

/// The last changes of fields that follow neither from those before nor from what the edits say, sorted.
pub(super) fn unsaid(before: &Touched, edits: &[Edit], after: &Order) -> Vec<Edit> {
    let mut said = Touched::default();
    edits.iter().for_each(|edit| touch(&mut said, edit, after.version));
    let after = &after.touched;
    let mut all: Vec<(&At, FieldId, Option<u32>)> = Vec::new();
    for (at, field, version) in after.iter() {
        if said.get(at, field).or_else(|| before.get(at, field)) != Some(version) {
            all.push((at, *field, Some(*version)));
        }
    }
    let gone = |at: &At, field: &FieldId| after.get(at, field).is_none();
    for (at, field, _) in before.iter().filter(|(at, field, _)| gone(at, field)) {
        all.push((at, *field, None));
    }
    let new = said.iter().filter(|(at, field, _)| before.get(at, field).is_none());
    all.extend(
        new.filter(|(at, field, _)| gone(at, field)).map(|(at, field, _)| (at, *field, None)),
    );
    all.sort_unstable_by_key(|(at, field, _)| (*at, *field));
    let edit = |(at, field, version): (&At, _, _)| Edit::Touched { at: at.clone(), field, version };
    all.into_iter().map(edit).collect()
}

/// Notes what an edit says by itself of the last change of fields, so that this need not be stored.
pub(super) fn touch(touched: &mut Touched, edit: &Edit, version: u32) {
    match edit {
        Edit::Field { at, field, .. } => touched.insert(at, *field, version),
        Edit::Add { at, collection, element } => {
            for (place, field) in fields_of(at, *collection, element) {
                touched.insert(&place, field, version);
            }
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
