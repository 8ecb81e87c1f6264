//! Words that were heard and did not stand: what a system said while another's value was kept, and it was sent that again.
//!
//! They are kept in the version in which they were heard, as what they were: the field as the system said it, and as it
//! stood before, one edit after the other. So they are personal where the field is, go where its values go, lead to the
//! same order, and every program that reads deltas reads these.
//!
//! **Invariant:** a word that the hub corrects where it was said, because both sides had changed the field or because
//! `ownership.yaml` says `others: correct`, is in the order's history, for as long as that is kept. Test:
//! `a_word_that_does_not_stand_is_in_the_version`; rules `lost-word`, `corrected-word`. What a person decides about
//! (`manual`, `propose`), and what is left as it is (`keep`), the hub does not correct.
//!
//! **Bounds:** a system that says its last such word of a field again adds nothing, however often it is corrected. One that
//! says another each time it is corrected makes a version each time: as many as it is called.

use std::collections::BTreeMap;

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
    /// What was said: of a map the names alone that do not stand.
    pub said: Stated,
}

/// A word of a version that did not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost<'a> {
    /// Where.
    pub at: &'a At,
    /// Which field.
    pub field: FieldId,
    /// What was said: of a map the names alone that do not stand.
    pub said: &'a Stated,
    /// What stands instead, the whole of a map. `None`: the order says nothing there.
    pub stands: Option<&'a Stated>,
    /// The version whose value stands instead.
    pub since: Option<u32>,
}

/// Writes the words that were heard into what leads from one version to the next.
pub(super) fn write(delta: &mut Delta, heard: &[Heard], (before, after): (&Order, &Order)) {
    let kept = delta.edits.len();
    for Heard { at, field, said } in heard {
        // What stands there is what it was said against; nothing, where the order does not say it.
        let Some(record) = after.record(at) else { continue };
        let (at, field) = (at.clone(), *field);
        let (said, stands) = (Some(said.clone()), record.get(field).cloned());
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
    for (_, words) in fields(delta) {
        for word in words.chunks_exact(2) {
            if let [Edit::Field { at, field, old, new: Some(said) }, _] = word {
                let (stands, since) = (old.as_ref(), Some(delta.version));
                found.push(Lost { at, field: *field, said, stands, since });
            }
        }
    }
    if found.is_empty() {
        return found;
    }
    // Of what was not changed besides, the version of its last change.
    let touched = delta.edits.iter().filter_map(|edit| {
        let Edit::Touched { at, field, version } = edit else { return None };
        Some(((at, *field), *version))
    });
    let touched: BTreeMap<(&At, FieldId), Option<u32>> = touched.collect();
    for lost in &mut found {
        lost.since = touched.get(&(lost.at, lost.field)).copied().unwrap_or(lost.since);
    }
    found
}

/// The fields that a version changed, by edits of them: what was heard besides is left out.
pub fn changed(delta: &Delta) -> impl Iterator<Item = &Edit> {
    fields(delta).filter_map(|(change, _)| change)
}

/// By field how a version changed it, where it did, and the words on it: two edits for each. All edits of a field stand one
/// after the other, but for a change that others follow: then the words are apart.
fn fields(delta: &Delta) -> impl Iterator<Item = (Option<&Edit>, &[Edit])> {
    let all =
        delta.edits.chunk_by(|one, next| place(one).is_some_and(|at| place(next) == Some(at)));
    all.filter(|edits| edits.first().and_then(place).is_some()).map(|edits| {
        let (change, words) = edits.split_at(edits.len() % 2);
        (change.first(), words)
    })
}

fn place(edit: &Edit) -> Option<(&At, FieldId)> {
    if let Edit::Field { at, field, .. } = edit { Some((at, *field)) } else { None }
}
