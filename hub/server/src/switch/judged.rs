//! What the files' own cases say of files that have just been switched to: a file that was cut short has often lost
//! them, or fails them, though it is whole YAML.
//!
//! Bounds: [`MOST_WARNINGS`] are kept, and no further mapping's cases are run after [`WITHIN`]; they keep nothing from being
//! used.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orderhub_mapping::Mapping;
use orderhub_mapping::cases::run_cases;
use orderhub_mapping::library::Folder;
use serde::Serialize;
use tokio::time::Instant;

use super::Switch;
use crate::bundle::{Bundle, Files};

/// Warnings that are kept of one switch.
const MOST_WARNINGS: usize = 100;

/// Time for the cases of all mappings: those of a usual folder take some milliseconds.
const WITHIN: Duration = Duration::from_secs(2);

/// Folders that all integrations share.
const SHARED: [&str; 2] = ["common", "hub"];

/// What is probably not meant in the files in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The mapping's file, with the place of the case where it is one's.
    pub file: String,
    /// What it is, in a sentence without any value.
    pub why: String,
}

/// Warnings of new files, some of them against those in use before: of the integrations that systems use.
pub(super) fn judge(
    before: Option<&Files>,
    files: &Files,
    used: &BTreeSet<String>,
) -> Vec<Warning> {
    let had = before.map(|before| counts(&loaded(before, used))).unwrap_or_default();
    let folder = loaded(files, used);
    let mut found = lost(&had, &counts(&folder));
    let began = Instant::now();
    for (name, integration) in &folder.integrations {
        let Some(integration) = &integration.integration else { continue };
        let mappings = integration.mappings.values().take_while(|_| began.elapsed() < WITHIN);
        found.extend(mappings.flat_map(|mapping| failing(mapping, name, files)));
    }
    found.truncate(MOST_WARNINGS);
    found
}

/// Those alone, with what all share: nothing else costs anything.
fn loaded(files: &Files, used: &BTreeSet<String>) -> Folder {
    let needed = |name: &&String| {
        let folder = name.split('/').next().unwrap_or_default();
        SHARED.contains(&folder) || used.contains(folder)
    };
    let needed = files.keys().filter(needed);
    let needed: Files =
        needed.filter_map(|name| Some((name.clone(), files.get(name)?.clone()))).collect();
    Bundle::folder(&needed, &BTreeSet::new())
}

/// Cases of each mapping, by its file.
fn counts(folder: &Folder) -> BTreeMap<String, usize> {
    let all = folder.integrations.values().filter_map(|loaded| loaded.integration.as_ref());
    let all = all.flat_map(|integration| integration.mappings.values());
    all.map(|mapping| (mapping.source.name.to_string(), mapping.cases().len())).collect()
}

/// Mappings that had cases and have none.
fn lost(had: &BTreeMap<String, usize>, has: &BTreeMap<String, usize>) -> Vec<Warning> {
    let lost = had.iter().filter(|(file, had)| **had > 0 && has.get(*file) == Some(&0));
    let told = lost.map(|(file, had)| Warning {
        file: file.clone(),
        why: format!("it had cases before, {had} of them, and has none: is it whole?"),
    });
    told.collect()
}

/// Cases that do not hold.
fn failing(mapping: &Mapping, integration: &str, files: &Files) -> Vec<Warning> {
    let sample = |name: &str| files.get(&format!("{integration}/{name}")).cloned();
    let results = run_cases(mapping, &sample);
    let failing = results.into_iter().filter(|result| !result.failures.is_empty());
    let told = failing.map(|result| Warning {
        file: result.place,
        why: format!("its case `{}` does not hold: `orderhub test` shows how", result.why),
    });
    told.collect()
}

impl Switch {
    /// What the files' own cases say of those that are in use now; the files before are those that the store keeps.
    pub(super) async fn judge(&self, before: &str, files: Files, gone: Vec<Warning>) {
        let before = self.parts.store.bundle(before).await.ok().flatten();
        let systems = self.parts.config.systems.values();
        let used: BTreeSet<String> = systems.map(|system| system.integration.clone()).collect();
        let judged = move || judge(before.as_ref(), &files, &used);
        let judged = tokio::task::spawn_blocking(judged).await;
        let warnings = judged.unwrap_or_default();
        for warning in &warnings {
            tracing::warn!(file = warning.file, "{}", warning.why);
        }
        self.parts.standing.warn(gone.into_iter().chain(warnings).collect());
    }
}
