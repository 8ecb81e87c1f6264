//! What [`super::contribution`] shows, written straight: no tree is built for what only becomes bytes.
//!
//! **Invariant:** a key stands once in its object, also where the fields of one name stand apart in the
//! catalogue. Test: `a_contribution_is_written_as_it_is_shown`.

use std::sync::LazyLock;

use orderhub_order::catalogue::{Field, FieldId, catalogue};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision, Stated,
};
use orderhub_order::ids::Collection;
use orderhub_order::value::{Address, Reference, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A contribution.
pub(super) struct Shown<'c>(pub(super) &'c Contribution);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("$key", &*self.0.key)?;
        match &self.0.revision {
            None => {}
            Some(Revision::Integer(number)) => map.serialize_entry("$revision", number)?,
            Some(Revision::Timestamp(at)) => map.serialize_entry("$revision", at)?,
        }
        if !self.0.parents.is_empty() {
            map.serialize_entry("$parents", &Listed(&self.0.parents, Parent))?;
        }
        entries(&self.0.body, &mut map)?;
        map.end()
    }
}

/// Things that are shown one after another.
struct Listed<'t, T, F>(&'t [T], F);

impl<'t, T, S: Serialize, F: Fn(&'t T) -> S> Serialize for Listed<'t, T, F> {
    fn serialize<To: Serializer>(&self, to: To) -> Result<To::Ok, To::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|item| list.serialize_element(&(self.1)(item)))?;
        list.end()
    }
}

struct Parent<'c>(&'c ParentReference);

impl Serialize for Parent<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        match self.0 {
            ParentReference::Xref { kind, ext_id } => {
                map.serialize_entry("xref", &**kind)?;
                map.serialize_entry("id", &**ext_id)?;
            }
            ParentReference::Ref(reference) => map.serialize_entry("ref", &**reference)?,
        }
        map.end()
    }
}

struct Element<'c>(&'c ElementStatement);

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        entries(self.0, &mut map)?;
        map.end()
    }
}

/// What is said of an element, as entries of the object that shows it.
fn entries<M: SerializeMap>(statement: &ElementStatement, map: &mut M) -> Result<(), M::Error> {
    if let Some(key) = &statement.key {
        map.serialize_entry("$key", &**key)?;
    }
    if let Some(ours) = &statement.ours {
        map.serialize_entry("$ours", &**ours)?;
    }
    if !statement.adds {
        map.serialize_entry("$adds", &false)?;
    }
    if !statement.xrefs.is_empty() {
        map.serialize_entry("$xref", &Xrefs(&statement.xrefs))?;
    }
    fields(&statement.fields, 0, map)?;
    if statement.collections.iter().any(|collection| collection.complete) {
        map.serialize_entry("$complete", &Complete(&statement.collections))?;
    }
    for collection in &statement.collections {
        let elements = Listed(&collection.elements, Element);
        map.serialize_entry(collection.collection.name(), &elements)?;
    }
    Ok(())
}

struct Xrefs<'c>(&'c [(Box<str>, Box<str>)]);

impl Serialize for Xrefs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(kind, id)| (&**kind, &**id)))
    }
}

struct Complete<'c>(&'c [CollectionStatement]);

impl Serialize for Complete<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let complete = self.0.iter().filter(|collection| collection.complete);
        to.collect_seq(complete.map(|collection| collection.collection.name()))
    }
}

type Fields = [(FieldId, Stated)];

/// One part of a field's path.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    /// The object that it names, where more parts follow.
    object: Option<Object>,
}

/// An object that several fields stand in.
#[derive(Clone, Copy)]
struct Object {
    /// Its number: the field that it is known by first.
    number: FieldId,
    /// Fields of other objects stand between its own.
    apart: bool,
}

/// The parts of every field's path, by number.
static PARTS: LazyLock<Vec<Vec<Part>>> = LazyLock::new(|| {
    let last = catalogue().fields().map(|field| field.id.0).max().unwrap_or_default();
    let mut parts = vec![Vec::new(); usize::from(last) + 1];
    for field in catalogue().fields() {
        let mut end = 0;
        let of = field.path.split('.').map(|name| {
            end += name.len() + 1;
            let object = field.path.get(..end).map(|prefix| object(field.collection, prefix));
            Part { name, object }
        });
        if let Some(place) = parts.get_mut(usize::from(field.id.0)) {
            *place = of.collect();
        }
    }
    parts
});

/// The object at a path that ends with a dot.
fn object(collection: Collection, prefix: &str) -> Object {
    let own = |field: &Field| field.path.starts_with(prefix);
    let all: Vec<&Field> = catalogue().fields_of(collection).collect();
    let first = all.iter().position(|field| own(field)).unwrap_or_default();
    let last = all.iter().rposition(|field| own(field)).unwrap_or_default();
    let between = all.get(first..=last).unwrap_or_default();
    let number = between.first().map_or(FieldId(0), |field| field.id);
    Object { number, apart: !between.iter().all(|field| own(field)) }
}

fn part(field: FieldId, level: usize) -> Option<Part> {
    PARTS.get(usize::from(field.0))?.get(level).copied()
}

/// The number of the object that a field stands in.
fn within(field: FieldId, level: usize) -> Option<FieldId> {
    Some(part(field, level)?.object?.number)
}

/// Fields as entries, those that share the next part of their paths in one object.
fn fields<M: SerializeMap>(fields: &Fields, level: usize, map: &mut M) -> Result<(), M::Error> {
    let mut before = None;
    for (at, (field, value)) in fields.iter().enumerate() {
        let Some(Part { name, object }) = part(*field, level) else { continue };
        let Some(Object { number, apart }) = object else {
            map.serialize_entry(name, &Maybe(value))?;
            continue;
        };
        let same = |(field, _): &(FieldId, Stated)| within(*field, level) == Some(number);
        let (done, rest) = fields.split_at_checked(at).unwrap_or_default();
        if before == Some(number) || apart && done.iter().any(same) {
            continue;
        }
        before = Some(number);
        let last = if apart {
            rest.iter().rposition(same).map_or(0, |last| last + 1)
        } else {
            rest.iter().position(|field| !same(field)).unwrap_or(rest.len())
        };
        let of = Group { fields: rest.get(..last).unwrap_or_default(), number, apart, level };
        map.serialize_entry(name, &of)?;
    }
    Ok(())
}

/// The fields of one object; where they stand apart, among others.
struct Group<'c> {
    fields: &'c Fields,
    number: FieldId,
    apart: bool,
    level: usize,
}

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if self.apart {
            let same =
                |(field, _): &&(FieldId, Stated)| within(*field, self.level) == Some(self.number);
            let own: Vec<_> = self.fields.iter().filter(same).cloned().collect();
            fields(&own, self.level + 1, &mut map)?;
        } else {
            fields(self.fields, self.level + 1, &mut map)?;
        }
        map.end()
    }
}

struct Maybe<'c>(&'c Stated);

impl Serialize for Maybe<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) => Serialize::serialize(&ShownValue(value), to),
            None => to.serialize_unit(),
        }
    }
}

/// A value as the hub's JSON writes it.
pub(super) struct ShownValue<'c>(pub(super) &'c Value);

impl Serialize for ShownValue<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let reference = |to: S, kind: &str, id: &str| to.collect_map(std::iter::once((kind, id)));
        match self.0 {
            Value::Text(text) => to.serialize_str(text),
            Value::Integer(whole) => to.serialize_i64(*whole),
            Value::Decimal(exact) => Serialize::serialize(exact, to),
            Value::Money(money) => {
                let mut map = to.serialize_map(Some(2))?;
                map.serialize_entry("amount", &money.amount)?;
                map.serialize_entry("currency", money.currency.as_str())?;
                map.end()
            }
            Value::Timestamp(at) => Serialize::serialize(at, to),
            Value::Date(day) => Serialize::serialize(day, to),
            Value::Boolean(yes) => to.serialize_bool(*yes),
            Value::Address(address) => {
                let part = |name| Some((name, &**address.part(name)?.as_ref()?));
                to.collect_map(Address::PARTS.into_iter().filter_map(part))
            }
            Value::List(items) => to.collect_seq(items.iter().map(|item| &**item)),
            Value::Map(map) => {
                to.collect_map(map.iter().map(|(name, text)| (&**name, text.as_deref())))
            }
            Value::Ref(Reference::Theirs(id)) => reference(to, "theirs", id),
            Value::Ref(Reference::Ours(id)) => reference(to, "ours", id),
            Value::Ref(Reference::Sku(sku)) => reference(to, "sku", sku),
        }
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::{Entity, SystemName};
    use serde_json::{Value as Json, json};

    use super::*;

    /// A contribution that states every field of the catalogue.
    fn whole() -> Contribution {
        let stated = |collection: Collection| {
            let value = |id: FieldId| {
                (id, (!id.0.is_multiple_of(3)).then(|| Value::text(id.0.to_string())))
            };
            catalogue().fields_of(collection).map(|field| value(field.id)).collect()
        };
        let line = ElementStatement {
            key: Some("7".into()),
            ours: Some("L1".into()),
            fields: stated(Collection::Lines),
            ..ElementStatement::default()
        };
        let lines = CollectionStatement {
            collection: Collection::Lines,
            complete: true,
            elements: vec![line],
        };
        Contribution {
            system: SystemName::new("shop"),
            document: "order".into(),
            entity: Entity::Order,
            key: "1".into(),
            parents: vec![ParentReference::Ref("shop-1".into())],
            creates: true,
            revision: Some(Revision::Integer(3)),
            body: ElementStatement {
                adds: true,
                fields: stated(Collection::Root),
                xrefs: vec![("customer".into(), "c1".into())],
                collections: vec![lines],
                ..ElementStatement::default()
            },
        }
    }

    /// Where a field stands.
    fn at<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
        path.split('.').try_fold(json, |json, key| json.get(key))
    }

    #[test]
    fn a_contribution_is_written_as_it_is_shown() {
        let contribution = whole();
        let bytes = super::super::bytes(&contribution);
        // A key that stands twice would be read once, and one of its fields would be missing.
        let read: Json = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read, super::super::contribution(&contribution));
        let places = [
            (&read, &contribution.body.fields),
            (&read["lines"][0], &contribution.body.collections[0].elements[0].fields),
        ];
        for (json, fields) in places {
            for (id, value) in fields {
                let field = catalogue().field(*id).unwrap();
                let shown = value.as_ref().map_or(Json::Null, super::super::json_of);
                assert_eq!(at(json, field.path), Some(&shown), "{}", field.path);
            }
        }
        assert_eq!(read["$parents"], json!([{ "ref": "shop-1" }]));
        assert_eq!(read["lines"][0]["$adds"], json!(false));
        assert_eq!((&read["$revision"], &read["$complete"]), (&json!(3), &json!(["lines"])));
    }
}
