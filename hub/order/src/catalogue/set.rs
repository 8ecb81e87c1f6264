//! A set of fields as four words: what a mapping reads, what a change touched.

use serde::{Deserialize, Serialize};

use super::FieldId;

/// A set of fields. At most 256 fields: [`FieldSet::insert`] ignores a higher number, which the
/// catalogue cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldSet([u64; 4]);

impl FieldSet {
    /// No field.
    pub const EMPTY: FieldSet = FieldSet([0; 4]);
    /// Every field.
    pub const ALL: FieldSet = FieldSet([u64::MAX; 4]);

    /// Adds one field.
    pub fn insert(&mut self, field: FieldId) {
        if let Some(word) = self.0.get_mut(usize::from(field.0 / 64)) {
            *word |= 1 << (field.0 % 64);
        }
    }

    /// Whether the field is in it.
    pub fn contains(&self, field: FieldId) -> bool {
        self.0.get(usize::from(field.0 / 64)).is_some_and(|word| word & (1 << (field.0 % 64)) != 0)
    }

    /// The fields of either.
    #[must_use]
    pub fn union(mut self, other: FieldSet) -> FieldSet {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    /// Whether any field is in both.
    pub fn intersects(&self, other: &FieldSet) -> bool {
        self.0.iter().zip(other.0).any(|(word, more)| word & more != 0)
    }

    /// Whether no field is in it.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The fields by number. [`FieldSet::ALL`] names numbers that no field has.
    pub fn iter(&self) -> impl Iterator<Item = FieldId> + '_ {
        (0..256).map(FieldId).filter(|field| self.contains(*field))
    }
}

impl FromIterator<FieldId> for FieldSet {
    fn from_iter<I: IntoIterator<Item = FieldId>>(fields: I) -> Self {
        let mut set = FieldSet::default();
        for field in fields {
            set.insert(field);
        }
        set
    }
}
