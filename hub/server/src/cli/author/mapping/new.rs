//! `mapping new`: a draft from sample documents.
//!
//! **Invariant:** no file that is there is written over, and what was written passes `check` and `test` as it
//! stands. Test: `a_draft_passes_check_and_its_own_case`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use orderhub_mapping::draft::{Asked, Draft, Sample, draft, frame, hub_file};
use orderhub_order::ids::Entity;

use super::given;
use crate::cli::author::written::{self, is_name};
use crate::cli::output::{self, Code, Fault, counted, say};

/// What is drafted from what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub mapping new till.order order1.json order2.json              # prints the draft
  orderhub mapping new till.order order1.json --out mappings           # writes mappings/till/order.yaml, its samples and cases
  orderhub mapping new depot.parcel parcels.csv --entity shipment --key parcel_no --out mappings

Every line that was guessed ends with `# guess`. The draft passes its own cases; the guesses are yours to look at.
In a folder without integration.yaml one is drafted, too, with a connector.yaml, so that `orderhub check` and
`orderhub test` pass at once.
Exit codes: 0 drafted; 1 no draft fits the samples, or a file is there already; 2 usage.")]
pub(in crate::cli) struct New {
    /// `<integration>.<document>`, as folder and file are to be called.
    name: String,
    /// Sample documents as they come, JSON, XML, CSV or a form; the more kinds of them, the better.
    #[arg(required = true)]
    sample: Vec<PathBuf>,
    /// What the documents are about: order, fulfilment, shipment, ….
    #[arg(long, default_value = "order", value_parser = entity)]
    entity: Entity,
    /// What identifies a document: the path of its key. Without it a key is guessed.
    #[arg(long, value_name = "PATH")]
    key: Option<String>,
    /// The mappings folder to write to.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn entity(text: &str) -> Result<Entity, String> {
    let known = || Entity::ALL.map(Entity::as_str).join(", ");
    Entity::parse(text).ok_or_else(|| format!("one of {}", known()))
}

pub(super) fn new(asked: &New) -> Result<ExitCode, Fault> {
    let Some((integration, document)) = names(&asked.name) else {
        let fault = Fault::new(Code::Usage, format!("`{}` names no mapping", asked.name));
        return Err(fault.hint("write `<integration>.<document>` in small letters: `till.order`"));
    };
    let taken = ["integration", "connector"].contains(&document)
        || ["common", "hub"].contains(&integration);
    if taken {
        let fault = Fault::new(Code::Usage, format!("`{}` is another file", asked.name));
        return Err(fault.hint(
            "no document is called `integration` or `connector`, no integration `common` or `hub`",
        ));
    }
    let mut samples: Vec<(String, Vec<u8>)> = Vec::new();
    for path in &asked.sample {
        if path == Path::new("-") {
            let fault = Fault::new(Code::Usage, "a sample is a file: its case is called after it");
            return Err(fault.hint("write the standard input into a file first"));
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("sample.json");
        let file = format!("samples/{name}");
        if let Some((known, _)) =
            samples.iter().find(|(known, _)| hub_file(known) == hub_file(&file))
        {
            let known = known.trim_start_matches("samples/");
            let message = format!("the cases of `{known}` and `{name}` would have one name");
            return Err(Fault::new(Code::Usage, message).hint("rename one of the two samples"));
        }
        samples.push((file, given::file(path)?));
    }
    let given: Vec<Sample<'_>> = samples.iter().map(|(file, body)| Sample { file, body }).collect();
    let wanted = Asked { name: &asked.name, entity: asked.entity, key: asked.key.as_deref() };
    let drafted = draft(&wanted, &given).map_err(|refused| {
        let fault = Fault::new(Code::Problems, refused.why);
        refused.hint.into_iter().fold(fault, Fault::hint)
    })?;
    match &asked.out {
        None => output::exactly(drafted.text.as_bytes()),
        Some(folder) => {
            let around = frame(integration, document, asked.entity, drafted.revision);
            write(&folder.join(integration), document, &drafted, &samples, around)?;
        }
    }
    if !drafted.key.named {
        let key = &drafted.key.path;
        say(&format!(
            "note: nothing is called like a key; `{key}` stands in every document and never twice"
        ));
        if let Some(other) = drafted.key.others.first() {
            say(&format!("  hint: another: `--key {other}`"));
        }
    }
    say(&format!(
        "{} guessed, {} without a guess",
        counted(drafted.guessed, "rule"),
        counted(drafted.open, "place")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Integration and document of a name.
fn names(name: &str) -> Option<(&str, &str)> {
    let (integration, document) = name.split_once('.')?;
    (is_name(integration) && is_name(document)).then_some((integration, document))
}

fn write(
    folder: &Path,
    document: &str,
    drafted: &Draft,
    samples: &[(String, Vec<u8>)],
    around: [(&'static str, String); 2],
) -> Result<(), Fault> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    files.push((folder.join(format!("{document}.yaml")), drafted.text.clone().into_bytes()));
    files.extend(samples.iter().map(|(file, body)| (folder.join(file), body.clone())));
    for (file, json) in &drafted.expected {
        files.push((folder.join(file), format!("{json:#}\n").into_bytes()));
    }
    let new = !folder.join("integration.yaml").exists();
    if new {
        let around = around.into_iter().map(|(file, text)| (folder.join(file), text.into_bytes()));
        // A connector that is there already is kept.
        files
            .extend(around.filter(|(path, _)| !path.ends_with("connector.yaml") || !path.exists()));
    }
    written::write(&files)?;
    if !new {
        let file = folder.join("integration.yaml");
        say(&format!(
            "hint: let it come in: `- message: {document}` in `intake` of {}",
            file.display()
        ));
    }
    Ok(())
}
