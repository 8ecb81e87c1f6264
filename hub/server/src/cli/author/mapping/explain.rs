//! `mapping explain`: where each value came from.

use std::path::PathBuf;
use std::process::ExitCode;

use orderhub_lang::diagnostic::nearest;
use orderhub_mapping::cases::explain_out;
use orderhub_mapping::explain::{self, Explained};
use orderhub_mapping::{Mapped, ReverseError};
use serde_json::json;

use super::super::names::Names;
use super::given::{self, Around};
use crate::cli::output::{self, Code, Fault, Output, counted, say};

/// What is explained.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub mapping explain mappings/till/order.yaml < order.json
  orderhub mapping explain mappings/till/order.yaml order.json --field totals --field lines.sku

Exit codes: 0 explained; 1 a document cannot be mapped; 2 usage; 78 the mapping has errors.")]
pub(in crate::cli) struct Explain {
    /// The mapping file.
    file: PathBuf,
    /// The document; without it, or with `-`, the standard input.
    document: Option<PathBuf>,
    /// Only this hub field, or those below it: `totals.total`, `lines`; may be given several times.
    #[arg(long, value_name = "FIELD")]
    field: Vec<String>,
    /// The way out: the document is what the hub says, as in the `hub:` of a case.
    #[arg(long)]
    out: bool,
    #[command(flatten)]
    around: Around,
}

pub(super) fn explain(asked: &Explain, output: Output) -> Result<ExitCode, Fault> {
    let given::One { mapping, names } = given::mapping(&asked.file, output)?;
    let around = asked.around.read(&mapping)?;
    let body = given::body(asked.document.as_deref())?;
    let mut explained = if asked.out {
        let one = explain_out(&mapping, &given::hub_json(&body)?, &around.context());
        vec![one.map_err(|why| {
            Fault::new(Code::Usage, format!("the hub's side cannot be read: {why}"))
        })?]
    } else {
        around.tell_wants(&[&mapping], &body);
        explain::explain(&mapping, &body, &around.context(), &around)
    };
    let failed = explained.iter().any(|one| {
        matches!(one.mapped, Some(Mapped::Failed(_))) || matches!(one.projected, Some(Err(_)))
    });
    if !asked.field.is_empty() {
        only(&mut explained, &asked.field)?;
    }
    explained.iter_mut().for_each(|one| placed(one, &names));
    match output {
        Output::Table => output::print(&explain::render(&explained)),
        Output::Json => output::document(&explain::to_json(&explained), Output::Json),
        Output::Jsonl => {
            let all = explain::to_json(&explained);
            output::rows(all.as_array().map_or(&[], Vec::as_slice), &[], Output::Jsonl);
        }
        Output::Name => {
            let fields = explained.iter().flat_map(|one| &one.fields);
            let rows: Vec<_> = fields.map(|field| json!({ "id": field.field })).collect();
            output::rows(&rows, &[], Output::Name);
        }
    }
    let fields: usize = explained.iter().map(|one| one.fields.len()).sum();
    say(&format!("{}, {}", counted(explained.len(), "document"), counted(fields, "field")));
    Ok(if failed { ExitCode::from(Code::Problems.number()) } else { ExitCode::SUCCESS })
}

/// Puts the places of rules into the file that was asked for.
fn placed(one: &mut Explained, names: &Names) {
    let tries = one.fields.iter_mut().flat_map(|field| &mut field.tries);
    let mut places: Vec<&mut String> = tries.map(|tried| &mut tried.rule).collect();
    places.extend(one.other_way.iter_mut().map(|(_, place)| place));
    match (&mut one.mapped, &mut one.projected) {
        (Some(Mapped::Failed(error)), _) => places.extend(&mut error.rule),
        (_, Some(Err(ReverseError::Failed(error)))) => places.extend(&mut error.error.rule),
        (_, _) => {}
    }
    places.into_iter().for_each(|place| *place = names.place(place));
}

/// Keeps the fields that are asked for, or that lie below them.
fn only(explained: &mut [Explained], asked: &[String]) -> Result<(), Fault> {
    let below = |hub: &str, asked: &str| {
        hub.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let fits = |hub: &str| asked.iter().any(|asked| below(hub, asked));
    let mut known: Vec<String> = Vec::new();
    for one in explained.iter_mut() {
        known.extend(one.fields.iter().map(explain::Field::hub));
        known.extend(one.no_rule.iter().cloned());
        known.extend(one.other_way.iter().map(|(field, _)| field.clone()));
        one.fields.retain(|field| fits(&field.hub()));
        one.no_rule.retain(|field| fits(field));
        one.other_way.retain(|(field, _)| fits(field));
    }
    if explained.is_empty() {
        return Ok(());
    }
    // Each is judged by itself: one that is misspelled is not hidden by another.
    let told = |asked: &str| known.iter().any(|hub| below(hub, asked));
    let Some(asked) = asked.iter().find(|asked| !told(asked)) else { return Ok(()) };
    let fault = Fault::new(Code::Usage, format!("nothing is told of `{asked}`"));
    Err(match nearest(asked, known.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("fields are paths like `totals.total`; `orderhub explain FIELD`"),
    })
}
