//! `mapping run`: one body through one mapping, either way, without a hub.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use orderhub_mapping::cases::{document, project};
use orderhub_mapping::{Mapped, ReverseError};
use serde_json::Value as Json;

use super::given::{self, Around};
use crate::cli::output::{self, Code, Fault, Output, counted, say};

/// What is mapped by what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub mapping run mappings/till/order.yaml < order.json
  orderhub mapping run mappings/shopify/order_rest.yaml order.json --set money=shop_money
  orderhub mapping run mappings/till/order.yaml order.json --lookup order.4711=till-70
  orderhub mapping run mappings/till/order.yaml --out < order.hub.json

Exit codes: 0 mapped; 1 a document cannot be mapped; 2 usage; 78 the mapping has errors.")]
pub(in crate::cli) struct Run {
    /// The mapping file.
    file: PathBuf,
    /// The document; without it, or with `-`, the standard input.
    document: Option<PathBuf>,
    /// The way out: the document is what the hub says, as in the `hub:` of a case; what is printed is what the
    /// system gets.
    #[arg(long)]
    out: bool,
    #[command(flatten)]
    around: Around,
}

/// How it is said that more than one document stands in a body.
pub(super) const SEVERAL: &str = "something follows the document";
/// What to do then.
pub(super) const ONE_BY_ONE: &str =
    "of several documents, one a line, each is a body of its own: hand them in one by one";

pub(super) fn run(asked: &Run, output: Output) -> Result<ExitCode, Fault> {
    let one = given::mapping(&asked.file, output)?;
    let mapping = &one.mapping;
    let around = asked.around.read(mapping)?;
    let body = given::body(asked.document.as_deref())?;
    if asked.out {
        return out(&one, asked.document.as_deref(), &body, &around);
    }
    around.tell_wants(&[mapping], &body);
    let mapped = mapping.run_with(&body, &around.context(), &around);
    let failed = mapped.iter().filter_map(|one| match one {
        Mapped::Failed(error) => Some(error),
        Mapped::Document(_) | Mapped::Skipped => None,
    });
    let (mut failures, mut several) = (0, false);
    for error in failed {
        failures += 1;
        several |= error.why.starts_with(SEVERAL);
        say(&one.failure(error, asked.document.as_deref()));
    }
    if several {
        say(&format!("  hint: {ONE_BY_ONE}"));
    }
    let documents: Vec<Json> = mapped.iter().map(document).collect();
    print(&documents, output);
    let skipped = mapped.iter().filter(|one| matches!(one, Mapped::Skipped)).count();
    let good = mapped.len() - skipped - failures;
    let documents = counted(mapped.len(), "document");
    say(&format!("{documents}: {good} mapped, {skipped} skipped, {failures} failed"));
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// What comes in, as cases write it: one document alone, several as a list.
fn print(documents: &[Json], output: Output) {
    match (documents, output) {
        ([one], Output::Table | Output::Json) => output::document(one, Output::Json),
        (_, Output::Table | Output::Json) => output::rows(documents, &[], Output::Json),
        (_, Output::Jsonl) => output::rows(documents, &[], Output::Jsonl),
        (_, Output::Name) => output::rows(documents, &[("key", "/$key")], Output::Name),
    }
}

fn out(
    one: &given::One,
    document: Option<&Path>,
    body: &[u8],
    around: &given::Surroundings,
) -> Result<ExitCode, Fault> {
    let mapping = &one.mapping;
    if !mapping.goes_out() {
        let fault = Fault::new(Code::Usage, format!("no rule of `{}` goes out", mapping.name));
        return Err(fault.hint("`orderhub explain M0111` says which rules can"));
    }
    let mut good = true;
    for hub in &given::hub_documents(body)? {
        good &= one_out(one, document, hub, around)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// One document of the hub's; false: nothing is sent of it, which was said.
fn one_out(
    one: &given::One,
    document: Option<&Path>,
    hub: &Json,
    around: &given::Surroundings,
) -> Result<bool, Fault> {
    let projected = project(&one.mapping, hub, &around.context()).map_err(|why| {
        let fault = Fault::new(Code::Usage, format!("the hub's side cannot be read: {why}"));
        fault.hint("write it as the `hub:` of a case")
    })?;
    match projected {
        Ok(projection) => {
            // As the system gets it, to the byte.
            output::bytes(&projection.bytes);
            Ok(true)
        }
        Err(ReverseError::NotLinked(kind)) => {
            say(&format!("error: nothing is sent, `not_linked`: there is no reference `{kind}`"));
            say("  hint: state it in the document: `\"$xref\": { … }`, or `$key` of the element");
            Ok(false)
        }
        Err(ReverseError::Failed(error)) => {
            say(&one.failure(&error, document));
            Ok(false)
        }
    }
}
