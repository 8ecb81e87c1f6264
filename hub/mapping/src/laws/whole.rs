//! A whole document out and in again: what only shows where rules stand side by side.
//!
//! Each field of a file that goes both ways is sent alone, then with all others: two rules that write one place,
//! or an earlier rule that reads another's, take a value that the rule alone brings back.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::condition::Test;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::ids::{Collection, SystemName};
use orderhub_order::value::Value;
use serde_json::{Map, Value as Json};

use super::ends::{Ends, In, Key, Out, Used};
use super::trip::{Road, Trip};
use super::{Counter, generate, words};
use crate::integration::Integration;
use crate::program::{Source, TestRead};
use crate::{Context, Mapping, RuleInfo, cases, codes, view};

/// Values tried for a field, to find one that its rule alone brings back.
const TRIED: usize = 20;

/// A field that its rule brings back and its file does not.
pub(super) struct Lost {
    pub(super) field: String,
    pub(super) counter: Counter,
    pub(super) finding: Diagnostic,
}

/// What is lost in every file that goes both ways.
pub(super) fn lost(integration: &Integration) -> Vec<Lost> {
    let used = Used::of(integration);
    let ends = used.ends();
    used.both().flat_map(|mapping| file(mapping, &ends)).collect()
}

/// A field with a value that its rule alone brings back.
struct Sent<'i> {
    key: &'i Key,
    value: Value,
    info: &'i RuleInfo,
}

fn file(mapping: &Arc<Mapping>, ends: &BTreeMap<Key, Ends<'_>>) -> Vec<Lost> {
    let trip = Document { mapping, settings: settings(mapping, ends) };
    let mut sent: Vec<Sent<'_>> = Vec::new();
    for (key, ends) in ends {
        if let Some(one) = self::sent(mapping, key, ends, &sent) {
            sent.push(one);
        }
    }
    // Documents that cannot be taken at all (their key goes out nowhere, say) show nothing.
    if trip.back(&[]).is_err() {
        return Vec::new();
    }
    let all: Vec<&Sent<'_>> = sent.iter().collect();
    let together = trip.back(&all);
    let comes_back = |one: &Sent<'_>, given: &Result<Json, String>| {
        given.as_ref().is_ok_and(|json| one.is(at(json, mapping, one.key).as_ref()))
    };
    let mut found = Vec::new();
    for one in &sent {
        let alone = trip.back(&[one]);
        if !comes_back(one, &alone) {
            // Its currency may be what another rule of the file sends.
            let along: Vec<&Sent<'_>> =
                std::iter::once(one).chain(currencies(one, &sent)).collect();
            if along.len() == 1 || !comes_back(one, &trip.back(&along)) {
                found.push(told(mapping, one, &alone, None));
            }
            continue;
        }
        // Where all together are refused, each pair may still show which two.
        let disturbed = together.is_err() || !comes_back(one, &together);
        let with = |other: &Sent<'_>| trip.back(&[one, other]);
        let disturbs = |other: &&Sent<'_>| other.key != one.key && !comes_back(one, &with(other));
        let other = sent.iter().filter(|_| disturbed).find(disturbs);
        match (other, &together) {
            (Some(other), _) => found.push(told(mapping, one, &with(other), Some(other))),
            (None, Ok(_)) if disturbed => found.push(told(mapping, one, &together, None)),
            (None, _) => {}
        }
    }
    found
}

impl Sent<'_> {
    /// Whether this came back.
    fn is(&self, back: Option<&Json>) -> bool {
        let Some(back) = back else { return false };
        let field = catalogue().field(self.key.id).filter(|_| self.key.part.is_none());
        match field.map(|field| Value::from_json(field, back)) {
            Some(Ok(Some(back))) => back == self.value,
            Some(_) => false,
            None => *back == view::json_of(&self.value),
        }
    }
}

/// A field that one rule of the file sends and reads.
fn sent<'i>(
    mapping: &Mapping,
    key: &'i Key,
    ends: &Ends<'i>,
    others: &[Sent<'_>],
) -> Option<Sent<'i>> {
    let own = |out: &&Out<'i>| out.mapping.name == mapping.name && out.rule.where_.is_empty();
    for out in ends.outs.iter().filter(own) {
        let Some(read) = ends.ins.iter().find(|read: &&In<'i>| out.is(read)) else { continue };
        let Some(road) = Road::of(key, out, read) else { continue };
        let mut values = road.words();
        values.extend(generate::values(key, TRIED));
        values.retain(|value| road.trip(value) == Trip::Same);
        // Another value than those of other fields, where there is one: what is mixed up shows. And amounts of
        // one currency: an order has no others.
        let own = |value: &&Value| others.iter().all(|other| other.value != **value);
        let alike = |value: &&Value| others.iter().all(|other| one_currency(other, key, value));
        let best = values.iter().find(|value| own(value) && alike(value));
        let value = best.or(values.iter().find(alike)).or(values.first())?.clone();
        return Some(Sent { key, value, info: out.info()? });
    }
    None
}

/// Of an amount, the fields that send its currency: the order's, and amounts in it.
fn currencies<'s, 'i>(
    one: &'s Sent<'i>,
    sent: &'s [Sent<'i>],
) -> impl Iterator<Item = &'s Sent<'i>> {
    let money = |value: &Value| value.as_money().map(|money| money.currency);
    let own = money(&one.value);
    sent.iter().filter(move |other| {
        let code = own.is_some_and(|own| other.value.as_str() == Some(own.as_str()));
        let currency = code && other.key.ty() == FieldType::Currency;
        other.key != one.key && (currency || own.is_some() && money(&other.value) == own)
    })
}

/// Whether two values of one order may stand side by side.
fn one_currency(one: &Sent<'_>, key: &Key, value: &Value) -> bool {
    let code = |key: &Key, value: &Value| match value {
        Value::Text(text) if key.ty() == FieldType::Currency => Some(text.to_string()),
        value => value.as_money().map(|money| money.currency.as_str().to_owned()),
    };
    match (code(one.key, &one.value), code(key, value)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Settings under which the rules that look at settings hold.
fn settings(mapping: &Mapping, ends: &BTreeMap<Key, Ends<'_>>) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> =
        mapping.settings().map(|name| (name.to_owned(), "x".to_owned())).collect();
    let tests = ends.values().flat_map(|ends| {
        let ins = ends.ins.iter().flat_map(|read| &read.rule.where_);
        ins.chain(ends.outs.iter().flat_map(|out| &out.rule.where_))
    });
    for TestRead { source, test, .. } in tests {
        if let (Source::Setting(name), Test::AnyOf(texts)) = (source, test)
            && let (Some(known), Some(text)) = (settings.get_mut(name), texts.first())
            && known == "x"
        {
            known.clone_from(text);
        }
    }
    settings
}

/// Sends hub documents through one file.
struct Document<'d> {
    mapping: &'d Arc<Mapping>,
    settings: BTreeMap<String, String>,
}

impl Document<'_> {
    /// What comes back of some fields, as the hub's JSON; `Err`: why the document is not taken.
    fn back(&self, fields: &[&Sent<'_>]) -> Result<Json, String> {
        let mut hub = Map::new();
        hub.insert("$key".to_owned(), "1".into());
        for field in fields {
            put(&mut hub, self.mapping, field);
        }
        let (system, args) = (SystemName::new("case"), BTreeMap::new());
        let context = Context { system: &system, settings: &self.settings, args: &args, hub: None };
        let mut document = cases::out(self.mapping, &Json::Object(hub), &context)?;
        refused(&document)?;
        for name in ["$key", "$revision"] {
            let rule = self.mapping.rules().iter().find(|rule| *rule.id == *name);
            if let Some(rule) = rule {
                fill(&mut document, &rule.system, if name == "$key" { "k-1" } else { "1" });
            }
        }
        let body = self.wrapped(document);
        let given = cases::given(self.mapping, body.to_string().as_bytes(), &context);
        refused(&given)?;
        Ok(given)
    }

    /// The body that a document stands in.
    fn wrapped(&self, document: Json) -> Json {
        let roots = &self.mapping.compiled.roots;
        if roots.iter().any(String::is_empty) {
            return document;
        }
        let root = roots.first().map(String::as_str).unwrap_or_default();
        root.rsplit('.').fold(document, |inner, name| match name {
            "*" => Json::Array(vec![inner]),
            name => Json::Object([(name.to_owned(), inner)].into_iter().collect()),
        })
    }
}

/// `Err`: the document was refused, or is left to others.
fn refused(document: &Json) -> Result<(), String> {
    if let Some(cause) = document.get("$error") {
        let why = document.get("why").or(document.get("kind")).unwrap_or(cause);
        return Err(why.as_str().unwrap_or_default().to_owned());
    }
    let taken = document.get("$skipped").is_none() && document.is_object();
    if taken { Ok(()) } else { Err("it is left to others".to_owned()) }
}

/// The collections between the mapping's subject and the field's element.
fn steps(mapping: &Mapping, key: &Key) -> Option<Vec<Collection>> {
    let own = mapping.entity.collection().unwrap_or(Collection::Root);
    let mut collection = catalogue().field(key.id)?.collection;
    let mut steps = Vec::new();
    while collection != own {
        steps.push(collection);
        collection = collection.parent()?;
    }
    steps.reverse();
    Some(steps)
}

/// Where a field stands in its element: `qty`, `ordered`; an entry's name may hold dots.
fn names(key: &Key) -> Vec<String> {
    let path = catalogue().field(key.id).map(|field| field.path).unwrap_or_default();
    let own = path.split('.').map(str::to_owned);
    own.chain(key.part.iter().map(|part| part.to_string())).collect()
}

fn put(hub: &mut Map<String, Json>, mapping: &Mapping, field: &Sent<'_>) {
    let Some(steps) = steps(mapping, field.key) else { return };
    let mut element = hub;
    for collection in steps {
        let rows = element.entry(collection.name()).or_insert_with(|| {
            let row = [("$key".to_owned(), "1".into()), ("$ours".to_owned(), "L1".into())];
            Json::Array(vec![Json::Object(row.into_iter().collect())])
        });
        let Some(Json::Object(row)) = rows.get_mut(0) else { return };
        element = row;
    }
    let names = names(field.key);
    let Some((last, above)) = names.split_last() else { return };
    for name in above {
        let inner = element.entry(name.as_str()).or_insert_with(|| Json::Object(Map::new()));
        let Json::Object(inner) = inner else { return };
        element = inner;
    }
    element.insert(last.clone(), view::json_of(&field.value));
}

/// What came back of a field.
fn at(back: &Json, mapping: &Mapping, key: &Key) -> Option<Json> {
    let mut element = back;
    for collection in steps(mapping, key)? {
        element = element.get(collection.name())?.get(0)?;
    }
    for name in names(key) {
        element = element.get(name)?;
    }
    Some(element.clone())
}

/// Writes a text at a path of keys where nothing stands.
fn fill(document: &mut Json, path: &str, text: &str) {
    let mut place = document;
    for name in path.split('.') {
        if !place.is_object() {
            return;
        }
        let Json::Object(map) = place else { return };
        place = map.entry(name).or_insert_with(|| Json::Object(Map::new()));
    }
    if place.as_object().is_some_and(Map::is_empty) {
        *place = text.into();
    }
}

fn told(
    mapping: &Mapping,
    field: &Sent<'_>,
    back: &Result<Json, String>,
    other: Option<&Sent<'_>>,
) -> Lost {
    let path = field.key.path();
    let value = words::shown(&field.value);
    let back = match back.as_ref().map(|json| at(json, mapping, field.key)) {
        Err(why) => format!("nothing: the document cannot be read, {why}"),
        Ok(None) => "nothing".to_owned(),
        Ok(Some(Json::String(text))) => format!("`{}`", words::cut(&text)),
        Ok(Some(back)) => words::cut(&back.to_string()),
    };
    let sentence = format!("{value} becomes {back}");
    let message = format!("`{path}` is lost on the way back: {sentence}");
    let finding = Diagnostic::error(codes::LAW, &mapping.source, field.info.span, message)
        .with_label("what it writes does not reach it again");
    let finding = match other {
        Some(other) => {
            let place = mapping.source.place(other.info.span.start);
            let path = other.key.path();
            finding
                .with_hint(format!("the rule of `{path}` ({place}) writes or reads the same place"))
        }
        None => finding.with_hint("another rule of the file writes or reads the same place"),
    };
    Lost { field: path, counter: Counter { value, back, sentence }, finding }
}
