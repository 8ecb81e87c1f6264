//! Orders made of bytes: every field that a mapping sends has a value of its type, or none.

use orderhub_mapping::Mapping;
use orderhub_order::catalogue::{Field, FieldType, catalogue};
use orderhub_order::ids::Collection;
use serde_json::{Map, Value as Json, json};

/// Elements of one collection.
const MOST_ELEMENTS: u8 = 3;

/// Bytes that choices are made by; at their end every choice is the first.
pub(super) struct Bytes<'i>(&'i [u8]);

impl<'i> Bytes<'i> {
    pub(super) fn new(input: &'i [u8]) -> Self {
        Self(input)
    }

    fn one(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, most: usize) -> usize {
        usize::from(self.one()) % most.max(1)
    }

    fn pick<'p, T>(&mut self, of: &'p [T]) -> &'p T {
        let at = self.below(of.len());
        of.get(at).expect("there is something to choose")
    }

    fn whole(&mut self) -> i64 {
        let length = self.below(9);
        (0..length).fold(0_i64, |sum, _| sum.wrapping_mul(256).wrapping_add(i64::from(self.one())))
    }

    fn text(&mut self) -> String {
        let length = self.below(24).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

/// A subject of the mapping, as a case would write it.
pub(super) fn hub(mapping: &Mapping, bytes: &mut Bytes<'_>) -> Json {
    let own = mapping.entity.collection().unwrap_or(Collection::Root);
    let mut hub = element(mapping, own, bytes);
    hub.insert("$key".to_owned(), json!("1"));
    Json::Object(hub)
}

fn element(mapping: &Mapping, collection: Collection, bytes: &mut Bytes<'_>) -> Map<String, Json> {
    let (mut element, reads) = (Map::new(), mapping.reads());
    for field in catalogue().fields_of(collection).filter(|field| reads.contains(field.id)) {
        match bytes.below(8) {
            0 | 1 => {}
            2 => put(&mut element, field.path, Json::Null),
            _ => {
                if let Some(value) = value(field, bytes) {
                    put(&mut element, field.path, value);
                }
            }
        }
    }
    for inner in collection.children() {
        if !catalogue().fields().any(|field| reads.contains(field.id) && below(field, inner)) {
            continue;
        }
        // A row of a table is a line: an order without lines is written as a row that none can be read from.
        let least = u8::from(mapping.name == "csv.rows");
        let count = (bytes.one() % (MOST_ELEMENTS + 1)).max(least);
        let elements = (1..=count).map(|number| {
            let mut made = self::element(mapping, inner, bytes);
            made.insert("$key".to_owned(), json!(number.to_string()));
            Json::Object(made)
        });
        element.insert(inner.name().to_owned(), elements.collect());
    }
    element
}

fn below(field: &Field, collection: Collection) -> bool {
    let mut at = Some(field.collection);
    while let Some(own) = at {
        if own == collection {
            return true;
        }
        at = own.parent();
    }
    false
}

fn put(element: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => drop(element.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = element.entry(first.to_owned()).or_insert_with(|| json!({}));
            put(inner.as_object_mut().expect("paths do not end within each other"), rest, value);
        }
    }
}

/// Amounts of one order have one currency.
const CURRENCY: &str = "EUR";

/// A value as the hub's JSON writes it; `None`: references, which need an order around them.
fn value(field: &Field, bytes: &mut Bytes<'_>) -> Option<Json> {
    Some(match &field.ty {
        FieldType::Text => json!(bytes.text()),
        FieldType::Integer => json!(bytes.whole()),
        FieldType::Decimal => json!(decimal(bytes, 6)),
        FieldType::Money => json!({ "amount": decimal(bytes, 2), "currency": CURRENCY }),
        FieldType::Timestamp => {
            // 1970 to 2100.
            let at = bytes.whole().rem_euclid(4_102_444_800_000_000);
            json!(jiff::Timestamp::from_microsecond(at).ok()?.to_string())
        }
        FieldType::Date => {
            let days = jiff::Span::new().try_days(bytes.whole().rem_euclid(50_000)).ok()?;
            json!(jiff::civil::date(1970, 1, 1).checked_add(days).ok()?.to_string())
        }
        FieldType::Boolean => json!(bytes.below(2) == 1),
        FieldType::Enum(name) => {
            let words = catalogue().enum_values(name);
            json!(words.get(bytes.below(words.len()))?)
        }
        FieldType::Country => json!(bytes.pick(&["DE", "CN", "US", "AT"])),
        FieldType::Currency => json!(CURRENCY),
        FieldType::Language => json!(bytes.pick(&["de", "en", "zh-CN"])),
        FieldType::Uom => json!(bytes.pick(&["C62", "KGM"])),
        FieldType::Address => address(bytes),
        FieldType::List => (0..bytes.below(4)).map(|_| bytes.text()).collect(),
        FieldType::Map => {
            (0..bytes.below(4)).map(|_| (bytes.text(), json!(bytes.text()))).collect()
        }
        FieldType::Ref(_) => return None,
    })
}

fn address(bytes: &mut Bytes<'_>) -> Json {
    let mut address = Map::new();
    for part in ["name", "line1", "line2", "city", "postal_code"] {
        if bytes.below(3) > 0 {
            address.insert(part.to_owned(), json!(bytes.text()));
        }
    }
    if bytes.below(2) > 0 {
        address.insert("country".to_owned(), json!(bytes.pick(&["DE", "CN", "US"])));
    }
    Json::Object(address)
}

fn decimal(bytes: &mut Bytes<'_>, most_digits: u32) -> String {
    let digits = u32::from(bytes.one()) % (most_digits + 1);
    rust_decimal::Decimal::new(bytes.whole() / 1_000, digits).to_string()
}
