//! Conditions over a document.

use orderhub_lang::condition::Test;

use super::read::means_none;
use super::read::path_of;
use super::rule::failure;
use super::{Failure, Frames, Run};
use crate::cell::Cell;
use crate::program::{Source, TestRead};

impl Run<'_, '_> {
    /// Whether every test holds.
    pub(super) fn holds(&self, tests: &[TestRead], frames: &Frames) -> Result<bool, Failure> {
        for test in tests {
            if let Source::Setting(name) = &test.source {
                let value = self.context.settings.get(name).map(|text| Cell::text(text.as_str()));
                if holds(test, &[value.unwrap_or(Cell::Absent)]) {
                    continue;
                }
                return Ok(false);
            }
            // What stands in the way of a path is not there for a condition.
            let look =
                |frames: &Frames| self.single(&test.source, frames, &[]).unwrap_or(Cell::Absent);
            let rows = match &test.source {
                Source::Document(read) => read.rows.as_slice(),
                Source::Setting(_) | Source::Argument(_) | Source::Hub(_) | Source::Index => &[],
            };
            let held = if rows.is_empty() {
                holds(test, &[look(frames)])
            } else {
                let mut found = Vec::new();
                let fanned = self.fan(rows, frames, &mut |frames| {
                    found.push(look(frames));
                    Ok(())
                });
                fanned.map_err(|trouble| {
                    failure(None, path_of(&test.source, frames), trouble, None)
                })?;
                holds(test, &found)
            };
            if !held {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a test holds for any of what was found.
fn holds(read: &TestRead, found: &[Cell<'_>]) -> bool {
    let there = |cell: &Cell<'_>| cell.is_value() && !means_none(cell, &read.none);
    let is = |cell: &Cell<'_>, texts: &[String]| {
        cell.is_value()
            && cell.scalar().is_some_and(|text| texts.iter().any(|known| **known == *text))
    };
    match &read.test {
        Test::AnyOf(texts) => found.iter().any(|cell| is(cell, texts)),
        Test::NotAnyOf(texts) => found.is_empty() || found.iter().any(|cell| !is(cell, texts)),
        Test::Starts(texts) => found.iter().any(|cell| {
            let begins = |text: &str| texts.iter().any(|known| text.starts_with(known.as_str()));
            cell.is_value() && cell.scalar().is_some_and(|text| begins(&text))
        }),
        Test::Present => found.iter().any(there),
        Test::Absent => found.is_empty() || found.iter().any(|cell| !there(cell)),
        Test::None => found.iter().all(|cell| match cell {
            cell if !there(cell) => true,
            Cell::Json(text) => {
                let mut inner = text.trim().chars();
                inner.next();
                inner.next_back();
                inner.as_str().trim().is_empty()
            }
            _ => false,
        }),
        // Refused when the mapping is compiled.
        Test::From(_) => false,
    }
}
