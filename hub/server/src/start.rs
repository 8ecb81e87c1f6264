//! With what a hub is started, and why one does not start.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::bundle::{BundleError, Files};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::StoreError;

/// What a hub is started with: everything that is different from hub to hub.
#[derive(Clone, Debug)]
pub struct Start {
    /// The settings.
    pub config: Config,
    /// The integration files, from a folder or embedded.
    pub files: Files,
    /// The environment that secrets are read from.
    pub env: HashMap<String, String>,
    /// The time.
    pub clock: Clock,
}

/// Why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The integration files, or they and the settings together.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Secrets that the settings name and that are not there, a line each.
    #[error("{}", .0.join("\n"))]
    Secrets(Vec<String>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files that lack an entry wait for programs of an earlier version, and those in use are not this program's.
    #[error(
        "{held}. This program cannot use those in use meanwhile: {error}. Put the entries back and take them out after \
         the upgrade, or stop the hubs of the earlier version first; then start again"
    )]
    Held {
        /// Why they wait.
        held: String,
        /// What is wrong with those in use.
        error: String,
    },
    /// The deliverer.
    #[error(transparent)]
    Deliver(#[from] crate::resilience::gate::PolicyError),
    /// The HTTP client.
    #[error(transparent)]
    Transport(#[from] crate::transport::BuildError),
    /// Traces.
    #[error(transparent)]
    Trace(#[from] crate::telemetry::trace::TraceError),
    /// The address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}
