//! An order as it would stand had a document said something else from the start: what new orders like it will be.
//!
//! Folding the document anew does not show that: what equals the order's own value in canonical form, and what others
//! own by now, leaves an order as it is. So the values that the order has of the document are put in the place of each
//! other. What somebody else said since, and elements that only the new files give, stay as they are.

use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::{ElementStatement, Stated};
use orderhub_order::ids::At;
use orderhub_order::lane::Xref;
use orderhub_order::model::State;

/// Puts what the new files say in the place of what the old ones say. `xrefs`: by which the system that speaks names
/// the elements.
pub(super) fn put(state: &mut State, at: &At, xrefs: &[Xref], [old, new]: [&ElementStatement; 2]) {
    let mut fields: Vec<FieldId> =
        old.fields.iter().chain(&new.fields).map(|(field, _)| *field).collect();
    fields.sort_unstable();
    fields.dedup();
    for field in fields {
        let (was, is) = (stated(old, field), stated(new, field));
        let Some(record) = state.order.record_mut(at).filter(|_| was != is) else { continue };
        if record.get(field) == was {
            match is {
                Some(is) => drop(record.set(field, is.clone())),
                None => drop(record.remove(field)),
            }
        }
    }
    for before in &old.collections {
        let after = new.collections.iter().find(|after| after.collection == before.collection);
        let Some(after) = after else { continue };
        for element in &before.elements {
            let other = after.elements.iter().find(|other| other.key == element.key);
            let known = element.key.as_ref().and_then(|key| {
                let own = |xref: &&Xref| {
                    *xref.ext_id == **key
                        && xref.at.collection() == before.collection
                        && xref.at.parent().is_some_and(|parent| parent == *at)
                };
                xrefs.iter().find(own)
            });
            if let (Some(other), Some(known)) = (other, known) {
                put(state, &known.at, xrefs, [element, other]);
            }
        }
    }
}

/// What a statement says of a field.
fn stated(statement: &ElementStatement, field: FieldId) -> Option<&Stated> {
    statement.fields.iter().find(|(id, _)| *id == field).map(|(_, value)| value)
}
