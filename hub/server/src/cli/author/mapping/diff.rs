//! `mapping diff`: what a change of a mapping does to documents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use orderhub_mapping::diff::{Difference, differences, differences_out};
use orderhub_mapping::{MapError, Mapped};
use serde_json::{Value as Json, json};

use super::super::{Loaded, load, whole};
use super::given::{self, Around};
use super::run::{ONE_BY_ONE, SEVERAL};
use crate::cli::output::{self, Code, Fault, Output, counted, say};

/// What is compared on which documents.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub mapping diff old/order.yaml mappings/till/order.yaml --on samples/*.json
  orderhub mapping diff mappings.old mappings        # folders: on the documents of the files' own cases

Exit codes: 0 compared; with --exit-code 1 where anything differs; 2 usage; 78 a mapping has errors.")]
pub(in crate::cli) struct Diff {
    /// The mapping file, or the mappings folder, as it was.
    old: PathBuf,
    /// As it is to be.
    new: PathBuf,
    /// The documents; without them, those of the cases of both.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    on: Vec<PathBuf>,
    /// The way out: the documents are what the hub says, as in the `hub:` of a case.
    #[arg(long)]
    out: bool,
    /// End with 1 where anything differs.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    around: Around,
}

/// A document that both map.
struct Document {
    name: String,
    body: Vec<u8>,
    old: (given::One, given::Surroundings),
    new: (given::One, given::Surroundings),
}

/// What differs for one document.
struct Compared {
    name: String,
    found: Vec<Difference>,
    /// Why nothing of it, or of some of its documents, could be compared: both fail.
    failed: Vec<MapError>,
}

pub(super) fn diff(asked: &Diff, output: Output) -> Result<ExitCode, Fault> {
    let documents = documents(asked, output)?;
    if documents.is_empty() {
        let fault = Fault::new(Code::Usage, "there is no document to compare on");
        return Err(fault.hint("name some with `--on FILE…`, or write cases"));
    }
    let mut all = Vec::new();
    for document in &documents {
        let (mut found, failed) = compare(document, asked.out)?;
        for one in &mut found {
            one.old_rule = one.old_rule.take().map(|rule| document.old.0.names.place(&rule));
            one.new_rule = one.new_rule.take().map(|rule| document.new.0.names.place(&rule));
        }
        let name = document.name.clone();
        for error in &failed {
            let rule = error.rule.as_deref().map(|rule| document.new.0.names.place(rule));
            let error = MapError { rule, ..error.clone() };
            say(&format!("note: `{name}`: neither maps it: {error}"));
        }
        all.push(Compared { name, found, failed });
    }
    tell(&all, output);
    let fields: usize = all.iter().map(|one| one.found.len()).sum();
    let differ = all.iter().filter(|one| !one.found.is_empty()).count();
    let documents = counted(all.len(), "document");
    let neither = match all.iter().map(|one| one.failed.len()).sum() {
        0 => String::new(),
        failed => format!("; {} mapped by neither", counted(failed, "document")),
    };
    say(&format!("{documents}: {differ} different, in {}{neither}", counted(fields, "field")));
    let problem = asked.exit_code && fields > 0;
    Ok(if problem { ExitCode::from(Code::Problems.number()) } else { ExitCode::SUCCESS })
}

/// What differs, and what neither can map.
fn compare(document: &Document, out: bool) -> Result<(Vec<Difference>, Vec<MapError>), Fault> {
    let (old, new) = (document.old.1.context(), document.new.1.context());
    let (old, new) = ((&*document.old.0.mapping, &old), (&*document.new.0.mapping, &new));
    let unread =
        |why: String| Fault::new(Code::Usage, format!("`{}` cannot be read: {why}", document.name));
    let (body, facts) = (&document.body, &document.old.1);
    if !out {
        let [was, is] = [old, new].map(|(mapping, context)| mapping.run_with(body, context, facts));
        if let (Some(_), Some(error)) = (unreadable(&was), unreadable(&is)) {
            let fault = unread(error.why.clone());
            let several = error.why.starts_with(SEVERAL);
            return Err(if several { fault.hint(ONE_BY_ONE) } else { fault });
        }
        let failed = was.iter().zip(is).filter_map(|pair| match pair {
            (Mapped::Failed(_), Mapped::Failed(error)) => Some(error),
            (_, _) => None,
        });
        return Ok((differences(old, new, body, facts), failed.collect()));
    }
    let mut found = Vec::new();
    for (number, hub) in given::hub_documents(body)?.iter().enumerate() {
        let all = differences_out(old, new, hub).map_err(unread)?;
        found.extend(all.into_iter().map(|one| Difference { document: number, ..one }));
    }
    Ok((found, Vec::new()))
}

/// Why a body cannot be read at all: no rule is to blame.
fn unreadable(mapped: &[Mapped]) -> Option<&MapError> {
    match mapped {
        [Mapped::Failed(error)] if error.rule.is_none() && error.cause == "malformed" => {
            Some(error)
        }
        _ => None,
    }
}

fn documents(asked: &Diff, output: Output) -> Result<Vec<Document>, Fault> {
    match (asked.old.is_dir(), asked.new.is_dir()) {
        (true, true) if asked.on.is_empty() => folders(asked, output),
        (true, true) => {
            let fault = Fault::new(Code::Usage, "`--on` goes with two mapping files");
            Err(fault.hint("folders are compared on the documents of their cases"))
        }
        (false, false) => files(asked, output),
        (true, false) | (false, true) => {
            Err(Fault::new(Code::Usage, "one is a folder, the other is not")
                .hint("name two of a kind"))
        }
    }
}

fn files(asked: &Diff, output: Output) -> Result<Vec<Document>, Fault> {
    let old = given::mapping_like(&asked.old, &asked.new, output)?;
    let new = given::mapping_like(&asked.new, &asked.old, output)?;
    if asked.on.is_empty() {
        let around = asked.around.read_quietly()?;
        let folder = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
        let old_folder = folder(&asked.old);
        let read_old = move |file: &str| given::file(&old_folder.join(file)).ok();
        let new_folder = folder(&asked.new);
        let read_new = move |file: &str| given::file(&new_folder.join(file)).ok();
        return Ok(of_cases((&old, &read_old), (&new, &read_new), &around, asked.out));
    }
    let mut documents = Vec::new();
    for path in &asked.on {
        let (name, body) = (path.display().to_string(), given::file(path)?);
        let [was, is] = [asked.around.read(&old.mapping)?, asked.around.read(&new.mapping)?];
        is.tell_wants(&[&old.mapping, &new.mapping], &body);
        documents.push(Document { name, body, old: (old.clone(), was), new: (new.clone(), is) });
    }
    Ok(documents)
}

/// Reads a file that a case names.
type Reads<'r> = &'r dyn Fn(&str) -> Option<Vec<u8>>;

/// The documents of the cases of both, each once under the same surroundings.
fn of_cases(
    old: (&given::One, Reads<'_>),
    new: (&given::One, Reads<'_>),
    around: &given::Surroundings,
    out: bool,
) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for (given::One { mapping, .. }, reads) in [old, new] {
        for case in mapping.cases() {
            let named =
                if out { case.out.as_ref().map(|_| &case.hub) } else { case.system.as_ref() };
            let Some(body) = named.and_then(|file| reads(file)) else { continue };
            let name = named.map(|file| format!("{}: {file}", mapping.name)).unwrap_or_default();
            // One document may be another under other settings.
            let around = || around.with(case);
            if documents.iter().any(|known| known.body == body && known.old.1 == around()) {
                continue;
            }
            documents.push(Document {
                name,
                body,
                old: (old.0.clone(), around()),
                new: (new.0.clone(), around()),
            });
        }
    }
    documents
}

fn folders(asked: &Diff, output: Output) -> Result<Vec<Document>, Fault> {
    let (was, is) = (load(&asked.old)?, load(&asked.new)?);
    let (old, new) = (mappings(&was, output)?, mappings(&is, output)?);
    let mut documents = Vec::new();
    for (name, mapping) in &old {
        let Some(other) = new.get(name) else {
            say(&format!("only in {}: {name}.yaml", asked.old.display()));
            continue;
        };
        let around = asked.around.read_quietly()?;
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        let reads_old = |file: &str| was.files.get(&format!("{folder}/{file}")).cloned();
        let reads_new = |file: &str| is.files.get(&format!("{folder}/{file}")).cloned();
        let sides = ((mapping, &reads_old as Reads<'_>), (other, &reads_new as Reads<'_>));
        documents.extend(of_cases(sides.0, sides.1, &around, asked.out));
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        say(&format!("only in {}: {name}.yaml", asked.new.display()));
    }
    Ok(documents)
}

/// Every mapping of a folder, by its path.
fn mappings(loaded: &Loaded, output: Output) -> Result<BTreeMap<String, given::One>, Fault> {
    let mut all = BTreeMap::new();
    for name in loaded.folder.integrations.keys() {
        let integration = whole(loaded, name, output)?;
        for (document, mapping) in &integration.mappings {
            let (mapping, names) = (Arc::clone(mapping), loaded.names.clone());
            all.insert(format!("{name}/{document}"), given::One { mapping, names });
        }
    }
    Ok(all)
}

fn tell(all: &[Compared], output: Output) {
    match output {
        Output::Table => {
            for one in all.iter().filter(|one| !one.found.is_empty()) {
                output::print(&paragraph(one));
            }
        }
        Output::Json | Output::Jsonl => {
            let row = |name: &str, one: &Difference| {
                json!({
                    "document": name, "number": one.document, "field": one.field,
                    "old": one.old, "new": one.new, "old_there": one.old.is_some(), "new_there": one.new.is_some(),
                    "old_rule": one.old_rule, "new_rule": one.new_rule,
                })
            };
            let rows: Vec<Json> = all
                .iter()
                .flat_map(|one| one.found.iter().map(|found| row(&one.name, found)))
                .collect();
            output::rows(&rows, &[], output);
        }
        Output::Name => {
            let differ = all.iter().filter(|one| !one.found.is_empty());
            let rows: Vec<Json> = differ.map(|one| json!({ "id": one.name })).collect();
            output::rows(&rows, &[], Output::Name);
        }
    }
}

fn paragraph(one: &Compared) -> String {
    let mut text = format!("{}\n", one.name);
    let mut last = 0;
    for found in &one.found {
        if found.document != last {
            last = found.document;
            text.push_str(&format!("  document {}\n", last + 1));
        }
        let shown =
            |value: &Option<Json>| value.as_ref().map_or("absent".to_owned(), Json::to_string);
        let (old, new) = (shown(&found.old), shown(&found.new));
        text.push_str(&format!("  {}: {old} ► {new}\n", found.field));
        for (side, rule) in [("old", &found.old_rule), ("new", &found.new_rule)] {
            if let Some(rule) = rule {
                text.push_str(&format!("    {side} {rule}\n"));
            }
        }
    }
    text
}
