//! Words that were heard and did not stand: what a system said while another's value was kept, and it was sent that.
//!
//! They are kept in the version in which they were heard, as what they were: the field as the system said it, and as it
//! stood before, one edit after the other. So they are personal where the field is, go where its values go, lead to the
//! same order, and every program that reads deltas reads these. **Invariant:** a word that the hub overwrites where it was
//! said is in the order's history, for as long as that is kept. Test: `a_word_that_does_not_stand_is_in_the_version`; rule
//! `lost-word`.

use super::delta::Edit;
use super::{Delta, touched};
use crate::catalogue::FieldId;
use crate::contribution::Stated;
use crate::ids::At;
use crate::model::Order;

/// A word that was heard and does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where.
    pub at: At,
    /// Which field.
    pub field: FieldId,
    /// What was said.
    pub said: Stated,
}

/// A word of a version that did not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost<'a> {
    /// Where.
    pub at: &'a At,
    /// Which field.
    pub field: FieldId,
    /// What was said.
    pub said: &'a Stated,
    /// The version whose value stands instead.
    pub since: Option<u32>,
}

/// Writes the words that were heard into what leads from one version to the next.
pub(super) fn write(delta: &mut Delta, heard: &[Heard], (before, after): (&Order, &Order)) {
    let kept = delta.edits.len();
    for Heard { at, field, said } in heard {
        // What stands there is what it was said against.
        let Some(stands) = after.record(at).and_then(|record| record.get(*field)) else { continue };
        let (at, field) = (at.clone(), *field);
        let (said, stands) = (Some(said.clone()), Some(stands.clone()));
        let word = Edit::Field { at: at.clone(), field, old: stands.clone(), new: said.clone() };
        delta.edits.extend([word, Edit::Field { at, field, old: said, new: stands }]);
    }
    if delta.edits.len() > kept {
        delta.edits.retain(|edit| !matches!(edit, Edit::Touched { .. }));
        let unsaid = touched::unsaid(&before.touched, &delta.edits, after);
        delta.edits.extend(unsaid);
    }
}

/// The words of a version that did not stand.
pub fn lost(delta: &Delta) -> Vec<Lost<'_>> {
    let mut found = Vec::new();
    let mut places: Vec<(&At, FieldId)> = Vec::new();
    for edit in &delta.edits {
        let Edit::Field { at, field, .. } = edit else { continue };
        let place = (at, *field);
        if places.contains(&place) {
            continue;
        }
        places.push(place);
        let edits: Vec<&Stated> = delta.edits.iter().filter_map(|edit| said(edit, place)).collect();
        // Two for each word; one before them where the field was changed besides.
        let words = edits.get(edits.len() % 2..).unwrap_or_default().iter().step_by(2);
        let since = since(delta, place);
        found.extend(words.map(|said| Lost { at, field: *field, said, since }));
    }
    found
}

/// What an edit says of a field.
fn said<'a>(edit: &'a Edit, (at, field): (&At, FieldId)) -> Option<&'a Stated> {
    let Edit::Field { at: there, field: id, new, .. } = edit else { return None };
    new.as_ref().filter(|_| there == at && *id == field)
}

/// The version in which a field got the value that it has after this one.
fn since(delta: &Delta, (at, field): (&At, FieldId)) -> Option<u32> {
    let touched = delta.edits.iter().find_map(|edit| {
        let Edit::Touched { at: there, field: id, version } = edit else { return None };
        (there == at && *id == field).then_some(*version)
    });
    touched.unwrap_or(Some(delta.version))
}
