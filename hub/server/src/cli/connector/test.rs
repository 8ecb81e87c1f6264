//! `orderhub connector test`: report cards.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic;
use serde_json::{Value as Json, json};

use super::Folder;
use crate::bundle::{Bundle, BundleError};
use crate::cli::author::{Names, usage};
use crate::cli::output::{self, Code, Fault, Output, counted, say};
use crate::kit::{self, Card, Line, Mark};

/// Which connectors, and how it is told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a name, all connectors of the folder are tried: a line for each, and what failed.

Examples:
  orderhub connector test
  orderhub connector test rest_wms tryton --format json

Exit codes: 0 every check passed or was not applicable; 1 some failed, or files have errors; 2 usage; 5 no such connector."
)]
pub(in crate::cli) struct Test {
    /// Folders with a connector.yaml; without any, all of them.
    name: Vec<String>,
    #[command(flatten)]
    folder: Folder,
    /// How cards are written; without it, as `--output` says.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// How cards are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people: one line a check; of all connectors, one line each.
    Text,
    /// One JSON document with every check of every step.
    Json,
}

type Connectors = BTreeMap<String, Arc<dyn Connector>>;

/// Tries connectors.
pub(super) fn test(asked: &Test, output: Output) -> Result<ExitCode, Fault> {
    let all = connectors(&asked.folder)?;
    let chosen = chosen(&asked.name, all)?;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let cards = kit::cards(&chosen, runtime);
    let cards = cards.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let format = asked.format.unwrap_or(match output {
        Output::Table | Output::Name => Format::Text,
        Output::Json | Output::Jsonl => Format::Json,
    });
    match format {
        Format::Text if asked.name.is_empty() => output::print(&table(&cards)),
        Format::Text => cards.iter().for_each(|card| output::print(&text(card))),
        Format::Json => {
            let cards: Vec<Json> = cards.iter().map(machine).collect();
            output::document(&json!({ "connectors": cards }), Output::Json);
        }
    }
    let failed: usize = cards.iter().map(|card| card.count().1).sum();
    let bad = cards.iter().filter(|card| card.count().1 > 0).count();
    let tried = counted(cards.len(), "connector");
    say(&format!("tried {tried}: {bad} with failures, {} failed", counted(failed, "check")));
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(Code::Problems.number()),
    })
}

/// The connectors of a mappings folder.
pub(super) fn connectors(folder: &Folder) -> Result<Connectors, Fault> {
    let root = &folder.mappings;
    let files = Bundle::read(root).map_err(|error| usage(error, root))?;
    match Bundle::connectors(&files) {
        Ok(connectors) if connectors.is_empty() => {
            let fault =
                Fault::new(Code::Usage, format!("no connector.yaml in `{}`", root.display()));
            Err(fault.hint("name the mappings folder: `--mappings DIR`"))
        }
        Ok(connectors) => Ok(connectors),
        Err(BundleError::Files(found)) => {
            let found = Names::below(root).findings(found);
            let message = format!("files have errors:\n{}", diagnostic::render(&found).trim_end());
            Err(Fault::new(Code::Problems, message).hint("`orderhub check` shows the same"))
        }
        Err(error) => Err(usage(error, root)),
    }
}

/// Those that are asked for.
fn chosen(names: &[String], all: Connectors) -> Result<Connectors, Fault> {
    if names.is_empty() {
        return Ok(all);
    }
    let known: Vec<&str> = all.keys().map(String::as_str).collect();
    names.iter().map(|name| Ok((name.clone(), one(name, &all, &known)?))).collect()
}

/// One of them by its name.
pub(super) fn one(
    name: &str,
    all: &Connectors,
    known: &[&str],
) -> Result<Arc<dyn Connector>, Fault> {
    all.get(name).map(Arc::clone).ok_or_else(|| {
        let near = diagnostic::nearest(name, known.iter().copied());
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("connectors: {}", known.join(", ")),
        };
        Fault::new(Code::NotFound, format!("there is no connector `{name}`")).hint(hint)
    })
}

/// A line for each connector, with what failed of it.
fn table(cards: &[Card]) -> String {
    let mut text = format!(
        "{:<20} {:>6} {:>6} {:>4}  tested against\n",
        "connector", "passed", "failed", "n/a"
    );
    for card in cards {
        let (passed, failed, none) = card.count();
        let (name, tested) = (&card.connector, tested(card));
        text.push_str(&format!("{name:<20} {passed:>6} {failed:>6} {none:>4}  {tested}\n"));
        for line in &card.lines {
            if let Mark::Fail(why) = &line.mark {
                text.push_str(&format!("  FAIL {} {}: {why}\n", line.check, place(line)));
            }
        }
    }
    text
}

fn tested(card: &Card) -> &'static str {
    card.tested.map_or("it does not say (`tested:` of connector.yaml)", |by| by.sentence())
}

fn text(card: &Card) -> String {
    let mut text = format!("{} · tested against: {}\n", card.connector, tested(card));
    for (check, lines) in card.checks() {
        let (passed, failed, none) = Card::count_of(&lines);
        let word = match (passed, failed) {
            (_, 1..) => "FAIL",
            (1.., 0) => "pass",
            (0, 0) => "n/a ",
        };
        let of = passed + failed;
        let steps = counted(of, "step");
        let told = match (of, none) {
            (0, 0) => kit::nothing(check).to_owned(),
            (0, _) => reason(&lines),
            (_, 0) => format!("{passed} of {steps}"),
            (_, none) => format!("{passed} of {steps}; {none} not applicable: {}", reason(&lines)),
        };
        text.push_str(&format!("  {word}  {check:<26} {told}\n"));
        for line in lines {
            if let Mark::Fail(why) = &line.mark {
                text.push_str(&format!("        {}: {why}\n", place(line)));
            }
        }
    }
    let (passed, failed, none) = card.count();
    text.push_str(&format!("  {passed} passed, {failed} failed, {none} not applicable\n"));
    text
}

fn place(line: &Line) -> String {
    match line.step.as_str() {
        "" => line.operation.clone(),
        step => format!("{}/{step}", line.operation),
    }
}

/// Why checks were not applicable, each reason once.
fn reason(lines: &[&Line]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for line in lines {
        if let Mark::None(why) = line.mark
            && !reasons.contains(&why)
        {
            reasons.push(why);
        }
    }
    reasons.join("; ")
}

fn machine(card: &Card) -> Json {
    let line = |line: &Line| {
        let (result, why) = match &line.mark {
            Mark::Pass => ("pass", None),
            Mark::Fail(why) => ("fail", Some(why.as_str())),
            Mark::None(why) => ("not_applicable", Some(*why)),
        };
        json!({ "check": line.check, "operation": line.operation, "step": line.step, "result": result, "why": why })
    };
    let (passed, failed, none) = card.count();
    json!({
        "connector": card.connector,
        "tested": card.tested.map(|by| by.word()),
        "passed": passed,
        "failed": failed,
        "not_applicable": none,
        "checks": card.lines.iter().map(line).collect::<Vec<_>>(),
    })
}
