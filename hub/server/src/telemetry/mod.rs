//! Logs and metrics.
//!
//! A log line has order, system and attempt as fields, and never a body, a secret or a personal value.
//! Metrics carry bounded labels only: never an order id, a URL or an error text.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::PrometheusHandle;
use tracing_subscriber::EnvFilter;

pub(crate) mod metrics;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines, an object a line.
    Json,
}

/// What is logged where nobody says otherwise. The broker's library calls errors what the reader asks
/// for on purpose, or says itself in plain words.
const FILTER: &str = "info,lapin=off,hyper=warn";

/// Writes logs to stderr, filtered by `ORDERHUB_LOG` or `filter`. A second call changes nothing.
pub fn log(format: Format, filter: Option<&str>) {
    let filter = filter.unwrap_or(FILTER);
    let filter = EnvFilter::builder().parse_lossy(filter);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => lines.with_target(false).try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logs are set up already");
    }
}

/// The recorder of this process, installed by the first call; `None`: another one is installed.
pub fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || match metrics::install() {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "there are no metrics");
            None
        }
    };
    RECORDER.get_or_init(install).clone()
}
