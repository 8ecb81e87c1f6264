//! `orderhub mapping …`: what a mapping does, tried, explained, compared and proved, without a hub. Each command
//! has a file of its own.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::output::{Fault, Output};

mod diff;
mod explain;
pub(super) mod given;
mod laws;
mod new;
mod run;
mod what_if;

/// What is done with a mapping.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Map one document, as the hub would: `orderhub mapping run mappings/shop/order.yaml < order.json`.
    Run(run::Run),
    /// Where each value came from: rule, place in the document, value after each conversion, or why there is none.
    Explain(explain::Explain),
    /// What a change of a mapping does to documents: each field that comes out otherwise, with both rules.
    Diff(diff::Diff),
    /// What becomes of each field on its way out and back: lawful, up to a form, one way, or broken.
    Laws(laws::Laws),
    /// What other files would have made of the messages that are stored: each is mapped by both, with what was
    /// recorded with it. Nothing is written or sent.
    WhatIf(what_if::WhatIf),
    /// Draft a mapping from sample documents; guesses are marked, and the draft passes its own cases.
    New(new::New),
}

/// Does it.
pub(in crate::cli) fn mapping(command: &Command, output: Output) -> Result<ExitCode, Fault> {
    match command {
        Command::Run(asked) => run::run(asked, output),
        Command::Explain(asked) => explain::explain(asked, output),
        Command::Diff(asked) => diff::diff(asked, output),
        Command::Laws(asked) => laws::laws(asked, output),
        Command::WhatIf(asked) => what_if::what_if(asked, output),
        Command::New(asked) => new::new(asked),
    }
}
