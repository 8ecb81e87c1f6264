//! `mapping what-if`: what other files would have made of the messages that are stored.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::super::names::Names;
use crate::bundle::{Bundle, BundleError};
use crate::cli::output::{self, Code, Fault, Output, counted, say};
use crate::cli::report::{self, Format};
use crate::cli::serve;
use crate::clock::Clock;
use crate::config::Secrets;
use crate::store::traffic::traffic;
use crate::what_if::{self, Asked, Call, Change, Report, SentTo};

/// Between two lines that say how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The same on a terminal, where the line is written over.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

/// Which files, on which messages.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub mapping what-if mappings.new --since 7d
  orderhub mapping what-if mappings.new --since 24h --system shop_eu -o json > report.json

Reads the store of the settings, whether a hub runs on it or not. Personal values are masked. Conditions (`when:`) are
judged by the orders as they stand now. `connector.yaml` (how systems are called) and `hub/ownership.yaml` (who may write
what) are not compared: where they differ, that is said.

Exit codes: 0 compared; with --exit-code 1 where anything would be otherwise, or could not be compared, or nothing was
there to compare; 2 usage; 75 the store cannot be read; 78 the files or the settings are wrong.")]
pub(in crate::cli) struct WhatIf {
    /// The mappings folder as it is to be.
    new: PathBuf,
    /// How far back: `24h`, `7d`.
    #[arg(long, default_value = "7d", value_parser = duration)]
    since: Duration,
    /// At most so many messages, the newest.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Only messages that came from this system; what goes to it is told with whatever came.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// The settings file: which systems there are, and where the store is.
    #[arg(short, long, env = "ORDERHUB_CONFIG", default_value = "orderhub.toml")]
    config: PathBuf,
    /// End with 1 where anything would be otherwise, and where not every message could be compared.
    #[arg(long)]
    exit_code: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    orderhub_lang::units::duration(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "write a time such as `24h` or `7d`".to_owned())
}

pub(super) fn what_if(asked: &WhatIf, output: Output) -> Result<ExitCode, Fault> {
    let config = serve::load(&asked.config)?.config;
    if let Some(system) = &asked.system
        && !config.systems.keys().any(|known| known.as_str() == system)
    {
        let fault = Fault::new(Code::Usage, format!("the settings know no system `{system}`"));
        return Err(fault.hint("`orderhub config` shows which there are"));
    }
    let names = Names::below(&asked.new);
    let files = Bundle::read(&asked.new).map_err(|error| refused(error, &names, output))?;
    let new = Bundle::compile(&files, &config).map_err(|error| refused(error, &names, output))?;
    let secrets = Secrets::new(serve::environment());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let now = Clock::system().now();
    let wanted = Asked {
        now,
        since: now.checked_sub(asked.since).unwrap_or(Timestamp::UNIX_EPOCH),
        system: asked.system.clone(),
        limit: asked.limit,
    };
    let unread = |error: crate::store::StoreError| Fault::new(Code::Later, error.to_string());
    let report = runtime.block_on(async {
        let mut stored = traffic(&config.store, &secrets).await.map_err(unread)?;
        let mut line = Line::new();
        let mut told = |report: &Report| line.tell(report);
        let report =
            what_if::what_if(&mut *stored, (&new, &files), &config, &wanted, &mut told).await;
        line.end();
        report.map_err(unread)
    })?;
    let report = placed(report, &names);
    tell(&report, output);
    if let Some(system) = asked.system.as_ref().filter(|_| report.messages == 0) {
        say(&format!(
            "note: no message came from `{system}` in that time; what goes to it is told without `--system`"
        ));
    }
    let problem = asked.exit_code && !(report.is_same() && report.is_whole());
    Ok(if problem { ExitCode::from(Code::Problems.number()) } else { ExitCode::SUCCESS })
}

/// The rules of the new files, in the folder that was named.
fn placed(mut report: Report, names: &Names) -> Report {
    let changes = report.changes.iter_mut().filter_map(|change| change.new_rule.as_mut());
    let calls = report.deliveries.iter_mut().filter_map(|call| call.new_rule.as_mut());
    for rule in changes.chain(calls) {
        *rule = names.place(rule);
    }
    for file in &mut report.not_looked_at {
        *file = names.file(&format!("mappings/{file}"));
    }
    report
}

fn refused(error: BundleError, names: &Names, output: Output) -> Fault {
    match error {
        BundleError::Files(findings) => {
            let message = format!("{} in the files", counted(findings.len(), "problem"));
            report::write(&names.findings(findings), Format::of(output));
            let check = format!("orderhub check {}", names.file("mappings/"));
            Fault::new(Code::Settings, message).hint(format!("`{check}` shows the same"))
        }
        other @ (BundleError::Settings(_) | BundleError::Read { .. }) => {
            Fault::new(Code::Settings, names.said(&other.to_string()))
        }
    }
}

/// How far it is, on stderr.
struct Line {
    clock: Clock,
    next: Timestamp,
    terminal: bool,
    shown: bool,
}

impl Line {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let clock = Clock::system();
        let mut line = Self { clock, next: clock.now(), terminal, shown: false };
        line.later();
        line
    }

    fn later(&mut self) {
        let every = if self.terminal { SHOWN_EVERY } else { TOLD_EVERY };
        let now = self.clock.now();
        self.next = now.saturating_add(every).unwrap_or(now);
    }

    fn tell(&mut self, report: &Report) {
        if self.clock.now() < self.next {
            return;
        }
        self.later();
        let back = report.oldest.map_or(String::new(), |at| format!(", back to {at:.0}"));
        let differ = report.otherwise_mapped();
        let line = format!("{} looked at{back}: {differ} otherwise", messages(report.messages));
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            self.shown = true;
        } else {
            say(&line);
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
        }
    }
}

fn messages(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "message")
}

fn tell(report: &Report, output: Output) {
    match output {
        Output::Json | Output::Jsonl => match serde_json::to_value(report) {
            Ok(value) => output::document(&value, output),
            Err(error) => say(&format!("the report cannot be written: {error}")),
        },
        Output::Name => {
            let rows: Vec<Json> = report.changes.iter().map(|change| name(change).into()).collect();
            rows.iter().for_each(|row| output::print(&output::text(row)));
            for call in &report.deliveries {
                output::print(&call_name(call));
            }
        }
        Output::Table => {
            for change in &report.changes {
                output::print(&paragraph(change));
            }
            for call in &report.deliveries {
                output::print(&reached(call));
            }
        }
    }
    summary(report);
}

fn name(change: &Change) -> String {
    let Change { system, document, field, .. } = change;
    let what = change.what.replace('_', " ");
    if field.is_empty() {
        format!("{system}/{document} {what}")
    } else {
        format!("{system}/{document} {what}: {field}")
    }
}

fn paragraph(change: &Change) -> String {
    let documents = usize::try_from(change.documents).unwrap_or(usize::MAX);
    let mut text = format!("{}, {}\n", name(change), counted(documents, "document"));
    if let Some(why) = &change.why {
        text.push_str(&format!("    {why}\n"));
    }
    for (side, rule) in [("old", &change.old_rule), ("new", &change.new_rule)] {
        if let Some(rule) = rule {
            text.push_str(&format!("    {side} rule {rule}\n"));
        }
    }
    for sent in &change.sent_to {
        let SentTo { system, mapping, path } = sent;
        text.push_str(&format!("    sent to {system} as {path} ({mapping})\n"));
    }
    for example in &change.examples {
        text.push_str(&format!("    {} (message {})", example.key, example.message));
        if let Some(field) = &example.field {
            let shown =
                |value: &Option<Json>| value.as_ref().map_or("absent".to_owned(), Json::to_string);
            text.push_str(&format!(" {field}: {} ► {}", shown(&example.old), shown(&example.new)));
        }
        text.push('\n');
    }
    text
}

fn call_name(call: &Call) -> String {
    format!("► {} {}, {}", call.system, call.rule, call.what.replace('_', " "))
}

/// What reaches a target.
fn reached(call: &Call) -> String {
    let orders = counted(usize::try_from(call.orders).unwrap_or(usize::MAX), "order");
    let mut text = format!("{}, {orders}", call_name(call));
    if let Some(code) = call.code.and_then(|code| serde_json::to_value(code).ok()) {
        text.push_str(&format!(" ({})", output::text(&code)));
    }
    text.push('\n');
    if !call.fields.is_empty() {
        let fields: Vec<&str> = call.fields.iter().map(String::as_str).collect();
        text.push_str(&format!("    differs in {}\n", fields.join(", ")));
    }
    if let Some(why) = &call.why {
        text.push_str(&format!("    {why}\n"));
    }
    if let Some(rule) = &call.new_rule {
        text.push_str(&format!("    new rule {rule}\n"));
    }
    if call.what == "carried_otherwise" {
        text.push_str("    of new orders like these; for these it is not made again\n");
    }
    text.push_str(&format!("    {}\n", call.examples.join(", ")));
    text
}

fn summary(report: &Report) {
    let Report { documents, differ, fail, mended, newly_mapped, no_longer_mapped, orders, .. } =
        report;
    let left = match report.left_out() {
        0 => String::new(),
        left => format!(", {left} of them left out"),
    };
    let orders = match orders {
        1 => "1 order or the like".to_owned(),
        orders => format!("{orders} orders and the like"),
    };
    say(&format!(
        "{}{left}, {}: {differ} differ, {fail} fail, {mended} mended, {newly_mapped} newly mapped, \
         {no_longer_mapped} no longer mapped; {orders}",
        messages(report.messages),
        counted(usize::try_from(*documents).unwrap_or(usize::MAX), "document")
    ));
    if *documents == 0 && report.left_out() > 0 {
        say("note: nothing was compared: no document of the messages that are not left out");
    } else if *documents == 0 {
        say(
            "note: nothing was compared: no message brought a document; `--since` reaches further back",
        );
    }
    notes(report);
}

/// What is to be known of the figures.
fn notes(report: &Report) {
    if !report.complete {
        let oldest = report.oldest.map(|at| format!("{at:.0}")).unwrap_or_default();
        say(&format!("note: `--limit` ended it at {oldest}; there are older messages"));
    }
    if !report.not_looked_at.is_empty() {
        say(&format!(
            "note: not compared, and other than before: {}: who may write what, how systems are called and heard, and their roles",
            report.not_looked_at.join(", ")
        ));
    }
    if let Some(newest) = report.newest_earlier {
        say(&format!(
            "note: {} were mapped by other files than the newest, the last of them at {newest:.0}: what was changed \
             between those files and these is told with the rest; a shorter `--since` leaves them out",
            messages(report.earlier)
        ));
    }
    if report.hints > 0 {
        say(&format!("note: {} only hint at documents", messages(report.hints)));
    }
    if report.looked_up > 0 {
        say(&format!(
            "note: of {} the new files look up what was not recorded with them: it was looked up as it is now",
            messages(report.looked_up)
        ));
    }
    if report.unrecorded > 0 {
        say(&format!(
            "note: with {} nothing was recorded (an earlier program): today's settings were taken",
            messages(report.unrecorded)
        ));
    }
    if report.otherwise > 0 {
        say(&format!(
            "note: of {} their own files give something else today than was recorded (another program)",
            messages(report.otherwise)
        ));
    }
    for (why, count) in &report.not_replayable {
        say(&format!("note: {} left out: {why}", messages(*count)));
        if let Some((_, hint)) = what_if::LEFT_OUT.iter().find(|(known, _)| known == why) {
            say(&format!("  hint: {hint}"));
        }
    }
    if report.unplaced > 0 {
        let documents = counted(usize::try_from(report.unplaced).unwrap_or(usize::MAX), "document");
        say(&format!(
            "note: of {documents} nobody can say what they would lead to: they wait, or conflict"
        ));
    }
    if report.untold > 0 {
        say(&format!("note: {} more documents changed in other ways", report.untold));
    }
    if report.untold_deliveries > 0 {
        say(&format!("note: {} more calls reach targets in other ways", report.untold_deliveries));
    }
}
