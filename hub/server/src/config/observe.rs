//! What the hub tells of itself: its log lines and its traces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SecretRef;

/// Table `[log]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// From which weight on.
    pub level: LogLevel,
    /// Where they go.
    pub to: LogTo,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines, an object a line.
    Json,
}

/// Which lines are written: of the hub itself, so that no library tells what the hub keeps to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Somebody should look.
    Warn,
    /// What the hub as a whole does.
    #[default]
    Info,
    /// A line for each message, call and request.
    Debug,
    /// All there is.
    Trace,
}

impl LogLevel {
    /// The word of the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogTo {
    /// Standard error, apart from results.
    #[default]
    Stderr,
    /// Standard output, for what collects only that.
    Stdout,
}

/// Table `[telemetry]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The OTLP receiver that spans are sent to, by HTTP; empty: there are no traces.
    pub otlp: String,
    /// The share of traces that are kept, of those that begin here; what comes in with a `traceparent` has its
    /// sender's decision.
    pub sample: f64,
    /// The name of this service in traces.
    pub service: String,
    /// Headers for the receiver, such as its access token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretRef>,
}

impl Default for Telemetry {
    fn default() -> Self {
        let (otlp, headers) = (String::new(), BTreeMap::new());
        Self { otlp, sample: 1.0, service: "orderhub".to_owned(), headers }
    }
}

/// What is wrong with the table, if anything.
pub(super) fn rules(telemetry: &Telemetry, broken: &mut Vec<String>) {
    let Telemetry { otlp, sample, .. } = telemetry;
    if !otlp.is_empty() && !otlp.starts_with("http://") && !otlp.starts_with("https://") {
        broken.push(format!(
            "`telemetry.otlp` is `{otlp}`; write the receiver's address for OTLP over HTTP, such as \
             \"http://127.0.0.1:4318\""
        ));
    }
    if !(0.0..=1.0).contains(sample) {
        broken.push(format!(
            "`telemetry.sample` is {sample}; choose 0 (keep no trace that begins here) to 1 (keep all)"
        ));
    }
}
