//! Logs and metrics.
//!
//! A log line has order, system and attempt as fields, and never a body, a secret or a personal value.
//! Metrics carry bounded labels only: never an order id, a URL or an error text.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

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

/// Buckets of every histogram, in seconds: from a commit to a slow system.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

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
    let install = || match install() {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "there are no metrics");
            None
        }
    };
    RECORDER.get_or_init(install).clone()
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let handle =
        PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS)?.install_recorder()?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_counter!("orderhub_intake_total", "Documents taken in, by outcome");
    describe_histogram!("orderhub_intake_commit_seconds", "From handing in to the commit");
    describe_gauge!("orderhub_intake_backlog", "Messages that wait at sources or for their commit");
    describe_counter!(
        "orderhub_webhooks_refused_total",
        "Webhooks that were not authentic or not readable"
    );
    describe_counter!("orderhub_delivery_total", "Attempts at deliveries, by result");
    describe_histogram!("orderhub_delivery_seconds", "How long an attempt took");
    describe_gauge!("orderhub_delivery_pending", "Lanes of a system that want something");
    describe_gauge!("orderhub_delivery_oldest_seconds", "How long the oldest of them is due");
    describe_gauge!("orderhub_breaker_state", "0 closed, 1 half open, 2 open");
    describe_histogram!("orderhub_limit_wait_seconds", "How long a call waited for its rate limit");
    describe_counter!("orderhub_stale_answers_total", "Cached reads answered with an old value");
    describe_gauge!("orderhub_todo", "Open todos");
    describe_gauge!("orderhub_source_freshness_seconds", "Since a system last spoke");
}
