//! What is told of an attempt, to traces and to people who look.
//!
//! The trace that a delivery goes on with is that of the message which made the order want it.
//!
//! An order's version names the message that caused it, and that is stored with its place in a trace. A
//! version that a receipt or a timer made goes on with the message before it: it is what the work is for.
//! Both are read only where there are traces: two questions to the store for an attempt.

use orderhub_order::lane::Flight;

use super::freeze::Frozen;
use super::send::Hand;
use crate::store::{ReceiptRow, Scope, StoreError};
use crate::tap::{Out, Seen};
use crate::telemetry::trace::{self, Kind, Place, Span};

/// The cause of a change that a message made.
const MESSAGE: &str = "message:";
/// Messages looked at for one that has a trace.
const MOST_LOOKS: usize = 4;

impl Hand<'_> {
    /// Begins the span of an attempt, and names the attempt in the lines of the log.
    pub(super) async fn told(&self, flight: &Flight) -> Span {
        let around = tracing::Span::current();
        around.record("operation", &*flight.operation);
        around.record("attempt", flight.attempt);
        let span = self.span(flight).await;
        if let Some(place) = span.place() {
            around.record("trace_id", place.trace_id());
        }
        span
    }

    /// Shows an attempt that ended to those who look.
    pub(super) fn show(&self, flight: &Flight, row: &ReceiptRow) {
        let tap = &self.dispatcher.common.tap;
        if !tap.is_watched() {
            return;
        }
        let frozen = Frozen::from_bytes(&flight.inputs);
        tap.offer(Seen::Out(Box::new(Out {
            at: row.at,
            system: self.dispatcher.name.clone(),
            order: self.key,
            version: flight.version,
            operation: flight.operation.clone(),
            attempt: flight.attempt,
            class: row.class.clone(),
            status: row.status,
            took_ms: row.ms,
            why: row.why.clone(),
            document: frozen.map(|frozen| frozen.document).unwrap_or_default(),
            values: flight.values.clone(),
        })));
    }

    async fn span(&self, flight: &Flight) -> Span {
        if !trace::is_on() {
            return Span::default();
        }
        let origin = self.origin(flight).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the trace of a delivery begins anew");
            None
        });
        let mut span = trace::begin(Kind::Internal, origin.as_ref(), || {
            format!("deliver {}", flight.operation)
        });
        span.set("orderhub.system", || self.dispatcher.label());
        span.set("orderhub.operation", || flight.operation.to_string());
        span.set("orderhub.order", || self.key.shown());
        span.set("orderhub.order.version", || i64::from(flight.version));
        span.set("orderhub.attempt", || i64::from(flight.attempt));
        span
    }

    /// Where the newest message with a trace that led to what is sent stands in it.
    async fn origin(&self, flight: &Flight) -> Result<Option<Place>, StoreError> {
        let store = &self.dispatcher.common.store;
        let changes = store.changes(&Scope::All, self.key).await?;
        let causes = changes.iter().rev().filter(|change| change.version <= flight.version);
        let messages = causes.filter_map(|change| change.cause.strip_prefix(MESSAGE)?.parse().ok());
        for message in messages.take(MOST_LOOKS) {
            let row = store.message(&Scope::All, message).await?;
            let place = row.and_then(|row| Place::of_kept(&row.envelope.headers));
            if place.is_some() {
                return Ok(place);
            }
        }
        Ok(None)
    }
}
