//! `test --update`: what the cases gave becomes what they expect.
//!
//! **Invariant:** a document that cannot be mapped is never written over an expectation that says otherwise, and
//! nothing is written outside the integration's folder. Test: `update_writes_what_cases_give_and_no_failure`.

use std::fs;
use std::path::{Component, Path};

use orderhub_mapping::cases::{Case, CaseResult};
use serde_json::Value as Json;

use super::Ran;
use crate::cli::output::{Code, Fault, say};

/// Writes the expectations of cases that do not hold; how many were refused.
pub(super) fn update(all: &[Ran]) -> Result<usize, Fault> {
    let (mut written, mut refused) = (0, 0);
    for ran in all {
        for (case, result) in ran.results.iter().filter(|(_, result)| !result.failures.is_empty()) {
            for (file, json) in expectations(case, result) {
                match write(&ran.folder, file, json)? {
                    Written::Yes => {
                        written += 1;
                        say(&format!("wrote {}", ran.folder.join(file).display()));
                    }
                    Written::Same => {}
                    Written::Refused(why) => {
                        refused += 1;
                        say(&format!("not written: {}: {why}", ran.folder.join(file).display()));
                        say(&format!("  --> {}", result.place));
                    }
                }
            }
        }
    }
    say(&format!("{written} expectations written, {refused} refused"));
    Ok(refused)
}

/// What a case gave, by the file that expects it. The hub side of a way out alone is written by hand.
fn expectations<'c>(case: &'c Case, result: &'c CaseResult) -> Vec<(&'c str, &'c Json)> {
    let came_in = case.system.as_ref().and(result.hub.as_ref());
    let came_in = came_in.map(|json| (case.hub.as_str(), json));
    let went_out = case.out.as_deref().zip(result.out.as_ref());
    came_in.into_iter().chain(went_out).collect()
}

enum Written {
    Yes,
    Same,
    Refused(String),
}

fn write(folder: &Path, file: &str, json: &Json) -> Result<Written, Fault> {
    let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Ok(Written::Refused("it is not in the integration's folder".to_owned()));
    }
    let path = folder.join(file);
    let known = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
    if known.as_ref() == Some(json) {
        return Ok(Written::Same);
    }
    let expected = known.as_ref().map(failures).unwrap_or_default();
    if let Some(new) = failures(json).into_iter().find(|cause| !expected.contains(cause)) {
        return Ok(Written::Refused(format!("a document fails, `{new}`: mend the mapping first")));
    }
    let failed = |error: std::io::Error| {
        Fault::new(Code::Problems, format!("cannot write `{}`: {error}", path.display()))
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(&path, format!("{json:#}\n")).map_err(failed)?;
    Ok(Written::Yes)
}

/// The causes of documents that failed.
fn failures(json: &Json) -> Vec<&str> {
    let documents = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    documents.iter().filter_map(|one| one.get("$error")?.as_str()).collect()
}
