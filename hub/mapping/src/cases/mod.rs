//! The cases of a mapping: documents with what they must give, run as a pure function.

mod built;
mod compare;
mod named;
mod silent;
mod unsaid;

use std::collections::{BTreeMap, BTreeSet};

use orderhub_lang::diagnostic::{Diagnostic, MOST_FINDINGS, Span, nearest};
use orderhub_lang::value::Value;
use orderhub_order::ids::SystemName;
use serde_json::Value as Json;

use self::built::Built;
use self::compare::{bytes, compare};
pub use self::named::{Expects, kept};
pub use self::silent::silent;
use self::unsaid::Unsaid;
use crate::explain::{self, Explained};
use crate::facts::{Facts, NoFacts};
use crate::watch::Watch;
use crate::{Context, MapError, Mapped, Mapping, Projection, ReverseError, codes, view};

/// One case of a mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub why: String,
    /// Its place in the file.
    pub span: Span,
    /// The system's document, a path below the integration's folder.
    pub system: Option<String>,
    /// What the hub says of it.
    pub hub: String,
    /// The document that goes out for `hub`.
    pub out: Option<String>,
    /// Every file that it names, with the place in the mapping that does.
    pub files: Vec<(String, Span)>,
    /// What stands around the document: (what kind of thing, its name, its value).
    pub context: Vec<(Around, String, String)>,
}

/// What a case says of what stands around a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// `$settings.<name>`
    Setting,
    /// `$args.<name>`
    Argument,
    /// `$lookup.<kind of reference>.<id>`
    Lookup,
}

impl Case {
    /// The settings and the arguments that it names.
    pub fn surroundings(&self) -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
        let (mut settings, mut args) = (BTreeMap::new(), BTreeMap::new());
        for (around, name, value) in &self.context {
            match around {
                Around::Setting => {
                    settings.insert(name.clone(), value.clone());
                }
                Around::Argument => {
                    args.insert(name.clone(), Value::Text(value.clone()));
                }
                Around::Lookup => {}
            }
        }
        (settings, args)
    }

    /// What references are bound to, as it says: kind and id ► what is taken of it. All else is unknown.
    pub fn lookups(&self) -> BTreeMap<(String, String), String> {
        let said = self.context.iter().filter(|(around, _, _)| *around == Around::Lookup);
        let named = said.filter_map(|(_, name, value)| Some((name.split_once('.')?, value)));
        named.map(|((kind, id), value)| ((kind.to_owned(), id.to_owned()), value.clone())).collect()
    }
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The case's `why`.
    pub why: String,
    /// `file:line:column` of the case.
    pub place: String,
    /// What is wrong, one line each; empty: the case holds.
    pub failures: Vec<String>,
    /// What the way in gave, as JSON, to write an expectation from.
    pub hub: Option<Json>,
    /// What the way out gave.
    pub out: Option<Json>,
    /// The same as it is sent, where the mapping does not write JSON.
    pub sent: Option<Vec<u8>>,
}

/// A finding for each file that a case names and that is not there, or is something else. `files` are the paths below
/// the integration's folder.
pub fn missing(mapping: &Mapping, files: &BTreeSet<&str>) -> Vec<Diagnostic> {
    let all =
        || mapping.cases().iter().flat_map(|case| case.files.iter().map(move |file| (case, file)));
    let misnamed = named::misnamed(mapping);
    let told: BTreeSet<u32> = misnamed.iter().map(|told| told.span.start).collect();
    let lacks = |file: &str, span: &Span| !files.contains(file) && !told.contains(&span.start);
    let missing = all().filter(|(_, (file, span))| lacks(file, span)).take(MOST_FINDINGS);
    let named: BTreeSet<&str> = all().map(|(_, (file, _))| file.as_str()).collect();
    let finding = |(case, (file, span)): (&Case, &(String, Span))| {
        let told =
            |message: String| Diagnostic::error(codes::FILE, &mapping.source, *span, message);
        if file.starts_with('/') || file.split('/').any(|part| part == "..") {
            let finding = told(format!("`{file}` is outside of the integration's folder"));
            return finding.with_hint("copy it below the folder: `samples/paid.json`");
        }
        let folder = format!("{}/", file.trim_end_matches('/'));
        if files.iter().any(|known| known.starts_with(&folder)) {
            return told(format!("`{file}` is a folder")).with_hint("name a file in it");
        }
        let finding = told(format!("there is no `{file}`"));
        let comes_in = case.system.as_ref().is_some_and(|system| files.contains(system.as_str()));
        let goes_out = comes_in || files.contains(case.hub.as_str());
        let first = match (&case.system, &case.out) {
            (Some(system), _) if *file == case.hub => Some((comes_in, system)),
            (_, Some(out)) if out == file => {
                Some((goes_out, case.system.as_ref().unwrap_or(&case.hub)))
            }
            (_, _) => None,
        };
        if let Some((is_there, first)) = first {
            // A file that no case names may be the one, under another name.
            let free = files.iter().copied().filter(|file| !named.contains(file));
            let near = nearest(file, free).map(|near| format!("; or did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            let once = if is_there { String::new() } else { format!(" once `{first}` is there") };
            return finding.with_hint(format!("`orderhub test --update` writes it{once}{near}"));
        }
        match finding.with_nearest(file, files.iter().copied()) {
            near if near.hint.is_some() => near,
            other => other
                .with_hint("paths of cases start at the integration's folder: `samples/paid.json`"),
        }
    };
    let missing: Vec<Diagnostic> = missing.map(finding).collect();
    missing.into_iter().chain(misnamed).take(MOST_FINDINGS).collect()
}

/// Runs every case of a mapping. `read_sample` gives a file below the integration's folder.
pub fn run_cases(
    mapping: &Mapping,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<CaseResult> {
    mapping.cases().iter().map(|case| run_case(mapping, case, read_sample)).collect()
}

/// Runs one case.
pub(crate) fn run_case(
    mapping: &Mapping,
    case: &Case,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> CaseResult {
    let place = mapping.source.place(case.span.start);
    let mut result = CaseResult {
        why: case.why.clone(),
        place,
        failures: Vec::new(),
        hub: None,
        out: None,
        sent: None,
    };
    let (settings, args) = case.surroundings();
    let system = SystemName::new("case");
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let expected = match sample(&case.hub, read_sample) {
        Ok(json) => Some(json),
        Err(why) => {
            result.failures.push(why);
            None
        }
    };
    if let Some(name) = &case.system {
        match read_sample(name) {
            None => result.failures.push(format!("`{name}` is not there")),
            Some(body) => {
                let lookups = case.lookups();
                let unsaid = Unsaid::new(&lookups);
                let mapped = mapping.run_with(&body, &context, &unsaid);
                let given = listed(&mapped);
                if let Some(expected) = &expected {
                    unmapped(name, expected, &mapped, &mut result.failures);
                    if result.failures.is_empty() {
                        compare("", expected, &given, &mut result.failures);
                    }
                    if !result.failures.is_empty() {
                        result.failures.extend(unsaid.hint());
                    }
                }
                result.hub = Some(given);
            }
        }
    }
    if let (Some(name), Some(hub)) = (&case.out, &expected) {
        way_back(mapping, hub, name, read_sample, &context, &mut result);
    }
    result
}

fn sample(name: &str, read_sample: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Json, String> {
    let bytes = read_sample(name).ok_or_else(|| format!("`{name}` is not there"))?;
    // Some editors begin a file with a byte-order mark; as in documents, it is no part of the JSON.
    let json = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    serde_json::from_slice(json).map_err(|error| format!("`{name}` is not JSON: {error}"))
}

/// Runs a case both ways for whoever watches; what it gives is not looked at.
pub(crate) fn watch_case(
    mapping: &Mapping,
    case: &Case,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
    watch: &dyn Watch,
) {
    let (settings, args) = case.surroundings();
    let system = SystemName::new("case");
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    if let Some(body) = case.system.as_ref().and_then(|name| read_sample(name)) {
        drop(crate::run::run(mapping, &body, &context, (&case.lookups(), Some(watch))));
    }
    let hub = case.out.as_ref().and_then(|_| sample(&case.hub, read_sample).ok());
    if let Some(read) = hub.and_then(|hub| view::read(&hub, mapping.entity).ok()) {
        let built = Built::new(mapping, &read, &system);
        // What fails is told like everything else.
        mapping.watch_out(built.subject(), &context, watch).ok();
    }
}

/// What a body gives: one document as it is, several as a list; `$error` and `$skipped` stand for
/// documents that fail or that `where:` leaves out.
pub fn given(mapping: &Mapping, body: &[u8], context: &Context<'_>) -> Json {
    given_with(mapping, body, context, &NoFacts)
}

/// The same with what is looked up.
pub fn given_with(
    mapping: &Mapping,
    body: &[u8],
    context: &Context<'_>,
    facts: &dyn Facts,
) -> Json {
    listed(&mapping.run_with(body, context, facts))
}

/// Why documents that should have been mapped were not: all else that is missing follows of that.
fn unmapped(name: &str, expected: &Json, mapped: &[Mapped], failures: &mut Vec<String>) {
    let expected = expected.as_array().map_or(std::slice::from_ref(expected), Vec::as_slice);
    for (number, one) in mapped.iter().enumerate() {
        let Mapped::Failed(error) = one else { continue };
        if expected.get(number).is_some_and(|expected| expected.get("$error").is_some()) {
            continue;
        }
        let rule = error.rule.as_ref().map(|rule| format!(", rule `{rule}`"));
        let told = MapError { rule: None, ..error.clone() };
        failures.push(format!("`{name}` cannot be mapped: {told}{}", rule.unwrap_or_default()));
    }
}

/// Documents as [`given`] says them.
fn listed(mapped: &[Mapped]) -> Json {
    let mut documents: Vec<Json> = mapped.iter().map(document).collect();
    if documents.len() == 1 { documents.pop().unwrap_or_default() } else { Json::Array(documents) }
}

/// What one document of a body gave, as in [`given`].
pub fn document(mapped: &Mapped) -> Json {
    match mapped {
        Mapped::Document(contribution) => view::contribution(contribution),
        Mapped::Skipped => serde_json::json!({ "$skipped": true }),
        Mapped::Failed(error) => {
            let mut shown = serde_json::json!({ "$error": error.cause, "why": error.why });
            if let Json::Object(map) = &mut shown {
                let path = Some(&*error.path).filter(|path| !path.is_empty());
                let place = error.place.as_deref();
                for (name, text) in [("at", place), ("path", path), ("key", error.key.as_deref())] {
                    if let Some(text) = text {
                        map.insert(name.to_owned(), Json::String(text.to_owned()));
                    }
                }
            }
            shown
        }
    }
}

fn way_back(
    mapping: &Mapping,
    hub: &Json,
    name: &str,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
    context: &Context<'_>,
    result: &mut CaseResult,
) {
    let projected = match project(mapping, hub, context) {
        Ok(projected) => projected,
        Err(why) => return result.failures.push(why),
    };
    if let (Ok(projection), true) = (&projected, mapping.format.text(&[]).is_some()) {
        result.sent = Some(projection.bytes.clone());
    }
    let given = match shown(mapping, projected) {
        Ok(given) => given,
        Err(why) => return result.failures.push(why),
    };
    let body = read_sample(name);
    let error = body.as_deref().and_then(expected_error);
    match (&result.sent, error, body) {
        // An error is expected as JSON, whatever the mapping writes.
        (_, Some(error), _) => compare("", &error, &given, &mut result.failures),
        (Some(sent), None, Some(body)) => {
            let texts = [&body, sent].map(|bytes| mapping.format.text(bytes).unwrap_or_default());
            bytes(&body, sent, texts, &mut result.failures);
        }
        (None, None, Some(body)) if mapping.format.text(&[]).is_some() => {
            let text = mapping.format.text(&body).unwrap_or_default();
            compare("", &Json::String(text), &given, &mut result.failures);
        }
        (_, None, _) => match sample(name, read_sample) {
            Ok(expected) => compare("", &expected, &given, &mut result.failures),
            Err(why) => result.failures.push(why),
        },
    }
    result.out = Some(given);
}

/// The error that a case expects instead of a document.
fn expected_error(body: &[u8]) -> Option<Json> {
    let json = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let json: Json = serde_json::from_slice(json).ok()?;
    json.get("$error").is_some().then_some(json)
}

/// What a hub JSON gives on the way out, a text where the mapping does not write JSON; `{ "$error": … }` where it
/// cannot be written.
///
/// # Errors
///
/// The hub JSON cannot be read.
pub fn out(mapping: &Mapping, hub: &Json, context: &Context<'_>) -> Result<Json, String> {
    shown(mapping, project(mapping, hub, context)?)
}

/// What went out, or why nothing did, as [`out`] says it.
fn shown(mapping: &Mapping, projected: Result<Projection, ReverseError>) -> Result<Json, String> {
    match projected {
        Ok(projection) if mapping.format.text(&[]).is_some() => {
            Ok(mapping.format.text(&projection.bytes).map_or(Json::Null, Json::String))
        }
        Ok(projection) => serde_json::from_slice(&projection.bytes)
            .map_err(|error| format!("what went out is not JSON: {error}")),
        Err(ReverseError::NotLinked(kind)) => {
            Ok(serde_json::json!({ "$error": "not_linked", "kind": kind }))
        }
        Err(ReverseError::Failed(error)) => {
            Ok(serde_json::json!({ "$error": error.cause, "why": error.why, "path": error.path }))
        }
    }
}

/// The document that goes out for a hub JSON, as it is written.
///
/// # Errors
///
/// The hub JSON cannot be read.
pub fn project(
    mapping: &Mapping,
    hub: &Json,
    context: &Context<'_>,
) -> Result<Result<Projection, ReverseError>, String> {
    let read = view::read(hub, mapping.entity)?;
    let built = Built::new(mapping, &read, context.system);
    Ok(mapping.reverse(built.subject(), context))
}

/// Explains what goes out for a hub JSON.
///
/// # Errors
///
/// The hub JSON cannot be read.
pub fn explain_out(
    mapping: &Mapping,
    hub: &Json,
    context: &Context<'_>,
) -> Result<Explained, String> {
    let read = view::read(hub, mapping.entity)?;
    let built = Built::new(mapping, &read, context.system);
    Ok(explain::explain_out(mapping, built.subject(), context))
}
