//! A whole document out and in again: what only shows where rules stand side by side.
//!
//! Each field of a file that goes both ways is sent alone, then with all others: two rules that write one place,
//! or an earlier rule that reads another's, take a value that the rule alone brings back.
//!
//! **Invariant:** a file that goes both ways is tried, in its own format, or told as one that cannot be. Test:
//! `every_class_of_law_has_a_case`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orderhub_lang::condition::Test;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_lang::value::Value as Lang;
use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::ids::SystemName;
use orderhub_order::value::Value;
use serde_json::{Map, Value as Json};

use super::body::{self, Wanted};
use super::ends::{Ends, In, Key, Out, Used};
use super::find::RAW;
use super::trip::{Road, Trip};
use super::{Counter, generate, place, words};
use crate::integration::Integration;
use crate::program::{Source, TestRead};
use crate::{Context, Mapping, ReverseError, RuleInfo, cases, codes, view};

/// Values tried for a field, to find one that its rule alone brings back.
const TRIED: usize = 20;

/// The key of a document that says none.
const KEY: &str = "k-1";

/// A field that its rule brings back and its file does not.
pub(super) struct Lost {
    pub(super) field: String,
    pub(super) counter: Counter,
    pub(super) finding: Diagnostic,
}

/// What is found in files that go both ways.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) lost: Vec<Lost>,
    /// Files, and fields of files, of which nothing can be said (`M0507`).
    pub(super) untried: Vec<Diagnostic>,
}

/// Judges every file that goes both ways.
pub(super) fn judge(integration: &Integration) -> Judged {
    let used = Used::of(integration);
    let ends = used.ends();
    let mut judged = Judged::default();
    for mapping in used.both() {
        file(mapping, &ends, &mut judged);
    }
    judged
}

/// A field with a value that its rule alone brings back.
struct Sent<'i> {
    key: &'i Key,
    value: Value,
    info: &'i RuleInfo,
    /// Other values that it brings back.
    more: Vec<Value>,
}

/// Why a document does not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Untaken {
    /// `where:` leaves it to others.
    Left,
    /// It cannot be written, or be read.
    Refused(String),
}

impl fmt::Display for Untaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untaken::Left => f.write_str("`where:` of the file leaves it to others"),
            Untaken::Refused(why) => f.write_str(why),
        }
    }
}

fn file(mapping: &Arc<Mapping>, ends: &BTreeMap<Key, Ends<'_>>, judged: &mut Judged) {
    let mut sent: Vec<Sent<'_>> = Vec::new();
    for (key, ends) in ends {
        if let Some(one) = self::sent(mapping, key, ends, &sent) {
            sent.push(one);
        }
    }
    if sent.is_empty() {
        return;
    }
    let trip = match Document::of(mapping, settings(mapping, ends)) {
        Ok(trip) => trip,
        Err(why) => return judged.untried.push(untried(mapping, &why)),
    };
    sent.retain_mut(|one| {
        let taken = taken(one, &trip);
        if !taken {
            judged.untried.push(left(mapping, one));
        }
        taken
    });
    together(&trip, &sent, &mut judged.lost);
}

/// Whether a document with this field, and if need be with another value of it, is not left to others.
fn taken(one: &mut Sent<'_>, trip: &Document<'_>) -> bool {
    let others = std::mem::take(&mut one.more);
    for value in std::iter::once(one.value.clone()).chain(others) {
        one.value = value;
        if trip.back(&[one]) != Err(Untaken::Left) {
            return true;
        }
    }
    false
}

fn together(trip: &Document<'_>, sent: &[Sent<'_>], found: &mut Vec<Lost>) {
    let mapping = trip.mapping;
    let all: Vec<&Sent<'_>> = sent.iter().collect();
    let together = trip.back(&all);
    let comes_back = |one: &Sent<'_>, given: &Result<Json, Untaken>| {
        given.as_ref().is_ok_and(|json| one.is(place::at(json, mapping, one.key).as_ref()))
    };
    for one in sent {
        let alone = trip.back(&[one]);
        if !comes_back(one, &alone) {
            // Its currency may be what another rule of the file sends.
            let along: Vec<&Sent<'_>> = std::iter::once(one).chain(currencies(one, sent)).collect();
            if along.len() == 1 || !comes_back(one, &trip.back(&along)) {
                found.push(told(mapping, one, &alone, None));
            }
            continue;
        }
        // Where all together are refused, each pair may still show which two.
        let disturbed = together.is_err() || !comes_back(one, &together);
        let with = |other: &Sent<'_>| trip.back(&[one, other]);
        let disturbs = |other: &&Sent<'_>| {
            let with = with(other);
            other.key != one.key && with != Err(Untaken::Left) && !comes_back(one, &with)
        };
        let other = sent.iter().filter(|_| disturbed).find(disturbs);
        match (other, &together) {
            (Some(other), _) => found.push(told(mapping, one, &with(other), Some(other))),
            (None, Ok(_)) if disturbed => found.push(told(mapping, one, &together, None)),
            (None, _) => {}
        }
    }
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
        values.retain(|more| *more != value);
        return Some(Sent { key, value, info: out.info()?, more: values });
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
    let code = |key: &Key, value: &Value| {
        let own = value.as_str().filter(|_| key.ty() == FieldType::Currency).map(str::to_owned);
        own.or_else(|| value.as_money().map(|money| money.currency.as_str().to_owned()))
    };
    match (code(one.key, &one.value), code(key, value)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Settings under which the file, and the rules that look at settings, hold.
fn settings(mapping: &Mapping, ends: &BTreeMap<Key, Ends<'_>>) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> =
        mapping.settings().map(|name| (name.to_owned(), "x".to_owned())).collect();
    let tests = ends.values().flat_map(|ends| {
        let ins = ends.ins.iter().flat_map(|read| &read.rule.where_);
        ins.chain(ends.outs.iter().flat_map(|out| &out.rule.where_))
    });
    let tests = mapping.compiled.input.where_.iter().chain(tests);
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
    wanted: Wanted<'d>,
    /// The key that documents come in with, where nothing is written.
    key: Lang,
    revision: Lang,
}

impl<'d> Document<'d> {
    /// With a key and a revision that a document with nothing else is taken with; `Err`: why none is.
    fn of(mapping: &'d Arc<Mapping>, settings: BTreeMap<String, String>) -> Result<Self, Untaken> {
        let wanted = Wanted::of(mapping);
        let (key, revision) = (Lang::text(KEY), Lang::text(RAW[0]));
        let mut document = Self { mapping, settings, wanted, key, revision };
        let Err(first) = document.back(&[]) else { return Ok(document) };
        let texts = || RAW.iter().map(|raw| Lang::text(*raw));
        let values = || texts().chain([Lang::Int(1), Lang::Int(1_700_000_000)]);
        for key in std::iter::once(Lang::text(KEY)).chain(values()) {
            document.key = key;
            for revision in values() {
                document.revision = revision;
                if document.back(&[]).is_ok() {
                    return Ok(document);
                }
            }
        }
        Err(first)
    }

    /// What comes back of some fields, as the hub's JSON.
    fn back(&self, fields: &[&Sent<'_>]) -> Result<Json, Untaken> {
        let mut hub = Map::new();
        hub.insert("$key".to_owned(), "1".into());
        for field in fields {
            place::put(&mut hub, self.mapping, field.key, &field.value);
        }
        let args = self.wanted.arguments(&self.key, &self.revision);
        let (system, settings) = (SystemName::new("case"), &self.settings);
        let context = Context { system: &system, settings, args: &args, hub: None };
        let sent = match cases::project(self.mapping, &Json::Object(hub), &context) {
            Ok(Ok(projection)) => projection.bytes,
            Ok(Err(ReverseError::Failed(error))) => return Err(Untaken::Refused(error.why)),
            Ok(Err(ReverseError::NotLinked(kind))) => {
                return Err(Untaken::Refused(format!("it needs a reference `{kind}`")));
            }
            Err(why) => return Err(Untaken::Refused(why)),
        };
        let around = (&self.wanted, settings);
        let body = body::body(self.mapping, &sent, around, (&self.key, &self.revision));
        let given = cases::given(self.mapping, &body.map_err(Untaken::Refused)?, &context);
        if given.get("$skipped").is_some() {
            return Err(Untaken::Left);
        }
        if let Some(cause) = given.get("$error") {
            let why = given.get("why").unwrap_or(cause).as_str().unwrap_or_default();
            return Err(Untaken::Refused(why.to_owned()));
        }
        let several = || Untaken::Refused("it comes in as several documents".to_owned());
        if given.is_object() { Ok(given) } else { Err(several()) }
    }
}

/// A file whose documents cannot be sent through it and back.
fn untried(mapping: &Mapping, why: &Untaken) -> Diagnostic {
    let span = mapping.file.name.as_ref().map(|name| name.span).unwrap_or_default();
    let message = format!("this file cannot be tried as a whole: {why}");
    Diagnostic::error(codes::UNTRIED, &mapping.source, span, message)
        .as_warning()
        .with_label("a document of it, sent out, does not come in again")
        .with_hint("two rules that share a place are not found here; show both ways in a case")
}

/// A field whose documents are left to others, whatever its value.
fn left(mapping: &Mapping, field: &Sent<'_>) -> Diagnostic {
    let path = field.key.path();
    let message =
        format!("`{path}` cannot be tried with the others: {}, whatever it is", Untaken::Left);
    Diagnostic::error(codes::UNTRIED, &mapping.source, field.info.span, message)
        .as_warning()
        .with_label("what it writes does not come in again")
        .with_hint("let `where:` take what this rule writes, or say `direction:`")
}

fn told(
    mapping: &Mapping,
    field: &Sent<'_>,
    back: &Result<Json, Untaken>,
    other: Option<&Sent<'_>>,
) -> Lost {
    let path = field.key.path();
    let value = words::shown(&field.value);
    let back = match back.as_ref().map(|json| place::at(json, mapping, field.key)) {
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
