//! A file's text, and which line and column a byte of it is.
//!
//! **Invariant:** a place costs the search for its line and the length of that line, not the length of the
//! file: a hundred findings in a large file are found as quickly as one. Test:
//! `places_are_those_of_counting_from_the_start`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::{Span, part};

/// A file's name and text, kept to show lines in diagnostics, with the files that it includes.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name as the user knows it: `mappings/shopify/order_rest.yaml`.
    pub name: String,
    /// The whole text, UTF-8.
    pub text: String,
    /// Where each line but the first begins; made when the first place is asked for.
    lines: OnceLock<Vec<u32>>,
    /// What it includes, in the order of their bases.
    pub(super) parts: Vec<part::Part>,
}

/// A place as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Position {
    /// Of a byte of a text that is no file of ours, and need not be UTF-8; a mark of byte order is no column.
    pub fn of(text: &[u8], byte: usize) -> Self {
        let mark = "\u{feff}".as_bytes();
        let skipped = if text.starts_with(mark) { mark.len() } else { 0 };
        let before =
            text.get(skipped..byte.clamp(skipped, text.len().max(skipped))).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let own = before.get(start..).unwrap_or_default();
        Self { line, column: String::from_utf8_lossy(own).chars().count() + 1 }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.text, &self.parts) == (&other.name, &other.text, &other.parts)
    }
}

impl Eq for Source {}

impl Source {
    /// A file's name, as the user knows it, and its text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let (name, text) = (name.into(), text.into());
        Arc::new(Self { name, text, lines: OnceLock::new(), parts: Vec::new() })
    }

    /// Line and column of a byte; a byte past the end is the end.
    pub fn position(&self, byte: u32) -> Position {
        let (file, byte) = self.file(byte);
        let byte = file.boundary(byte);
        let (number, start) = file.line_of(byte);
        let before = file.text.get(start..byte).unwrap_or_default();
        Position { line: number, column: before.chars().count() + 1 }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, byte: u32) -> usize {
        let (file, byte) = self.file(byte);
        file.line_of(file.boundary(byte)).0
    }

    /// The text of a span; empty if it is not one of this source.
    pub fn slice(&self, span: Span) -> &str {
        let (file, start) = self.file(span.start);
        let (start, length) = (start as usize, span.end.saturating_sub(span.start) as usize);
        file.text.get(start..start + length).unwrap_or_default()
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
