//! A whole document out and in again: what only shows where rules stand side by side.
//!
//! Each field of a file that goes both ways is sent alone, then with all others that come back so: two rules that
//! write one place, or an earlier rule that reads another's, take a value that the rule alone brings back.
//!
//! **Invariant:** a file that goes both ways is tried, in its own format, or told as one that cannot be. Test:
//! `every_class_of_law_has_a_case`.
//!
//! Bounds: [`MOST_TRIPS`] documents a file, fewer for one of more than 1,000 fields; what is beyond is told (`M0507`).
//! Before, to find a key and a revision with which an empty document is taken, as many as there are pairs of raw
//! values ([`super::find::RAW`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::value::Value;
use serde_json::Value as Json;

use super::document::{self, Document, Untaken};
use super::ends::{Ends, In, Key, Out, Used};
use super::formula::Formula;
use super::side::{Side, Spent, Through, Trips};
use super::trip::{Road, Trip};
use super::{Counter, generate, place, words};
use crate::integration::Integration;
use crate::{Mapping, RuleInfo, codes, view};

/// Values tried for a field, to find one that its rule alone brings back.
const TRIED: usize = 20;
/// Documents that a file is tried with: enough for 1,000 fields of which 40 disturb others.
pub(super) const MOST_TRIPS: usize = 2_000;
/// And the fewer, the more fields it has, each of which is looked at in each document: 1,000 fields still have all.
const MOST_LOOKS: usize = 2_000_000;

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
pub(super) struct Sent<'i> {
    pub(super) key: &'i Key,
    pub(super) value: Value,
    info: &'i RuleInfo,
    /// Other values that it brings back.
    pub(super) more: Vec<Value>,
}

fn file(mapping: &Arc<Mapping>, ends: &BTreeMap<Key, Ends<'_>>, judged: &mut Judged) {
    let sent = fields(mapping, ends);
    if sent.is_empty() {
        return;
    }
    match Document::of(mapping, document::settings(mapping, ends)) {
        Ok(document) => {
            let most = most_trips(sent.len());
            tried(mapping, &|fields| document.back(fields), sent, most, judged);
        }
        Err(why) => judged.untried.push(untried(mapping, &why)),
    }
}

/// How many documents a file of so many fields is tried with.
pub(super) fn most_trips(fields: usize) -> usize {
    MOST_TRIPS.min(MOST_LOOKS / fields.max(1))
}

/// The fields that rules of a file send and read.
pub(super) fn fields<'i>(mapping: &Mapping, ends: &'i BTreeMap<Key, Ends<'i>>) -> Vec<Sent<'i>> {
    let mut sent: Vec<Sent<'i>> = Vec::new();
    for (key, ends) in ends {
        if let Some(one) = self::sent(mapping, key, ends, &sent) {
            sent.push(one);
        }
    }
    sent
}

/// Tries fields with at most `most` documents; with how many.
pub(super) fn tried(
    mapping: &Mapping,
    send: Through<'_>,
    mut sent: Vec<Sent<'_>>,
    most: usize,
    judged: &mut Judged,
) -> usize {
    let mut trips = Trips::of(mapping, send, most);
    let alone = trips.alone(&mut sent);
    let mut side = Side::of(trips, &sent);
    if let Err(Spent) = side.judge(alone, judged) {
        judged.untried.push(spent(mapping, &side, most));
    }
    side.trips()
}

impl Sent<'_> {
    /// Whether this came back.
    pub(super) fn is(&self, back: Option<&Json>) -> bool {
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
        if road.formula.as_ref().is_some_and(Formula::reads_more) {
            continue;
        }
        let mut values = road.words();
        values.extend(generate::values(key, TRIED));
        // A letter that the encoding does not have is no matter of the rules.
        let letters = |value: &Value| mapping.format.has_letters(&words::shown(value));
        values.retain(|value| letters(value) && road.trip(value) == Trip::Same);
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
pub(super) fn left(mapping: &Mapping, field: &Sent<'_>) -> Diagnostic {
    let path = field.key.path();
    let message =
        format!("`{path}` cannot be tried with the others: {}, whatever it is", Untaken::Left);
    Diagnostic::error(codes::UNTRIED, &mapping.source, field.info.span, message)
        .as_warning()
        .with_label("what it writes does not come in again")
        .with_hint("let `where:` take what this rule writes, or say `direction:`")
}

/// A field that cannot stand beside another in a document.
pub(super) fn unpaired(
    mapping: &Mapping,
    field: &Sent<'_>,
    other: &Sent<'_>,
    why: &Untaken,
) -> Diagnostic {
    let (path, other) = (field.key.path(), other.key.path());
    let message = format!("`{path}` cannot be tried with all others, as with `{other}`: {why}");
    Diagnostic::error(codes::UNTRIED, &mapping.source, field.info.span, message)
        .as_warning()
        .with_label("no document with both comes in again")
        .with_hint("rules that share a place with it are not found here; show them in a case")
}

/// Fields that no document was left for.
fn spent(mapping: &Mapping, side: &Side<'_, '_, '_>, most: usize) -> Diagnostic {
    let (first, count) = (side.open().next(), side.open().count());
    let span = first.map(|field| field.info.span).unwrap_or_default();
    let path = first.map(|field| field.key.path()).unwrap_or_default();
    let message = format!(
        "{count} fields, from `{path}` on, are not tried with all others: a file is tried with {most} documents"
    );
    Diagnostic::error(codes::UNTRIED, &mapping.source, span, message)
        .as_warning()
        .with_label("whether it comes back beside others is not known")
        .with_hint("mend what else is told of this file first, or split it in two")
}

pub(super) fn told(
    mapping: &Mapping,
    field: &Sent<'_>,
    back: &Result<Json, Untaken>,
    other: Option<&Sent<'_>>,
) -> Lost {
    let path = field.key.path();
    let value = words::shown(&field.value);
    let money = back.is_err() && field.value.as_money().is_some();
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
        None if money => finding.with_hint(
            "let a rule write the currency that it is read with, as `{ hub: currency, system: cur }`; if one does, another rule writes or reads the same place",
        ),
        None => finding.with_hint("another rule of the file writes or reads the same place"),
    };
    Lost { field: path, counter: Counter { value, back, sentence }, finding }
}
