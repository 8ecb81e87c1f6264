//! Logs, metrics and traces: what the hub tells of itself.
//!
//! A log line has order, system and attempt as fields, and never a body, a secret or a personal value.
//! Metrics carry bounded labels only: never an order id, a URL or an error text.

use std::sync::OnceLock;

use metrics_exporter_prometheus::PrometheusHandle;

mod flood;
pub mod log;
pub(crate) mod metrics;
pub mod trace;
#[cfg(test)]
mod written;

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
