//! Which hub field a place of the samples means, by its name, and how it is converted, by its values.

use orderhub_lang::value::Value;
use orderhub_order::catalogue::{Field, FieldType, Kind, catalogue};
use orderhub_order::ids::{Collection, Entity};

use super::MOST_PATHS;
use super::names::{ADDRESSES, FIELDS, KEYS, LINES, PARTS, ROW_KEYS, plain};
use super::shape::Shape;
use super::write::{Lines, path, scalar};

/// A place of a document.
struct Leaf<'s> {
    keys: Vec<&'s String>,
    shape: &'s Shape,
}

impl Leaf<'_> {
    fn path(&self) -> String {
        path(&self.keys)
    }

    /// The last `count` keys as one name.
    fn name(&self, count: usize) -> String {
        let from = self.keys.len().saturating_sub(count);
        self.keys.iter().skip(from).map(|key| plain(key)).collect()
    }
}

/// The key of a document: what is called so, stands in each, and never twice.
pub(super) fn key(document: &Shape) -> Option<String> {
    key_of(document, KEYS)
}

fn key_of(rows: &Shape, names: &[&str]) -> Option<String> {
    let fits = |shape: &Shape| {
        let texts = shape.values.iter().map(Value::scalar_text);
        let mut texts: Vec<_> = texts.collect();
        texts.sort();
        texts.dedup();
        let each = shape.is_scalar() && shape.values.len() == rows.seen.min(shape.seen);
        each && shape.seen == rows.seen && texts.len() == shape.values.len()
    };
    let called = |name: &str| {
        let found = rows.keys.iter().find(|(key, shape)| plain(key) == name && fits(shape));
        found.map(|(key, _)| path(&[key]))
    };
    names.iter().find_map(|name| called(name))
}

/// Writes a rule or an open place for everything in a document.
pub(super) fn rules(entity: Entity, document: &Shape, key: &str, lines: &mut Lines) {
    let collection = entity.collection().unwrap_or(Collection::Root);
    let currency = currency(document);
    let mut taken = Vec::new();
    let (mut leaves, mut rest) = (Vec::new(), Vec::new());
    for (name, shape) in &document.keys {
        let address = named(ADDRESSES, &plain(name)).filter(|_| entity == Entity::Order);
        match (address, shape.rows()) {
            (Some(hub), _) if shape.is_object() && !taken.contains(&hub) => {
                taken.push(hub);
                address_rules(hub, name, shape, lines);
            }
            (_, Some(rows)) => rest.push((name, rows)),
            _ => collect(vec![name], shape, &mut leaves),
        }
    }
    scalars(collection, "", &leaves, key, currency.as_deref(), lines);
    for (name, rows) in rest {
        let is_lines = entity == Entity::Order && LINES.contains(&plain(name).as_str());
        let row_key = key_of(rows, ROW_KEYS).filter(|_| is_lines && !taken.contains(&"lines"));
        match row_key {
            Some(row_key) => {
                taken.push("lines");
                row_rules(name, rows, &row_key, currency.as_deref(), lines);
            }
            None => lines.nothing(&format!("{}.*", path(&[name])), "a list"),
        }
    }
}

fn collect<'s>(keys: Vec<&'s String>, shape: &'s Shape, leaves: &mut Vec<Leaf<'s>>) {
    if leaves.len() >= MOST_PATHS {
        return;
    }
    if !shape.is_object() {
        leaves.push(Leaf { keys, shape });
        return;
    }
    for (name, inner) in &shape.keys {
        let inside = keys.iter().copied().chain([name]).collect();
        collect(inside, inner, leaves);
    }
}

/// Where the document says its currency.
fn currency(document: &Shape) -> Option<String> {
    let mut leaves = Vec::new();
    for (name, shape) in &document.keys {
        collect(vec![name], shape, &mut leaves);
    }
    let code = |value: &Value| {
        let text = value.as_text().unwrap_or_default();
        text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase())
    };
    let names = |leaf: &&Leaf<'_>| {
        let (one, two) = (leaf.name(1), leaf.name(2));
        let known = FIELDS.iter().find(|(hub, _)| *hub == "currency").map_or(&[][..], |(_, n)| n);
        one == "currency" || known.iter().any(|name| *name == one || *name == two)
    };
    let all = |leaf: &&Leaf<'_>| leaf.shape.is_scalar() && leaf.shape.values.iter().all(code);
    leaves.iter().filter(all).find(names).map(|leaf| format!("/{}", leaf.path()))
}

/// The hub side that something is called.
fn named(names: &'static [(&str, &[&str])], name: &str) -> Option<&'static str> {
    let called = |(hub, others): &&(&str, &[&str])| plain(hub) == name || others.contains(&name);
    let last = |(hub, _): &&(&str, &[&str])| {
        hub.rsplit('.').next().is_some_and(|last| plain(last) == name)
    };
    names.iter().find(called).or_else(|| names.iter().find(last)).map(|(hub, _)| *hub)
}

fn address_rules(hub: &'static str, name: &String, shape: &Shape, lines: &mut Lines) {
    let system = scalar(&path(&[name]));
    lines.open(6, &[format!("hub: {hub}"), format!("system: {system}"), "fields:".to_owned()]);
    let mut taken = Vec::new();
    for (inner, shape) in &shape.keys {
        let part = named(PARTS, &plain(inner)).filter(|part| !taken.contains(part));
        let country = |value: &Value| value.as_text().is_some_and(|text| text.len() == 2);
        let fits = match part {
            Some("country") => shape.values.iter().all(country),
            Some(_) => shape.values.iter().all(|value| value.as_bool().is_none()),
            None => false,
        };
        let inner = path(&[inner]);
        match part.filter(|_| fits && !shape.is_object() && shape.items.is_none()) {
            Some(part) => {
                taken.push(part);
                lines.guess(&format!("hub: {part}, system: {}", scalar(&inner)));
            }
            None => lines.nothing(&inner, told(shape)),
        }
    }
    lines.close();
}

fn row_rules(name: &String, rows: &Shape, key: &str, currency: Option<&str>, lines: &mut Lines) {
    let system = scalar(&path(&[name]));
    lines.open(
        8,
        &[
            "hub: lines".to_owned(),
            format!("system: {system}"),
            "each:".to_owned(),
            format!("  key: {}", scalar(key)),
            "  fields:".to_owned(),
        ],
    );
    let mut leaves = Vec::new();
    for (name, shape) in &rows.keys {
        collect(vec![name], shape, &mut leaves);
    }
    scalars(Collection::Lines, "lines.", &leaves, key, currency, lines);
    lines.close();
}

/// Rules for scalars: each field is taken by the first place that is called so, longer names first.
fn scalars(
    collection: Collection,
    prefix: &str,
    leaves: &[Leaf<'_>],
    key: &str,
    currency: Option<&str>,
    lines: &mut Lines,
) {
    let mut guesses: Vec<Option<&'static Field>> = vec![None; leaves.len()];
    for count in [3, 2, 1] {
        for (leaf, guess) in leaves.iter().zip(0..) {
            let known = guesses.get(guess).is_some_and(Option::is_some);
            if known || leaf.keys.len() < count {
                continue;
            }
            let found = field(collection, prefix, &leaf.name(count));
            let found =
                found.filter(|field| !guesses.iter().flatten().any(|one| one.id == field.id));
            if let (Some(field), Some(place)) = (found, guesses.get_mut(guess)) {
                *place = Some(field);
            }
        }
    }
    for (leaf, guess) in leaves.iter().zip(guesses) {
        let path = leaf.path();
        match guess.and_then(|field| rule(field, leaf, currency)) {
            Some(rule) => lines.guess(&rule),
            // The key is in use already.
            None if path == key => {}
            None => lines.nothing(&path, told(leaf.shape)),
        }
    }
}

/// The field of a collection that a name means.
fn field(collection: Collection, prefix: &str, name: &str) -> Option<&'static Field> {
    let given = |field: &&&Field| !matches!(field.kind, Kind::Hub | Kind::Derived);
    let fields: Vec<&'static Field> = catalogue().fields_of(collection).collect();
    let own = fields.iter().filter(given).find(|field| plain(field.path) == name);
    let synonym = || {
        let (hub, _) = FIELDS.iter().find(|(hub, others)| {
            let inside = hub.strip_prefix(prefix);
            let here = inside.is_some_and(|path| fields.iter().any(|field| field.path == path));
            here && others.contains(&name)
        })?;
        let path = hub.strip_prefix(prefix)?;
        fields.iter().filter(given).find(|field| field.path == path)
    };
    own.or_else(synonym).copied()
}

/// A rule, where the values can be what the field holds.
fn rule(field: &Field, leaf: &Leaf<'_>, currency: Option<&str>) -> Option<String> {
    let values = &leaf.shape.values;
    if values.is_empty() || !leaf.shape.is_scalar() {
        return None;
    }
    let texts = values.iter().all(|value| value.as_text().is_some());
    let number = |value: &Value| match value {
        Value::Int(_) | Value::Decimal(_) => true,
        Value::Text(text) => crate::cell::decimal(text).is_some(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => false,
    };
    let numbers = values.iter().all(number);
    let booleans = values.iter().all(|value| value.as_bool().is_some());
    let chain = match &field.ty {
        FieldType::Text | FieldType::Language | FieldType::Uom if !booleans => String::new(),
        FieldType::Currency | FieldType::Country if texts => String::new(),
        FieldType::Integer if numbers => ", as: integer".to_owned(),
        FieldType::Decimal if numbers => ", as: decimal".to_owned(),
        FieldType::Boolean if booleans => ", as: boolean".to_owned(),
        FieldType::Money if numbers => match currency {
            Some(path) => format!(", as: {{ money: {{ currency: {} }} }}", scalar(path)),
            None => ", as: { money: { currency: EUR } }".to_owned(),
        },
        FieldType::Timestamp => format!(", as: {}", time(values)?),
        FieldType::Date if texts => ", as: date".to_owned(),
        FieldType::Enum(name) => format!(", as: {}", table(name, field, values)?),
        FieldType::List if texts => ", as: { split: \",\" }".to_owned(),
        FieldType::Text
        | FieldType::Language
        | FieldType::Uom
        | FieldType::Currency
        | FieldType::Country
        | FieldType::Integer
        | FieldType::Decimal
        | FieldType::Boolean
        | FieldType::Money
        | FieldType::Date
        | FieldType::List
        | FieldType::Map
        | FieldType::Address
        | FieldType::Ref(_) => return None,
    };
    Some(format!("hub: {}, system: {}{chain}", field.path, scalar(&leaf.path())))
}

/// How times are written.
fn time(values: &[Value]) -> Option<&'static str> {
    let all = |fits: &dyn Fn(&str) -> bool| {
        values.iter().all(|value| value.scalar_text().is_some_and(|text| fits(&text)))
    };
    let zoned = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
    let civil = |format: &'static str| {
        move |text: &str| jiff::civil::DateTime::strptime(format, text).is_ok()
    };
    let digits = |from: i64, to: i64| {
        move |text: &str| text.parse::<i64>().is_ok_and(|number| (from..to).contains(&number))
    };
    if all(&zoned) {
        return Some("timestamp");
    }
    if all(&civil("%Y-%m-%d %H:%M:%S")) {
        return Some("{ timestamp: { format: \"%Y-%m-%d %H:%M:%S\", zone: UTC } }");
    }
    if all(&civil("%Y-%m-%dT%H:%M:%S")) {
        return Some("{ timestamp: { format: \"%Y-%m-%dT%H:%M:%S\", zone: UTC } }");
    }
    // From 2001 to 2286, in seconds and in thousandths.
    if all(&digits(1_000_000_000, 10_000_000_000)) {
        return Some("{ timestamp: epoch_s }");
    }
    all(&digits(1_000_000_000_000, 10_000_000_000_000)).then_some("{ timestamp: epoch_ms }")
}

/// A table of the words that were seen, where at least one of them is known.
fn table(name: &str, field: &Field, values: &[Value]) -> Option<String> {
    let words = catalogue().enum_values(name);
    let mut rows: Vec<String> = Vec::new();
    for value in values {
        let seen = value.scalar_text()?;
        let word = match (field.path, seen.as_ref()) {
            ("state.payment", "true" | "paid") => Some("captured"),
            ("state.payment", "false" | "unpaid") => Some("pending"),
            (_, seen) => words.iter().find(|word| plain(word) == plain(seen)).copied(),
        };
        let Some(word) = word else { continue };
        let row = format!("{}: {word}", Value::text(seen.as_ref()).to_json_text());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let rows = rows.join(", ");
    (!rows.is_empty()).then(|| format!("{{ table: {{ rows: {{ {rows} }}, on_unknown: hold }} }}"))
}

/// What stands at a place, in a word; never a value, which may be a name.
fn told(shape: &Shape) -> &'static str {
    match shape.values.first() {
        _ if shape.items.is_some() => "a list",
        None if shape.keys.is_empty() => "always null",
        None => "an object",
        Some(value) => value.kind(),
    }
}
