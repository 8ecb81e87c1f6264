//! Traces: one from a message at its source to the request at a target, over the W3C's `traceparent`.
//!
//! A message brings its trace along in its headers, or begins one. The headers that are stored with it name
//! the span of its intake, so that a delivery that comes of it, in whatever process and however much later,
//! goes on with that trace: an order's change names the message that caused it. Spans: `intake …` per message,
//! linked to `commit`, the batch that stored it; `deliver …` per attempt at a delivery; `call …` per request to a
//! target, which is given its `traceparent`; a span per request to the API.
//!
//! **Invariant:** traces never hold up the hub. Spans go to a thread of their own through a queue of
//! [`MOST_WAITING`]; what finds it full is dropped, and the log says so. Without `[telemetry] otlp` every
//! function here is one look at a flag: nothing is allocated, no header is read. Tests:
//! `without_a_receiver_there_are_no_spans`, `a_receiver_that_is_gone_holds_up_nothing`.
//! **Invariant:** an attribute is an id, a name from the files, a number or a word, never a value of an order
//! or a URL. Test: `one_trace_goes_from_the_queue_to_the_target`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanContext, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use secrecy::ExposeSecret as _;

pub(crate) use opentelemetry::trace::SpanKind as Kind;

use crate::config::{Secrets, Telemetry};
use crate::transport::collector::Collector;

/// Spans that wait to be sent; a span takes about one KiB.
const MOST_WAITING: usize = 8_192;
/// Spans in one request to the receiver.
const AT_ONCE: usize = 512;
/// Spans wait at most so long for others to go with them.
const EVERY: Duration = Duration::from_secs(1);
/// Longest wait at the end for what was not sent yet.
pub(crate) const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// The header that carries a trace.
const PARENT: &str = "traceparent";
/// What tracing systems add to it.
const STATE: &str = "tracestate";

static STARTED: OnceLock<Started> = OnceLock::new();

#[derive(Debug)]
struct Started {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Why there can be no traces.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A header's secret.
    #[error("`telemetry.headers.{0}`: {1}")]
    Header(String, String),
    /// The receiver's address, or the client.
    #[error("`telemetry.otlp`: {0}")]
    Receiver(String),
}

/// Begins to send spans, once for the process; nothing without a receiver.
///
/// # Errors
///
/// [`TraceError`].
pub(crate) fn start(
    settings: &Telemetry,
    secrets: &Secrets,
    instance: &str,
) -> Result<(), TraceError> {
    if settings.otlp.is_empty() || STARTED.get().is_some() {
        return Ok(());
    }
    let receiver = |error: String| TraceError::Receiver(error);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", settings.otlp.trim_end_matches('/')))
        .with_headers(headers(settings, secrets)?)
        .with_http_client(Collector::new().map_err(|error| receiver(error.to_string()))?)
        .build()
        .map_err(|error| receiver(error.to_string()))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(MOST_WAITING)
        .with_max_export_batch_size(AT_ONCE)
        .with_scheduled_delay(EVERY)
        .build();
    let resource = Resource::builder_empty()
        .with_service_name(settings.service.clone())
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ])
        .build();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample))))
        .with_resource(resource)
        .with_span_processor(
            BatchSpanProcessor::builder(exporter).with_batch_config(batches).build(),
        )
        .build();
    let tracer = provider.tracer("orderhub");
    // Another hub of this process may have been faster.
    drop(STARTED.set(Started { provider, tracer }));
    Ok(())
}

fn headers(settings: &Telemetry, secrets: &Secrets) -> Result<HashMap<String, String>, TraceError> {
    let read = settings.headers.iter().map(|(name, at)| match secrets.read(at) {
        Ok(value) => Ok((name.clone(), value.expose_secret().to_owned())),
        Err(error) => Err(TraceError::Header(name.clone(), error.to_string())),
    });
    read.collect()
}

/// Sends what waits, but no longer than [`FLUSH_WITHIN`].
pub(crate) async fn flush() {
    let Some(started) = STARTED.get() else { return };
    let provider = started.provider.clone();
    let sent = tokio::task::spawn_blocking(move || provider.force_flush());
    match tokio::time::timeout(FLUSH_WITHIN, sent).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans were not sent"),
        Ok(Err(_)) | Err(_) => tracing::warn!("the last spans were not sent in time"),
    }
}

/// Whether there are traces.
pub(crate) fn is_on() -> bool {
    STARTED.get().is_some()
}

/// A place in a trace: what another span, here or elsewhere, goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(SpanContext);

impl Place {
    /// From the headers of a message or a request, names in lower case. `None`: they name none, or wrongly.
    pub(crate) fn of<'h>(get: impl Fn(&'static str) -> Option<&'h str>) -> Option<Self> {
        let headers = Headers { parent: get(PARENT)?, state: get(STATE) };
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        let place = context.span().span_context().clone();
        place.is_valid().then_some(Self(place))
    }

    /// From headers that are kept with a message.
    pub(crate) fn of_kept(headers: &[(String, String)]) -> Option<Self> {
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
        Self::of(|name| find(name).map(|(_, value)| value.as_str()))
    }

    /// As headers.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self(place) = self;
        let flags = u8::from(place.is_sampled());
        let parent = format!("00-{}-{}-{flags:02x}", place.trace_id(), place.span_id());
        let state = Some(place.trace_state().header()).filter(|state| !state.is_empty());
        [(PARENT, parent)].into_iter().chain(state.map(|state| (STATE, state)))
    }

    /// Takes the place of what the headers of a message said.
    pub(crate) fn put(&self, headers: &mut Vec<(String, String)>) {
        headers.retain(|(name, _)| name != PARENT && name != STATE);
        headers.extend(self.headers().map(|(name, value)| (name.to_owned(), value)));
    }

    /// The trace.
    pub(crate) fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }
}

/// The two headers of the W3C.
struct Headers<'h> {
    parent: &'h str,
    state: Option<&'h str>,
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            PARENT => Some(self.parent),
            STATE => self.state,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT, STATE]
    }
}

/// Something under way; it ends when it is dropped. Nothing where there are no traces.
#[derive(Debug, Default)]
pub(crate) struct Span(Option<Box<opentelemetry_sdk::trace::Span>>);

/// Begins a span: in the trace of `parent`, or in a new one. `name` is asked only where there are traces.
pub(crate) fn begin<N: Into<Cow<'static, str>>>(
    kind: Kind,
    parent: Option<&Place>,
    name: impl FnOnce() -> N,
) -> Span {
    let Some(started) = STARTED.get() else { return Span::default() };
    let context = match parent {
        Some(Place(parent)) => Context::new().with_remote_span_context(parent.clone()),
        None => Context::new(),
    };
    let builder = started.tracer.span_builder(name()).with_kind(kind);
    Span(Some(Box::new(started.tracer.build_with_context(builder, &context))))
}

impl Span {
    /// Its place, for what goes on from it.
    pub(crate) fn place(&self) -> Option<Place> {
        self.0.as_ref().map(|span| Place(span.span_context().clone()))
    }

    /// Says something about it; `value` is asked only where it is kept.
    pub(crate) fn set<V: Into<Value>>(&mut self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(span) = self.0.as_mut().filter(|span| span.is_recording()) {
            span.set_attribute(KeyValue::new(key, value()));
        }
    }

    /// It did not succeed: a word, never a value.
    pub(crate) fn fail(&mut self, word: &'static str) {
        self.set("error.type", || word);
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(word));
        }
    }

    /// It belongs to what is elsewhere, too.
    pub(crate) fn link(&mut self, to: Option<&Place>) {
        if let (Some(span), Some(Place(to))) = (&mut self.0, to) {
            span.add_link(to.clone(), Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_receiver_there_are_no_spans() {
        assert!(!is_on());
        let mut span = begin(Kind::Internal, None, || -> String { unreachable!("not asked") });
        span.set("key", || -> i64 { unreachable!("not asked") });
        assert_eq!(span.place(), None);
    }

    #[test]
    fn a_place_comes_from_headers_and_goes_into_them() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let kept = |headers: &[(&str, &str)]| -> Vec<(String, String)> {
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let mut headers = kept(&[("x-topic", "a"), (PARENT, parent), (STATE, "vendor=1")]);
        let place = Place::of_kept(&headers).unwrap();
        assert_eq!(place.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        place.put(&mut headers);
        assert_eq!(headers, kept(&[("x-topic", "a"), (PARENT, parent), (STATE, "vendor=1")]));
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Place::of_kept(&kept(&[(PARENT, wrong)])), None, "{wrong}");
        }
        assert_eq!(Place::of_kept(&kept(&[(STATE, "vendor=1")])), None);
    }
}
