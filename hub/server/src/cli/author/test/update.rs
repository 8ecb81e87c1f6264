//! `test --update`: what the cases gave becomes what they expect.
//!
//! **Invariant:** a document that cannot be mapped is never written over an expectation that says otherwise, and
//! nothing is written outside the integration's folder. Test: `update_writes_what_cases_give_and_no_failure`.

use std::fs;
use std::path::{Component, Path};

use orderhub_mapping::cases::{Case, CaseResult};
use serde_json::Value as Json;

use super::super::names::shown;
use super::Ran;
use crate::cli::output::{Code, Fault, say};

/// What one round of updating came to.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Files that were written.
    pub(super) written: usize,
    /// What was not, and why, a line each.
    pub(super) refused: Vec<String>,
}

/// Writes the expectations of cases that do not hold.
pub(super) fn update(all: &[Ran]) -> Result<Done, Fault> {
    let mut done = Done::default();
    for ran in all {
        for (case, result) in ran.results.iter().filter(|(_, result)| !result.failures.is_empty()) {
            for (file, given) in expectations(case, result) {
                let path = shown(&ran.folder.join(file));
                match write(&ran.folder, file, &given)? {
                    Written::Yes => {
                        done.written += 1;
                        say(&format!("wrote {path}"));
                    }
                    Written::Same => {}
                    Written::Refused(why) => {
                        let place = &result.place;
                        done.refused.push(format!("not written: {path}: {why}\n  --> {place}"));
                    }
                }
            }
        }
    }
    Ok(done)
}

/// What is written.
enum Given<'c> {
    Json(&'c Json),
    /// What the system gets, of a format that is not JSON.
    Sent(&'c [u8]),
}

/// What a case gave, by the file that expects it. The hub side of a way out alone is written by hand.
fn expectations<'c>(case: &'c Case, result: &'c CaseResult) -> Vec<(&'c str, Given<'c>)> {
    let came_in = case.system.as_ref().and(result.hub.as_ref());
    let came_in = came_in.map(|json| (case.hub.as_str(), Given::Json(json)));
    let sent = result.sent.as_deref().map(Given::Sent);
    let went_out = case.out.as_deref().zip(sent.or(result.out.as_ref().map(Given::Json)));
    came_in.into_iter().chain(went_out).collect()
}

enum Written {
    Yes,
    Same,
    Refused(String),
}

fn write(folder: &Path, file: &str, given: &Given<'_>) -> Result<Written, Fault> {
    let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Ok(Written::Refused("it is not in the integration's folder".to_owned()));
    }
    let path = folder.join(file);
    // A link may lead anywhere.
    let whole = |path: &Path| path.ancestors().find_map(|path| fs::canonicalize(path).ok());
    if let (Some(own), Some(place)) = (whole(folder), whole(&path))
        && !place.starts_with(own)
    {
        return Ok(Written::Refused("a link leads out of the integration's folder".to_owned()));
    }
    let there = fs::read(&path).ok();
    let bytes = match given {
        Given::Sent(bytes) if there.as_deref() == Some(bytes) => return Ok(Written::Same),
        Given::Sent(bytes) => bytes.to_vec(),
        Given::Json(json) => {
            let known = there.and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
            if known.as_ref() == Some(*json) {
                return Ok(Written::Same);
            }
            // Failures that the old expectation has are meant.
            let expected = known.as_ref().map(failures).unwrap_or_default();
            if let Some(new) = failures(json).into_iter().find(|cause| !expected.contains(cause)) {
                let looks = match new {
                    "unknown_value" | "lookup_waits" => {
                        ", or say in `context:` of the case what it looks up"
                    }
                    _ => "",
                };
                return Ok(Written::Refused(format!(
                    "a document fails, `{new}`: mend the mapping first{looks}; if that is meant, write `{{ \"$error\": \"{new}\" }}` \
                     into the file, and update it again"
                )));
            }
            format!("{json:#}\n").into_bytes()
        }
    };
    let failed = |error: std::io::Error| {
        Fault::new(Code::Problems, format!("cannot write `{}`: {error}", path.display()))
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    replace(&path, &bytes).map_err(failed)?;
    Ok(Written::Yes)
}

/// Writes a file whole, or not at all: a link is kept, and what it leads to replaced.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if path.exists() { super::super::fmt::write(path, bytes) } else { fs::write(path, bytes) }
}

/// The causes of documents that failed.
fn failures(json: &Json) -> Vec<&str> {
    let documents = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    documents.iter().filter_map(|one| one.get("$error")?.as_str()).collect()
}
