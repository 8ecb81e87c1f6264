//! What a person did where the reader of YAML had to stop: a quote or a bracket that is not closed, a colon in
//! a text, a line that is indented unlike its neighbours. The reader's own words are for who knows its grammar.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::Budget;
use super::place::{byte, tab_in_indentation};
use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Source, Span};

/// What is said of the place where the reader had to stop. `open`: where the outermost `{` or `[` stands that
/// is known to be open; `after`: where the last thing that was read ends.
pub(super) fn finding(
    findings: &Findings,
    error: &ScanError,
    budget: &Budget,
    open: Option<usize>,
    after: usize,
) -> Diagnostic {
    let source = findings.source();
    let at = byte(source, error.marker());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        let message = format!("nested deeper than {} levels", budget.depth);
        return findings.error(codes::TOO_DEEP, one_letter(source, at), message);
    }
    let about_tabs = matches!(
        error.kind(),
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
    );
    let tab = tab_in_indentation(source, at);
    if about_tabs || tab.is_some() {
        return tabs(findings, tab.unwrap_or(at));
    }
    let mistake = Stopped { source, at, after, open, info: &error.info() }.mistake();
    findings.error(codes::SYNTAX, mistake.span, mistake.message).with_hint(mistake.hint)
}

/// The letter at a byte, whole; at the end of the text there is none.
fn one_letter(source: &Source, at: usize) -> Span {
    let letter = source.text.get(at..).and_then(|rest| rest.chars().next());
    Span::new(at, at + letter.map_or(0, char::len_utf8))
}

fn tabs(findings: &Findings, at: usize) -> Diagnostic {
    let message = "a tab where only blanks may stand";
    let finding = findings.error(codes::TAB, one_letter(findings.source(), at), message);
    let lines = findings.source().text.lines();
    match lines.filter(|line| line.trim_start_matches(' ').starts_with('\t')).count() {
        0 | 1 => finding.with_hint("replace the tab by blanks"),
        count => finding.with_hint(format!("replace the tabs by blanks: {count} lines have them")),
    }
}

/// A mistake as a person made it.
struct Mistake {
    span: Span,
    message: String,
    hint: String,
}

/// Where reading stopped.
struct Stopped<'s> {
    source: &'s Source,
    at: usize,
    after: usize,
    open: Option<usize>,
    /// The reader's own words.
    info: &'s str,
}

impl Stopped<'_> {
    /// The likeliest mistake.
    fn mistake(&self) -> Mistake {
        let found = self.quote().or_else(|| self.bracket());
        let found = found.or_else(|| self.colon()).or_else(|| self.no_blank());
        found.or_else(|| self.indentation()).unwrap_or_else(|| Mistake {
            span: one_letter(self.source, self.at),
            message: self.info.to_owned(),
            hint: "the cause often stands just before: a quote, a bracket or a comma that is missing, or a line \
                   that is indented unlike its neighbours"
                .to_owned(),
        })
    }

    fn text(&self, from: usize, to: usize) -> &str {
        self.source.text.get(from..to).unwrap_or_default()
    }

    /// The start of the line of a byte, and the line.
    fn line(&self, at: usize) -> (usize, &str) {
        let before = self.text(0, at);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.text(start, self.source.text.len());
        (start, rest.lines().next().unwrap_or_default())
    }

    /// What is still open at the place: a quote that its own line does not close, else the innermost bracket.
    fn unclosed(&self) -> Option<(usize, char)> {
        let from = self.line(self.after).0.min(self.open.unwrap_or(usize::MAX));
        let mut open: Vec<(usize, char)> = Vec::new();
        let mut quoted: Option<(usize, char)> = None;
        let mut before = '\n';
        for (at, letter) in self.text(from, self.at).char_indices() {
            let begins = before.is_whitespace() || "{[,:(".contains(before);
            match (quoted, letter) {
                (Some(_), '\n') => return quoted.map(|(at, quote)| (from + at, quote)),
                (Some((_, quote)), _) if letter == quote => quoted = None,
                (Some(_), _) => {}
                (None, '"' | '\'') if begins => quoted = Some((at, letter)),
                (None, '{' | '[') if begins || !open.is_empty() => open.push((from + at, letter)),
                (None, '}' | ']') => drop(open.pop()),
                (None, _) => {}
            }
            before = letter;
        }
        open.pop()
    }

    /// A quote that is not closed.
    fn quote(&self) -> Option<Mistake> {
        let (at, quote) = self.unclosed().filter(|(_, sign)| matches!(sign, '"' | '\''))?;
        Some(Mistake {
            span: Span::new(at, at + 1),
            message: format!("this quote `{quote}` is opened and not closed"),
            hint: format!("add `{quote}` behind the text"),
        })
    }

    /// A bracket that is not closed, or one that stands in a path.
    fn bracket(&self) -> Option<Mistake> {
        let (open, bracket) = self.unclosed()?;
        let here = self.text(self.at, self.source.text.len());
        let before = self.text(0, self.at);
        if here.starts_with('[') && before.ends_with(|c: char| !c.is_whitespace() && c != ',') {
            return Some(Mistake {
                span: one_letter(self.source, self.at),
                message: "`[` begins a list".to_owned(),
                hint: "in a path, a place in a list is `items.0`, every element `items.*`"
                    .to_owned(),
            });
        }
        let close = if bracket == '{' { '}' } else { ']' };
        if self.source.line(u32::try_from(open).ok()?)
            < self.source.line(u32::try_from(self.at).ok()?)
        {
            return Some(Mistake {
                span: Span::new(open, open + 1),
                message: format!("`{bracket}` is opened here and not closed"),
                hint: format!("add `{close}` behind what it holds"),
            });
        }
        Some(Mistake {
            span: one_letter(self.source, self.at),
            message: format!("a comma, or `{close}`, is missing before this"),
            hint: "a text with a comma, a bracket, a quote or `: ` in it stands in quotes"
                .to_owned(),
        })
    }

    /// `why: one line: paid`
    fn colon(&self) -> Option<Mistake> {
        if !self.info.contains("mapping values") {
            return None;
        }
        let (start, line) = self.line(self.at);
        let inner = line.trim_start_matches([' ', '-']);
        let (key, value) = inner.split_once(": ")?;
        let second = start + (line.len() - inner.len()) + key.len() + 1;
        (second < self.at).then(|| Mistake {
            span: one_letter(self.source, self.at),
            message: "a second colon on one line".to_owned(),
            hint: format!(
                "a text with a colon stands in quotes: `{key}: \"{}\"`",
                value.trim_end()
            ),
        })
    }

    /// `entity:order`
    fn no_blank(&self) -> Option<Mistake> {
        let (start, line) = self.line(self.at);
        let inner = line.trim_start_matches([' ', '-']);
        let (key, value) = inner.split_once(':')?;
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.$".contains(c))
        };
        (word(key) && value.starts_with(|c: char| !c.is_whitespace())).then(|| {
            let at = start + (line.len() - inner.len()) + key.len();
            Mistake {
                span: Span::new(at, at + 1),
                message: "a blank is missing behind the colon".to_owned(),
                hint: format!("write `{key}: {}`", value.trim_end()),
            }
        })
    }

    /// A line that is indented unlike the one above.
    fn indentation(&self) -> Option<Mistake> {
        let (start, line) = self.line(self.at);
        let own = line.len() - line.trim_start_matches(' ').len();
        let above = self.text(0, start).lines().rev();
        let above = above.filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
        let above = above.map(|line| line.len() - line.trim_start_matches(' ').len()).next()?;
        (own != above).then(|| Mistake {
            span: one_letter(self.source, start + own),
            message: format!("this line begins with {own} blanks, the one above with {above}"),
            hint: "keys of one mapping begin in the same column, and so do the `-` of one list"
                .to_owned(),
        })
    }
}
