//! What is wrong around a hub, and what to do: settings, files, secrets, store, disk, broker, systems.
//!
//! Each part looks at one thing and reports findings; one that cannot be looked at is a finding, too, and
//! stops none of the others. **Invariant:** looking changes nothing: no table, queue or file is made, no
//! message taken, no credential sent. Test: `a_look_changes_nothing_and_names_every_fault_with_its_mending`.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use crate::bundle::{Bundle, BundleError};
use crate::config::{self, Config, Secrets};

mod broker;
mod kept;
mod machine;
mod rest;
pub mod shadow;
mod store;
mod systems;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// Works today, and will hurt some day.
    Warning,
    /// Does not work.
    Problem,
    /// Does not answer: works again by itself when it does.
    Unreachable,
    /// Settings or files that the hub will not start with.
    Settings,
}

impl Level {
    /// The word of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Problem | Level::Unreachable | Level::Settings => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// What was looked at: `settings`, `store`, `queue`, …: a stable word.
    pub check: &'static str,
    /// What is so, in plain words, never a secret.
    pub says: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("Finding", 4)?;
        shown.serialize_field("level", self.level.as_str())?;
        shown.serialize_field("check", self.check)?;
        shown.serialize_field("says", &self.says)?;
        shown.serialize_field("fix", &self.fix)?;
        shown.end()
    }
}

/// Findings so far.
#[derive(Debug, Default)]
pub struct Report(pub Vec<Finding>);

impl Report {
    fn add(
        &mut self,
        level: Level,
        check: &'static str,
        says: impl Into<String>,
        fix: Option<String>,
    ) {
        self.0.push(Finding { level, check, says: says.into(), fix });
    }

    fn fine(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(Level::Fine, check, says, None);
    }

    fn fix(
        &mut self,
        level: Level,
        check: &'static str,
        says: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(level, check, says, Some(fix.into()));
    }

    /// The worst of them.
    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Fine)
    }
}

/// What was found out on the way, for looks that others take.
#[derive(Debug)]
pub struct Known {
    /// The settings, if they can be used.
    pub config: Config,
    /// The files, if they can be used.
    pub bundle: Option<Bundle>,
}

/// Looks at everything that the settings name.
pub async fn examine(file: &Path, env: HashMap<String, String>) -> (Report, Option<Known>) {
    let mut report = Report::default();
    let config = match config::load(Some(file), &env) {
        Ok(loaded) => loaded.config,
        Err(error) => {
            for problem in error.0 {
                let fix = "`orderhub config --origin` shows what is set, and where";
                report.fix(Level::Settings, "settings", problem, fix);
            }
            return (report, None);
        }
    };
    report.fine("settings", format!("`{}` can be used", file.display()));
    let bundle = files(&config, &mut report);
    let secrets = Secrets::new(env);
    match secrets.all_there(&config) {
        Ok(()) => report.fine("secrets", "every secret that the settings name can be read"),
        Err(missing) => {
            for problem in missing {
                let fix = "set the variable, or mount the file and let this user read it";
                report.fix(Level::Settings, "secrets", problem, fix);
            }
        }
    }
    let processes = store::look(&config, &secrets, &mut report).await;
    if let Some(bus) = &config.bus {
        broker::look(bus, &secrets, (processes, &config.intake), &mut report).await;
    }
    systems::look(&config, &mut report).await;
    (report, Some(Known { config, bundle }))
}

fn files(config: &Config, report: &mut Report) -> Option<Bundle> {
    let compiled = Bundle::read(&config.mappings.path)
        .and_then(|files| Ok((files.len(), Bundle::compile(&files, config)?)));
    match compiled {
        Ok((count, bundle)) => {
            let path = config.mappings.path.display();
            report.fine("files", format!("{count} files in `{path}` can be used"));
            for warning in bundle.warnings() {
                report.add(Level::Warning, "files", line(warning), warning.hint.clone());
            }
            Some(bundle)
        }
        Err(BundleError::Files(found)) => {
            for finding in &found {
                report.add(Level::Settings, "files", line(finding), finding.hint.clone());
            }
            None
        }
        Err(error) => {
            for problem in error.to_string().lines() {
                let fix = "correct the settings or the files; `orderhub check -c orderhub.toml` shows the same";
                report.fix(Level::Settings, "files", problem, fix);
            }
            None
        }
    }
}

/// `shopify/order.yaml:4:7: unknown hub field …`
fn line(finding: &orderhub_lang::diagnostic::Diagnostic) -> String {
    let shown = serde_json::to_value(finding.to_json()).unwrap_or_default();
    let number = |name: &str| shown.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let (line, column) = (number("line"), number("column"));
    format!("{}:{line}:{column}: {} [{}]", finding.source.name, finding.message, finding.code)
}
