//! One way to write a file: its layout made even, its words, comments, quotes, order and line breaks kept.
//!
//! Blocks are indented by two; a list stands two deeper than its key. `{ a: b }` has blanks inside, `[a, b]` has
//! none; one blank stands behind `,`, `:` and `-`. No blanks at the end of lines, at most one empty line. Lines end
//! as the first one does, `\n` or `\r\n`, and so does the file; a mark of byte order stays. A comment behind a value keeps its column where the value leaves it room.
//!
//! **Invariant:** what is written means what was read: the trees and the comments are equal, else nothing is
//! written; and a file that was written is written the same again. Tests:
//! `formatting_changes_no_meaning_and_is_done_after_once`, `what_would_mean_something_else_is_left_as_it_is`,
//! `any_text_keeps_its_meaning_or_is_left_alone`.

mod atoms;
mod lay;

use std::sync::Arc;

use self::atoms::Atoms;
use super::{Budget, parse};
use crate::diagnostic::{Diagnostic, Source};

/// Why a file is left as it is.
#[derive(Clone, Debug)]
pub enum NotFormatted {
    /// It cannot be read: every finding.
    Unreadable(Vec<Diagnostic>),
    /// What would be written means something else, or lacks a comment.
    Meaning,
    /// What would be written would be written otherwise the next time.
    Restless,
}

impl std::fmt::Display for NotFormatted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NotFormatted::Unreadable(_) => "it cannot be read",
            NotFormatted::Meaning => "another layout would change what it means",
            NotFormatted::Restless => "its layout would not come to rest",
        })
    }
}

impl std::error::Error for NotFormatted {}

/// The text of a file in its one layout.
///
/// # Errors
///
/// See [`NotFormatted`]: the file is to be left as it is.
pub fn format(source: &Arc<Source>, budget: &Budget) -> Result<String, NotFormatted> {
    let before = parse(source, budget).map_err(NotFormatted::Unreadable)?;
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text).replace("\r\n", "\n");
    let plain = Source::new(source.name.clone(), text);
    let atoms = Atoms::read(&plain, budget);
    let laid = Source::new(source.name.clone(), lay::lay(&plain.text, &atoms));
    let same = parse(&laid, budget).is_ok_and(|after| after.to_value() == before.to_value());
    let comments = |atoms: &Atoms, text: &str| -> Vec<String> {
        atoms.comments(text).map(|comment| comment.trim_end().to_owned()).collect()
    };
    let again = Atoms::read(&laid, budget);
    if !same || comments(&atoms, &plain.text) != comments(&again, &laid.text) {
        return Err(NotFormatted::Meaning);
    }
    if lay::lay(&laid.text, &again) != laid.text {
        return Err(NotFormatted::Restless);
    }
    let ended = ended_like(&source.text, &laid.text);
    let whole = Source::new(source.name.clone(), ended.as_str());
    if ended != laid.text
        && !parse(&whole, budget).is_ok_and(|after| after.to_value() == before.to_value())
    {
        return Err(NotFormatted::Meaning);
    }
    Ok(ended)
}

/// The text with the line ends of another and its mark of byte order: editors, and tools that keep versions, have set
/// them, and would show every line as changed.
fn ended_like(other: &str, text: &str) -> String {
    let first = other.split_inclusive('\n').next().unwrap_or_default();
    let text = if first.ends_with("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() };
    if other.starts_with('\u{feff}') { format!("\u{feff}{text}") } else { text }
}

#[cfg(test)]
mod tests;
