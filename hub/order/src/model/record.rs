//! The fields of one thing: a sorted list, because an order has few of the many there are.

use rust_decimal::Decimal;

use super::Record;
use crate::catalogue::FieldId;
use crate::contribution::Stated;
use crate::value::{Money, Value};

/// So many fields are looked through before all are searched.
const FEW: usize = 6;

impl Record {
    /// The field as it stands: `None` is absent, `Some(None)` is null.
    pub fn get(&self, field: FieldId) -> Option<&Stated> {
        let place = self.0.binary_search_by_key(&field, |(id, _)| *id).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The same for who reads field after field: `near` is where the last one stood, and is moved on. Those that
    /// follow each other are found without a search.
    pub fn get_near(&self, field: FieldId, near: &mut usize) -> Option<&Stated> {
        let (before, behind) = self.0.split_at_checked(*near).unwrap_or((&self.0, &[]));
        let (looked, found) = if behind.first().is_some_and(|(here, _)| *here <= field) {
            let places = (*near..).zip(behind).take(FEW);
            (behind.len(), { places }.find(|(_, (known, _))| *known >= field))
        } else {
            let places = before.iter().enumerate().rev().take(FEW);
            (before.len(), { places }.find(|(_, (known, _))| *known <= field))
        };
        match found {
            Some((place, (known, value))) if *known == field => {
                *near = place;
                return Some(value);
            }
            // The next one stands beyond it, or there is none.
            Some(_) => return None,
            None if looked <= FEW => return None,
            None => {}
        }
        *near = self.0.binary_search_by_key(&field, |(id, _)| *id).ok()?;
        self.0.get(*near).map(|(_, value)| value)
    }

    /// The value, where there is one: neither absent nor null.
    pub fn value(&self, field: FieldId) -> Option<&Value> {
        self.get(field)?.as_ref()
    }

    /// The text of a text field.
    pub fn text(&self, field: FieldId) -> Option<&str> {
        self.value(field)?.as_str()
    }

    /// The number of a decimal or integer field.
    pub fn decimal(&self, field: FieldId) -> Option<Decimal> {
        self.value(field)?.as_decimal()
    }

    /// The amount of a money field.
    pub fn money(&self, field: FieldId) -> Option<&Money> {
        self.value(field)?.as_money()
    }

    /// Writes a field and gives what stood there.
    ///
    /// **Invariant:** sorted by field, each once. Test: `a_record_stays_sorted`.
    pub fn set(&mut self, field: FieldId, value: Stated) -> Option<Stated> {
        match self.0.binary_search_by_key(&field, |(id, _)| *id) {
            Ok(place) => {
                let slot = self.0.get_mut(place)?;
                Some(std::mem::replace(&mut slot.1, value))
            }
            Err(place) => {
                self.0.insert(place, (field, value));
                None
            }
        }
    }

    /// Makes a field absent and gives what stood there.
    pub fn remove(&mut self, field: FieldId) -> Option<Stated> {
        let place = self.0.binary_search_by_key(&field, |(id, _)| *id).ok()?;
        Some(self.0.remove(place).1)
    }

    /// All fields that are there, by number.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Stated)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }
}

impl FromIterator<(FieldId, Stated)> for Record {
    fn from_iter<I: IntoIterator<Item = (FieldId, Stated)>>(fields: I) -> Self {
        let mut record = Record::default();
        for (field, value) in fields {
            record.set(field, value);
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_sorted() {
        let mut record = Record::default();
        for id in [9, 3, 7, 3] {
            record.set(FieldId(id), Some(Value::Integer(i64::from(id))));
        }
        assert_eq!(record.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [3, 7, 9]);
        assert_eq!(record.set(FieldId(7), None), Some(Some(Value::Integer(7))));
        assert_eq!(record.get(FieldId(7)), Some(&None));
        assert_eq!(record.get(FieldId(8)), None);
        assert_eq!(record.remove(FieldId(7)), Some(None));
        assert_eq!(record.get(FieldId(7)), None);
    }

    #[test]
    fn a_field_is_found_wherever_the_last_one_stood() {
        let fields = (0..40).filter(|id| id % 3 > 0).map(|id| (FieldId(id), None));
        let record: Record = fields.collect();
        for (first, second) in (0..42).flat_map(|id| (0..42).map(move |next| (id, next))) {
            let mut near = 0;
            for id in [first, second].map(FieldId) {
                assert_eq!(record.get_near(id, &mut near), record.get(id), "{id:?} after {first}");
            }
        }
    }
}
