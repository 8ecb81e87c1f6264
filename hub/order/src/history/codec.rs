//! Orders, deltas and lanes as the store keeps them: a format byte, then JSON; personal values apart.
//!
//! Format 1: field numbers instead of names. The body holds everything but the values of personal
//! fields, in whose place null stands; these are a second blob of the same format, in the order in
//! which they were taken out, after a key id: 0 is plain, others are kept for sealing per customer. **Invariant:** decoding gives what was encoded, and no personal value
//! stands in a body. Tests: `what_is_encoded_is_decoded`, `no_personal_value_stands_in_a_body`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::delta::{Collections, Delta, Edit};
use crate::catalogue::{FieldId, catalogue};
use crate::contribution::Stated;
use crate::ids::At;
use crate::lane::Lane;
use crate::model::{Order, Record};

/// The first byte of every blob.
const FORMAT: u8 = 1;
/// The key id of personal values that are not sealed.
const PLAIN: u8 = 0;

/// A thing as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// All but personal values.
    pub body: Vec<u8>,
    /// Personal values; empty when there are none.
    pub personal: Vec<u8>,
}

/// A stored blob that cannot be read.
#[derive(Debug, Error)]
pub enum CodecError {
    /// Written by a newer program.
    #[error("stored in format {0}, which this program does not know")]
    Format(u8),
    /// Sealed with a key that this program does not have.
    #[error("personal values are sealed with key {0}, which this program does not have")]
    Sealed(u8),
    /// An empty blob.
    #[error("nothing is stored")]
    Empty,
    /// Not what this program wrote.
    #[error("the stored bytes cannot be read")]
    Broken(#[source] serde_json::Error),
    /// The personal values belong to another body.
    #[error("the personal values do not fit the body")]
    Personal,
}

/// Walks the places of personal values: taking them out, or putting them back.
trait Visit {
    fn value(&mut self, slot: &mut Stated);
    fn bytes(&mut self, slot: &mut Vec<u8>);
}

/// Takes values out and leaves null behind, which is a hole and not a stated null: a stated null
/// takes a null along.
struct TakeOut(Vec<Stated>, Vec<Vec<u8>>);
struct PutBack(std::vec::IntoIter<Stated>, std::vec::IntoIter<Vec<u8>>, bool);

impl Visit for TakeOut {
    fn value(&mut self, slot: &mut Stated) {
        self.0.push(slot.take());
    }
    fn bytes(&mut self, slot: &mut Vec<u8>) {
        self.1.push(std::mem::take(slot));
    }
}

impl Visit for PutBack {
    fn value(&mut self, slot: &mut Stated) {
        match self.0.next() {
            Some(value) => *slot = value,
            None => self.2 = true,
        }
    }
    fn bytes(&mut self, slot: &mut Vec<u8>) {
        match self.1.next() {
            Some(value) => *slot = value,
            None => self.2 = true,
        }
    }
}

fn personal(field: FieldId) -> bool {
    catalogue().personal().contains(field)
}

fn in_record(record: &mut Record, visit: &mut dyn Visit) {
    for (field, value) in &mut record.0 {
        if personal(*field) {
            visit.value(value);
        }
    }
}

fn in_collections(collections: &mut Collections, visit: &mut dyn Visit) {
    for element in collections.values_mut().flatten() {
        in_record(&mut element.fields, visit);
        in_collections(&mut element.collections, visit);
    }
}

fn in_order(order: &mut Order, visit: &mut dyn Visit) {
    in_record(&mut order.fields, visit);
    in_collections(&mut order.collections, visit);
}

fn in_delta(delta: &mut Delta, visit: &mut dyn Visit) {
    for edit in &mut delta.edits {
        match edit {
            Edit::Field { field, old, new, .. } if personal(*field) => {
                for slot in [old, new].into_iter().flatten() {
                    visit.value(slot);
                }
            }
            Edit::Add { element, .. } => {
                in_record(&mut element.fields, visit);
                in_collections(&mut element.collections, visit);
            }
            Edit::Field { .. }
            | Edit::Remove { .. }
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
}

/// Merge state of personal fields, and what a flight carries: mapped-out documents hold addresses.
fn in_lane(lane: &mut Lane, visit: &mut dyn Visit) {
    for (path, state) in &mut lane.fields {
        if !At::parse_field(path).is_none_or(|(_, field)| personal(field)) {
            continue;
        }
        if let Some((value, _)) = &mut state.stated {
            visit.value(value);
        }
        if let Some(value) = &mut state.base {
            visit.value(value);
        }
        for (value, _) in &mut state.ring {
            visit.value(value);
        }
    }
    if let Some(flight) = &mut lane.flying {
        visit.bytes(&mut flight.inputs);
        visit.bytes(&mut flight.memo);
        for (_, field, value) in &mut flight.values {
            if personal(*field) {
                visit.value(value);
            }
        }
    }
}

fn write<T: Serialize>(head: &[u8], value: &T) -> Vec<u8> {
    let mut bytes = head.to_vec();
    // Writing to memory cannot fail, and every map of the model has texts as keys; a blob that were
    // cut short would be refused at reading and never be taken for an order.
    if serde_json::to_writer(&mut bytes, value).is_err() {
        bytes.truncate(head.len());
    }
    bytes
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(CodecError::Broken),
        Some((format, _)) => Err(CodecError::Format(*format)),
        None => Err(CodecError::Empty),
    }
}

fn encode<T: Serialize + Clone>(value: &T, walk: fn(&mut T, &mut dyn Visit)) -> Stored {
    let mut body = value.clone();
    let mut taken = TakeOut(Vec::new(), Vec::new());
    walk(&mut body, &mut taken);
    let none = taken.0.is_empty() && taken.1.is_empty();
    let values = (&taken.0, &taken.1);
    let personal = if none { Vec::new() } else { write(&[FORMAT, PLAIN], &values) };
    Stored { body: write(&[FORMAT], &body), personal }
}

fn decode<T: DeserializeOwned>(
    body: &[u8],
    personal: &[u8],
    walk: fn(&mut T, &mut dyn Visit),
) -> Result<T, CodecError> {
    let mut value: T = read(body)?;
    let (values, bytes): (Vec<Stated>, Vec<Vec<u8>>) = match personal {
        [] => (Vec::new(), Vec::new()),
        [FORMAT, PLAIN, json @ ..] => serde_json::from_slice(json).map_err(CodecError::Broken)?,
        [FORMAT, key, ..] => return Err(CodecError::Sealed(*key)),
        [format, ..] => return Err(CodecError::Format(*format)),
    };
    let mut back = PutBack(values.into_iter(), bytes.into_iter(), false);
    walk(&mut value, &mut back);
    let left = back.0.next().is_some() || back.1.next().is_some();
    if back.2 || left { Err(CodecError::Personal) } else { Ok(value) }
}

/// An order as the store keeps it.
pub fn encode_order(order: &Order) -> Stored {
    encode(order, in_order)
}

/// Reads an order back.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_order(body: &[u8], personal: &[u8]) -> Result<Order, CodecError> {
    decode(body, personal, in_order)
}

/// A delta as the store keeps it.
pub fn encode_delta(delta: &Delta) -> Stored {
    encode(delta, in_delta)
}

/// Reads a delta back.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_delta(body: &[u8], personal: &[u8]) -> Result<Delta, CodecError> {
    decode(body, personal, in_delta)
}

/// A lane as the store keeps it.
pub fn encode_lane(lane: &Lane) -> Stored {
    encode(lane, in_lane)
}

/// Reads a lane back.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_lane(body: &[u8], personal: &[u8]) -> Result<Lane, CodecError> {
    decode(body, personal, in_lane)
}
