//! An integration: which connector and role, what comes in, on which hub events what goes out.
//!
//! Loads from files that were already read: this crate touches no file system.

mod chain;
mod intake;
mod load;
mod read;
mod rules;
mod shapes;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::diagnostic::{Diagnostic, Source, Span};
use orderhub_lang::path::Path;
use orderhub_order::condition::Condition;
use orderhub_order::ids::Role;
use orderhub_order::rules::WhileDown;

use crate::{Mapping, Named};

pub use load::Parts;
pub use rules::{OperationFacts, OperationUse};
pub(crate) use shapes::Chains;
pub use shapes::{SystemShape, SystemShapes};

/// A folder of files, read, checked and compiled.
#[derive(Debug)]
pub struct Integration {
    /// `shopify`, the folder's name.
    pub name: String,
    /// What its systems are to the hub.
    pub role: Role,
    /// Who speaks to them.
    pub connector: ConnectorUse,
    /// What comes in.
    pub intake: Vec<Intake>,
    /// What goes out, and when.
    pub deliver: Vec<Deliver>,
    /// Cached reads by name.
    pub reads: BTreeMap<String, Read>,
    /// Narrows the catalogue's ownership, where set.
    pub owns: Option<Vec<Box<str>>>,
    /// The mappings of the folder by document.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    /// The `connector.yaml` of the folder, for the crate that compiles it.
    pub connector_source: Option<Arc<Source>>,
    /// `integration.yaml`, for findings of later checks.
    pub source: Arc<Source>,
}

/// What [`Integration::load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// The integration, unless a file has an error.
    pub integration: Option<Integration>,
    /// The mappings that have no error of their own, whatever is wrong beside them.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    /// The conversions that its files may name.
    pub named: Named,
    /// Everything that was found in all files, ordered by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Who speaks to the systems of an integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectorUse {
    /// The `connector.yaml` beside the `integration.yaml`.
    Declared,
    /// A native connector of the program, or the folder whose `connector.yaml` is shared.
    Named(String),
}

/// One entry of `intake:`.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Where it comes from.
    pub from: IntakeFrom,
    /// The mappings of this folder that the body goes through, at least one.
    pub documents: Vec<String>,
    /// What orders the documents.
    pub ordering: Ordering,
    /// Its place in `integration.yaml`.
    pub span: Span,
}

/// Where documents come from.
#[derive(Clone, Debug)]
pub enum IntakeFrom {
    /// A webhook of these kinds.
    Notice {
        /// Kinds as the connector names them (`orders/create`).
        kinds: Vec<String>,
        /// It is a hint to fetch the document; `None`: its body is the document.
        reread: Option<Fetch>,
    },
    /// A message of this kind from the queue, the API or a file.
    Message {
        /// The kind (`order_rest`).
        kind: String,
    },
    /// A listing that the hub asks for from time to time.
    Poll(Poll),
}

impl IntakeFrom {
    /// How its documents are fetched one by one, where they are.
    pub fn fetch(&self) -> Option<&Fetch> {
        match self {
            Self::Notice { reread, .. } => reread.as_ref(),
            Self::Poll(poll) => poll.fetch.as_ref(),
            Self::Message { .. } => None,
        }
    }
}

/// How a document is fetched that something only hints at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The read operation.
    pub operation: String,
    /// Its arguments, and where each stands in the hint. Empty: each under its own name.
    pub args: Vec<(String, Path)>,
}

/// A listing that is asked for from time to time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The read operation that lists.
    pub operation: String,
    /// From the beginning of one good poll to the next.
    pub every: Duration,
    /// So much of the time before is asked for again: clocks differ, and what was being written then
    /// may not have been listed.
    pub overlap: Duration,
    /// How far back the first one looks; `None`: to the beginning.
    pub reach: Option<Duration>,
    /// What changed within so long before now is not listed yet, or must not be asked for: each poll ends there.
    pub lag: Duration,
    /// The listing names documents; each is fetched so.
    pub fetch: Option<Fetch>,
    /// Where it names the revision of each: one that the hub has is not fetched.
    pub newer: Option<Path>,
}

/// What orders the documents of an intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Documents carry a revision.
    Revision,
    /// Arrival order counts.
    Queue,
    /// Order does not matter.
    Commutative,
    /// A fetch shows the document as it is then, and one document is fetched by one call at a time.
    Reread,
}

/// One entry of `deliver:`.
#[derive(Clone, Debug)]
pub struct Deliver {
    /// `<on>/<do>`: unique in the integration.
    pub id: String,
    /// The hub event.
    pub on: String,
    /// The operations; none: the event is heard, and there is nothing to do.
    pub operation: ByLink<String>,
    /// What was made is not updated, and that is meant: `{ create: …, update: none }`.
    pub once: bool,
    /// The mappings out, by document name; none: the document is empty.
    pub with: ByLink<String>,
    /// The mappings of the reply.
    pub reply: ByLink<String>,
    /// What of the document goes to a subject that has it already.
    pub send: SendFields,
    /// Must hold for the subject.
    pub when: Option<Condition>,
    /// What becomes of its deliveries while the system is down.
    pub while_down: WhileDown,
    /// Its place in `integration.yaml`.
    pub span: Span,
}

/// `send:` of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendFields {
    /// Every mapped field.
    #[default]
    All,
    /// Those that differ from what was last sent; all where nothing was sent.
    Changed,
}

/// One value for all, or chosen by whether the subject is linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByLink<T> {
    /// For any subject.
    pub single: Option<T>,
    /// For a subject without a live reference.
    pub create: Option<T>,
    /// For a linked subject.
    pub update: Option<T>,
}

impl<T> ByLink<T> {
    /// All values that are there.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.single.iter().chain(&self.create).chain(&self.update)
    }
}

/// One cached read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The read operation.
    pub operation: String,
    /// The names of its arguments.
    pub args: Vec<String>,
    /// How long an answer is fresh.
    pub fresh_for: Duration,
    /// How much longer it may stand in while the system is down; zero: never.
    pub stale_for: Duration,
}

impl Integration {
    /// The deliver rule of an id.
    pub fn deliver_rule(&self, id: &str) -> Option<&Deliver> {
        self.deliver.iter().find(|deliver| deliver.id == id)
    }

    /// The mapping of a document.
    pub fn mapping(&self, document: &str) -> Option<&Arc<Mapping>> {
        self.mappings.get(document)
    }
}
