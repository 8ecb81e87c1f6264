//! Logs, metrics and traces: what the hub tells of itself.
//!
//! A log line has order, system and attempt as fields, and never a body, a secret or a personal value.
//! Metrics carry bounded labels only: never an order id, a URL or an error text.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

mod flood;
pub mod log;
pub(crate) mod metrics;
pub mod trace;
#[cfg(test)]
mod written;

/// Samples of histograms are put into their buckets so often, whether or not anybody asks for metrics: until then
/// each of them lies in memory. Measured: without, 64 bytes an order for as long as nobody asked.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process, installed by the first call; `None`: another one is installed.
pub fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || match metrics::install() {
        Ok(handle) => {
            keep_up(handle.clone());
            Some(handle)
        }
        Err(error) => {
            tracing::warn!(%error, "there are no metrics");
            None
        }
    };
    RECORDER.get_or_init(install).clone()
}

/// As long as the process lives, as the recorder does: on a thread, for it outlives any runtime.
fn keep_up(handle: PrometheusHandle) {
    let upkeep = move || {
        loop {
            std::thread::sleep(UPKEEP);
            handle.run_upkeep();
        }
    };
    let thread = std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(upkeep);
    if let Err(error) = thread {
        tracing::warn!(%error, "samples of metrics stay in memory until they are asked for");
    }
}
