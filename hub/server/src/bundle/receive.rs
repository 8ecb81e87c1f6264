//! What a message is to the hub: documents to map, or hints at documents to fetch.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use orderhub_lang::value::Value;
use orderhub_mapping::facts::{Facts, Lacks, NoFacts};
use orderhub_mapping::{Context, MapError, Mapped};

use super::{Bundle, Fetch, Intake, Kept, System};
use crate::apply::{Args, FetchKey, FetchWant};
use crate::causes;
use crate::intake::Envelope;

/// The source of answers to fetches: the body is the document.
pub const FETCH: &str = "fetch";
/// The source of pages of listings: the body is a JSON array.
pub const POLL: &str = "poll";
/// The source of hints that the hub itself made: the body is the arguments of the fetch.
pub const HINT: &str = "hint";
/// The header of an answer that holds the arguments that it was asked for with, as JSON.
pub const ARGS: &str = "orderhub-args";

/// What a message is.
#[derive(Debug)]
pub enum Received {
    /// Documents, one result each.
    Documents(Vec<Mapped>),
    /// Documents to be fetched.
    Hints(Vec<FetchWant>),
    /// A webhook that could not be read when it came: its documents, one result each, and what it hints at.
    Notices(Vec<Mapped>, Vec<FetchWant>),
    /// A hint that does not say what it hints at, or a webhook that nobody can read still: a cause, and why.
    Unreadable(&'static str, String),
}

/// The cause of a hint that does not say what it hints at.
const UNREADABLE_HINT: &str = causes::UNREADABLE_HINT.word;

impl Bundle {
    /// The intake that takes a message: by the kind of an answer or a page, else by its word.
    pub fn intake_of(&self, envelope: &Envelope) -> Option<&Intake> {
        let intakes = &self.systems.get(&envelope.system)?.intakes;
        let own = |intake: &&Intake| *intake.document == *envelope.document;
        match &*envelope.source {
            FETCH | HINT => intakes.iter().filter(own).find(|intake| intake.fetch.is_some()),
            POLL => intakes.iter().find(|intake| {
                intake.poll.as_ref().is_some_and(|poll| *poll.name == *envelope.document)
            }),
            _ => self.intake(&envelope.system, &envelope.document),
        }
    }

    /// Maps a message in, or reads the hints in it. Pure; a panic inside one message is caught and becomes
    /// its failure. Empty when no intake of the system takes this kind (outcome `skipped`).
    pub fn receive(&self, envelope: &Envelope) -> Received {
        match self.systems.get(&envelope.system) {
            Some(system) => self.received(envelope, (system, &system.settings, &NoFacts)),
            None => Received::Documents(Vec::new()),
        }
    }

    /// The same for a message of other days, with what was recorded with it; what was not is as it is today.
    pub fn receive_again(&self, envelope: &Envelope, kept: &Kept) -> Received {
        let Some(system) = self.systems.get(&envelope.system) else {
            return Received::Documents(Vec::new());
        };
        let settings = kept.settings(&system.settings);
        self.received(envelope, (system, &settings, kept))
    }

    pub(super) fn received(&self, envelope: &Envelope, from: From<'_>) -> Received {
        if self.is_unread(envelope) {
            let read = catch_unwind(AssertUnwindSafe(|| self.read_again(envelope, from)));
            return read.unwrap_or_else(|_| Received::Documents(vec![Mapped::Failed(fault())]));
        }
        let Some(intake) = self.intake_of(envelope) else {
            return Received::Documents(Vec::new());
        };
        let read = || match &*envelope.source {
            FETCH => documents(from, intake, &envelope.body, &arguments(envelope)),
            HINT => hinted(envelope, intake, std::slice::from_ref),
            POLL if intake.fetch.is_some() => {
                hinted(envelope, intake, |body| body.as_list().unwrap_or_default())
            }
            POLL => listed(from, intake, &envelope.body),
            _ if intake.fetch.is_some() => hinted(envelope, intake, std::slice::from_ref),
            _ => documents(from, intake, &envelope.body, &BTreeMap::new()),
        };
        let read = catch_unwind(AssertUnwindSafe(read));
        read.unwrap_or_else(|_| Received::Documents(vec![Mapped::Failed(fault())]))
    }

    /// Whether a message says what is to be fetched.
    pub(crate) fn is_hint(&self, envelope: &Envelope) -> bool {
        matches!(self.receive(envelope), Received::Hints(_))
    }

    /// The documents of a message: see [`Bundle::receive`].
    pub fn map_in(&self, envelope: &Envelope) -> Vec<Mapped> {
        match self.receive(envelope) {
            Received::Documents(mapped) => mapped,
            Received::Notices(mapped, _) => mapped,
            Received::Hints(_) | Received::Unreadable(..) => Vec::new(),
        }
    }
}

/// What is said of a message that no intake takes.
pub(crate) fn unknown_document(bundle: &Bundle, envelope: &Envelope) -> String {
    let known: Vec<&str> = bundle.documents(&envelope.system).collect();
    format!(
        "no intake of `{}` takes the document `{}`; it takes: {}. Name it in its integration.yaml and replay, \
         or discard",
        envelope.system,
        envelope.document,
        known.join(", ")
    )
}

/// A system, its settings as they are to count, and what was looked up.
pub(super) type From<'a> = (&'a System, &'a Settings, &'a dyn Facts);

type Settings = BTreeMap<String, String>;

fn documents(
    (system, settings, facts): From<'_>,
    intake: &Intake,
    body: &[u8],
    args: &BTreeMap<String, Value>,
) -> Received {
    let context = Context { system: &system.name, settings, args, hub: None };
    let mappings = intake.mappings.iter();
    Received::Documents(
        mappings.flat_map(|mapping| mapping.run_with(body, &context, facts)).collect(),
    )
}

/// The documents of a page, each as if it had come alone.
fn listed(from: From<'_>, intake: &Intake, body: &[u8]) -> Received {
    let page: Result<Vec<&serde_json::value::RawValue>, _> = serde_json::from_slice(body);
    let Ok(page) = page else {
        return Received::Unreadable(UNREADABLE_HINT, "the page is not a JSON array".to_owned());
    };
    let mut mapped = Vec::with_capacity(page.len());
    for document in page {
        let body = document.get().as_bytes();
        match documents(from, intake, body, &BTreeMap::new()) {
            Received::Documents(more) => mapped.extend(more),
            other @ (Received::Hints(_) | Received::Notices(..) | Received::Unreadable(..)) => {
                return other;
            }
        }
    }
    Received::Documents(mapped)
}

/// The hints of a body. One that cannot be read makes the whole of it unreadable: nothing is passed over.
fn hinted(envelope: &Envelope, intake: &Intake, each: impl Fn(&Value) -> &[Value]) -> Received {
    let Some(fetch) = &intake.fetch else { return Received::Hints(Vec::new()) };
    let body = match Value::from_json(&envelope.body) {
        Ok(body) => body,
        Err(error) => {
            return Received::Unreadable(UNREADABLE_HINT, format!("it cannot be read: {error}"));
        }
    };
    let own = *envelope.source == *HINT;
    let hints: Result<Vec<FetchWant>, String> =
        each(&body).iter().map(|hint| want(envelope, intake, fetch, hint, own)).collect();
    match hints {
        Ok(hints) => Received::Hints(hints),
        Err(why) => Received::Unreadable(UNREADABLE_HINT, why),
    }
}

/// `own`: the hub made it, and the arguments stand under their names.
fn want(
    envelope: &Envelope,
    intake: &Intake,
    fetch: &Fetch,
    hint: &Value,
    own: bool,
) -> Result<FetchWant, String> {
    let mut args = Args::new();
    for (name, path) in &fetch.args {
        let value = if own { hint.get(name).unwrap_or(&Value::Null) } else { path.first(hint) };
        let text = value.scalar_text().filter(|text| !text.is_empty());
        let Some(text) = text else {
            let operation = &fetch.operation;
            return Err(format!("it does not say `{name}`, which `{operation}` needs to fetch it"));
        };
        args.insert(name.clone(), text.into_owned());
    }
    let key = FetchKey::new(&envelope.system, &intake.document, &args);
    let key = key.ok_or_else(|| "what it names is no id: too long, or nothing".to_owned())?;
    Ok(FetchWant { key, args, backfill: *envelope.source == *POLL })
}

impl Bundle {
    /// What an answer was asked for with; nothing for what came by itself.
    pub(crate) fn arguments(envelope: &Envelope) -> BTreeMap<String, Value> {
        arguments(envelope)
    }
}

/// What an answer was asked for with.
fn arguments(envelope: &Envelope) -> BTreeMap<String, Value> {
    let header = envelope.headers.iter().find(|(name, _)| name == ARGS);
    let args: Args =
        header.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
    args.into_iter().map(|(name, value)| (name, Value::Text(value))).collect()
}

/// What a panic in mapping in becomes: a fault to show, its words without any value.
fn fault() -> MapError {
    MapError {
        cause: causes::FAULT.word,
        rule: None,
        place: None,
        path: String::new(),
        why: "the program failed on it: a fault to report".to_owned(),
        key: None,
        digest: None,
        lacks: Lacks::default(),
    }
}
