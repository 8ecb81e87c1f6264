//! One configured system with the compiled files of its integration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::facts::Kept;
use jiff::Timestamp;
use orderhub_connectors::contract::{Connector, Needs};
use orderhub_lang::diagnostic::nearest;
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::value::Value;
use orderhub_mapping::integration::{Deliver, IntakeFrom, Integration, Ordering, SendFields};
use orderhub_mapping::{Mapping, integration};
use orderhub_order::ids::{Role, SystemName};
use orderhub_order::rules::Mode;

/// One configured system with the compiled files of its integration.
#[derive(Debug)]
pub struct System {
    /// Its name in the settings.
    pub name: SystemName,
    /// The folder of its files.
    pub integration: Box<str>,
    /// What it is to the hub.
    pub role: Role,
    /// Live, shadow or paused.
    pub mode: Mode,
    /// Where it is reached.
    pub base_url: String,
    /// `[systems.<name>.settings]`.
    pub settings: Arc<BTreeMap<String, String>>,
    /// What speaks to it.
    pub connector: Arc<dyn Connector>,
    /// What comes in.
    pub intakes: Vec<Intake>,
    /// What goes out, by (deliver rule, operation).
    pub deliveries: BTreeMap<(Box<str>, Box<str>), Delivery>,
    /// Cached reads by name.
    pub reads: BTreeMap<Box<str>, Read>,
}

/// One entry of `intake:`.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The `message:` or the `notice:` kinds that it takes; none of a poll.
    pub words: Vec<Box<str>>,
    /// The kind of document that it brings, by its first mapping: fetches and cursors are known by it.
    pub document: Box<str>,
    /// What comes is a hint: the document is fetched so.
    pub fetch: Option<Arc<Fetch>>,
    /// It asks by itself.
    pub poll: Option<Arc<Poll>>,
    /// The shapes that the body is mapped by, each in turn.
    pub mappings: Vec<Arc<Mapping>>,
    /// What orders its documents.
    pub ordering: Ordering,
    /// What its mappings read besides the message, as the rows of its messages keep it; `None`: nothing.
    pub facts: Option<Arc<[u8]>>,
    /// Its mappings look up what is not in the files: to be found out before they map.
    pub looks_up: bool,
}

/// How a document is fetched that something hints at.
#[derive(Debug)]
pub struct Fetch {
    /// The read operation.
    pub operation: Box<str>,
    /// Its arguments, and where each stands in the hint.
    pub args: Vec<(String, Path)>,
    /// The system paths that its mappings read.
    pub fields: Vec<String>,
}

/// A listing that is asked for from time to time.
#[derive(Debug)]
pub struct Poll {
    /// What its cursor and its messages are known by: the document, and beside another poll of it the operation.
    pub name: Box<str>,
    /// The read operation.
    pub operation: Box<str>,
    /// From the beginning of one good poll to the next.
    pub every: Duration,
    /// So much of the time before is asked for again.
    pub overlap: Duration,
    /// How far back the first one looks; `None`: to the beginning.
    pub reach: Option<Duration>,
    /// Each poll ends so long before now.
    pub lag: Duration,
    /// The longest time that the system lists at once; `None`: any.
    pub window: Option<Duration>,
    /// Where it names the revision of each document: one that the hub has is not fetched.
    pub newer: Option<Path>,
    /// Things may move from one page to another while they are read.
    pub slides: bool,
    /// The system paths that its mappings read.
    pub fields: Vec<String>,
}

/// How one operation of a deliver rule is mapped.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Maps the subject out; none: `doc` is empty.
    pub with: Option<Arc<Mapping>>,
    /// Maps the reply's document back onto the subject.
    pub reply: Option<Arc<Mapping>>,
    /// What of the document goes to a subject that has it already.
    pub send: SendFields,
}

/// One cached read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The operation.
    pub operation: Box<str>,
    /// Names of its arguments, in order.
    pub args: Vec<Box<str>>,
    /// So long an answer needs no call.
    pub fresh_for: Duration,
    /// So long an old answer may stand in when the call fails; zero: never.
    pub stale_for: Duration,
}

impl System {
    /// Whether what comes in, or a cached read, is asked for by an operation.
    pub(super) fn asks(&self, operation: &str) -> bool {
        let is = |name: &str| name == operation;
        let hears = self.intakes.iter().any(|intake| {
            let fetches = intake.fetch.as_ref().is_some_and(|fetch| is(&fetch.operation));
            fetches || intake.poll.as_ref().is_some_and(|poll| is(&poll.operation))
        });
        hears || self.reads.values().any(|read| is(&read.operation))
    }

    /// The documents that its intakes take.
    pub fn documents(&self) -> impl Iterator<Item = &str> {
        self.intakes.iter().flat_map(|intake| &intake.words).map(|word| &**word)
    }

    /// Its cached reads, by name.
    pub fn reads(&self) -> impl Iterator<Item = (&str, &Read)> {
        self.reads.iter().map(|(name, read)| (&**name, read))
    }

    pub(super) fn new(
        name: SystemName,
        settings: &crate::config::System,
        integration: &Integration,
        connector: Arc<dyn Connector>,
    ) -> Self {
        Self {
            name,
            integration: integration.name.as_str().into(),
            role: integration.role,
            mode: settings.mode.into(),
            base_url: settings.base_url.clone(),
            settings: Arc::new(settings.settings.clone()),
            intakes: integration
                .intake
                .iter()
                .map(|i| intake(integration, connector.as_ref(), i, &settings.settings))
                .collect(),
            connector,
            deliveries: integration
                .deliver
                .iter()
                .flat_map(|d| deliveries(integration, d))
                .collect(),
            reads: integration
                .reads
                .iter()
                .map(|(name, r)| (name.as_str().into(), read(r)))
                .collect(),
        }
    }
}

fn intake(
    of: &Integration,
    connector: &dyn Connector,
    intake: &integration::Intake,
    settings: &BTreeMap<String, String>,
) -> Intake {
    let words: Vec<Box<str>> = match &intake.from {
        IntakeFrom::Message { kind } => vec![kind.as_str().into()],
        IntakeFrom::Notice { kinds, .. } => kinds.iter().map(|kind| kind.as_str().into()).collect(),
        IntakeFrom::Poll(_) => Vec::new(),
    };
    let mappings = intake.documents.iter().filter_map(|document| mapping(of, Some(document)));
    let mappings: Vec<Arc<Mapping>> = mappings.collect();
    let mut fields: Vec<String> =
        mappings.iter().flat_map(|mapping| mapping.paths().iter().cloned()).collect();
    fields.sort_unstable();
    fields.dedup();
    let fetch = intake.from.fetch().map(|fetch| {
        let args = arguments(fetch, connector);
        Arc::new(Fetch { operation: fetch.operation.as_str().into(), args, fields: fields.clone() })
    });
    let document: Box<str> =
        intake.documents.first().map(String::as_str).unwrap_or_default().into();
    let poll = match &intake.from {
        IntakeFrom::Poll(poll) => Some(Arc::new(self::poll(poll, connector, (&document, fields)))),
        IntakeFrom::Notice { .. } | IntakeFrom::Message { .. } => None,
    };
    let facts = Kept::of(&mappings, settings).to_bytes().map(Arc::from);
    let looks_up = mappings.iter().any(|mapping| mapping.looks_up());
    let ordering = intake.ordering;
    Intake { words, document, fetch, poll, mappings, ordering, facts, looks_up }
}

fn poll(
    poll: &integration::Poll,
    connector: &dyn Connector,
    (document, fields): (&str, Vec<String>),
) -> Poll {
    let operation = poll.operation.as_str();
    let mut operations = connector.operations().iter();
    let listing = operations.find(|listing| listing.name == operation);
    Poll {
        name: match &poll.newer {
            None => document.into(),
            // It stands beside one that lists the same documents.
            Some(_) => format!("{document}:{operation}").into(),
        },
        operation: operation.into(),
        every: poll.every,
        overlap: poll.overlap,
        reach: poll.reach,
        lag: poll.lag,
        window: listing.and_then(|listing| listing.window),
        slides: listing.is_some_and(|listing| listing.slides),
        newer: poll.newer.clone(),
        fields,
    }
}

/// A time as documents write their revisions: what a listing is asked with.
pub(crate) fn written(mappings: &[Arc<Mapping>], at: Timestamp) -> Value {
    let written = mappings.iter().find_map(|mapping| mapping.revision_at(at));
    written.unwrap_or_else(|| Value::text(at.to_string()))
}

/// The arguments of a fetch: where the file says nothing, each stands under its own name.
fn arguments(fetch: &integration::Fetch, connector: &dyn Connector) -> Vec<(String, Path)> {
    if !fetch.args.is_empty() {
        return fetch.args.clone();
    }
    let mut operations = connector.operations().iter();
    let operation = operations.find(|operation| operation.name == fetch.operation);
    let args = operation.map(|operation| operation.args.as_slice()).unwrap_or_default();
    let own = |arg: &String| {
        let segments = vec![Segment::Key(arg.clone())];
        (arg.clone(), Path { root: Root::Here, segments })
    };
    args.iter().map(own).collect()
}

fn mapping(of: &Integration, document: Option<&String>) -> Option<Arc<Mapping>> {
    of.mappings.get(document?).map(Arc::clone)
}

/// The mappings of each operation of a rule: its own, else the one for all.
fn deliveries<'i>(
    of: &'i Integration,
    deliver: &'i Deliver,
) -> impl Iterator<Item = ((Box<str>, Box<str>), Delivery)> + 'i {
    let Deliver { operation, with, reply, .. } = deliver;
    let own = |chosen: &Option<String>, all: &Option<String>| {
        mapping(of, chosen.as_ref().or(all.as_ref()))
    };
    let rows = [
        (&operation.create, own(&with.create, &with.single), own(&reply.create, &reply.single)),
        (&operation.update, own(&with.update, &with.single), own(&reply.update, &reply.single)),
        (&operation.single, own(&with.single, &None), own(&reply.single, &None)),
    ];
    rows.into_iter().filter_map(|(name, with, reply)| {
        let key = (deliver.id.as_str().into(), name.as_deref()?.into());
        Some((key, Delivery { with, reply, send: deliver.send }))
    })
}

fn read(read: &integration::Read) -> Read {
    Read {
        operation: read.operation.as_str().into(),
        args: read.args.iter().map(|arg| arg.as_str().into()).collect(),
        fresh_for: read.fresh_for,
        stale_for: read.stale_for,
    }
}

/// Settings and secrets that the files read and the system lacks, both places named.
pub(super) fn needs(
    name: &SystemName,
    settings: &crate::config::System,
    integration: &Integration,
    needs: &Needs,
) -> Vec<String> {
    let mapped = integration.mappings.values().flat_map(|mapping| {
        let place = mapping.source.name.clone();
        mapping.needed_settings().map(move |setting| (setting.to_owned(), place.clone()))
    });
    let mut problems = Vec::new();
    let mut lack = |what: &str, wanted: &str, place: &str, known: Vec<&str>| {
        let near = nearest(wanted, known);
        let hint = near.map(|near| format!("; it has `{near}`")).unwrap_or_default();
        let problem =
            format!("{place} reads `{what}.{wanted}`, which `[systems.{name}.{what}]` lacks{hint}");
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    };
    for (wanted, place) in mapped.chain(needs.settings.iter().cloned()) {
        if !settings.settings.contains_key(&wanted) {
            lack(
                "settings",
                &wanted,
                &place,
                settings.settings.keys().map(String::as_str).collect(),
            );
        }
    }
    for (wanted, place) in &needs.secrets {
        if !settings.secrets.contains_key(wanted) {
            lack("secrets", wanted, place, settings.secrets.keys().map(String::as_str).collect());
        }
    }
    problems
}
