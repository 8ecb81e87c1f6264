//! Operating a running hub through its API: orders, todos, systems, why.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::Shared;
use super::output::{self, Code, Fault, Output};
use super::remote::call;

#[derive(Debug, Subcommand)]
pub(super) enum Order {
    /// The newest orders.
    List {
        /// Reference, number or external id, exact or the beginning.
        q: Option<String>,
        /// From this system.
        #[arg(long)]
        system: Option<String>,
        /// In this stage.
        #[arg(long)]
        stage: Option<String>,
        /// With this hold.
        #[arg(long)]
        hold: Option<String>,
        /// In this state, of an axis: `payment=captured`. May be given for several.
        #[arg(long = "state", value_name = "AXIS=STATE")]
        states: Vec<String>,
        /// Changed then or later: `2026-03-01T09:00:00Z`.
        #[arg(long, value_name = "TIME")]
        updated_since: Option<String>,
        /// Placed then or later.
        #[arg(long, value_name = "TIME")]
        placed_since: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One order, whole.
    Show {
        /// Its id, ref or number.
        order: String,
        /// As it was at this version.
        #[arg(long)]
        at: Option<u32>,
    },
    /// Its versions: who, when, why, which fields.
    Log {
        /// Its id, ref or number.
        order: String,
    },
    /// Releases a hold.
    Release {
        /// Its id, ref or number.
        order: String,
        /// The hold's id.
        hold: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Todo {
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
pub(super) struct Decision {
    /// It did not happen: call again.
    #[arg(long)]
    again: bool,
    /// It is done, or not wanted any more.
    #[arg(long)]
    done: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum System {
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

pub(super) fn order(shared: &Shared, command: &Order) -> Result<ExitCode, Fault> {
    match command {
        Order::List { q, system, stage, hold, states, updated_since, placed_since, limit } => {
            let limit = limit.to_string();
            let states = states.iter().map(|state| axis(state)).collect::<Result<Vec<_>, _>>()?;
            let mut query = vec![
                ("q", q.as_deref()),
                ("system", system.as_deref()),
                ("stage", stage.as_deref()),
                ("hold", hold.as_deref()),
                ("updated_since", updated_since.as_deref()),
                ("placed_since", placed_since.as_deref()),
                ("limit", Some(limit.as_str())),
            ];
            query.extend(states.iter().map(|(name, state)| (name.as_str(), Some(*state))));
            let page = call(shared, Method::GET, &["orders"], &query)?;
            let columns = [
                ("ref", "/ref"),
                ("id", "/id"),
                ("no", "/order_no"),
                ("stage", "/stage"),
                ("payment", "/state/payment"),
                ("fulfilment", "/state/fulfilment"),
                ("total", "/totals/total"),
                ("version", "/version"),
            ];
            listing(&page, &columns, shared.output)
        }
        Order::Show { order, at } => {
            let at = at.map(|at| at.to_string());
            let path = ["orders", order];
            let shown = call(shared, Method::GET, &path, &[("at", at.as_deref())])?;
            output::document(&shown, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        Order::Log { order } => {
            let page = call(shared, Method::GET, &["orders", order, "versions"], &[])?;
            let columns = [
                ("version", "/version"),
                ("at", "/at"),
                ("actor", "/actor"),
                ("cause", "/cause"),
                ("reason", "/reason"),
                ("fields", "/fields"),
            ];
            listing(&page, &columns, shared.output)
        }
        Order::Release { order, hold, reason } => {
            let path = ["orders", order, "holds", hold, "release"];
            done(shared, &path, Some(reason))
        }
    }
}

pub(super) fn todo(shared: &Shared, command: &Todo) -> Result<ExitCode, Fault> {
    match command {
        Todo::List { kind, system, cause, limit } => {
            let limit = limit.to_string();
            let query = [
                ("kind", kind.as_deref()),
                ("system", system.as_deref()),
                ("cause", cause.as_deref()),
                ("limit", Some(limit.as_str())),
            ];
            let page = call(shared, Method::GET, &["todo"], &query)?;
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

pub(super) fn system(shared: &Shared, command: &System) -> Result<ExitCode, Fault> {
    match command {
        System::List => {
            let page = call(shared, Method::GET, &["systems"], &[])?;
            let columns = [
                ("system", "/system"),
                ("integration", "/integration"),
                ("role", "/role"),
                ("mode", "/mode"),
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

pub(super) fn why(shared: &Shared, order: &str, system: Option<&str>) -> Result<ExitCode, Fault> {
    let path = ["orders", order, "why"];
    let answer = call(shared, Method::GET, &path, &[("system", system)])?;
    if matches!(shared.output, Output::Json | Output::Jsonl) {
        output::document(&answer, shared.output);
        return Ok(ExitCode::SUCCESS);
    }
    let columns = [("system", "/system"), ("code", "/code"), ("why", "/why")];
    listing(&answer, &columns, shared.output)
}

/// `payment=captured` as the filter that the API knows.
fn axis(given: &str) -> Result<(String, &str), Fault> {
    let (axis, state) = given.split_once('=').ok_or_else(|| {
        Fault::new(Code::Usage, format!("`--state {given}`"))
            .hint("write the axis and its state: `--state payment=captured`")
    })?;
    Ok((format!("state.{axis}"), state))
}

/// An act; its answer goes to stdout.
fn done(shared: &Shared, path: &[&str], reason: Option<&String>) -> Result<ExitCode, Fault> {
    let reason = [("reason", reason.map(String::as_str))];
    let answer = call(shared, Method::POST, path, &reason)?;
    output::document(&answer, shared.output);
    Ok(ExitCode::SUCCESS)
}

/// A page. An empty one is no error: a script that waits for todos is glad of none.
fn listing(page: &Value, columns: &[(&str, &str)], output: Output) -> Result<ExitCode, Fault> {
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if items.is_empty() && output == Output::Table {
        output::say("nothing matches");
        return Ok(ExitCode::SUCCESS);
    }
    output::rows(items, columns, output);
    if page.get("next").is_some_and(|next| !next.is_null()) {
        output::say("there are more; raise --limit or narrow the filter");
    }
    Ok(ExitCode::SUCCESS)
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

    #[test]
    fn a_state_names_its_axis() {
        assert_eq!(axis("payment=captured").unwrap(), ("state.payment".to_owned(), "captured"));
        assert_eq!(axis("captured").unwrap_err().code, Code::Usage);
    }
}
