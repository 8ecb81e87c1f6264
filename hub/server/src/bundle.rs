//! All files of `mappings/` compiled together with the settings' systems: loaded, checked, hashed,
//! stored, activated. What `check` passes, `run` accepts.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::Mapped;
use orderhub_order::ids::SystemName;
use orderhub_order::rules::Rules;

use crate::config::Config;
use crate::intake::Envelope;

/// One immutable version of everything that decides what messages mean.
#[derive(Debug)]
pub struct Bundle {
    /// SHA-256 over all files, hex, first 16 characters: names the bundle in every row.
    pub hash: Arc<str>,
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
    pub fn rules(&self) -> Option<Rules<'_>> {
        None
    }

    /// The connector that speaks to a system.
    pub fn connector(&self, _system: &SystemName) -> Option<Arc<dyn Connector>> {
        None
    }

    /// Maps a message in. Pure; a panic inside one document is caught and becomes its failure.
    pub fn map_in(&self, _envelope: &Envelope) -> Vec<Mapped> {
        Vec::new()
    }
}
