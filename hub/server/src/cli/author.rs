//! For those who write integration files: static check, and the files' own cases.

pub(super) mod fmt;
pub(super) mod mapping;
mod one_way;
pub(super) mod schema;
pub(super) mod test;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use orderhub_lang::diagnostic::{self, Diagnostic, Severity};
use orderhub_mapping::cases::missing;
use orderhub_mapping::{Integration, Loaded};

use super::output::{Code, Fault, Output, say};
use super::report::{self, Format, Found};
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

/// What is checked, and how it is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    files: Files,
    /// How findings are written; without it, as `--output` says.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// A warning ends the check like an error.
    #[arg(long)]
    deny_warnings: bool,
    /// Also name each rule that goes one way only, and why.
    #[arg(long)]
    one_way: bool,
}

/// Shows findings of mapping files as `output` says.
fn report(findings: &[Diagnostic], output: Output) {
    let found = findings.iter().cloned();
    let found: Vec<_> = found.map(|one| Found::below(Path::new("mappings"), one)).collect();
    report::write(&found, Format::of(output));
}

/// Checks files as `run` would.
pub(super) fn check(asked: &Check, output: Output) -> Result<ExitCode, Fault> {
    let files = &asked.files;
    let config = settings(files)?;
    let (mut count, mut all) = (0, Vec::new());
    for (root, below) in roots(files)? {
        let mappings = read(&root)?;
        count += mappings.keys().filter(|name| selected(name, &below)).count();
        let mut findings = match Bundle::compile(&mappings, &config) {
            Ok(bundle) => bundle.warnings().to_vec(),
            Err(BundleError::Files(found)) => found,
            Err(error) => return Err(Fault::new(Code::Settings, error.to_string())),
        };
        findings.extend(samples(&mappings));
        diagnostic::sort(&mut findings);
        all.extend(findings.into_iter().map(|finding| Found::below(&root, finding)));
        if asked.one_way {
            one_way::show(&mappings, &below, output);
        }
    }
    report::write(&all, asked.format.or(Format::of(output)));
    let errors = all.iter().filter(|one| one.finding.severity == Severity::Error).count();
    let warnings = all.len() - errors;
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let (files, errors_said) = (counted(count, "file"), counted(errors, "error"));
    say(&format!("checked {files}: {errors_said}, {}", counted(warnings, "warning")));
    let passed = errors == 0 && (warnings == 0 || !asked.deny_warnings);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// Files that cases name and that are not there. They change nothing that runs, so only the check looks
/// for them; an integration with other errors is looked at once those are mended.
fn samples(mappings: &Mappings) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for name in integrations(mappings) {
        let files: Vec<&str> = below(&name, mappings).map(|(file, _)| file).collect();
        let loaded = load(&name, mappings).integration;
        let mapped = loaded.iter().flat_map(|integration| integration.mappings.values());
        findings.extend(mapped.flat_map(|mapping| missing(mapping, &files)));
    }
    findings
}

/// The files of one integration: paths below its folder.
fn below<'m>(name: &str, mappings: &'m Mappings) -> impl Iterator<Item = (&'m str, &'m [u8])> {
    let prefix = format!("{name}/");
    mappings.iter().filter_map(move |(file, bytes)| {
        Some((file.strip_prefix(prefix.as_str())?, bytes.as_slice()))
    })
}

fn load(name: &str, mappings: &Mappings) -> Loaded {
    let texts = below(name, mappings)
        .filter_map(|(file, bytes)| Some((file, std::str::from_utf8(bytes).ok()?)));
    Integration::load(name, &texts.collect::<Vec<_>>())
}

fn settings(files: &Files) -> Result<Config, Fault> {
    files
        .config
        .as_ref()
        .map_or_else(|| Ok(Config::default()), |file| Ok(serve::load(file)?.config))
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

/// The folders that are integrations.
fn integrations(mappings: &Mappings) -> BTreeSet<String> {
    let folders = mappings.keys().filter_map(|file| file.strip_suffix("/integration.yaml"));
    folders.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_finds_the_files_that_cases_name_and_that_are_not_there() {
        let mapping = "orderhub: 1\nmapping: shop.order\nfields: [{ hub: order_no, system: name }]\n\
                       cases: [{ why: w, hub: samples/a.hub.json, out: samples/a.out.json }]\n";
        let integration = "orderhub: 1\nintegration: shop\nrole: sink\nconnector: shared\n";
        let files = [
            ("shop/integration.yaml", integration),
            ("shop/order.yaml", mapping),
            ("shop/samples/a.hub.json", "{}"),
            ("other/samples/a.out.json", "{}"),
        ];
        let files: Mappings =
            files.map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec())).into();
        let found = diagnostic::render(&samples(&files));
        assert!(found.contains("there is no `samples/a.out.json`"), "{found}");
        assert!(found.contains("mappings/shop/order.yaml:4:49"), "{found}");
        assert_eq!(found.matches("error[M0301]").count(), 1, "{found}");
    }
}
