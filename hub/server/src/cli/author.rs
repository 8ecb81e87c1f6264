//! For those who write integration files: static check, and the files' own cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use orderhub_lang::diagnostic::{self, Diagnostic, Severity};
use orderhub_mapping::cases::{CaseResult, run_cases};
use orderhub_mapping::integration::Integration;
use serde_json::json;

use super::output::{self, Code, Fault, Output, say};
use super::serve;
use crate::bundle::{Bundle, BundleError, Files as Mappings};
use crate::config::Config;

/// Which files.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Files {
    /// The mappings folder, one integration of it, or one file.
    #[arg(default_value = "mappings")]
    path: Vec<PathBuf>,
    /// Also compare with the systems of these settings.
    #[arg(short, long)]
    config: Option<PathBuf>,
}

/// Checks files as `run` would.
pub(super) fn check(files: &Files, output: Output) -> Result<ExitCode, Fault> {
    let config = settings(files)?;
    let (mut count, mut findings) = (0, Vec::new());
    for (root, below) in roots(files)? {
        let mappings = read(&root)?;
        count += mappings.keys().filter(|name| selected(name, &below)).count();
        match Bundle::compile(&mappings, &config) {
            Ok(bundle) => findings.extend_from_slice(bundle.warnings()),
            Err(BundleError::Files(found)) => findings.extend(found),
            Err(error) => return Err(Fault::new(Code::Settings, error.to_string())),
        }
    }
    report(&findings, output);
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    say(&format!("checked {count} files: {errors} errors, {warnings} warnings"));
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

fn settings(files: &Files) -> Result<Config, Fault> {
    files
        .config
        .as_ref()
        .map_or_else(|| Ok(Config::default()), |file| Ok(serve::load(file)?.config))
}

fn report(findings: &[Diagnostic], output: Output) {
    match output {
        Output::Table | Output::Name => {
            if !findings.is_empty() {
                output::print(&diagnostic::render(findings));
            }
        }
        Output::Json | Output::Jsonl => {
            let rows: Vec<_> = findings.iter().map(|finding| json!(finding.to_json())).collect();
            output::rows(&rows, &[], output);
        }
    }
}

/// Each mappings folder that is meant, with what below it is.
fn roots(files: &Files) -> Result<BTreeMap<PathBuf, Vec<String>>, Fault> {
    let mut roots: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for path in &files.path {
        if !path.exists() {
            let fault = Fault::new(Code::Usage, format!("there is no `{}`", path.display()));
            return Err(fault.hint("name the mappings folder: `orderhub check mappings`"));
        }
        let (root, below) = root(path);
        roots.entry(root).or_default().push(below);
    }
    Ok(roots)
}

/// A folder with an `integration.yaml` stands in the mappings folder; so does its every file.
fn root(path: &Path) -> (PathBuf, String) {
    let integration = path.ancestors().find(|folder| folder.join("integration.yaml").is_file());
    let Some(integration) = integration else { return (path.to_owned(), String::new()) };
    let root = integration.parent().unwrap_or(Path::new(".")).to_owned();
    let below = path.strip_prefix(&root).unwrap_or(path).display().to_string();
    (root, below)
}

fn read(root: &Path) -> Result<Mappings, Fault> {
    let mappings =
        Bundle::read(root).map_err(|error| Fault::new(Code::Usage, error.to_string()))?;
    if mappings.is_empty() {
        let fault = Fault::new(Code::Usage, format!("no files in `{}`", root.display()));
        return Err(fault.hint("name the mappings folder"));
    }
    Ok(mappings)
}

fn selected(name: &str, below: &[String]) -> bool {
    below.iter().any(|prefix| prefix.is_empty() || name.starts_with(prefix.as_str()))
}

/// Runs the cases that mapping files carry.
pub(super) fn test(files: &Files, output: Output) -> Result<ExitCode, Fault> {
    let mut results = Vec::new();
    for (root, below) in roots(files)? {
        let mappings = read(&root)?;
        for name in integrations(&mappings) {
            results.extend(cases(&name, &mappings, &below, output)?);
        }
    }
    if results.is_empty() {
        let fault = Fault::new(Code::Usage, "no cases in these files");
        return Err(fault.hint("write `cases:` at the end of a mapping"));
    }
    let failed: Vec<_> = results.iter().filter(|result| !result.failures.is_empty()).collect();
    match output {
        Output::Table | Output::Name => {
            for result in &failed {
                let lines = result.failures.iter().map(|line| format!("    {line}\n"));
                let lines: String = lines.collect();
                output::print(&format!("failed: {}\n  --> {}\n{lines}", result.why, result.place));
            }
        }
        Output::Json | Output::Jsonl => {
            let row = |result: &CaseResult| json!({ "why": result.why, "place": result.place, "failures": result.failures });
            let rows: Vec<_> = results.iter().map(row).collect();
            output::rows(&rows, &[], output);
        }
    }
    say(&format!("{} cases, {} failed", results.len(), failed.len()));
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// The folders that are integrations.
fn integrations(mappings: &Mappings) -> BTreeSet<String> {
    let folders = mappings.keys().filter_map(|file| file.strip_suffix("/integration.yaml"));
    folders.map(str::to_owned).collect()
}

/// The cases of one integration's files that are asked for.
fn cases(
    name: &str,
    mappings: &Mappings,
    below: &[String],
    output: Output,
) -> Result<Vec<CaseResult>, Fault> {
    let prefix = format!("{name}/");
    let own = |file: &str| file.strip_prefix(&prefix).map(str::to_owned);
    let texts: Vec<(String, &str)> = mappings
        .iter()
        .filter_map(|(file, bytes)| Some((own(file)?, std::str::from_utf8(bytes).ok()?)))
        .collect();
    let files: Vec<(&str, &str)> =
        texts.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let loaded = Integration::load(name, &files);
    let Some(integration) = loaded.integration else {
        report(&loaded.diagnostics, output);
        let fault = Fault::new(Code::Settings, format!("`{name}` has errors"));
        return Err(fault.hint("`orderhub check` shows the same; mend them first"));
    };
    let sample = |file: &str| mappings.get(&format!("{prefix}{file}")).cloned();
    let asked = integration.mappings.iter().filter(|(document, _)| {
        let file = format!("{prefix}{document}.yaml");
        selected(&file, below)
    });
    Ok(asked.flat_map(|(_, mapping)| run_cases(mapping, &sample)).collect())
}
