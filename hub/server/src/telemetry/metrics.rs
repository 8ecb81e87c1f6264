//! Metrics: their names, their words, their buckets, and that none is missing from a running hub.
//!
//! **Invariant:** every metric of [`ALL`] stands in `/metrics` from the first scrape on, with a zero for each
//! label that can come: an alert on a rate sees the first event, and a dashboard has no holes. Test:
//! `every_metric_is_there_from_the_first_scrape_on`.
//! **Invariant:** labels are bounded: systems, documents, operations and reads that the files and settings
//! name, and the words of outcomes; never an order id, a URL or an error text. Test:
//! `metrics_have_the_promised_names_and_bounded_labels`.
//!
//! Each replica shows what it did itself. The gauges that come from the store (pending, oldest, todo) are of
//! the whole store: over replicas they want `max`, not `sum`, and their help says so.

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use orderhub_connectors::contract::OperationKind;
use orderhub_order::fold::TodoKind;
use orderhub_order::lane::Rest;

use crate::apply::Word;
use crate::bundle::{Bundle, System};
use crate::switch::standing;

/// The label of what no settings or files name.
pub(crate) const UNKNOWN: &str = "unknown";

/// The integration files in use.
const IN_USE: &str = "orderhub_bundle_info";

/// Why messages wait to be driven again.
pub(crate) const WAITS: [&str; 5] = ["waiting", "reading", "suspect", "woken", "replay"];

/// What a delivery ends with.
const RESULTS: [&str; 6] = ["delivered", "retry", "limited", "in_doubt", "dead", "shadowed"];

/// Seconds to a commit: from a disk's sync to a database that is hardly there.
const COMMIT: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds of an attempt at a delivery: from a system next door to the longest attempt there is.
const ATTEMPT: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// Seconds of a wait for a limit: vendors allow from hundreds of calls a second to one in minutes.
const LIMIT: [f64; 12] = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

/// One metric.
#[derive(Debug)]
pub(crate) struct Metric {
    /// Its name; a promise.
    pub(crate) name: &'static str,
    /// What it is.
    kind: Kind,
    /// What it tells, for `# HELP`.
    help: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}

const fn of(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, help }
}

/// Every metric of the hub.
pub(crate) const ALL: [Metric; 29] = [
    of("orderhub_build_info", Kind::Gauge, "Always 1; the version of the program is its label."),
    of(
        "orderhub_intake_total",
        Kind::Counter,
        "Documents taken in by this process, by outcome; counted after their commit.",
    ),
    of(
        "orderhub_intake_rows_passed_total",
        Kind::Counter,
        "Rows of lists with `adds: false` that the order does not have: they are passed over.",
    ),
    of(
        "orderhub_intake_commit_seconds",
        Kind::Histogram(&COMMIT),
        "From handing a message in to the commit that stored it.",
    ),
    of(
        "orderhub_intake_backlog",
        Kind::Gauge,
        "Messages that wait at the broker, in the queues that this process reads.",
    ),
    of(
        "orderhub_intake_in_hand",
        Kind::Gauge,
        "Messages that this process has taken and not stored yet; their sources hold them until then.",
    ),
    of(
        "orderhub_intake_waiting",
        Kind::Gauge,
        "Acknowledged messages that wait to be driven again, by why (waiting: for a reference; reading: for an answer of their system), in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_intake_waiting_oldest_seconds",
        Kind::Gauge,
        "How long the oldest of them has waited, in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_files_left_alone_total",
        Kind::Counter,
        "Dropped files that could neither be taken nor moved.",
    ),
    of(
        "orderhub_polls_failed_total",
        Kind::Counter,
        "Polls that did not go on; they are tried again.",
    ),
    of(
        "orderhub_events_exchange_missing",
        Kind::Gauge,
        "1 while the exchange for the hub's own events cannot be used: events wait.",
    ),
    of(
        "orderhub_mappings_unreadable",
        Kind::Gauge,
        "1 while the folder of the integration files cannot be read: those in use stay.",
    ),
    of(IN_USE, Kind::Gauge, "Always 1; the hash of the integration files in use is its label."),
    of(
        "orderhub_bundle_switch_total",
        Kind::Counter,
        "Other integration files while this process ran, by result: switched to, or refused.",
    ),
    of(
        "orderhub_bundle_refused",
        Kind::Gauge,
        "1 while integration files that were refused stand in the folder or in the store: those in use stay.",
    ),
    of(
        "orderhub_webhooks_refused_total",
        Kind::Counter,
        "Webhooks that were not authentic or not readable.",
    ),
    of(
        "orderhub_logins_total",
        Kind::Counter,
        "Logins at systems whose credential is a session, by result: ok, refused, failed.",
    ),
    of(
        "orderhub_delivery_total",
        Kind::Counter,
        "Attempts at deliveries by this process, by result.",
    ),
    of(
        "orderhub_delivery_seconds",
        Kind::Histogram(&ATTEMPT),
        "How long an attempt at a delivery took, all its steps together.",
    ),
    of(
        "orderhub_delivery_pending",
        Kind::Gauge,
        "Orders that wait to be sent to the system, in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_delivery_oldest_seconds",
        Kind::Gauge,
        "How long the oldest of them has waited, whatever was tried since (a next try, a limit, a breaker), in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_delivery_resting",
        Kind::Gauge,
        "Orders that want to be sent to the system and that no time makes due, by why: a hold, a reference that is not known, files that make no call of them, what was given up and not sent since; in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_breaker_state",
        Kind::Gauge,
        "The breaker of an operation: 0 closed, 1 half open, 2 open.",
    ),
    of(
        "orderhub_limit_wait_seconds",
        Kind::Histogram(&LIMIT),
        "How long a call waited for the rate limit of its system.",
    ),
    of(
        "orderhub_stale_answers_total",
        Kind::Counter,
        "Cached reads that were answered with an old value, because the system gave no new one.",
    ),
    of(
        "orderhub_todo",
        Kind::Gauge,
        "What waits for a person, by kind, in the whole store: take the maximum over replicas.",
    ),
    of(
        "orderhub_source_freshness_seconds",
        Kind::Gauge,
        "Since this process last heard from a system, or began: take the minimum over replicas.",
    ),
    of(
        "orderhub_system_events_total",
        Kind::Counter,
        "Events of systems, which are published best effort, by what came of them.",
    ),
    of("orderhub_log_lines_total", Kind::Counter, "Log lines of errors and warnings, by level."),
];

/// Makes the recorder of this process.
pub(super) fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in &ALL {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets)?;
        }
    }
    let handle = builder.install_recorder()?;
    for metric in &ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram(_) => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    Ok(handle)
}

/// Makes sure that everything stands there which may come; what has a value keeps it.
pub(crate) fn announce(bundle: &Bundle) {
    gauge!("orderhub_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // A registered gauge begins at zero, and a histogram without a value.
    gauge!("orderhub_intake_backlog").increment(0.0);
    gauge!("orderhub_intake_in_hand").increment(0.0);
    gauge!("orderhub_events_exchange_missing").increment(0.0);
    gauge!("orderhub_mappings_unreadable").increment(0.0);
    gauge!("orderhub_bundle_refused").increment(0.0);
    for result in standing::RESULTS {
        zero("orderhub_bundle_switch_total", vec![("result", result.to_owned())]);
    }
    let _registered = histogram!("orderhub_intake_commit_seconds");
    for level in ["error", "warn"] {
        zero("orderhub_log_lines_total", vec![("level", level.to_owned())]);
    }
    for result in ["published", "failed", "dropped"] {
        zero("orderhub_system_events_total", vec![("result", result.to_owned())]);
    }
    for kind in TodoKind::ALL {
        let labels = [("kind", kind.as_str().to_owned()), ("system", UNKNOWN.to_owned())];
        gauge!("orderhub_todo", &labels).increment(0.0);
    }
    for why in WAITS {
        gauge!("orderhub_intake_waiting", "why" => why).increment(0.0);
        gauge!("orderhub_intake_waiting_oldest_seconds", "why" => why).increment(0.0);
    }
    intake(UNKNOWN, UNKNOWN);
    for system in bundle.systems() {
        of_system(system);
    }
}

/// The lines of the bundle in use. The recorder keeps a label for ever, and a hub that switches often would have
/// ever more of them: this one is written at each scrape.
pub(crate) fn in_use(bundle: &Bundle) -> String {
    let help = ALL.iter().find(|metric| metric.name == IN_USE).map_or("", |metric| metric.help);
    let hash = &bundle.hash;
    format!("# HELP {IN_USE} {help}\n# TYPE {IN_USE} gauge\n{IN_USE}{{hash=\"{hash}\"}} 1\n\n")
}

fn of_system(system: &System) {
    let name = || system.name.to_string();
    for document in system.documents().chain([UNKNOWN]) {
        intake(system.name.as_str(), document);
    }
    zero("orderhub_webhooks_refused_total", vec![("system", name())]);
    if system.intakes.iter().any(|intake| intake.poll.is_some()) {
        zero("orderhub_polls_failed_total", vec![("system", name())]);
    }
    gauge!("orderhub_delivery_pending", "system" => name()).increment(0.0);
    gauge!("orderhub_delivery_oldest_seconds", "system" => name()).increment(0.0);
    for rest in Rest::ALL {
        gauge!("orderhub_delivery_resting", "system" => name(), "code" => rest.as_str())
            .increment(0.0);
    }
    let _registered = histogram!("orderhub_limit_wait_seconds", "system" => name());
    for operation in system.connector.operations() {
        let of = || operation.name.clone();
        gauge!("orderhub_breaker_state", "system" => name(), "operation" => of()).increment(0.0);
        if operation.kind == OperationKind::Read {
            continue;
        }
        let _registered = histogram!("orderhub_delivery_seconds",
            "system" => name(), "operation" => of());
        for result in RESULTS {
            let labels =
                vec![("system", name()), ("operation", of()), ("result", result.to_owned())];
            zero("orderhub_delivery_total", labels);
        }
    }
    for read in system.reads.keys() {
        let labels = vec![("system", name()), ("read", read.to_string())];
        zero("orderhub_stale_answers_total", labels);
    }
}

fn intake(system: &str, document: &str) {
    for outcome in Word::ALL {
        let labels = vec![
            ("system", system.to_owned()),
            ("document", document.to_owned()),
            ("outcome", outcome.as_str().to_owned()),
        ];
        zero("orderhub_intake_total", labels);
    }
    let labels = vec![("system", system.to_owned()), ("document", document.to_owned())];
    zero("orderhub_intake_rows_passed_total", labels);
}

fn zero(name: &'static str, labels: Vec<(&'static str, String)>) {
    counter!(name, &labels).increment(0);
}
