//! Ways into an order: elements by place, fields by place, new elements by ordinal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ByPlace, Element, Lanes, Order, Record, Shared, State, Subject};
use crate::catalogue::{FieldId, Kind, catalogue, known};
use crate::contribution::Stated;
use crate::ids::{At, Collection, ElementId, OrderKey, SystemName};
use crate::value::{Reference, Value};

type Collections = BTreeMap<Collection, Vec<Element>>;

/// The elements of a collection that are not gone.
fn live(collections: &Collections, collection: Collection) -> impl Iterator<Item = &Element> {
    collections.get(&collection).into_iter().flatten().filter(|element| !element.gone)
}

impl Element {
    /// A new element without fields.
    pub fn new(id: ElementId, added_by: Option<SystemName>) -> Self {
        Self { id, fields: Record::default(), collections: BTreeMap::new(), added_by, gone: false }
    }

    /// The elements of one of its collections that are not gone.
    pub fn elements(&self, collection: Collection) -> impl Iterator<Item = &Element> {
        live(&self.collections, collection)
    }

    /// One element of one of its collections, gone or not.
    pub fn element(&self, collection: Collection, id: &str) -> Option<&Element> {
        find(&self.collections, collection, id)
    }
}

fn find<'a>(all: &'a Collections, collection: Collection, id: &str) -> Option<&'a Element> {
    all.get(&collection)?.iter().find(|element| element.id.as_str() == id)
}

fn find_mut<'a>(
    all: &'a mut Collections,
    collection: Collection,
    id: &str,
) -> Option<&'a mut Element> {
    all.get_mut(&collection)?.iter_mut().find(|element| element.id.as_str() == id)
}

impl Order {
    /// An order without fields, version 0.
    pub fn new(key: OrderKey, reference: Box<str>, origin: SystemName, unit: Box<str>) -> Self {
        Self {
            key,
            reference,
            origin,
            unit,
            version: 0,
            fields: Record::default(),
            collections: BTreeMap::new(),
            bound: BTreeMap::new(),
            fired: BTreeMap::new(),
            ordinals: BTreeMap::new(),
            touched: ByPlace::default(),
        }
    }

    /// The elements of a collection of the order that are not gone.
    pub fn elements(&self, collection: Collection) -> impl Iterator<Item = &Element> {
        live(&self.collections, collection)
    }

    /// The element at a place, gone or not; `None` for the order itself and for unknown places.
    pub fn element(&self, at: &At) -> Option<&Element> {
        let ((collection, id), inner) = at.0.split_first()?;
        let mut element = find(&self.collections, *collection, id.as_str())?;
        for (collection, id) in inner {
            element = find(&element.collections, *collection, id.as_str())?;
        }
        Some(element)
    }

    /// The element at a place, to be written.
    pub fn element_mut(&mut self, at: &At) -> Option<&mut Element> {
        let ((collection, id), inner) = at.0.split_first()?;
        let mut element = find_mut(&mut self.collections, *collection, id.as_str())?;
        for (collection, id) in inner {
            element = find_mut(&mut element.collections, *collection, id.as_str())?;
        }
        Some(element)
    }

    /// The stored fields at a place of which nothing is gone; `None`: it, or what it stands in, is gone or was never there.
    pub fn standing(&self, at: &At) -> Option<&Record> {
        let Some(((collection, id), inner)) = at.0.split_first() else { return Some(&self.fields) };
        let there = |element: &&Element| !element.gone;
        let mut element = find(&self.collections, *collection, id.as_str()).filter(there)?;
        for (collection, id) in inner {
            element = find(&element.collections, *collection, id.as_str()).filter(there)?;
        }
        Some(&element.fields)
    }

    /// The stored fields at a place.
    pub fn record(&self, at: &At) -> Option<&Record> {
        if at.is_root() { Some(&self.fields) } else { self.element(at).map(|e| &e.fields) }
    }

    /// The stored fields at a place, to be written.
    pub fn record_mut(&mut self, at: &At) -> Option<&mut Record> {
        if at.is_root() {
            Some(&mut self.fields)
        } else {
            self.element_mut(at).map(|element| &mut element.fields)
        }
    }

    /// The collections at a place.
    pub fn collections_at(&self, at: &At) -> Option<&Collections> {
        if at.is_root() {
            Some(&self.collections)
        } else {
            self.element(at).map(|e| &e.collections)
        }
    }

    /// The elements, not gone, of a collection at a place, each with its own place.
    pub fn elements_at(&self, at: &At, collection: Collection) -> Vec<(At, &Element)> {
        let all = self.collections_at(at).into_iter();
        all.flat_map(|all| live(all, collection))
            .map(|element| (at.with(collection, element.id.clone()), element))
            .collect()
    }

    /// A field as it stands, with those that stand in no record: ids, the reference, the version,
    /// what is bound, and the line of elements keyed by line. `None` is absent.
    pub fn get(&self, at: &At, field: FieldId) -> Option<Cow<'_, Stated>> {
        self.get_in(at, self.record(at), field)
    }

    /// The same for who has the record of the place already: finding an element takes longer the more there are.
    pub fn get_in<'a>(
        &'a self,
        at: &At,
        record: Option<&'a Record>,
        field: FieldId,
    ) -> Option<Cow<'a, Stated>> {
        match record.and_then(|record| record.get(field)) {
            Some(stored) if !(at.is_root() && is_own(field)) => Some(Cow::Borrowed(stored)),
            // Nearly all fields are stored: what is made stands apart, so that the others stay short.
            Some(_) | None if at.is_root() || record.is_some() => {
                self.made(at, field).map(|value| Cow::Owned(Some(value)))
            }
            Some(_) | None => None,
        }
    }

    /// Whether a field may be there though it stands in no record; any other that stands in none is absent.
    pub fn may_be_made(at: &At, field: FieldId) -> bool {
        !at.is_root() || is_own(field)
    }

    /// The value of a field, where there is one: neither absent nor null.
    pub fn value(&self, at: &At, field: FieldId) -> Option<Value> {
        self.get(at, field)?.into_owned()
    }

    /// Writes a field of an existing place; says what stood there.
    pub fn set(&mut self, at: &At, field: FieldId, value: Stated) -> Option<Stated> {
        self.record_mut(at)?.set(field, value)
    }

    /// The lifecycle; absent reads as open.
    pub fn lifecycle(&self) -> &str {
        self.fields.text(known::order::STATE_LIFECYCLE).unwrap_or("open")
    }

    /// Adds an element and gives its place. Elements keyed by line take the line's id; all others
    /// the next ordinal of their collection, which is never used twice in an order.
    /// `None` where `at` does not exist.
    pub fn add(
        &mut self,
        at: &At,
        collection: Collection,
        line: Option<&ElementId>,
        added_by: Option<SystemName>,
    ) -> Option<At> {
        if !at.is_root() && self.element(at).is_none() {
            return None;
        }
        let id = match line {
            Some(line) if collection.keyed_by_line() => line.clone(),
            Some(_) | None => self.next_id(collection),
        };
        let place = at.with(collection, id.clone());
        let all = if at.is_root() {
            &mut self.collections
        } else {
            &mut self.element_mut(at)?.collections
        };
        all.entry(collection).or_default().push(Element::new(id, added_by));
        Some(place)
    }

    /// The next id of a collection: `L1`, `F2`.
    ///
    /// **Invariant:** an id is never used twice, whatever is gone. Test:
    /// `an_ordinal_is_never_used_twice`.
    pub fn next_id(&mut self, collection: Collection) -> ElementId {
        let next = self.ordinals.entry(collection).or_insert(0);
        *next = next.saturating_add(1);
        ElementId::numbered(collection, *next)
    }

    /// A field that stands in no record.
    #[inline(never)]
    fn made(&self, at: &At, field: FieldId) -> Option<Value> {
        if at.is_root() { self.own(field) } else { identity(at, field) }
    }

    /// A field that [`is_own`].
    fn own(&self, field: FieldId) -> Option<Value> {
        use known::order;
        Some(match field {
            order::ID => Value::text(self.key.shown()),
            order::REF => Value::text(&*self.reference),
            order::VERSION => Value::Integer(i64::from(self.version)),
            order::CHANNEL_SYSTEM => Value::text(self.origin.as_str()),
            order::BOUND => {
                let bound = self.bound.iter();
                let bound =
                    bound.map(|(role, to)| (role.as_str().into(), Some(to.as_str().into())));
                Value::Map(Arc::new(bound.collect()))
            }
            _ => return None,
        })
    }
}

/// A field that the order itself has, and no record.
fn is_own(field: FieldId) -> bool {
    use known::order::{BOUND, CHANNEL_SYSTEM, ID, REF, VERSION};
    matches!(field, ID | REF | VERSION | CHANNEL_SYSTEM | BOUND)
}

/// The fields that are the element's own place: its id, and the line of those keyed by line.
fn identity(at: &At, field: FieldId) -> Option<Value> {
    let (collection, id) = at.0.last()?;
    let field = catalogue().field(field).filter(|field| field.collection == *collection)?;
    match field.path {
        "id" if field.kind == Kind::Hub => Some(Value::text(id.as_str())),
        "line" if collection.keyed_by_line() => {
            Some(Value::Ref(Reference::Ours(id.as_str().into())))
        }
        _ => None,
    }
}

impl State {
    /// A new order without lanes.
    pub fn new(order: Order) -> Self {
        Self { order: Shared::new(order), lanes: Lanes::default() }
    }
}

impl<'a> Subject<'a> {
    /// A field of the subject itself, as [`Order::get`] shows it.
    pub fn get(&self, field: FieldId) -> Option<Cow<'a, Stated>> {
        self.order.get(self.at, field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    #[test]
    fn an_ordinal_is_never_used_twice() {
        let mut order = samples::order();
        let first = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        let second = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        assert_eq!(
            (first.to_string(), second.to_string()),
            ("lines[L1]".into(), "lines[L2]".into())
        );
        order.collections.clear();
        let third = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        assert_eq!(third.to_string(), "lines[L3]");
    }

    #[test]
    fn elements_are_found_by_place_and_hidden_when_gone() {
        let mut order = samples::order();
        let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        let shipment = order.add(&At::ROOT, Collection::Shipments, None, None).unwrap();
        let id = line.id().cloned();
        let part = order.add(&shipment, Collection::ShipmentLines, id.as_ref(), None).unwrap();
        assert_eq!(part.to_string(), "shipments[S1].lines[L1]");
        assert_eq!(order.value(&part, known::shipment_line::LINE).unwrap().as_ours(), Some("L1"));
        order.set(&part, known::shipment_line::QTY, Some(Value::Decimal(2.into())));
        assert_eq!(order.record(&part).unwrap().decimal(known::shipment_line::QTY), Some(2.into()));
        order.element_mut(&part).unwrap().gone = true;
        assert!(order.elements_at(&shipment, Collection::ShipmentLines).is_empty());
        assert!(order.element(&part).is_some());
        let nowhere = At::parse("shipments[S9]").unwrap();
        assert_eq!(order.add(&nowhere, Collection::ShipmentLines, id.as_ref(), None), None);
    }

    #[test]
    fn what_stands_in_no_record_is_shown_as_a_field() {
        let mut order = samples::order();
        let text = |order: &Order, field| order.value(&At::ROOT, field).unwrap();
        assert_eq!(text(&order, known::order::REF).as_str(), Some("shop-1001"));
        assert_eq!(text(&order, known::order::ID).as_str(), Some(order.key.shown().as_str()));
        assert_eq!(text(&order, known::order::CHANNEL_SYSTEM).as_str(), Some("shop"));
        assert_eq!(order.lifecycle(), "open");
        let payment = order.add(&At::ROOT, Collection::Payments, None, None).unwrap();
        assert_eq!(order.get(&payment, known::payment::ID), None);
    }
}
