//! Flow and ownership: the hub's own side, as data (`mappings/hub/flow.yaml`, `ownership.yaml`).

use crate::catalogue::{FieldId, Owner};
use crate::ids::At;
use crate::model::Order;

/// Releases and assignment, compiled.
#[derive(Clone, Debug, Default)]
pub struct Flow {}

/// Exceptions to the catalogue's owners, compiled.
#[derive(Clone, Debug, Default)]
pub struct Ownership {}

/// What happens to what others than the owners say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Kept as their statement.
    #[default]
    Keep,
    /// Shown to a person as a proposal: todo `conflict`.
    Propose,
    /// Corrected back: sent again.
    Correct,
}

/// The exception that holds for a field of an order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception<'a> {
    /// Who owns instead; the first wins.
    pub owners: &'a [Owner],
    /// What happens to what others say.
    pub others: Others,
}

impl Ownership {
    /// The first rule for the field whose `when` holds.
    pub fn exception(&self, _order: &Order, _at: &At, _field: FieldId) -> Option<Exception<'_>> {
        None
    }
}
