//! Drafts a mapping from sample documents: names and values are guessed, every guess says so, and what cannot be
//! guessed stands there as a comment to be filled in.
//!
//! **Invariant:** a draft compiles, and gives what its own cases expect: a guess that does not fit the samples
//! becomes a comment. Tests: `what_does_not_fit_is_taken_back`, `a_draft_compiles_and_its_own_cases_hold`.
//! Bounds: [`MOST_PATHS`] places of a document, [`shape::DEEPEST`] levels.

mod guess;
mod names;
mod shape;
mod write;

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::Source;
use orderhub_lang::value::Value;
use orderhub_lang::yaml::Budget;
use orderhub_lang::yaml::format::format;
use orderhub_order::ids::{Entity, SystemName};
use serde_json::Value as Json;

use crate::cases::given;
use crate::{Context, Mapped, Mapping, Named};
use shape::Shape;
use write::Lines;

/// Most places of a document that are looked at.
pub const MOST_PATHS: usize = 500;

/// A sample document.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'s> {
    /// Where the case finds it, below the integration's folder: `samples/order.json`.
    pub file: &'s str,
    /// Its bytes.
    pub body: &'s [u8],
}

/// A drafted mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The file.
    pub text: String,
    /// What each sample gives, for the `hub:` of its case: (file, JSON).
    pub expected: Vec<(String, Json)>,
    /// Rules that were guessed.
    pub guessed: usize,
    /// Places of the documents for which nothing was guessed.
    pub open: usize,
}

/// Drafts the mapping `name` (`<integration>.<document>`).
///
/// # Errors
///
/// In words: a sample is no JSON, or no document with a key is in them.
pub fn draft(name: &str, entity: Entity, samples: &[Sample<'_>]) -> Result<Draft, String> {
    let mut shape = Shape::default();
    for sample in samples {
        let body = sample.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(sample.body);
        let value = Value::from_json(body)
            .map_err(|error| format!("`{}` is no JSON that can be read: {error}", sample.file))?;
        shape.add(&value, 0);
    }
    let (place, document) = match guess::key(&shape) {
        Some(_) => (None, &shape),
        None => shape.document(),
    };
    let key = guess::key(document).ok_or(
        "nothing in the samples looks like a key: a text or number that every document has",
    )?;
    let mut lines = Lines::new(name, entity, place, &key, samples);
    guess::rules(entity, document, &key, &mut lines);
    settle(&mut lines, samples)
}

/// Takes back guesses until the file compiles and maps every sample.
fn settle(lines: &mut Lines, samples: &[Sample<'_>]) -> Result<Draft, String> {
    let (system, nothing, args) = (SystemName::new("draft"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &nothing, args: &args, hub: None };
    loop {
        let text = lines.text();
        let source = Source::new("draft.yaml", text.clone());
        let mapping = match Mapping::compile(&source, &Named::default()) {
            Ok(mapping) => mapping,
            Err(findings) => {
                let wrong: Vec<usize> =
                    findings.iter().map(|finding| finding.position().line).collect();
                take_back(lines, &wrong, findings.first().map(|f| f.message.as_str()))?;
                continue;
            }
        };
        let failed = samples.iter().flat_map(|sample| mapping.run(sample.body, &context));
        let wrong: Vec<(usize, String)> = failed
            .filter_map(|mapped| match mapped {
                Mapped::Failed(error) => {
                    let line = error.rule.as_ref().and_then(|rule| rule.rsplit(':').nth(1));
                    Some((line.and_then(|line| line.parse().ok()).unwrap_or(0), error.to_string()))
                }
                Mapped::Document(_) | Mapped::Skipped => None,
            })
            .collect();
        if let Some((_, why)) = wrong.first() {
            let at: Vec<usize> = wrong.iter().map(|(line, _)| *line).collect();
            take_back(lines, &at, Some(why))?;
            continue;
        }
        let expected = samples
            .iter()
            .map(|sample| (write::hub_file(sample.file), given(&mapping, sample.body, &context)));
        let (guessed, open) = lines.count();
        let text = format(&source, &Budget::default()).unwrap_or(text);
        return Ok(Draft { text, expected: expected.collect(), guessed, open });
    }
}

fn take_back(lines: &mut Lines, wrong: &[usize], why: Option<&str>) -> Result<(), String> {
    let taken = wrong.iter().filter(|line| lines.take_back(**line)).count();
    if taken > 0 {
        return Ok(());
    }
    Err(format!("no draft fits these samples: {}", why.unwrap_or("they are too odd")))
}
