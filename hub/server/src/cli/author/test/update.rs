//! `test --update`: what the cases gave becomes what they expect.
//!
//! **Invariant:** a document that cannot be mapped is never written over an expectation that says otherwise, and
//! nothing is written outside the integration's folder. Test: `update_writes_what_cases_give_and_no_failure`.
//! **Invariant:** nothing is written over what a case begins with, or over rules. Test:
//! `update_writes_over_expectations_alone`.
//! **Invariant:** a file of which two cases expect different things is left as it is. Test:
//! `a_file_of_which_two_cases_expect_different_things_is_left_as_it_is`.

use std::fs;
use std::path::{Component, Path};

use orderhub_mapping::cases::{Case, CaseResult, Expects, kept};
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

/// Writes the expectations of cases that do not hold: what goes out once what it is made from is written, in the next
/// round.
pub(super) fn update(all: &[Ran]) -> Result<Done, Fault> {
    let mut done = Done::default();
    for side in [Expects::Hub, Expects::Out] {
        if done.written == 0 {
            update_side(all, side, &mut done)?;
        }
    }
    Ok(done)
}

fn update_side(all: &[Ran], side: Expects, done: &mut Done) -> Result<(), Fault> {
    for ran in all {
        for (case, result) in ran.results.iter().filter(|(_, result)| !result.failures.is_empty()) {
            let all_expected = expectations(case, result).into_iter();
            for (expects, file, given) in all_expected.filter(|(expects, ..)| *expects == side) {
                let path = shown(&ran.folder.join(file));
                let why = || {
                    something_else(ran, expects, file).or_else(|| at_odds(all, ran, file, &given))
                };
                match write(&ran.folder, file, &given, &why)? {
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
    Ok(())
}

/// What a file is besides what a case expects; of a link, what it leads to.
fn something_else(ran: &Ran, expects: Expects, file: &str) -> Option<String> {
    let path = ran.folder.join(file);
    let led = fs::canonicalize(&path).ok().zip(fs::canonicalize(&ran.folder).ok());
    let led = led.and_then(|(path, folder)| Some(path.strip_prefix(folder).ok()?.to_owned()));
    let led = led.and_then(|path| path.to_str().map(str::to_owned));
    let names = [Some(file), led.as_deref()];
    let kept = |file: &str| kept(expects, file, ran.cases.iter());
    let mut found = names.into_iter().flatten().filter_map(kept).map(str::to_owned);
    found.next().or_else(|| called_alike(&path))
}

/// A file whose name differs in case only: both would not be two everywhere, and a folder with both is refused.
fn called_alike(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let beside = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut alike =
        beside.filter(|other| other != name && other.to_lowercase() == name.to_lowercase());
    let other = alike.next()?;
    Some(format!("`{other}` is there, which differs in case only"))
}

/// Another case that expects something else of the file.
fn at_odds(all: &[Ran], own: &Ran, file: &str, given: &Given<'_>) -> Option<String> {
    let beside = all.iter().filter(|ran| ran.folder == own.folder).flat_map(|ran| &ran.results);
    let mut other = beside.filter(|(case, result)| {
        let mut all = expectations(case, result).into_iter();
        all.any(|(_, other, gives)| other == file && gives != *given)
    });
    let (_, other) = other.next()?;
    Some(format!("the case at {} gives something else for it", other.place))
}

/// What is written.
#[derive(PartialEq)]
enum Given<'c> {
    Json(&'c Json),
    /// What the system gets, of a format that is not JSON.
    Sent(&'c [u8]),
}

/// What a case gave, by the file that expects it. The hub side of a way out alone is written by hand.
fn expectations<'c>(case: &'c Case, result: &'c CaseResult) -> Vec<(Expects, &'c str, Given<'c>)> {
    let came_in = case.system.as_ref().and(result.hub.as_ref());
    let came_in = came_in.map(|json| (Expects::Hub, case.hub.as_str(), Given::Json(json)));
    let sent = result.sent.as_deref().map(Given::Sent);
    let went_out = case.out.as_deref().zip(sent.or(result.out.as_ref().map(Given::Json)));
    let went_out = went_out.map(|(file, given)| (Expects::Out, file, given));
    came_in.into_iter().chain(went_out).collect()
}

enum Written {
    Yes,
    Same,
    Refused(String),
}

/// `why`: why it may not be written, where that would change it.
fn write(
    folder: &Path,
    file: &str,
    given: &Given<'_>,
    why: &dyn Fn() -> Option<String>,
) -> Result<Written, Fault> {
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
    let known = || serde_json::from_slice::<Json>(there.as_deref()?).ok();
    let same = match given {
        Given::Sent(bytes) => there.as_deref() == Some(bytes),
        Given::Json(json) => known().as_ref() == Some(*json),
    };
    if same {
        return Ok(Written::Same);
    }
    if let Some(why) = why() {
        return Ok(Written::Refused(why));
    }
    let bytes = match given {
        Given::Sent(bytes) => bytes.to_vec(),
        Given::Json(json) => match unexpected(json, known().as_ref()) {
            Some(why) => return Ok(Written::Refused(why)),
            None => format!("{json:#}\n").into_bytes(),
        },
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

/// Why a failure of a document is not written: the old expectation does not have it.
fn unexpected(json: &Json, known: Option<&Json>) -> Option<String> {
    // Failures that the old expectation has are meant.
    let expected = known.map(failures).unwrap_or_default();
    let new = failures(json).into_iter().find(|cause| !expected.contains(cause))?;
    let looks = match new {
        "unknown_value" | "lookup_waits" => ", or say in `context:` of the case what it looks up",
        _ => "",
    };
    Some(format!(
        "a document fails, `{new}`: mend the mapping first{looks}; if that is meant, write `{{ \"$error\": \"{new}\" }}` \
         into the file, and update it again"
    ))
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
