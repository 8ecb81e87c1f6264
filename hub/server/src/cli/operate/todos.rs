//! What needs a person: list, show, replay, resolve, discard.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;

use super::{done, gather, listing};
use crate::cli::Shared;
use crate::cli::output::{self, Fault};
use crate::cli::remote::call;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Todo {
    /// What is open.
    List {
        /// parked, ambiguous, waiting, in_doubt, dead, conflict, finding.
        #[arg(long)]
        kind: Option<String>,
        /// Of this system.
        #[arg(long)]
        system: Option<String>,
        /// Of this cause.
        #[arg(long)]
        cause: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One, with its raw message.
    Show {
        /// Its number.
        id: i64,
    },
    /// Drives its message again.
    Replay {
        /// Its number.
        id: i64,
    },
    /// Decides about its call, which is dead or in doubt.
    Resolve {
        /// Its number.
        id: i64,
        #[command(flatten)]
        decision: Decision,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Lets it be.
    Discard {
        /// Its number.
        id: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What becomes of a call: one of the two.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Decision {
    /// It did not happen: call again.
    #[arg(long)]
    again: bool,
    /// It is done, or not wanted any more.
    #[arg(long)]
    done: bool,
}

pub(in crate::cli) fn todo(shared: &Shared, command: &Todo) -> Result<ExitCode, Fault> {
    match command {
        Todo::List { kind, system, cause, limit } => {
            let query = [
                ("kind", kind.as_deref()),
                ("system", system.as_deref()),
                ("cause", cause.as_deref()),
            ];
            let page = gather(shared, &["todo"], &query, *limit)?;
            let columns = [
                ("id", "/id"),
                ("kind", "/kind"),
                ("cause", "/cause"),
                ("system", "/system"),
                ("order", "/order"),
                ("at", "/at"),
                ("why", "/why"),
            ];
            listing(&page, &columns, shared.output)
        }
        Todo::Show { id } => {
            let shown = call(shared, Method::GET, &["todo", &id.to_string()], &[])?;
            output::document(&shown, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        Todo::Replay { id } => done(shared, &["todo", &id.to_string(), "replay"], None),
        Todo::Resolve { id, decision: Decision { again, done: _ }, reason } => {
            let path = ["todo", &id.to_string(), "resolve"];
            let again = again.to_string();
            let query = [("again", Some(again.as_str())), ("reason", Some(reason.as_str()))];
            let answer = call(shared, Method::POST, &path, &query)?;
            output::document(&answer, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        Todo::Discard { id, reason } => {
            done(shared, &["todo", &id.to_string(), "discard"], Some(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        todo: Todo,
    }

    #[test]
    fn a_call_is_decided_one_way_or_the_other_and_with_a_reason() {
        let read = |words: &[&str]| {
            let words = ["todo", "resolve", "7"].iter().chain(words);
            Line::try_parse_from(words).map(|line| line.todo)
        };
        for (words, expected) in [(["--again"], true), (["--done"], false)] {
            let words = [&words[..], &["--reason", "looked"]].concat();
            let Todo::Resolve { id, decision, reason } = read(&words).unwrap() else { panic!() };
            assert_eq!((id, decision.again, reason.as_str()), (7, expected, "looked"));
        }
        assert!(read(&["--reason", "looked"]).is_err());
        assert!(read(&["--again", "--done", "--reason", "looked"]).is_err());
        assert!(read(&["--again"]).is_err());
    }
}
