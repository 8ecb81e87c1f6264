//! Drafts a mapping from sample documents: names and values are guessed, every guess says so, and what cannot be
//! guessed stands there as a comment to be filled in.
//!
//! **Invariant:** a draft compiles, and gives what its own cases expect: a guess that does not fit the samples
//! becomes a comment. Tests: `what_does_not_fit_is_taken_back`, `a_draft_compiles_and_its_own_cases_hold`.
//! Bounds: [`MOST_PATHS`] places of a document, as many keys of one object, [`shape::DEEPEST`] levels.

mod find;
mod frame;
mod guess;
mod leaf;
mod names;
mod sample;
mod shape;
mod structure;
mod value;
mod write;

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::Source;
use orderhub_lang::yaml::Budget;
use orderhub_lang::yaml::format::format;
use orderhub_order::ids::{Entity, SystemName};
use serde_json::Value as Json;

use crate::cases::given;
use crate::{Context, Mapped, Mapping, Named};
use write::{Head, Lines};

pub use frame::frame;
pub use write::hub_file;

/// Most places of a document that are looked at.
pub const MOST_PATHS: usize = 500;

/// A sample document.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'s> {
    /// Where the case finds it, below the integration's folder: `samples/order.json`.
    pub file: &'s str,
    /// Its bytes, as they come: JSON, XML, CSV or a form.
    pub body: &'s [u8],
}

/// A drafted mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The file.
    pub text: String,
    /// What each sample gives, for the `hub:` of its case: (file, JSON).
    pub expected: Vec<(String, Json)>,
    /// What identifies a document.
    pub key: Key,
    /// The mapping says which of two documents is newer.
    pub revision: bool,
    /// Rules that were guessed.
    pub guessed: usize,
    /// Places of the documents for which nothing was guessed.
    pub open: usize,
}

/// What a draft takes for the key of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path in a document.
    pub path: String,
    /// It is called like a key, or the author named it.
    pub named: bool,
    /// What could be the key as well, where nothing is called so.
    pub others: Vec<String>,
}

/// What is drafted.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `<integration>.<document>`
    pub name: &'a str,
    /// What the documents are about.
    pub entity: Entity,
    /// The path of the key in a document, where the author names it.
    pub key: Option<&'a str>,
}

/// Why there is no draft, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Refused {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Drafts a mapping from samples of one format.
///
/// # Errors
///
/// [`Refused`]: a sample cannot be read, no document with a key is in them, or no rules fit.
pub fn draft(asked: &Asked<'_>, samples: &[Sample<'_>]) -> Result<Draft, Refused> {
    let read = sample::read(asked, samples)?;
    let found = match &read.by {
        Some(by) => find::by_rows(&read.shape, by),
        None => find::documents(asked.entity, &read.shape, asked.key)?,
    };
    let grouped = read.by.is_some();
    let frame = guess::frame(asked.entity, &found, grouped);
    // Every row of a table is a document without a word.
    let at = Some(&found.at).filter(|at| !at.is_empty() && !read.rows);
    let head = Head {
        name: asked.name,
        entity: asked.entity,
        format: read.format.clone(),
        documents: match &read.by {
            Some(by) => Some(format!("by: {}", write::scalar(by))),
            None => at.map(|at| format!("at: {}", write::at(at))),
        },
        key: found.key.clone(),
        parent: frame.parent.clone(),
        revision: frame.revision.clone(),
        texts: read.texts,
    };
    let mut lines = Lines::new(&head, samples);
    if grouped {
        guess::grouped(asked.entity, &found, &frame, &mut lines);
    } else {
        guess::rules(asked.entity, &found, &frame, &mut lines);
    }
    let key = Key { path: found.key.clone(), named: found.named, others: found.others.clone() };
    settle(&mut lines, key, samples)
}

/// Takes back guesses until the file compiles and maps every sample.
fn settle(lines: &mut Lines, key: Key, samples: &[Sample<'_>]) -> Result<Draft, Refused> {
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
        let revision = text.lines().any(|line| line.starts_with("revision:"));
        return Ok(Draft { text, expected: expected.collect(), key, revision, guessed, open });
    }
}

fn take_back(lines: &mut Lines, wrong: &[usize], why: Option<&str>) -> Result<(), Refused> {
    let taken = wrong.iter().filter(|line| lines.take_back(**line)).count();
    if taken > 0 || lines.take_back_head() {
        return Ok(());
    }
    let why = why.unwrap_or("they are too odd");
    Err(Refused::new(format!("no draft fits these samples: {why}"))
        .hint("try with other samples, or name another key: `--key PATH`"))
}
