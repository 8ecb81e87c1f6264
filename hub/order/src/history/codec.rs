//! Orders and deltas as the store keeps them, and the form that they share with lanes: a format byte,
//! then JSON; personal values apart.
//!
//! Format 1: field numbers instead of names. The body holds everything but the values of personal
//! fields, in whose place null stands; these are a second blob of the same format, in the order in
//! which they were taken out, after a key id: 0 is plain, others are kept for sealing per customer. **Invariant:** decoding gives what was encoded, and no personal value
//! stands in a body. Tests: `what_is_encoded_is_decoded`, `no_personal_value_stands_in_a_body`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::delta::{Collections, Delta, Edit};
use crate::catalogue::{FieldId, catalogue};
use crate::contribution::Stated;
use crate::ids::{Collection, ElementId, OrderKey, Role, SystemName};
use crate::model::{ByPlace, Element, Order, Record};

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
    /// A lane that shows what the head beside it has not.
    #[error("the lane was written beside another head of its order")]
    Head,
    /// The personal values belong to another body.
    #[error("the personal values do not fit the body")]
    Personal,
}

/// In the place of a value that is stored apart.
pub(super) static HOLE: Stated = None;

/// Walks the places of personal values: taking them out, or putting them back.
pub(super) trait Visit {
    fn value(&mut self, slot: &mut Stated);
    fn bytes(&mut self, slot: &mut Vec<u8>);
}

/// Takes values out and leaves null behind, which is a hole and not a stated null: a stated null
/// takes a null along.
#[derive(Default)]
pub(super) struct TakeOut(pub(super) Vec<Stated>, Vec<Vec<u8>>);

/// Puts values back in the order in which they were taken; the last says that one was missing.
pub(super) struct PutBack(std::vec::IntoIter<Stated>, std::vec::IntoIter<Latin>, bool);

/// Bytes as a text of as many letters: most are ASCII, and a list of numbers is four times as long.
struct Latin(Vec<u8>);

impl Serialize for Latin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().copied().map(char::from).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> serde::Deserialize<'de> for Latin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
        bytes.map(Self).map_err(|_| serde::de::Error::custom("not bytes"))
    }
}

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
            Some(Latin(value)) => *slot = value,
            None => self.2 = true,
        }
    }
}

pub(super) fn personal(field: FieldId) -> bool {
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

fn write<T: Serialize>(head: &[u8], value: &T) -> Vec<u8> {
    let mut bytes = head.to_vec();
    // Writing to memory cannot fail, and every map of the model has texts as keys; a blob that were
    // cut short would be refused at reading and never be taken for an order.
    if serde_json::to_writer(&mut bytes, value).is_err() {
        bytes.truncate(head.len());
    }
    bytes
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(CodecError::Broken),
        Some((format, _)) => Err(CodecError::Format(*format)),
        None => Err(CodecError::Empty),
    }
}

/// A body, and what was taken out of it.
pub(super) fn stored<T: Serialize>(body: &T, taken: TakeOut) -> Stored {
    let TakeOut(values, bytes) = taken;
    let bytes: Vec<Latin> = bytes.into_iter().map(Latin).collect();
    let none = values.is_empty() && bytes.is_empty();
    let personal = if none { Vec::new() } else { write(&[FORMAT, PLAIN], &(values, bytes)) };
    Stored { body: write(&[FORMAT], body), personal }
}

impl PutBack {
    /// Reads what [`stored`] wrote apart.
    pub(super) fn read(personal: &[u8]) -> Result<Self, CodecError> {
        let (values, bytes): (Vec<Stated>, Vec<Latin>) = match personal {
            [] => (Vec::new(), Vec::new()),
            [FORMAT, PLAIN, json @ ..] => {
                serde_json::from_slice(json).map_err(CodecError::Broken)?
            }
            [FORMAT, key, ..] => return Err(CodecError::Sealed(*key)),
            [format, ..] => return Err(CodecError::Format(*format)),
        };
        Ok(Self(values.into_iter(), bytes.into_iter(), false))
    }

    /// The value that everything was put back into, if it was everything.
    pub(super) fn end<T>(mut self, value: T) -> Result<T, CodecError> {
        let left = self.0.next().is_some() || self.1.next().is_some();
        if self.2 || left { Err(CodecError::Personal) } else { Ok(value) }
    }
}

fn encode<T: Serialize>(mut body: T, walk: fn(&mut T, &mut dyn Visit)) -> Stored {
    let mut taken = TakeOut::default();
    walk(&mut body, &mut taken);
    stored(&body, taken)
}

fn decode<T: DeserializeOwned>(
    body: &[u8],
    personal: &[u8],
    walk: fn(&mut T, &mut dyn Visit),
) -> Result<T, CodecError> {
    let mut value: T = read(body)?;
    let mut back = PutBack::read(personal)?;
    walk(&mut value, &mut back);
    back.end(value)
}

/// An order as the store keeps it.
pub fn encode_order(order: &Order) -> Stored {
    let mut taken = TakeOut::default();
    take_record(&order.fields, &mut taken);
    take_collections(&order.collections, &mut taken);
    let body = OrderBody {
        key: order.key,
        reference: &order.reference,
        origin: &order.origin,
        unit: &order.unit,
        version: order.version,
        fields: KeptRecord(&order.fields),
        collections: KeptCollections(&order.collections),
        bound: &order.bound,
        fired: &order.fired,
        ordinals: &order.ordinals,
        touched: &order.touched,
    };
    stored(&body, taken)
}

/// An [`Order`] as it is read back, written without a copy of it: heads are written with every change.
#[derive(Serialize)]
struct OrderBody<'a> {
    key: OrderKey,
    reference: &'a str,
    origin: &'a SystemName,
    unit: &'a str,
    version: u32,
    fields: KeptRecord<'a>,
    collections: KeptCollections<'a>,
    bound: &'a BTreeMap<Role, SystemName>,
    fired: &'a BTreeMap<String, u32>,
    ordinals: &'a BTreeMap<Collection, u32>,
    touched: &'a ByPlace<FieldId, u32>,
}

/// An [`Element`] likewise.
#[derive(Serialize)]
struct KeptElement<'a> {
    id: &'a ElementId,
    fields: KeptRecord<'a>,
    collections: KeptCollections<'a>,
    added_by: &'a Option<SystemName>,
    gone: bool,
}

struct KeptRecord<'a>(&'a Record);
struct KeptCollections<'a>(&'a Collections);
struct KeptElements<'a>(&'a [Element]);

impl Serialize for KeptRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = |(field, value)| (field, if personal(field) { &HOLE } else { value });
        serializer.collect_seq(self.0.iter().map(kept))
    }
}

impl Serialize for KeptCollections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, all)| (name, KeptElements(all))))
    }
}

impl Serialize for KeptElements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|element| KeptElement {
            id: &element.id,
            fields: KeptRecord(&element.fields),
            collections: KeptCollections(&element.collections),
            added_by: &element.added_by,
            gone: element.gone,
        }))
    }
}

fn take_record(record: &Record, taken: &mut TakeOut) {
    let values = record.iter().filter(|(field, _)| personal(*field));
    taken.0.extend(values.map(|(_, value)| value.clone()));
}

fn take_collections(collections: &Collections, taken: &mut TakeOut) {
    for element in collections.values().flatten() {
        take_record(&element.fields, taken);
        take_collections(&element.collections, taken);
    }
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
pub fn encode_delta(delta: Delta) -> Stored {
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
