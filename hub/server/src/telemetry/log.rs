//! Log lines, for people or for machines.
//!
//! **Invariant:** every line that is written on behalf of a message, a call or a request carries its ids
//! (`message_id`, `message_row`, `order`, `system`, `request`, `trace_id`), whoever writes it: those of the spans around it stand
//! in the line itself. Test: `lines_of_one_piece_of_work_carry_the_same_ids`.
//! **Invariant:** no secret and no personal value is logged, at whatever level: only the hub itself writes
//! below `warn`, and what it writes are ids and sentences. Tests: `logs_tell_no_secret_and_nobody_s_name`,
//! `printing_a_message_shows_neither_its_body_nor_its_headers`.

use std::fmt;
use std::io::{self, IsTerminal};

use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use super::flood::Flood;
use crate::config::{self, LogFormat, LogLevel, LogTo};

/// What is said for one run, instead of what the settings say.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// How lines are written.
    pub format: Option<LogFormat>,
    /// A level, or a filter such as `info,orderhub::deliver=debug`.
    pub filter: Option<String>,
}

/// Writes logs as the settings say, and what was said for this run; how lines are written then. A second call
/// changes nothing.
pub fn start(settings: &config::Log, said: &Said) -> LogFormat {
    let filter = said.filter.as_deref().unwrap_or(settings.level.as_str());
    let filter = EnvFilter::builder().parse_lossy(filter_of(filter));
    let format = said.format.unwrap_or(settings.format);
    let started = match settings.to {
        LogTo::Stderr => lines(format, io::stderr, io::stderr().is_terminal(), filter),
        LogTo::Stdout => lines(format, io::stdout, io::stdout().is_terminal(), filter),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logs are set up already");
    }
    std::panic::set_hook(Box::new(|panic| {
        // Its words may hold what it failed on.
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "the program failed: a fault to report");
    }));
    format
}

/// Only errors, for what shows results to a person.
pub fn errors_only(said: &Said) {
    start(&config::Log { level: LogLevel::Error, ..config::Log::default() }, said);
}

/// A level counts for the hub. Of what it is built from, only warnings: libraries print what passes through
/// them. The broker's calls errors what the reader asks for on purpose, or says itself in plain words.
fn filter_of(said: &str) -> String {
    match said {
        "error" | "off" => said.to_owned(),
        "warn" | "info" | "debug" | "trace" => {
            format!("warn,orderhub={said},orderhub_connectors={said},lapin=off")
        }
        filter => filter.to_owned(),
    }
}

fn lines<W>(
    format: LogFormat,
    to: W,
    ansi: bool,
    filter: EnvFilter,
) -> Result<(), tracing_subscriber::util::TryInitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(to);
    let counted = tracing_subscriber::registry().with(filter).with(Counted);
    let flood = Flood::default();
    let few = flood.clone();
    let started = match format {
        LogFormat::Text => {
            counted.with(lines.with_ansi(ansi).with_target(false).with_filter(few)).try_init()
        }
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(Objects);
            counted.with(lines.with_ansi(false).with_filter(few)).try_init()
        }
    };
    if started.is_ok() {
        flood.keep_telling();
    }
    started
}

/// Counts lines that somebody should see.
struct Counted;

impl<S: Subscriber> Layer<S> for Counted {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            _ => return,
        };
        ::metrics::counter!("orderhub_log_lines_total", "level" => level).increment(1);
    }
}

/// One flat object a line: `at`, `level`, the fields of the spans around it from the outermost in, its own
/// fields, `message`.
struct Objects;

impl<S> FormatEvent<S, JsonFields> for Objects
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        line.insert("at".to_owned(), at.into());
        let level = event.metadata().level().as_str().to_lowercase();
        line.insert("level".to_owned(), level.into());
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                add(&mut line, fields);
            }
        }
        let mut own = String::new();
        JsonFields::new().format_fields(Writer::new(&mut own), event)?;
        add(&mut line, &own);
        writeln!(to, "{}", Value::Object(line))
    }
}

/// What stands further in wins.
fn add(line: &mut Map<String, Value>, fields: &str) {
    if let Ok(Value::Object(fields)) = serde_json::from_str(fields) {
        line.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::Written;
    use super::*;

    #[test]
    fn lines_of_one_piece_of_work_carry_the_same_ids() {
        let kept = Written::default();
        let to = kept.clone();
        let lines = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Objects)
            .with_writer(move || to.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let request = tracing::info_span!("request", request = "r-1", system = "shop");
            let _request = request.enter();
            let call = tracing::info_span!("call", order = "o-1", trace_id = tracing::field::Empty);
            call.record("trace_id", "abc");
            call.in_scope(|| tracing::warn!(system = "erp", attempt = 2, "told \"him\""));
            tracing::info!("said");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let of = |line: &Value, key: &str| line[key].clone();
        assert_eq!(of(&lines[0], "request"), "r-1");
        assert_eq!(of(&lines[0], "order"), "o-1");
        assert_eq!(of(&lines[0], "trace_id"), "abc");
        assert_eq!(of(&lines[0], "system"), "erp", "what stands further in wins");
        assert_eq!(of(&lines[0], "attempt"), 2);
        assert_eq!(of(&lines[0], "level"), "warn");
        assert_eq!(of(&lines[0], "message"), "told \"him\"");
        assert_eq!((of(&lines[1], "request"), of(&lines[1], "order")), ("r-1".into(), Value::Null));
        assert_eq!(of(&lines[1], "system"), "shop");
    }

    #[test]
    fn a_level_is_the_hub_s_and_not_that_of_its_libraries() {
        assert_eq!(filter_of("debug"), "warn,orderhub=debug,orderhub_connectors=debug,lapin=off");
        assert_eq!(filter_of("info,hyper=debug"), "info,hyper=debug");
    }
}
