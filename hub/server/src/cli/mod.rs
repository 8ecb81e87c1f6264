//! The command line: arguments in, exit code out.
//!
//! Data goes to stdout, everything else to stderr; errors say what to do. Exit codes: 0 done; 1 ran and
//! found problems; 2 usage, nothing matched, or not allowed; 5 not found; 6 conflict; 69 the hub cannot be reached;
//! 75 try again later; 78 settings or files are wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry;

mod author;
mod demo;
mod doctor;
mod explain;
mod operate;
mod output;
mod remote;
mod serve;
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

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Shared {
    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Output,
    /// The running hub that `order`, `todo`, `system` and `why` ask.
    #[arg(long, global = true, env = "ORDERHUB_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A file with the access token for that hub; without it, the variable ORDERHUB_TOKEN.
    #[arg(long, global = true, env = "ORDERHUB_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How log lines are written.
    #[arg(long, global = true, env = "ORDERHUB_LOG_FORMAT", value_enum, default_value_t)]
    log_format: telemetry::Format,
    /// What is logged: `info`, `orderhub=debug`, ….
    #[arg(long, global = true, env = "ORDERHUB_LOG")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole main job on this machine: hub, shops, ERP, WMS and TMS, through an outage.
    Demo(demo::Demo),
    /// Run one twin by itself: a shop, ERP, WMS, TMS or sink; or make one say something.
    #[command(subcommand)]
    Twin(twin::Twin),
    /// Run the hub until it is told to stop.
    Run(Settings),
    /// Print the effective settings with the origin of each, secrets masked.
    Config(Effective),
    /// What is wrong around the hub and what to do: settings, store, disk, broker, systems.
    Doctor(doctor::Doctor),
    /// Check integration files: every mistake with file, line, column and a hint.
    Check(author::Files),
    /// Run the files' own cases.
    Test(author::Files),
    /// Explain a code (`M0107`) or a hub field (`totals.total`).
    Explain {
        /// The code or field.
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
    /// Why a system has, or has not, what an order says.
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

fn run(arguments: Arguments) -> Result<ExitCode, Fault> {
    let shared = arguments.shared;
    match arguments.command {
        Command::Demo(demo) => {
            telemetry::log(shared.log_format, Some(shared.log.as_deref().unwrap_or("error")));
            demo::run(&demo, shared.output)
        }
        Command::Twin(twin) => {
            telemetry::log(shared.log_format, Some(shared.log.as_deref().unwrap_or("warn")));
            twin::run(&twin, shared.output)
        }
        Command::Run(settings) => {
            telemetry::log(shared.log_format, shared.log.as_deref());
            serve::run(&settings.config)
        }
        Command::Config(asked) => {
            serve::config(&asked.settings.config, asked.origin, shared.output)
        }
        Command::Doctor(doctor) => {
            telemetry::log(shared.log_format, Some(shared.log.as_deref().unwrap_or("error")));
            doctor::run(&shared, &doctor)
        }
        Command::Check(files) => author::check(&files, shared.output),
        Command::Test(files) => author::test(&files, shared.output),
        Command::Explain { word } => explain::explain(&word),
        Command::Order(order) => operate::order(&shared, &order),
        Command::Todo(todo) => operate::todo(&shared, &todo),
        Command::System(system) => operate::system(&shared, &system),
        Command::Token(command) => token::token(&command, shared.output),
        Command::Why { order, system } => operate::why(&shared, &order, system.as_deref()),
    }
}
