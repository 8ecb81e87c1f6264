//! All files of `mappings/` compiled together with the settings' systems: loaded, checked, hashed,
//! stored, activated. What `check` passes, `run` accepts.
//!
//! **Invariant:** a bundle never changes; its hash names every file that decides what a message means, by
//! path and bytes. Test: `a_folder_is_read_with_its_folders_and_without_hidden_files`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::library::Folder;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::SystemName;
use orderhub_order::rules::{Rules, Shapes, SystemRules};

use crate::config::Config;

mod again;
mod check;
mod compile;
mod cores;
mod facts;
mod files;
mod given;
mod gone;
mod heard;
mod queues;
mod receive;
mod system;
mod windows;

pub(crate) use again::Seen;
pub use facts::Kept;
pub use gone::{Gone, Listened, Listens};
pub(crate) use heard::{UNREADABLE, kept_with};
pub(crate) use receive::unknown_document;
pub use receive::{ARGS, FETCH, HINT, POLL, Received};
pub(crate) use system::written;
pub use system::{Delivery, Fetch, Intake, Poll, Read, System};

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
    warnings: Vec<Diagnostic>,
    gone: Vec<Gone>,
    judging: Box<str>,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Files are wrong; every finding at its place.
    #[error("the integration files have {} problem{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
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

/// A folder as far as it could be read.
#[derive(Debug, Default)]
pub struct Looked {
    /// The files that were read.
    pub files: Files,
    /// Files that are there and were not read: too large, or with a name that is no text.
    pub unread: BTreeSet<String>,
    /// Why.
    pub findings: Vec<Diagnostic>,
}

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
        let (warnings, gone, judging) = (Vec::new(), Vec::new(), (*hash).into());
        Self { hash, flow, ownership, rules, systems, shapes, warnings, gone, judging }
    }

    /// Reads a folder, bounded in number and size of files.
    ///
    /// # Errors
    ///
    /// [`BundleError::Read`], [`BundleError::Settings`] for a folder without files or beyond the bounds,
    /// [`BundleError::Files`] for files beyond theirs.
    pub fn read(path: &std::path::Path) -> Result<Files, BundleError> {
        files::read(path)
    }

    /// What files hold, right or wrong. `unread` are files that are there and could not be read.
    pub fn folder(files: &Files, unread: &BTreeSet<String>) -> Folder {
        cores::run(|| Folder::load(files, unread))
    }

    /// The name of a bundle of these files.
    pub fn name(files: &Files) -> String {
        files::hash(files)
    }

    /// Who may write what by exception, of these files.
    pub fn ownership_of(files: &Files) -> Ownership {
        compile::ownership(files)
    }

    /// Compiles and checks everything.
    ///
    /// # Errors
    ///
    /// [`BundleError`], with all findings of all files, or all disagreements of settings and files.
    pub fn compile(files: &Files, config: &Config) -> Result<Self, BundleError> {
        compile::bundle(files, config)
    }

    /// Compiles a bundle that was in use once, to map again what it mapped: what today's settings lack, or have
    /// besides, does not matter.
    ///
    /// # Errors
    ///
    /// [`BundleError::Files`]: this program does not take its files any more.
    pub fn former(files: &Files, config: &Config) -> Result<Self, BundleError> {
        compile::former(files, config)
    }

    /// The connectors that folders have of their own, by folder.
    ///
    /// # Errors
    ///
    /// [`BundleError::Files`]: the mistakes of connector files.
    pub fn connectors(files: &Files) -> Result<BTreeMap<String, Arc<dyn Connector>>, BundleError> {
        compile::connectors(files)
    }

    /// Reads a folder as far as it can be read, for a check: with what is wrong with the files themselves,
    /// and their names, too.
    ///
    /// # Errors
    ///
    /// As [`Bundle::read`], but for what is told of single files.
    pub fn look(path: &std::path::Path) -> Result<Looked, BundleError> {
        files::look(path)
    }

    /// All findings, also those that keep nothing from being used: cases that name files that are not there.
    ///
    /// # Errors
    ///
    /// [`BundleError::Settings`]: settings and files disagree.
    pub fn check(looked: &Looked, config: &Config) -> Result<Vec<Diagnostic>, BundleError> {
        let found = compile::check_all(&looked.files, &looked.unread, config);
        let mut found = match found {
            // What could not be read may be what the settings name: that it lacks says nothing.
            Err(BundleError::Settings(_)) if !looked.findings.is_empty() => {
                compile::check_all(&looked.files, &looked.unread, &Config::default())?
            }
            found => found?,
        };
        found.extend(looked.findings.iter().cloned());
        orderhub_lang::diagnostic::sort(&mut found);
        Ok(found)
    }

    /// Findings that do not keep the files from being used.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
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

    /// The documents that a system's intakes take.
    pub fn documents(&self, system: &SystemName) -> impl Iterator<Item = &str> {
        self.systems.get(system).into_iter().flat_map(System::documents)
    }

    /// How an operation of a deliver rule is mapped.
    pub fn delivery(&self, system: &SystemName, rule: &str, operation: &str) -> Option<&Delivery> {
        self.systems.get(system)?.deliveries.get(&(rule.into(), operation.into()))
    }

    /// Whether anything by these files calls an operation of a system.
    pub fn calls(&self, system: &SystemName, operation: &str) -> bool {
        let delivers = self.rules.get(system).is_some_and(|rules| {
            let operations =
                rules.deliver.iter().flat_map(|rule| [&rule.single, &rule.create, &rule.update]);
            operations.flatten().any(|known| *known.name == *operation)
        });
        delivers || self.system(system).is_some_and(|system| system.asks(operation))
    }

    /// A cached read of a system.
    pub fn read_of(&self, system: &SystemName, name: &str) -> Option<&Read> {
        self.systems.get(system)?.reads.get(name)
    }
}
