//! The command line: arguments in, exit code out.
//!
//! Data goes to stdout, everything else to stderr; errors say what to do. Exit codes: 0 done; 1 ran and
//! found problems; 2 usage, nothing matched, or not allowed; 5 not found; 6 conflict; 69 the hub cannot be reached;
//! 75 try again later; 78 settings or files are wrong; 130 interrupted.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, LogFormat};
use crate::telemetry::log;

mod author;
mod connector;
mod demo;
mod doctor;
mod explain;
mod operate;
mod output;
mod reindex;
mod remote;
mod report;
mod serve;
mod store;
mod token;
mod twin;

use output::{Fault, Output};

/// OrderHub: one central record of every order, moved safely between shops, ERP, WMS and TMS.
#[derive(Debug, Parser)]
#[command(name = "orderhub", version, arg_required_else_help = true, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// Where a hub listens whose settings say nothing else.
const ANYWHERE: &str = "http://127.0.0.1:8080";

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Shared {
    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Output,
    /// The running hub that `order`, `todo`, `system` and `why` ask; `doctor` asks that of its settings, unless this
    /// is given.
    #[arg(long, global = true, env = "ORDERHUB_URL", default_value = ANYWHERE)]
    url: String,
    /// A file with the access token for that hub; without it, the variable ORDERHUB_TOKEN.
    #[arg(long, global = true, env = "ORDERHUB_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How log lines are written; without it, as `[log]` of the settings says.
    #[arg(long, global = true, env = "ORDERHUB_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,
    /// What is logged: `debug`, `info,orderhub::deliver=debug`, …; without it, as `[log]` says.
    #[arg(long, global = true, env = "ORDERHUB_LOG")]
    log: Option<String>,
}

impl Shared {
    /// What is said of logs for this run.
    fn said(&self) -> log::Said {
        log::Said { format: self.log_format, filter: self.log.clone() }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole main job on this machine: hub, shops, ERP, WMS and TMS, through an outage.
    Demo(demo::Demo),
    /// Run one twin by itself: a shop, ERP, WMS, TMS or sink; or make one say something.
    #[command(subcommand)]
    Twin(twin::Twin),
    /// Run the hub until it is told to stop.
    #[command(
        after_help = "Exit codes: 0 it was told to stop; 75 its port is taken, or its store cannot be used now; 78 settings or files are wrong."
    )]
    Run(Settings),
    /// Print the effective settings with the origin of each, secrets masked.
    Config(Effective),
    /// What is wrong around the hub and what to do: settings, store, disk, broker, systems.
    Doctor(doctor::Doctor),
    /// Forget what finds orders, and its key, with all hubs stopped: the next start makes it anew.
    Reindex(Settings),
    /// Check integration files: every mistake with file, line, column and a hint.
    Check(author::Check),
    /// Run the files' own cases.
    Test(author::test::Test),
    /// Lay integration files out in their one layout; words, comments, quotes and order are kept.
    Fmt(author::fmt::Fmt),
    /// Print the JSON Schema of a kind of file, of an order, or of the settings.
    Schema(author::schema::Schema),
    /// One mapping: run it, explain it, compare it with another; or all of them: their laws.
    #[command(subcommand)]
    Mapping(author::mapping::Command),
    /// Connectors: a report card against a hostile system, what one would send.
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Explain a code (`M0107`), the cause of a todo or a hold (`unknown_value`), a conversion or a hub field (`totals.total`).
    #[command(after_help = "Exit codes: 0 explained; 5 there is no such code, cause or field.")]
    Explain {
        /// The code, cause or field.
        word: String,
    },
    /// Orders: list, show, log, diff, blame, restore, release.
    #[command(subcommand)]
    Order(operate::Order),
    /// What needs a person: list, show, replay, resolve, discard.
    #[command(subcommand)]
    Todo(operate::Todo),
    /// Systems: list, show, pause, resume, breaker.
    #[command(subcommand)]
    System(operate::System),
    /// Access tokens: create.
    #[command(subcommand)]
    Token(token::Token),
    /// Where orders lie: copy, from SQLite to PostgreSQL.
    #[command(subcommand)]
    Store(store::Store),
    /// Look at what passes, live: messages before and after mapping, and what is sent; personal values masked.
    Tap(operate::Tap),
    /// Why a system has, or has not, what an order says, and what to do.
    Why {
        /// The order: id, ref or number.
        order: String,
        /// One system only.
        system: Option<String>,
    },
}

/// Where the settings are.
#[derive(Clone, Debug, clap::Args)]
struct Settings {
    /// The settings file.
    #[arg(short, long, env = "ORDERHUB_CONFIG", default_value = "orderhub.toml")]
    config: PathBuf,
}

/// The settings to be shown.
#[derive(Clone, Debug, clap::Args)]
struct Effective {
    #[command(flatten)]
    settings: Settings,
    /// Only what a file or the environment sets, each with its place or the name of its variable.
    #[arg(long)]
    origin: bool,
}

/// Runs what the arguments ask for.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let usage = error.use_stderr();
            // A closed pipe is nobody's fault.
            error.print().ok();
            return if usage { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let output = arguments.shared.output;
    match run(arguments) {
        Ok(code) => code,
        Err(fault) => fault.report(output),
    }
}

/// Whether this can be typed: for those who test what people are told to type. A number stands for `ID` and `N`.
#[cfg(test)]
pub(crate) fn is_command(text: &str) -> bool {
    let word =
        |word: &str| if matches!(word, "ID" | "N") { "7".to_owned() } else { word.to_owned() };
    let mut words: Vec<String> = Vec::new();
    for (quoted, part) in text.split('"').enumerate().map(|(at, part)| (at % 2 == 1, part)) {
        match quoted {
            true => words.push(part.to_owned()),
            false => words.extend(part.split_whitespace().map(word)),
        }
    }
    Arguments::try_parse_from(words).is_ok()
}

/// Whether a command can be typed as it stands: it is one, and no place in it is left to fill in.
#[cfg(test)]
pub(crate) fn is_typed(text: &str) -> bool {
    let capital = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    is_command(text) && !text.split_whitespace().any(capital)
}

/// The commands that a text tells people to type.
#[cfg(test)]
pub(crate) fn commands_in(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| word.starts_with("orderhub ")).map(str::to_owned).collect()
}

fn run(arguments: Arguments) -> Result<ExitCode, Fault> {
    let shared = arguments.shared;
    match arguments.command {
        Command::Demo(demo) => {
            log::errors_only(&shared.said());
            demo::run(&demo, shared.output)
        }
        Command::Twin(twin) => {
            let said = shared.said();
            let filter = said.filter.or_else(|| Some("warn".to_owned()));
            log::start(&config::Log::default(), &log::Said { filter, ..said });
            twin::run(&twin, shared.output)
        }
        Command::Run(settings) => serve::run(&settings.config, &shared.said()),
        Command::Config(asked) => {
            serve::config(&asked.settings.config, asked.origin, shared.output)
        }
        Command::Doctor(doctor) => {
            // What it finds is its report; a library's words on the way there are asked for.
            if shared.log.is_some() {
                log::errors_only(&shared.said());
            }
            doctor::run(&shared, &doctor)
        }
        Command::Reindex(settings) => reindex::reindex(&settings.config),
        Command::Check(asked) => author::check(&asked, shared.output),
        Command::Test(asked) => author::test::test(&asked, shared.output),
        Command::Fmt(asked) => author::fmt::fmt(&asked, shared.output),
        Command::Schema(asked) => author::schema::schema(&asked),
        Command::Mapping(command) => author::mapping::mapping(&command, shared.output),
        Command::Connector(command) => connector::connector(&command, shared.output),
        Command::Explain { word } => explain::explain(&word),
        Command::Order(order) => operate::order(&shared, &order),
        Command::Todo(todo) => operate::todo(&shared, &todo),
        Command::System(system) => operate::system(&shared, &system),
        Command::Token(command) => token::token(&command, shared.output),
        Command::Store(command) => store::store(&command, shared.output),
        Command::Tap(tap) => operate::tap(&shared, &tap),
        Command::Why { order, system } => operate::why(&shared, &order, system.as_deref()),
    }
}
