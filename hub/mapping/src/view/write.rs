//! What [`super::contribution`] shows, written straight into bytes: no tree is built for what only becomes bytes.
//!
//! **Invariant:** a key stands once in its object, also where the fields of one name stand apart in the
//! catalogue. Test: `a_contribution_is_written_as_it_is_shown`. **Invariant:** what is written is JSON, whatever letters a
//! text has. Test: `any_text_is_written_as_json`.

use std::sync::LazyLock;

use jiff::fmt::temporal::DateTimePrinter;
use orderhub_order::catalogue::{Field, FieldId, catalogue};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision, Stated,
};
use orderhub_order::ids::Collection;
use orderhub_order::value::{Address, Reference, Value};
use serde::Serialize;

/// Times as RFC 3339, which is how their own type writes them.
static TIMES: DateTimePrinter = DateTimePrinter::new();

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

/// Bytes of JSON, as far as they are written.
///
/// Whether something stands before the next entry or element is told by the last byte: no value ends in `{` or `[`.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Room for what is about to be written.
    pub(super) fn new(room: usize) -> Self {
        Self(Vec::with_capacity(room))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn contribution(&mut self, shown: &Contribution) {
        self.0.push(b'{');
        self.key("$key");
        self.text(&shown.key);
        match &shown.revision {
            None => {}
            Some(Revision::Integer(number)) => {
                self.key("$revision");
                self.leaf(number);
            }
            Some(Revision::Timestamp(at)) => {
                self.key("$revision");
                self.time(*at);
            }
        }
        if !shown.parents.is_empty() {
            self.key("$parents");
            self.list(&shown.parents, |to, parent| to.parent(parent));
        }
        self.entries(&shown.body);
        self.0.push(b'}');
    }

    fn parent(&mut self, parent: &ParentReference) {
        match parent {
            ParentReference::Xref { kind, ext_id } => {
                self.object([("xref", Some(&**kind)), ("id", Some(&**ext_id))]);
            }
            ParentReference::Ref(reference) => self.object([("ref", Some(&**reference))]),
        }
    }

    /// What is said of an element, as entries of the object that shows it.
    fn entries(&mut self, statement: &ElementStatement) {
        if let Some(key) = &statement.key {
            self.key("$key");
            self.text(key);
        }
        if let Some(ours) = &statement.ours {
            self.key("$ours");
            self.text(ours);
        }
        if !statement.adds {
            self.key("$adds");
            self.0.extend_from_slice(b"false");
        }
        if !statement.xrefs.is_empty() {
            self.key("$xref");
            self.object(statement.xrefs.iter().map(|(kind, id)| (&**kind, Some(&**id))));
        }
        self.fields(&statement.fields, 0);
        let complete = |collection: &&CollectionStatement| collection.complete;
        if statement.collections.iter().any(|collection| complete(&collection)) {
            self.key("$complete");
            let complete = statement.collections.iter().filter(complete);
            self.list(complete, |to, collection| to.text(collection.collection.name()));
        }
        for collection in &statement.collections {
            self.key(collection.collection.name());
            self.list(&collection.elements, |to, element| {
                to.0.push(b'{');
                to.entries(element);
                to.0.push(b'}');
            });
        }
    }

    /// Fields as entries, those that share the next part of their paths in one object.
    fn fields(&mut self, fields: &Fields, level: usize) {
        let mut before = None;
        for (at, (field, value)) in fields.iter().enumerate() {
            let Some(Part { name, object }) = part(*field, level) else { continue };
            let Some(Object { number, apart }) = object else {
                self.key(name);
                match value {
                    Some(value) => self.value(value),
                    None => self.0.extend_from_slice(b"null"),
                }
                continue;
            };
            let same = |(field, _): &(FieldId, Stated)| within(*field, level) == Some(number);
            let (done, rest) = fields.split_at_checked(at).unwrap_or_default();
            if before == Some(number) || apart && done.iter().any(same) {
                continue;
            }
            before = Some(number);
            self.key(name);
            self.0.push(b'{');
            if apart {
                let own: Vec<_> = rest.iter().filter(|field| same(field)).cloned().collect();
                self.fields(&own, level + 1);
            } else {
                let last = rest.iter().position(|field| !same(field)).unwrap_or(rest.len());
                self.fields(rest.get(..last).unwrap_or_default(), level + 1);
            }
            self.0.push(b'}');
        }
    }

    /// A value as the hub's JSON writes it.
    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.text(text),
            Value::Integer(whole) => self.leaf(whole),
            Value::Decimal(exact) => self.leaf(exact),
            Value::Money(money) => {
                self.0.push(b'{');
                self.key("amount");
                self.leaf(&money.amount);
                self.key("currency");
                self.text(money.currency.as_str());
                self.0.push(b'}');
            }
            Value::Timestamp(at) => self.time(*at),
            Value::Date(day) => self.leaf(day),
            Value::Boolean(yes) => self.leaf(yes),
            Value::Address(address) => {
                let part = |name| Some((name, Some(&**address.part(name)?.as_ref()?)));
                self.object(Address::PARTS.into_iter().filter_map(part));
            }
            Value::List(items) => self.list(items.iter(), |to, item| to.text(item)),
            Value::Map(map) => {
                self.object(map.iter().map(|(name, text)| (&**name, text.as_deref())));
            }
            Value::Ref(Reference::Theirs(id)) => self.object([("theirs", Some(&**id))]),
            Value::Ref(Reference::Ours(id)) => self.object([("ours", Some(&**id))]),
            Value::Ref(Reference::Sku(sku)) => self.object([("sku", Some(&**sku))]),
        }
    }

    /// The name of an entry, of letters that stand for themselves.
    fn key(&mut self, name: &str) {
        self.next(b'{');
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// An object of texts.
    fn object<'t>(&mut self, entries: impl IntoIterator<Item = (&'t str, Option<&'t str>)>) {
        self.0.push(b'{');
        for (name, text) in entries {
            self.next(b'{');
            self.text(name);
            self.0.push(b':');
            match text {
                Some(text) => self.text(text),
                None => self.0.extend_from_slice(b"null"),
            }
        }
        self.0.push(b'}');
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        self.0.push(b'[');
        for item in items {
            self.next(b'[');
            write(self, item);
        }
        self.0.push(b']');
    }

    /// Parts an entry or element from the one before.
    fn next(&mut self, open: u8) {
        if self.0.last() != Some(&open) {
            self.0.push(b',');
        }
    }

    fn text(&mut self, text: &str) {
        // Nearly all texts stand for themselves: one look at each byte, without a branch.
        let other = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        if text.as_bytes().iter().fold(false, |found, byte| found | other(byte)) {
            return self.leaf(text);
        }
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn time(&mut self, at: jiff::Timestamp) {
        self.0.push(b'"');
        if TIMES.print_timestamp(&at, &mut self.0).is_err() {
            self.0.extend_from_slice(b"?");
        }
        self.0.push(b'"');
    }

    /// What its own type writes as JSON. It cannot fail: bytes take all that numbers and texts are.
    fn leaf<T: Serialize + ?Sized>(&mut self, leaf: &T) {
        if serde_json::to_writer(&mut self.0, leaf).is_err() {
            self.0.extend_from_slice(b"null");
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

    proptest::proptest! {
        #[test]
        fn any_text_is_written_as_json(text: String, key: String) {
            let map = std::collections::BTreeMap::from([(key.as_str().into(), Some(text.as_str().into()))]);
            let value = Value::Map(map.into());
            let mut to = Writer::new(0);
            to.value(&value);
            let read: Json = serde_json::from_slice(&to.bytes()).unwrap();
            proptest::prop_assert_eq!(read, json!({ key: text }));
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
