//! An order as JSON for people and programs: nested by the dots of the catalogue's paths,
//! collections as arrays, money as `{ amount, currency }`, decimals as text, times as RFC 3339 UTC.

use std::io::Write as _;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::catalogue::{Field, FieldId, catalogue};
use crate::contribution::Stated;
use crate::ids::{At, Collection};
use crate::model::Order;
use crate::value::Value;

/// What is shown of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Personal values are replaced by [`crate::history::MASK`].
    pub mask_personal: bool,
}

/// Writes an order as one line of JSON. Elements that are gone are left out; absent fields are
/// absent, null is null.
pub fn order(order: &Order, view: View) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2048);
    let place = Place { order, at: At::ROOT, view };
    // Writing to memory fails only if a value refuses to be written, which none does.
    if serde_json::to_writer(&mut bytes, &place).is_err() {
        bytes.clear();
        bytes.extend_from_slice(b"null");
    }
    bytes
}

/// Appends an order as a line of NDJSON.
pub fn order_line(order_: &Order, view: View, to: &mut Vec<u8>) {
    to.extend(order(order_, view));
    to.push(b'\n');
}

/// One value as JSON.
pub fn value(stated: &Stated) -> serde_json::Value {
    serde_json::to_value(Shown(stated.as_ref())).unwrap_or_default()
}

/// Writes one value as JSON, straight to bytes.
pub fn write_value(stated: &Stated, to: &mut Vec<u8>) {
    if serde_json::to_writer(&mut *to, &Shown(stated.as_ref())).is_err() {
        // As above: no value refuses. `null` keeps the surrounding document well-formed.
        drop(to.write_all(b"null"));
    }
}

/// One value in the hub's JSON form.
struct Shown<'a>(Option<&'a Value>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_unit(),
            Some(Value::Integer(number)) => serializer.serialize_i64(*number),
            Some(Value::Boolean(truth)) => serializer.serialize_bool(*truth),
            Some(Value::Decimal(number)) => serializer.collect_str(number),
            Some(Value::Money(money)) => money.serialize(serializer),
            Some(Value::Address(address)) => address.serialize(serializer),
            Some(Value::List(items)) => items.serialize(serializer),
            Some(Value::Map(members)) => members.serialize(serializer),
            Some(
                text @ (Value::Text(_) | Value::Timestamp(_) | Value::Date(_) | Value::Ref(_)),
            ) => serializer.serialize_str(&text.as_text().unwrap_or_default()),
        }
    }
}

/// The order, or an element of it, as an object.
struct Place<'a> {
    order: &'a Order,
    at: At,
    view: View,
}

/// A group of fields that share the path up to a dot.
struct Group<'a> {
    place: &'a Place<'a>,
    fields: &'a [(&'static Field, std::borrow::Cow<'a, Stated>)],
    depth: usize,
}

impl Place<'_> {
    fn shown(&self, field: FieldId, value: &Stated) -> Option<Value> {
        let masked = self.view.mask_personal && catalogue().personal().contains(field);
        match value {
            Some(_) if masked => Some(Value::text(crate::history::MASK)),
            other => other.clone(),
        }
    }
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let collection = self.at.collection();
        let mut fields: Vec<_> = catalogue()
            .fields_of(collection)
            .filter_map(|field| Some((field, self.order.get(&self.at, field.id)?)))
            .collect();
        // Fields of one group must stand together; otherwise the catalogue's order is kept.
        fields.sort_by_key(|(field, _)| group_rank(collection, field));
        let mut map = serializer.serialize_map(None)?;
        Group { place: self, fields: &fields, depth: 0 }.members(&mut map)?;
        for inner in collection.children() {
            let elements = self.order.elements_at(&self.at, inner);
            if !elements.is_empty() {
                map.serialize_entry(inner.name(), &Elements { place: self, elements })?;
            }
        }
        map.end()
    }
}

/// The number of the first field of a field's group: `state` for `state.payment`.
fn group_rank(collection: Collection, field: &Field) -> FieldId {
    let head = field.path.split('.').next();
    let first =
        catalogue().fields_of(collection).find(|other| other.path.split('.').next() == head);
    first.map_or(field.id, |first| first.id)
}

impl Group<'_> {
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let mut rest = self.fields;
        while let Some(((field, value), more)) = rest.split_first() {
            let mut parts = field.path.split('.').skip(self.depth);
            let name = parts.next().unwrap_or_default();
            if parts.next().is_none() {
                map.serialize_entry(name, &Shown(self.place.shown(field.id, value).as_ref()))?;
                rest = more;
                continue;
            }
            let same = |other: &Field| other.path.split('.').nth(self.depth) == Some(name);
            let end = rest.iter().position(|(other, _)| !same(other)).unwrap_or(rest.len());
            let (fields, more) = rest.split_at(end);
            map.serialize_entry(name, &Group { fields, depth: self.depth + 1, ..*self })?;
            rest = more;
        }
        Ok(())
    }
}

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members(&mut map)?;
        map.end()
    }
}

struct Elements<'a> {
    place: &'a Place<'a>,
    elements: Vec<(At, &'a crate::model::Element)>,
}

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.elements.len()))?;
        for (at, _) in &self.elements {
            let inner = Place { order: self.place.order, at: at.clone(), view: self.place.view };
            list.serialize_element(&inner)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::catalogue::known;
    use crate::model::samples;
    use crate::value::Money;

    #[test]
    fn an_order_is_nested_by_the_dots_of_its_paths() {
        let mut order = samples::order();
        order.fields.set(known::order::ORDER_NO, Some(Value::text("1001")));
        order.fields.set(known::order::STATE_PAYMENT, None);
        order.fields.set(known::order::CUSTOMER_EMAIL, Some(Value::text("a@example.com")));
        let total = Money::parse("12.50", "EUR", None).unwrap();
        order.fields.set(known::order::TOTALS_TOTAL, Some(Value::Money(total)));
        let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        order.set(&line, known::line::QTY_ORDERED, Some(Value::Decimal(Decimal::new(20, 1))));
        order.set(&line, known::line::SKU, Some(Value::text("A")));
        let shipment = order.add(&At::ROOT, Collection::Shipments, None, None).unwrap();
        order.add(&shipment, Collection::ShipmentLines, line.id(), None);
        let gone = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        order.element_mut(&gone).unwrap().gone = true;
        let text = |view| String::from_utf8(super::order(&order, view)).unwrap();
        let id = order.key.shown();
        let expected = format!(r#"{{"id":"{id}","ref":"shop-1001","version":0,"order_no":"1001","#)
            + r#""channel":{"system":"shop"},"bound":{},"state":{"payment":null},"#
            + r#""customer":{"email":"***"},"totals":{"total":{"amount":"12.50","currency":"EUR"}},"#
            + r#""lines":[{"id":"L1","sku":"A","qty":{"ordered":"2.0"}}],"#
            + r#""shipments":[{"id":"S1","lines":[{"line":"L1"}]}]}"#;
        assert_eq!(text(View { mask_personal: true }), expected);
        assert!(text(View::default()).contains("a@example.com"));
    }

    #[test]
    fn what_is_written_is_read_back_by_its_field() {
        let cases = [
            ("lines.unit_price", r#"{"amount":"0.0125","currency":"EUR"}"#),
            ("placed_at", r#""2026-01-31T04:00:00Z""#),
            ("lines.qty.ordered", r#""1.50""#),
            ("tags", r#"["a","b"]"#),
            ("addresses.ship_to", r#"{"line1":"x","country":"CN"}"#),
            ("ext", r#"{"a":"1","b":null}"#),
            ("order_no", "null"),
        ];
        for (path, json) in cases {
            let field = catalogue().find_full(path).unwrap();
            let parsed = Value::from_json(field, &serde_json::from_str(json).unwrap()).unwrap();
            let mut bytes = Vec::new();
            write_value(&parsed, &mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), json, "{path}");
        }
    }
}
