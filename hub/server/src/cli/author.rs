//! For those who write integration files: static check, and the files' own cases.

mod asked;
pub(super) mod fmt;
pub(super) mod mapping;
pub(super) mod names;
mod one_way;
mod place;
pub(super) mod schema;
pub(super) mod test;
pub(super) mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use orderhub_lang::diagnostic::{Diagnostic, Severity};

use super::output::{Code, Fault, Output, counted, say};
use super::report::{self, Format};
use super::serve;
use crate::bundle::Bundle;
use crate::config::Config;

pub(super) use names::Names;
use names::shown;
pub(super) use place::usage;
use place::{Loaded, alone, folder, load, nothing, read, root, whole};

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

/// Shows findings as `output` says.
fn report(findings: Vec<Diagnostic>, output: Output) {
    report::write(&findings, Format::of(output));
}

/// Checks files as `run` would.
pub(super) fn check(asked: &Check, output: Output) -> Result<ExitCode, Fault> {
    let files = &asked.files;
    let config = settings(files)?;
    let (mut count, mut all) = (0, Vec::new());
    for (root, below) in roots(files)? {
        if root.is_file() {
            count += 1;
            all.extend(alone(&root)?);
            continue;
        }
        let names = Names::below(&root);
        let looked = Bundle::look(&root).map_err(|error| usage(error, &root))?;
        let there = looked.files.keys().chain(&looked.unread);
        let named = there.filter(|name| selected(name, &below)).count();
        if named == 0 {
            return Err(nothing(&root));
        }
        count += named;
        let found = Bundle::check(&looked, &config)
            .map_err(|error| Fault::new(Code::Settings, error.to_string()))?;
        let told = asked::told(&looked.files, &below, found);
        all.extend(names.findings(told.findings));
        if !told.left_out.is_empty() {
            let left = told.left_out.iter();
            let left: Vec<String> =
                left.map(|name| format!("`{}`", shown(&root.join(name)))).collect();
            say(&format!(
                "note: errors of files that were not asked for are not shown ({}); what goes round between systems was looked at without them",
                left.join(", ")
            ));
        }
        if asked.one_way {
            let folder = Bundle::folder(&looked.files, &looked.unread);
            one_way::show(&folder, &names, &below, output);
        }
    }
    report::write(&all, asked.format.or(Format::of(output)));
    let errors = all.iter().filter(|one| one.severity == Severity::Error).count();
    let warnings = all.len() - errors;
    let (files, errors_said) = (counted(count, "file"), counted(errors, "error"));
    say(&format!("checked {files}: {errors_said}, {}", counted(warnings, "warning")));
    let passed = errors == 0 && (warnings == 0 || !asked.deny_warnings);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
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
            return Err(fault.hint(match path.to_str() {
                Some("-") => "files are looked at where they stand, not from the standard input",
                _ => "name the mappings folder, an integration or a file: `mappings/till`",
            }));
        }
        let (root, below) = root(path);
        roots.entry(root).or_default().push(below);
    }
    Ok(roots)
}

/// Whether a file is one of those that are asked for: it, its folder, or everything.
fn selected(name: &str, below: &[String]) -> bool {
    let within = |rest: &str, prefix: &str| {
        rest.is_empty() || rest.starts_with('/') || prefix.is_empty() || prefix.ends_with('/')
    };
    below
        .iter()
        .any(|prefix| name.strip_prefix(prefix.as_str()).is_some_and(|rest| within(rest, prefix)))
}

#[cfg(test)]
mod tests {
    use orderhub_lang::diagnostic;

    use super::*;
    use crate::bundle::{Files as Mappings, Looked};

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
        let looked = Looked { files, ..Looked::default() };
        let found = diagnostic::render(&Bundle::check(&looked, &Config::default()).unwrap());
        assert!(found.contains("there is no `samples/a.out.json`"), "{found}");
        assert!(found.contains("mappings/shop/order.yaml:4:49"), "{found}");
        assert_eq!(found.matches("error[M0301]").count(), 1, "{found}");
    }
}
