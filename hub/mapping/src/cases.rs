//! The cases of a mapping: documents with what they must give, run as a pure function.

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Diagnostic, Span};
use orderhub_lang::value::Value;
use orderhub_order::catalogue::catalogue;
use orderhub_order::contribution::ElementStatement;
use orderhub_order::ids::{At, Collection, ElementId, OrderKey, Role, SystemName};
use orderhub_order::lane::{Lane, Xref};
use orderhub_order::model::{Element, Order, Subject};
use orderhub_order::value::{Reference, Value as HubValue};
use serde_json::Value as Json;

use crate::reverse::kind_of;
use crate::{Context, Mapped, Mapping, ReverseError, codes, view};

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
}

/// A finding for each file that a case names and that is not there. `files` are the paths below the
/// integration's folder.
pub fn missing(mapping: &Mapping, files: &[&str]) -> Vec<Diagnostic> {
    let named = mapping.cases().iter().flat_map(|case| &case.files);
    let missing = named.filter(|(file, _)| !files.contains(&file.as_str()));
    let finding = |(file, span): &(String, Span)| {
        let message = format!("there is no `{file}`");
        let finding = Diagnostic::error(codes::FILE, &mapping.source, *span, message);
        match finding.with_nearest(file, files.iter().copied()) {
            near if near.hint.is_some() => near,
            other => other
                .with_hint("paths of cases start at the integration's folder: `samples/paid.json`"),
        }
    };
    missing.map(finding).collect()
}

/// Runs every case of a mapping. `read_sample` gives a file below the integration's folder.
pub fn run_cases(
    mapping: &Mapping,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<CaseResult> {
    mapping.cases().iter().map(|case| run_case(mapping, case, read_sample)).collect()
}

fn run_case(
    mapping: &Mapping,
    case: &Case,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> CaseResult {
    let place = mapping.source.place(case.span.start);
    let mut result =
        CaseResult { why: case.why.clone(), place, failures: Vec::new(), hub: None, out: None };
    let mut settings = BTreeMap::new();
    let mut args = BTreeMap::new();
    for (around, name, value) in &case.context {
        match around {
            Around::Setting => {
                settings.insert(name.clone(), value.clone());
            }
            Around::Argument => {
                args.insert(name.clone(), Value::Text(value.clone()));
            }
        }
    }
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
                let given = given(mapping, &body, &context);
                if let Some(expected) = &expected {
                    compare("", expected, &given, &mut result.failures);
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

/// What a body gives: one document as it is, several as a list; `$error` and `$skipped` stand for
/// documents that fail or that `where:` leaves out.
pub fn given(mapping: &Mapping, body: &[u8], context: &Context<'_>) -> Json {
    let mut documents: Vec<Json> = mapping
        .run(body, context)
        .into_iter()
        .map(|mapped| match mapped {
            Mapped::Document(contribution) => view::contribution(&contribution),
            Mapped::Skipped => serde_json::json!({ "$skipped": true }),
            Mapped::Failed(error) => {
                let mut shown = serde_json::json!({ "$error": error.cause, "why": error.why });
                if let Json::Object(map) = &mut shown {
                    let path = Some(error.path).filter(|path| !path.is_empty());
                    let place = error.place.map(String::from);
                    for (name, text) in [("at", place), ("path", path), ("key", error.key)] {
                        if let Some(text) = text {
                            map.insert(name.to_owned(), Json::String(text));
                        }
                    }
                }
                shown
            }
        })
        .collect();
    if documents.len() == 1 { documents.pop().unwrap_or_default() } else { Json::Array(documents) }
}

fn way_back(
    mapping: &Mapping,
    hub: &Json,
    name: &str,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
    context: &Context<'_>,
    result: &mut CaseResult,
) {
    match out(mapping, hub, context) {
        Err(why) => result.failures.push(why),
        Ok(given) => {
            let expected = match read_sample(name).and_then(|body| mapping.format.text(&body)) {
                Some(text) => Ok(Json::String(text)),
                None => sample(name, read_sample),
            };
            match expected {
                Ok(expected) => compare("", &expected, &given, &mut result.failures),
                Err(why) => result.failures.push(why),
            }
            result.out = Some(given);
        }
    }
}

/// What a hub JSON gives on the way out, a text where the mapping does not write JSON; `{ "$error": … }` where it cannot be written.
///
/// # Errors
///
/// The hub JSON cannot be read.
pub fn out(mapping: &Mapping, hub: &Json, context: &Context<'_>) -> Result<Json, String> {
    let read = view::read(hub, mapping.entity)?;
    let built = Built::new(mapping, &read, context.system);
    let subject = Subject { order: &built.order, at: &built.at, lane: Some(&built.lane) };
    match mapping.reverse(subject, context) {
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

/// An order made of what a case says, with the references that it names.
struct Built {
    order: Order,
    lane: Lane,
    at: At,
}

impl Built {
    fn new(mapping: &Mapping, read: &view::Read, system: &SystemName) -> Self {
        let reference = read.order.as_ref().unwrap_or(&read.body);
        let text = |path: &str| text_field(reference, path);
        let no = text("order_no").unwrap_or_else(|| "1".to_owned());
        let named = text("ref").unwrap_or_else(|| format!("{system}-{no}")).into();
        let origin = text("channel.system").map_or_else(|| system.clone(), SystemName::new);
        let mut order = Order::new(OrderKey(1), named, origin, "default".into());
        // These stand in the order itself, not among its fields.
        order.version = text("version").and_then(|version| version.parse().ok()).unwrap_or(0);
        let lane = Lane::new(system.clone(), Role::Sink);
        let mut built = Self { order, lane, at: At::ROOT };
        if let Some(order) = &read.order {
            built.fill(&At::ROOT, order);
        }
        if let Some(collection) = mapping.entity.collection() {
            let at = At::of(collection, ElementId::numbered(collection, 1));
            let element = Element::new(ElementId::numbered(collection, 1), None);
            built.order.collections.entry(collection).or_default().push(element);
            built.at = at;
        }
        let at = built.at.clone();
        built.fill(&at, &read.body);
        if let Some(key) = &read.key {
            built.link(mapping.entity.as_str(), &at, key);
        }
        built
    }

    fn link(&mut self, kind: &str, at: &At, id: &str) {
        self.lane.xrefs.push(Xref { kind: kind.into(), at: at.clone(), ext_id: id.into() });
    }

    fn fill(&mut self, at: &At, statement: &ElementStatement) {
        for (id, value) in &statement.fields {
            self.order.set(at, *id, self.resolved(value));
        }
        for (kind, id) in &statement.xrefs {
            self.link(kind, at, id);
        }
        for collection in &statement.collections {
            self.collections_at(at, |known| {
                known.entry(collection.collection).or_default();
            });
            for (number, inner) in collection.elements.iter().enumerate() {
                let id = self.id_of(collection.collection, inner, number);
                let place = at.with(collection.collection, id.clone());
                let element = Element::new(id, None);
                self.collections_at(at, |known| {
                    known.entry(collection.collection).or_default().push(element);
                });
                if let Some(key) = &inner.key {
                    self.link(kind_of(collection.collection), &place, key);
                }
                self.fill(&place, inner);
            }
        }
    }

    fn collections_at(
        &mut self,
        at: &At,
        change: impl FnOnce(&mut BTreeMap<Collection, Vec<Element>>),
    ) {
        if at.is_root() {
            change(&mut self.order.collections);
        } else if let Some(element) = self.order.element_mut(at) {
            change(&mut element.collections);
        }
    }

    /// Elements keyed by line take the line's id; others their number.
    fn id_of(&self, collection: Collection, inner: &ElementStatement, number: usize) -> ElementId {
        if let Some(ours) = &inner.ours {
            return ElementId::new(&**ours);
        }
        let line = inner.fields.iter().find_map(|(_, value)| match value {
            Some(HubValue::Ref(reference)) => self.line(reference),
            _ => None,
        });
        let number = u32::try_from(number + 1).unwrap_or(1);
        line.filter(|_| collection.keyed_by_line())
            .unwrap_or_else(|| ElementId::numbered(collection, number))
    }

    fn line(&self, reference: &Reference) -> Option<ElementId> {
        match reference {
            Reference::Ours(id) => Some(ElementId::new(&**id)),
            Reference::Theirs(id) => {
                let known = self
                    .lane
                    .xrefs
                    .iter()
                    .find(|xref| &*xref.kind == "line" && *xref.ext_id == **id);
                known.and_then(|xref| xref.at.id().cloned())
            }
            Reference::Sku(sku) => {
                let field = catalogue().find(Collection::Lines, "sku")?;
                let lines = self.order.elements(Collection::Lines);
                let mut of = lines.filter(|line| {
                    line.fields.value(field.id).and_then(HubValue::as_str) == Some(&**sku)
                });
                of.next().map(|line| line.id.clone())
            }
        }
    }

    fn resolved(
        &self,
        value: &orderhub_order::contribution::Stated,
    ) -> orderhub_order::contribution::Stated {
        match value {
            Some(HubValue::Ref(reference)) => {
                let id = self.line(reference);
                id.map(|id| HubValue::Ref(Reference::Ours(id.as_str().into())))
            }
            other => other.clone(),
        }
    }
}

fn text_field(statement: &ElementStatement, path: &str) -> Option<String> {
    let field = catalogue().find_full(path)?;
    let (_, value) = statement.fields.iter().find(|(id, _)| *id == field.id)?;
    value.as_ref()?.as_text().map(std::borrow::Cow::into_owned)
}

/// What differs, by path.
fn compare(path: &str, expected: &Json, given: &Json, failures: &mut Vec<String>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, given) {
        (Json::Object(expected), Json::Object(given)) => {
            for (name, value) in expected {
                match given.get(name) {
                    Some(given) => compare(&at(name), value, given, failures),
                    None => failures.push(format!("`{}` is missing: expected {value}", at(name))),
                }
            }
            for (name, value) in given {
                if !expected.contains_key(name) {
                    failures.push(format!("`{}` was not expected: {value}", at(name)));
                }
            }
        }
        (Json::Array(expected), Json::Array(given)) if expected.len() == given.len() => {
            for (number, (expected, given)) in expected.iter().zip(given).enumerate() {
                compare(&at(&number.to_string()), expected, given, failures);
            }
        }
        (expected, given) if expected == given => {}
        (expected, given) => {
            let path = if path.is_empty() { "." } else { path };
            failures.push(format!("`{path}` is {given}, expected {expected}"));
        }
    }
}
