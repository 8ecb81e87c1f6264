//! A file's text, and which line and column a byte of it is.
//!
//! **Invariant:** a place costs the search for its line and the length of that line, not the length of the
//! file: a hundred findings in a large file are found as quickly as one. Test:
//! `places_are_those_of_counting_from_the_start`.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::Span;

/// A file's name and text, kept to show lines in diagnostics.
#[derive(Debug)]
pub struct Source {
    /// The name as the user knows it: `mappings/shopify/order_rest.yaml`.
    pub name: String,
    /// The whole text, UTF-8.
    pub text: String,
    /// Where each line but the first begins; made when the first place is asked for.
    lines: OnceLock<Vec<u32>>,
}

/// A place as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.text) == (&other.name, &other.text)
    }
}

impl Eq for Source {}

impl Source {
    /// A file's name, as the user knows it, and its text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), lines: OnceLock::new() })
    }

    /// Line and column of a byte; a byte past the end is the end.
    pub fn position(&self, byte: u32) -> Position {
        let byte = self.boundary(byte);
        let (number, start) = self.line_of(byte);
        let before = self.text.get(start..byte).unwrap_or_default();
        Position { line: number, column: before.chars().count() + 1 }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, byte: u32) -> usize {
        self.line_of(self.boundary(byte)).0
    }

    /// `file:line:column` of a byte.
    pub fn place(&self, byte: u32) -> String {
        let Position { line, column } = self.position(byte);
        format!("{}:{line}:{column}", self.name)
    }

    /// The text of a span; empty if it is not one of this source.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The line that holds a byte, without its end.
    pub(super) fn line_at(&self, byte: u32) -> &str {
        let (_, start) = self.line_of(self.boundary(byte));
        let rest = self.text.get(start..).unwrap_or_default();
        rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }

    /// The number of a byte's line, and where that line begins.
    fn line_of(&self, byte: usize) -> (usize, usize) {
        let starts = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)).collect()
        });
        let before = starts.partition_point(|start| *start as usize <= byte);
        let start = before.checked_sub(1).and_then(|last| starts.get(last));
        (before + 1, start.map_or(0, |start| *start as usize))
    }

    /// A byte of the text, cut back to a character boundary.
    fn boundary(&self, byte: u32) -> usize {
        let mut at = (byte as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}
