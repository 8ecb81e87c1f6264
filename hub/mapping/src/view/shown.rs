//! What [`super::contribution`] shows, written straight: no tree is built for what only becomes bytes.
//!
//! **Invariant:** a key stands once in its object, also where the fields of one name stand apart in the
//! catalogue. Test: `a_contribution_is_written_as_it_is_shown`.

use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision, Stated,
};
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

/// The path of a field from a byte on: what is before it names the object that is written.
fn path(field: FieldId, from: usize) -> Option<&'static str> {
    catalogue().field(field)?.path.get(from..)
}

/// The first part of a path, where more follow.
fn group(field: FieldId, from: usize) -> Option<&'static str> {
    path(field, from)?.split_once('.').map(|(first, _)| first)
}

/// Fields as entries, those that share the first part of their paths in one object.
fn fields<M: SerializeMap>(fields: &Fields, from: usize, map: &mut M) -> Result<(), M::Error> {
    let mut before = None;
    for (at, (field, value)) in fields.iter().enumerate() {
        let Some(path) = path(*field, from) else { continue };
        let Some((first, _)) = path.split_once('.') else {
            map.serialize_entry(path, &Maybe(value))?;
            continue;
        };
        let same = |other: &(FieldId, Stated)| group(other.0, from) == Some(first);
        let (done, rest) = fields.split_at_checked(at).unwrap_or_default();
        if before == Some(first) || done.iter().any(same) {
            continue;
        }
        before = Some(first);
        let last = rest.iter().rposition(same).map_or(0, |last| last + 1);
        let of = Group { fields: rest.get(..last).unwrap_or_default(), first, from };
        map.serialize_entry(first, &of)?;
    }
    Ok(())
}

/// The fields below one name; among them may stand others.
struct Group<'c> {
    fields: &'c Fields,
    first: &'c str,
    from: usize,
}

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        let below = self.from + self.first.len() + 1;
        let same = |(field, _): &&(FieldId, Stated)| group(*field, self.from) == Some(self.first);
        if self.fields.iter().all(|field| same(&field)) {
            fields(self.fields, below, &mut map)?;
        } else {
            let own: Vec<_> = self.fields.iter().filter(same).cloned().collect();
            fields(&own, below, &mut map)?;
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
    use orderhub_order::ids::{Collection, Entity, SystemName};
    use serde_json::{Value as Json, json};

    use super::*;

    /// A contribution that states every field of the catalogue.
    fn whole() -> Contribution {
        let stated = |collection: Collection| {
            let value = |id: FieldId| (id, (id.0 % 3 != 0).then(|| Value::text(id.0.to_string())));
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
