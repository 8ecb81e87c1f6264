//! What needs a person: list, show, replay, resolve, discard.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{done, gather, listing};
use crate::cli::Shared;
use crate::cli::output::{self, Code, Fault, counted};
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
        #[command(flatten)]
        which: Which,
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
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Most todos that one command is about.
const MOST_AT_ONCE: usize = 1_000;

/// One todo, or all of a cause.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// Its number.
    #[arg(required_unless_present = "cause", conflicts_with = "cause")]
    id: Option<i64>,
    /// Instead of one: the open ones of this cause, at most 1000 at once.
    #[arg(long)]
    cause: Option<String>,
    /// Of these, those of one system.
    #[arg(long, requires = "cause", conflicts_with = "id")]
    system: Option<String>,
    /// Do it; without this it is only said how many they are.
    #[arg(long, requires = "cause", conflicts_with = "id")]
    yes: bool,
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
        Todo::Replay { which } => all(shared, which, ("replay", "replayed"), None),
        Todo::Resolve { id, decision: Decision { again, done: _ }, reason } => {
            let path = ["todo", &id.to_string(), "resolve"];
            let again = again.to_string();
            let query = [("again", Some(again.as_str())), ("reason", Some(reason.as_str()))];
            let answer = call(shared, Method::POST, &path, &query)?;
            output::document(&answer, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        Todo::Discard { which, reason } => {
            all(shared, which, ("discard", "discarded"), Some(reason))
        }
    }
}

/// The same act on one, or on all that are meant: each by itself, so that one that does not take it holds up none.
fn all(
    shared: &Shared,
    which: &Which,
    (act, acted): (&str, &str),
    reason: Option<&String>,
) -> Result<ExitCode, Fault> {
    let Some(cause) = which.cause.as_deref() else {
        let id = which.id.unwrap_or_default().to_string();
        return done(shared, &["todo", &id, act], reason);
    };
    let query = [("cause", Some(cause)), ("system", which.system.as_deref())];
    let page = gather(shared, &["todo"], &query, MOST_AT_ONCE)?;
    let ids = page.get("items").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<i64> = ids.filter_map(|todo| todo.get("id").and_then(Value::as_i64)).collect();
    let more = page.get("next").is_some_and(|next| !next.is_null());
    let of = which.system.as_ref().map(|system| format!(" of `{system}`")).unwrap_or_default();
    let found = format!("{} of cause `{cause}`{of}", counted(ids.len(), "open todo"));
    let found = if more { format!("{found}, and more behind them") } else { found };
    if ids.is_empty() {
        let fault =
            Fault::new(Code::Usage, format!("there is no open todo of cause `{cause}`{of}"));
        return Err(fault.hint("`orderhub todo list` has those that there are"));
    }
    if !which.yes {
        let fault = Fault::new(Code::Usage, format!("{found}; nothing was done"));
        return Err(fault.hint(format!("add `--yes`, and they are {acted}")));
    }
    let (mut good, mut left) = (0_usize, Vec::new());
    let reason = [("reason", reason.map(String::as_str))];
    for id in ids {
        match call(shared, Method::POST, &["todo", &id.to_string(), act], &reason) {
            Ok(_) => good += 1,
            Err(fault) if fault.code == Code::Conflict => {
                left.push(json!({ "id": id, "why": fault.message }));
            }
            Err(fault) => {
                output::say(&format!("{} {acted} before", counted(good, "todo")));
                return Err(fault);
            }
        }
    }
    let whole = left.is_empty();
    output::document(&json!({ acted: good, "left": left, "more": more }), shared.output);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::super::remote::tests::{answering, asking, canned};
    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        todo: Todo,
    }

    fn which(words: &[&str]) -> Result<Which, clap::Error> {
        let line = Line::try_parse_from([&["todo", "replay"], words].concat())?;
        let Todo::Replay { which } = line.todo else { panic!() };
        Ok(which)
    }

    #[test]
    fn one_is_meant_or_all_of_a_cause() {
        assert_eq!(which(&["7"]).unwrap().id, Some(7));
        assert_eq!(which(&["--cause", "a", "--system", "b"]).unwrap().cause.as_deref(), Some("a"));
        for wrong in [&[][..], &["7", "--cause", "a"], &["--system", "b"], &["7", "--yes"]] {
            assert!(which(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn all_of_a_cause_are_counted_first_and_then_acted_on_one_by_one() {
        let page = r#"{"items":[{"id":3},{"id":1}],"next":null}"#;
        let reason = "ours".to_owned();
        let (url, asked) = canned(&[page]);
        let meant = which(&["--cause", "a", "--system", "b"]).unwrap();
        let act = ("discard", "discarded");
        let told = all(&asking(url), &meant, act, Some(&reason)).unwrap_err();
        assert_eq!(told.code, Code::Usage);
        assert!(told.message.starts_with("2 open todos of cause `a` of `b`"), "{}", told.message);
        let asked = asked.join().unwrap();
        assert!(asked[0].contains("/todo?cause=a&system=b&"), "{asked:?}");

        let (url, asked) = canned(&[page, "{}", "{}"]);
        let meant = which(&["--cause", "a", "--system", "b", "--yes"]).unwrap();
        let ended = all(&asking(url), &meant, act, Some(&reason)).unwrap();
        assert_eq!(ended, ExitCode::SUCCESS);
        let asked = asked.join().unwrap();
        assert!(asked[1].starts_with("POST /api/v1/todo/3/discard?reason=ours "), "{asked:?}");
        assert!(asked[2].starts_with("POST /api/v1/todo/1/discard?reason=ours "), "{asked:?}");

        // One that does not take it holds up none.
        let waits = r#"{"code":"decision_awaited","detail":"a call waits"}"#;
        let (url, asked) = answering(&[(200, page), (409, waits), (200, "{}")]);
        let ended = all(&asking(url), &meant, act, Some(&reason)).unwrap();
        assert_ne!(ended, ExitCode::SUCCESS);
        assert_eq!(asked.join().unwrap().len(), 3);

        let (url, _asked) = canned(&[r#"{"items":[],"next":null}"#]);
        let none = all(&asking(url), &meant, act, Some(&reason)).unwrap_err();
        assert!(none.message.starts_with("there is no open todo"), "{}", none.message);
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
