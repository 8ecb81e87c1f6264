//! `orderhub connector`: a draft of one, whether connectors keep to the contract, and what one of them would send.

mod ask;
mod draft;
mod new;
mod sample;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{Fault, Output};

/// What is done with connectors.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Connector {
    /// A report card for each: calls, and what a bad day makes of them, against a hostile system of its own.
    Test(test::Test),
    /// Draft a connector.yaml with the files around it; guesses are marked, and the draft passes `check` and its card.
    New(new::New),
    /// The first request that an operation would send for a document; secrets are masked, and nothing is sent.
    Ask(ask::Ask),
}

/// Where the files are.
#[derive(Debug, clap::Args)]
struct Folder {
    /// The mappings folder.
    #[arg(long, value_name = "DIR", default_value = "mappings")]
    mappings: PathBuf,
}

/// Runs what the arguments ask for.
pub(super) fn connector(asked: &Connector, output: Output) -> Result<ExitCode, Fault> {
    match asked {
        Connector::Test(asked) => test::test(asked, output),
        Connector::New(asked) => new::new(asked),
        Connector::Ask(asked) => ask::ask(asked, output),
    }
}
