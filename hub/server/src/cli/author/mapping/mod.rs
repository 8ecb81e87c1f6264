//! `orderhub mapping …`: what a mapping does, looked at and tried. One file a command.

mod laws;

use std::process::ExitCode;

use super::super::output::{Fault, Output};

/// The commands.
#[derive(Clone, Debug, clap::Subcommand)]
pub(in super::super) enum Mapping {
    /// What becomes of each field on its way out and back: lawful, up to a form, one way, or broken.
    Laws(laws::Laws),
}

/// Runs one of them.
pub(in super::super) fn mapping(command: &Mapping, output: Output) -> Result<ExitCode, Fault> {
    match command {
        Mapping::Laws(asked) => laws::laws(asked, output),
    }
}
