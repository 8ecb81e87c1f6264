//! What is told of a message on its way: its span, and a line in the log.

use orderhub_order::ids::OrderKey;

use super::Envelope;
use crate::apply::{UnitOutcome, Word};
use crate::store::StoreError;
use crate::telemetry::trace::{self, Kind, Place, Span};

/// Begins the span of a message: in the trace that it brings along, or in a new one. What is stored with the
/// message names this span from here on.
pub(super) fn begin(envelope: &mut Envelope) -> Span {
    if !trace::is_on() {
        return Span::default();
    }
    let parent = Place::of_kept(&envelope.headers);
    let kind = if envelope.source.starts_with("queue:") { Kind::Consumer } else { Kind::Internal };
    let mut span = trace::begin(kind, parent.as_ref(), || format!("intake {}", envelope.document));
    span.set("orderhub.source", || envelope.source.to_string());
    span.set("orderhub.system", || envelope.system.to_string());
    span.set("orderhub.document", || envelope.document.to_string());
    if let Some(id) = &envelope.message_id {
        span.set("messaging.message.id", || id.clone());
    }
    span.set("messaging.message.body.size", || {
        i64::try_from(envelope.body.len()).unwrap_or(i64::MAX)
    });
    if let Some(place) = span.place() {
        place.put(&mut envelope.headers);
    }
    span
}

/// What the log says of a message; only where a line for each is wanted.
#[derive(Debug)]
pub(super) struct Told {
    source: String,
    system: String,
    document: String,
    message_id: String,
    trace_id: Option<String>,
}

impl Told {
    pub(super) fn of(envelope: &Envelope) -> Option<Self> {
        tracing::enabled!(tracing::Level::DEBUG).then(|| Self {
            source: envelope.source.to_string(),
            system: envelope.system.to_string(),
            document: envelope.document.to_string(),
            message_id: envelope.message_id.clone().unwrap_or_default(),
            trace_id: Place::of_kept(&envelope.headers).map(|place| place.trace_id()),
        })
    }
}

/// A message is stored, or not.
pub(super) fn end(span: &mut Span, told: Option<&Told>, ended: &Result<UnitOutcome, StoreError>) {
    match ended {
        Ok(outcome) => {
            span.link(outcome.commit.as_ref());
            span.set("orderhub.message", || outcome.message.unwrap_or_default());
            if let [document] = outcome.documents.as_slice() {
                span.set("orderhub.outcome", || document.outcome.as_str());
            }
            if let Some(order) = outcome.documents.iter().find_map(|document| document.order) {
                span.set("orderhub.order", || order.shown());
            }
        }
        Err(_) => span.fail("not_stored"),
    }
    let Some(told) = told else { return };
    match ended {
        Ok(outcome) => {
            for document in &outcome.documents {
                told.line(outcome.message, document.order, document.outcome);
            }
        }
        Err(error) => tracing::debug!(source = told.source, system = told.system,
            document = told.document, message_id = told.message_id, trace_id = told.trace_id,
            %error, "a message was not stored"),
    }
}

impl Told {
    fn line(&self, message: Option<i64>, order: Option<OrderKey>, outcome: Word) {
        tracing::debug!(
            source = self.source,
            system = self.system,
            document = self.document,
            message_id = self.message_id,
            trace_id = self.trace_id,
            message_row = message,
            order = order.map(|order| order.shown()),
            outcome = outcome.as_str(),
            "a message was stored"
        );
    }
}

/// Counts the rows that a message has and its orders do not; `document`: as the files name it.
pub(crate) fn passed(system: &str, document: &str, outcome: &UnitOutcome) {
    let rows: u32 = outcome.documents.iter().map(|document| document.passed).sum();
    if rows > 0 {
        let labels = [("system", system.to_owned()), ("document", document.to_owned())];
        metrics::counter!("orderhub_intake_rows_passed_total", &labels).increment(u64::from(rows));
    }
}
