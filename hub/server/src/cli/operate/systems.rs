//! Systems: list, show, pause, resume, breaker.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;

use super::{done, listing};
use crate::cli::Shared;
use crate::cli::output::{self, Fault};
use crate::cli::remote::call;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum System {
    /// All systems: mode, breakers, backlog.
    List,
    /// One system.
    Show {
        /// Its name.
        system: String,
    },
    /// Takes nothing from its lanes.
    Pause {
        /// Its name.
        system: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Goes on.
    Resume {
        /// Its name.
        system: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Opens or closes the breaker of an operation.
    Breaker {
        /// Its name.
        system: String,
        /// The operation.
        operation: String,
        /// open, or close: back to its detector.
        act: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(in crate::cli) fn system(shared: &Shared, command: &System) -> Result<ExitCode, Fault> {
    match command {
        System::List => {
            let page = call(shared, Method::GET, &["systems"], &[])?;
            let columns = [
                ("system", "/system"),
                ("integration", "/integration"),
                ("role", "/role"),
                ("mode", "/mode"),
                ("paused", "/paused"),
                ("credential", "/credential"),
                ("backlog", "/backlog"),
                ("oldest s", "/oldest_s"),
                ("last success", "/last_success"),
                ("last error", "/last_error/why"),
            ];
            listing(&page, &columns, shared.output)
        }
        System::Show { system } => {
            let shown = call(shared, Method::GET, &["systems", system], &[])?;
            output::document(&shown, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        System::Pause { system, reason } => {
            done(shared, &["systems", system, "pause"], Some(reason))
        }
        System::Resume { system, reason } => {
            done(shared, &["systems", system, "resume"], Some(reason))
        }
        System::Breaker { system, operation, act, reason } => {
            done(shared, &["systems", system, "breakers", operation, act], Some(reason))
        }
    }
}
