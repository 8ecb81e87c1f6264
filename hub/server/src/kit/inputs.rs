//! What an operation is asked with: a document, references, settings and arguments that have something at each place that
//! the connector reads.
//!
//! Everything is [`ANY`] first, so that what a connector compares it finds equal; then one value at a time that decides
//! which steps are sent is another word of the operation, or is missing. Bound: [`MOST`] of one operation.

use std::collections::BTreeMap;

use bytes::Bytes;
use orderhub_connectors::contract::{Call, Connector, Operation};
use orderhub_connectors::invent::{ADDRESS, ANY, put};
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

/// Ways in which one operation is asked.
const MOST: usize = 20;

/// The inputs of one call.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    operation: String,
    /// It is the first way of asking.
    pub(crate) plain: bool,
    document: Bytes,
    settings: BTreeMap<String, String>,
    xrefs: BTreeMap<String, Value>,
    pub(crate) args: BTreeMap<String, Value>,
}

impl Inputs {
    /// The call.
    pub(crate) fn call(&self, attempt: u32) -> Call<'_> {
        Call {
            operation: &self.operation,
            document: &self.document,
            changed: None,
            media: "application/json",
            key: "orderhub-connector-test",
            attempt,
            base_url: "https://system.invalid",
            settings: &self.settings,
            xrefs: &self.xrefs,
            args: &self.args,
            fields: &[],
        }
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }
}

/// Places, each with what stands there.
type Places<T> = Vec<(T, Option<Value>)>;

/// What an operation is asked with.
#[derive(Clone)]
struct Said<'a> {
    /// What a document begins with.
    base: Value,
    document: Places<&'a [Segment]>,
    xrefs: Places<&'a str>,
    settings: Places<&'a str>,
}

/// Ways to ask for an operation: the plain one first.
pub(crate) fn of(connector: &dyn Connector, operation: &Operation) -> Vec<Inputs> {
    let name = operation.name.as_str();
    let asks: Vec<_> = connector.asks().iter().filter(|asked| *asked.operation == *name).collect();
    let needs = connector.needs_of(&|used| used == name);
    let base = connector.invents().map(|invents| invents.document(name)).unwrap_or_default();
    let any = |any: Value| {
        let (document, xrefs, settings) = (Vec::new(), Vec::new(), Vec::new());
        let mut said = Said { base: base.clone(), document, xrefs, settings };
        for asked in &asks {
            let (root, segments) = (asked.name.root.as_str(), asked.name.segments.as_slice());
            let part = root == "doc" && !segments.is_empty();
            if part && said.document.iter().all(|(known, _)| *known != segments) {
                said.document.push((segments, Some(any.clone())));
            }
            let kind = asked.name.key().filter(|_| root == "xref");
            let kind = kind.filter(|kind| said.xrefs.iter().all(|(known, _)| known != kind));
            said.xrefs.extend(kind.map(|kind| (kind, Some(Value::text(ANY)))));
        }
        // The longer ones say more of what stands at the shorter ones.
        said.document.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let settings = needs.settings.iter().map(|(name, _)| name.as_str());
        said.settings = settings.map(|name| (name, Some(setting(name)))).collect();
        said
    };
    let plain = any(Value::text(ANY));
    let mut all = vec![plain.clone(), any(Value::Int(71))];
    let turns = connector.invents().map(|invents| invents.turns(name)).unwrap_or_default();
    let turns = |root: &str, place: &[Segment]| {
        let mut names = turns.iter().filter(|name| name.root == root);
        names.any(|name| name.segments.starts_with(place) || place.starts_with(&name.segments))
    };
    let key = |root: &str, key: &str| turns(root, &[Segment::Key(key.to_owned())]);
    let words = connector.invents().map(|invents| invents.words(name)).unwrap_or_default();
    let none = [None];
    let words: Vec<_> = words.into_iter().filter(is_word).map(Some).collect();
    let settings = at(&plain.settings, |name| key("settings", name));
    let document = at(&plain.document, |place| turns("doc", place));
    let xrefs = at(&plain.xrefs, |kind| key("xref", kind));
    // Settings are mostly compared with words, documents and references with nothing.
    for values in [&none[..], &words] {
        all.extend(others(&plain, &settings, values, |said| &mut said.settings));
    }
    for values in [&none[..], &words] {
        all.extend(others(&plain, &xrefs, values, |said| &mut said.xrefs));
        all.extend(others(&plain, &document, values, |said| &mut said.document));
    }
    all.truncate(MOST);
    let of = |(at, said)| inputs(operation, said, at == 0);
    all.iter().enumerate().map(of).collect()
}

/// Whether a text could be one of a few that a system or a setting says; sentences and signs are none.
fn is_word(value: &Value) -> bool {
    let letter = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let word = |text: &str| text.chars().any(char::is_alphabetic) && text.chars().all(letter);
    value.as_text().is_some_and(word)
}

/// The same with another value at one of the places, for each place and value.
fn others<'a, T: Copy + 'a>(
    plain: &Said<'a>,
    places: &[usize],
    values: &[Option<Value>],
    part: for<'s> fn(&'s mut Said<'a>) -> &'s mut Places<T>,
) -> Vec<Said<'a>> {
    let pairs = values.iter().flat_map(|value| places.iter().map(move |at| (*at, value)));
    let one = |(at, value): (usize, &Option<Value>)| {
        let mut said = plain.clone();
        part(&mut said).get_mut(at).into_iter().for_each(|(_, place)| place.clone_from(value));
        said
    };
    pairs.map(one).collect()
}

/// The places of what is so.
fn at<T: Copy>(said: &[(T, Option<Value>)], is: impl Fn(T) -> bool) -> Vec<usize> {
    said.iter().enumerate().filter(|(_, (name, _))| is(*name)).map(|(at, _)| at).collect()
}

/// An address where one is asked for, else [`ANY`].
fn setting(name: &str) -> Value {
    let address = name == "url" || name.ends_with("_url");
    Value::text(if address { ADDRESS } else { ANY })
}

fn inputs(operation: &Operation, said: &Said<'_>, plain: bool) -> Inputs {
    let mut document = said.base.clone();
    for (path, value) in &said.document {
        value.iter().for_each(|value| put(&mut document, path, value));
    }
    // Whatever is sent, it is not nothing.
    put(&mut document, &[Segment::Key("kit".to_owned())], &Value::text(ANY));
    let texts = said.settings.iter().map(|(name, value)| {
        let value = value.as_ref().and_then(Value::scalar_text).unwrap_or_default();
        ((*name).to_owned(), value.into_owned())
    });
    let xrefs = said.xrefs.iter().filter_map(|(kind, value)| {
        let value = value.as_ref()?.scalar_text()?;
        Some(((*kind).to_owned(), Value::text(value.into_owned())))
    });
    let args = operation.args.iter().map(|arg| (arg.clone(), Value::text(ANY)));
    let window = [("since", "2026-11-01T00:00:00Z"), ("until", "2026-11-02T00:00:00Z")];
    let window = window.map(|(name, at)| (name.to_owned(), Value::text(at)));
    Inputs {
        operation: operation.name.clone(),
        plain,
        document: document.to_json().into(),
        settings: texts.collect(),
        xrefs: xrefs.collect(),
        args: args.chain(window).collect(),
    }
}
