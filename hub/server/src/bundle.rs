//! All files of `mappings/` compiled together with the settings' systems: loaded, checked, hashed,
//! stored, activated. What `check` passes, `run` accepts.
//!
//! **Invariant:** a bundle never changes; its hash names everything that decides what a message means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::{Mapped, Mapping};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Role, SystemName};
use orderhub_order::rules::{Mode, Rules, Shapes, SystemRules};

use crate::config::Config;
use crate::intake::Envelope;

/// One immutable version of everything that decides what messages mean.
#[derive(Debug)]
pub struct Bundle {
    /// SHA-256 over all files, hex, first 16 characters: names the bundle in every row.
    pub hash: Arc<str>,
    flow: Flow,
    ownership: Ownership,
    rules: BTreeMap<SystemName, SystemRules>,
    systems: BTreeMap<SystemName, System>,
    shapes: Box<dyn Shapes>,
}

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
    pub settings: BTreeMap<String, String>,
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
    /// The `message:` or the `notice:` kinds that it takes.
    pub words: Vec<Box<str>>,
    /// What is done with the body.
    pub apply: IntakeApply,
    /// How its documents are ordered.
    pub ordering: Ordering,
    /// The shapes that the body is mapped by, each in turn.
    pub mappings: Vec<Arc<Mapping>>,
}

/// What an intake does with what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntakeApply {
    /// The body is the document.
    Payload,
    /// A hint: the document is to be fetched with this read operation.
    Reread {
        /// The operation.
        operation: Box<str>,
    },
}

/// Which of two documents of one thing is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// They carry a revision.
    Revision,
    /// Arrival counts.
    Queue,
    /// Fetched when needed, so always the newest.
    Reread,
    /// It does not matter.
    Commutative,
}

/// How one operation of a deliver rule is mapped.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Maps the subject out; none: `doc` is empty.
    pub with: Option<Arc<Mapping>>,
    /// Maps the reply's document back onto the subject.
    pub reply: Option<Arc<Mapping>>,
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

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Files are wrong; every finding at its place.
    #[error("{} problem(s) in the integration files", .0.len())]
    Files(Vec<Diagnostic>),
    /// Settings and files disagree (an unknown integration, a setting that files read and a system lacks).
    #[error("{0}")]
    Settings(String),
    /// The folder cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// What.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The files of `mappings/`: path below it ► bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

impl Bundle {
    /// Puts a bundle together from compiled parts.
    pub fn from_parts(
        hash: Arc<str>,
        flow: Flow,
        ownership: Ownership,
        rules: BTreeMap<SystemName, SystemRules>,
        systems: BTreeMap<SystemName, System>,
        shapes: Box<dyn Shapes>,
    ) -> Self {
        Self { hash, flow, ownership, rules, systems, shapes }
    }

    /// Reads a folder, bounded in number and size of files.
    ///
    /// # Errors
    ///
    /// [`BundleError::Read`].
    pub fn read(path: &std::path::Path) -> Result<Files, BundleError> {
        Err(BundleError::Settings(format!("not built: {}", path.display())))
    }

    /// Compiles and checks everything.
    ///
    /// # Errors
    ///
    /// [`BundleError`], with all findings of all files.
    pub fn compile(_files: &Files, _config: &Config) -> Result<Self, BundleError> {
        Err(BundleError::Settings(String::new()))
    }

    /// The rules for the fold.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            bundle: &self.hash,
            flow: &self.flow,
            ownership: &self.ownership,
            systems: &self.rules,
            shapes: self.shapes.as_ref(),
        }
    }

    /// The configured systems, by name.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.values()
    }

    /// One configured system.
    pub fn system(&self, system: &SystemName) -> Option<&System> {
        self.systems.get(system)
    }

    /// The connector that speaks to a system.
    pub fn connector(&self, system: &SystemName) -> Option<Arc<dyn Connector>> {
        self.systems.get(system).map(|system| Arc::clone(&system.connector))
    }

    /// The intake that takes this kind of message or notice of a system.
    pub fn intake(&self, system: &SystemName, word: &str) -> Option<&Intake> {
        let system = self.systems.get(system)?;
        system.intakes.iter().find(|intake| intake.words.iter().any(|known| &**known == word))
    }

    /// How an operation of a deliver rule is mapped.
    pub fn delivery(&self, system: &SystemName, rule: &str, operation: &str) -> Option<&Delivery> {
        self.systems.get(system)?.deliveries.get(&(rule.into(), operation.into()))
    }

    /// A cached read of a system.
    pub fn read_of(&self, system: &SystemName, name: &str) -> Option<&Read> {
        self.systems.get(system)?.reads.get(name)
    }

    /// Maps a message in: one result per document. Pure; a panic inside one message is caught and becomes
    /// its failure. Empty when no intake of the system takes this kind (outcome `skipped`).
    pub fn map_in(&self, _envelope: &Envelope) -> Vec<Mapped> {
        Vec::new()
    }
}
