//! Findings as a person reads them in a terminal.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::hidden::{shown_as, visible};
use super::{Diagnostic, Position, SHOWN, Severity, sort};

/// The whole report as a person reads it: each finding with its line, carets, hint and
/// `orderhub explain CODE`; ordered by file and place.
pub fn render(findings: &[Diagnostic]) -> String {
    let mut ordered = findings.to_vec();
    sort(&mut ordered);
    ordered.iter().map(render_one).collect::<Vec<_>>().join("\n")
}

fn render_one(finding: &Diagnostic) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let Position { line, column } = finding.position();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, indent, carets) = window(finding, column);
    let mut out = String::new();
    if finding.source.text.is_empty() {
        // Nothing of the file is there, or was read: there is no line to show.
        let name = visible(&finding.source.name);
        let _fine = writeln!(out, "{word}[{}]: {}", finding.code, visible(&finding.message))
            .and_then(|()| writeln!(out, "{margin}--> {name}"));
        more(finding, &margin, &mut out);
        return out;
    }
    let label =
        if finding.label.is_empty() { String::new() } else { format!(" {}", finding.label) };
    // Writing to a String does not fail.
    let _fine = writeln!(out, "{word}[{}]: {}", finding.code, visible(&finding.message))
        .and_then(|()| {
            writeln!(out, "{margin}--> {}:{line}:{column}", visible(&finding.source.name))
        })
        .and_then(|()| writeln!(out, "{margin} |"))
        .and_then(|()| writeln!(out, "{number} | {shown}"))
        .and_then(|()| writeln!(out, "{margin} | {indent}{carets}{}", visible(&label)));
    more(finding, &margin, &mut out);
    out
}

/// What follows the place.
fn more(finding: &Diagnostic, margin: &str, out: &mut String) {
    // Writing to a String does not fail.
    if let Some(hint) = &finding.hint {
        let _fine = writeln!(out, "{margin} = hint: {}", visible(hint));
    }
    for note in &finding.notes {
        let _fine =
            writeln!(out, "{margin} = note: {}: {}", visible(&note.text), visible(&note.place()));
    }
    let _fine = writeln!(out, "{margin} = more: orderhub explain {}", finding.code);
}

/// The part of the line that is shown, the blanks before the carets, and the carets: as wide as what
/// they stand under, whose letters may be two columns wide or shown by their numbers.
fn window(finding: &Diagnostic, column: usize) -> (String, String, String) {
    let marked = finding.source.slice(finding.span).split(['\r', '\n']).next().unwrap_or_default();
    let from = column.saturating_sub(1);
    // Of a very long line only what stands near the place is looked at.
    let skipped = from.saturating_sub(SHOWN);
    let line = finding.source.line_at(finding.span.start).chars().skip(skipped);
    let line: Vec<Piece> = line.take(3 * SHOWN).map(Piece::of).collect();
    let from = from - skipped;
    let to = from + marked.chars().take(SHOWN).count().max(1);
    let width = |from: usize, to: usize| -> usize {
        line.iter().take(to).skip(from).map(|piece| piece.width).sum()
    };
    let mut start = 0;
    if skipped > 0 || width(0, to) > SHOWN {
        let mut room = SHOWN / 2;
        start = from.min(line.len());
        while let Some(piece) = start.checked_sub(1).and_then(|before| line.get(before)) {
            let Some(left) = room.checked_sub(piece.width) else { break };
            (room, start) = (left, start - 1);
        }
    }
    let (mut shown, mut room, mut end) = (String::new(), SHOWN, start);
    for piece in line.iter().skip(start) {
        let Some(left) = room.checked_sub(piece.width) else { break };
        piece.write(&mut shown);
        (room, end) = (left, end + 1);
    }
    let before = if skipped + start > 0 { "…" } else { "" };
    let after = if end < line.len() { "…" } else { "" };
    let indent = before.chars().count() + width(start, from);
    let carets = width(from, to.min(end)).max(1);
    (format!("{before}{shown}{after}"), " ".repeat(indent), "^".repeat(carets))
}

/// A character of a shown line.
struct Piece {
    letter: char,
    instead: Option<String>,
    width: usize,
}

impl Piece {
    fn of(letter: char) -> Self {
        let instead = shown_as(letter);
        let width = match &instead {
            Some(text) => text.width(),
            None => letter.width().unwrap_or(0),
        };
        Self { letter, instead, width }
    }

    fn write(&self, line: &mut String) {
        match &self.instead {
            Some(text) => line.push_str(text),
            None => line.push(self.letter),
        }
    }
}
