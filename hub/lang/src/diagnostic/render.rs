//! Findings as a person reads them in a terminal.

use std::fmt::Write as _;

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
    let label =
        if finding.label.is_empty() { String::new() } else { format!(" {}", finding.label) };
    // Writing to a String does not fail.
    let _fine = writeln!(out, "{word}[{}]: {}", finding.code, visible(&finding.message))
        .and_then(|()| writeln!(out, "{margin}--> {}:{line}:{column}", finding.source.name))
        .and_then(|()| writeln!(out, "{margin} |"))
        .and_then(|()| writeln!(out, "{number} | {shown}"))
        .and_then(|()| writeln!(out, "{margin} | {indent}{carets}{}", visible(&label)));
    if let Some(hint) = &finding.hint {
        let _fine = writeln!(out, "{margin} = hint: {}", visible(hint));
    }
    let _fine = writeln!(out, "{margin} = more: orderhub explain {}", finding.code);
    out
}

/// The part of the line that is shown, the blanks before the carets, and the carets.
fn window(finding: &Diagnostic, column: usize) -> (String, String, String) {
    let line: Vec<char> = finding.source.line_at(finding.span.start).chars().collect();
    let marked = finding.source.slice(finding.span).split(['\r', '\n']).next().unwrap_or_default();
    let length = marked.chars().count().max(1);
    let start = if column + length > SHOWN { column.saturating_sub(SHOWN / 2) } else { 0 };
    let cut: String = line.iter().skip(start).take(SHOWN).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if line.len() > start + SHOWN { "…" } else { "" };
    let indent = column.saturating_sub(1 + start) + before.chars().count();
    let carets = length.min(SHOWN.saturating_sub(column.saturating_sub(1 + start)).max(1));
    (format!("{before}{}{after}", visible(&cut)), " ".repeat(indent), "^".repeat(carets))
}

/// Text without control characters (a file must not steer the terminal), one for one.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
