//! `orderhub mapping laws`: the law of each field, with the simplest value that shows it, and pairs of systems
//! that never settle.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Severity};
use orderhub_mapping::Integration;
use orderhub_mapping::laws::{self, Class, Effort, FieldLaw, Place, Reason};
use serde_json::{Value, json};

use super::super::super::output::{self, Code, Fault, Output, say};
use super::super::names::Names;
use super::super::{Files, Loaded, load, roots, selected, whole};
use crate::bundle::Bundle;

/// Which files.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super::super) struct Laws {
    /// The mappings folder, one integration of it, or one file.
    #[arg(default_value = "mappings")]
    path: Vec<PathBuf>,
    /// Leave out fields that go one way only.
    #[arg(long)]
    two_way: bool,
}

/// The folder of what all integrations share, below the mappings folder.
const COMMON: &str = "common";

/// Columns of the table.
const COLUMNS: [(&str, &str); 5] = [
    ("field", "/name"),
    ("law", "/law"),
    ("because", "/because"),
    ("written at", "/out"),
    ("read at", "/in"),
];

pub(super) fn laws(asked: &Laws, output: Output) -> Result<ExitCode, Fault> {
    judged(asked, output).map_err(Fault::found)
}

fn judged(asked: &Laws, output: Output) -> Result<ExitCode, Fault> {
    let files = Files { path: asked.path.clone(), config: None };
    let (mut told, mut findings) = (Told::default(), Vec::new());
    for (root, below) in roots(&files)? {
        let loaded = load(&root)?;
        let (mappings, names) = (loaded.files.clone(), loaded.names.clone());
        for (file, group) in
            loaded.folder.library.mappings().filter(|(file, _)| selected(file, &below))
        {
            let name = file.strip_suffix(".yaml").unwrap_or(&file);
            let sample = |sample: &str| mappings.get(&format!("{COMMON}/{sample}")).cloned();
            for law in laws::of_mapping(group, Effort::Report, &sample) {
                told.add(asked, name, &names, &law);
            }
        }
        let all = all_of(loaded, &below, output)?;
        for integration in &all {
            let sample =
                |file: &str| mappings.get(&format!("{}/{file}", integration.name)).cloned();
            let found = laws::laws(integration, Effort::Report, &sample);
            for law in found.iter().filter(|law| meant(law, &integration.name, &below)) {
                told.add(asked, &integration.name, &names, law);
            }
        }
        let untried = all.iter().flat_map(|integration| laws::untried(integration));
        let below_root = |found: &Diagnostic| {
            selected(found.source.name.trim_start_matches("mappings/"), &below)
        };
        let mut found: Vec<Diagnostic> = untried.filter(below_root).collect();
        found.extend(laws::loops(&all, &Bundle::ownership_of(&mappings)));
        findings.extend(names.findings(found));
    }
    let Told { fields, count, refused } = told;
    if count.iter().sum::<usize>() == 0 {
        let fault = Fault::new(Code::Usage, "no fields in these files");
        return Err(fault.hint("name the mappings folder, an integration or a mapping"));
    }
    diagnostic::sort(&mut findings);
    show(&fields, &findings, output);
    let [lawful, canonical, one_way, broken, apart] = count;
    let looping = findings.iter().filter(|found| found.severity == Severity::Error).count();
    say(&format!(
        "{} fields: {lawful} lawful, {canonical} up to a canonical form, {one_way} one way, {apart} not compared, {broken} broken; \
         {looping} pairs of systems never settle",
        lawful + canonical + one_way + apart + broken
    ));
    let good = refused == 0 && looping == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// What is told of fields.
#[derive(Debug, Default)]
struct Told {
    fields: Vec<Value>,
    /// Lawful, up to a form, one way, broken, not compared.
    count: [usize; 5],
    refused: usize,
}

impl Told {
    fn add(&mut self, asked: &Laws, name: &str, names: &Names, law: &FieldLaw) {
        self.refused += usize::from(law.refused);
        let (place, one_way) = kind(&law.class);
        if let Some(count) = self.count.get_mut(place) {
            *count += 1;
        }
        if !(asked.two_way && one_way) {
            self.fields.push(row(name, names, law));
        }
    }
}

/// All integrations of a folder: a loop may run through one that was not asked for. One of those that has errors
/// is left out.
fn all_of(
    loaded: Loaded,
    below: &[String],
    output: Output,
) -> Result<Vec<Arc<Integration>>, Fault> {
    for (name, found) in &loaded.folder.integrations {
        let meant =
            below.iter().any(|path| path.is_empty() || path.split('/').next() == Some(name));
        if meant {
            whole(&loaded, name, output)?;
        } else if found.integration.is_none() {
            say(&format!(
                "note: `{name}` has errors and is left out: pairs of systems with it are not looked at"
            ));
        }
    }
    let all = loaded.folder.integrations.into_values().filter_map(|found| found.integration);
    Ok(all.map(Arc::new).collect())
}

/// A field of the files that are asked for.
fn meant(law: &FieldLaw, integration: &str, below: &[String]) -> bool {
    if selected(&format!("{integration}/"), below) {
        return true;
    }
    let file = |place: &Place| place.source.name.trim_start_matches("mappings/").to_owned();
    let mut places = law.in_rule.iter().chain(&law.out_rule);
    places.any(|place| selected(&file(place), below))
}

/// Its place in the count, and whether it goes one way.
fn kind(class: &Class) -> (usize, bool) {
    match class {
        Class::Lawful => (0, false),
        Class::Canonical(_) => (1, false),
        Class::OneWay { .. } => (2, true),
        Class::Broken(_) => (3, false),
        Class::Apart { .. } => (4, false),
    }
}

fn reason(reason: &Reason) -> Value {
    json!({
        "conversion": reason.conversion,
        "why": reason.why,
        "value": reason.example.value,
        "back": reason.example.back,
        "example": reason.example.sentence,
    })
}

fn row(integration: &str, names: &Names, law: &FieldLaw) -> Value {
    let place = |place: &Option<Place>| place.as_ref().map(|place| names.place(&place.to_string()));
    let (mut reasons, mut counter, mut meant) = (Vec::new(), Value::Null, Value::Null);
    let mut because: Vec<String> = Vec::new();
    let told = |reason: &Reason| match reason.conversion.as_str() {
        "" => reason.example.sentence.clone(),
        conversion => format!("{conversion}: {}", reason.example.sentence),
    };
    match &law.class {
        Class::Lawful => {}
        Class::Canonical(all) => {
            because.extend(all.iter().map(told));
            reasons.extend(all.iter().map(reason));
        }
        Class::OneWay { why, meant: is, .. } => {
            because.push(why.clone());
            meant = json!(is);
        }
        Class::Apart { why } => because.push(why.clone()),
        Class::Broken(found) => {
            because.push(found.sentence.clone());
            counter = json!({ "value": found.value, "back": found.back });
        }
    }
    because.extend(law.limits.iter().map(told));
    json!({
        "name": format!("{integration} {}", law.field),
        "integration": integration,
        "field": law.field,
        "law": law.class.as_str(),
        "because": because.join("; "),
        "reasons": reasons,
        "limits": law.limits.iter().map(reason).collect::<Vec<_>>(),
        "counter_example": counter,
        "meant": meant,
        "refused": law.refused,
        "out": place(&law.out_rule),
        "in": place(&law.in_rule),
    })
}

fn show(fields: &[Value], findings: &[Diagnostic], output: Output) {
    let found = || findings.iter().map(|finding| json!(finding.to_json()));
    match output {
        Output::Table => {
            output::rows(fields, &COLUMNS, output);
            if !findings.is_empty() {
                output::print(&diagnostic::render(findings));
            }
        }
        Output::Name => output::rows(fields, &COLUMNS, output),
        Output::Json => {
            let all = json!({ "fields": fields, "findings": found().collect::<Vec<_>>() });
            output::document(&all, output);
        }
        Output::Jsonl => {
            let rows: Vec<Value> = fields.iter().cloned().chain(found()).collect();
            output::rows(&rows, &[], output);
        }
    }
}
