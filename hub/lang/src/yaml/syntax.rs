//! What a person did where the reader of YAML had to stop: a quote or a bracket that is not closed, a colon in
//! a text, a line that is indented unlike its neighbours. The reader's own words are for who knows its grammar.
//! Brackets stand in [`super::brackets`], what one changed line mends in [`super::slips`].

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::Budget;
use super::place::{byte, tab_behind, tab_in_indentation};
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
            | ErrorKind::TabInPlainScalar
    );
    let tab = tab_in_indentation(source, at);
    if about_tabs || tab.is_some() {
        // A text is given up where it began; the tab stands on a line below.
        let tab = tab.or_else(|| tab_behind(source, at));
        return tabs(findings, tab.unwrap_or(at));
    }
    let row = error.marker().line();
    let (at, row) = if matches!(error.kind(), ErrorKind::CommentInterceptedScalar) {
        // It is a line behind the comment that should not go on with the text before it.
        behind_comments(source, at, row)
    } else {
        (at, row)
    };
    let kind = error.kind();
    let stopped = Stopped { source, at, after, open, kind, row, budget, info: &error.info() };
    let mistake = stopped.mistake();
    findings.error(codes::SYNTAX, mistake.span, mistake.message).with_hint(mistake.hint)
}

/// The letter at a byte, whole; at the end of the text there is none.
pub(super) fn one_letter(source: &Source, at: usize) -> Span {
    let letter = source.text.get(at..).and_then(|rest| rest.chars().next());
    Span::new(at, at + letter.map_or(0, char::len_utf8))
}

/// The next line that is no comment: where its text begins, and its number.
fn behind_comments(source: &Source, at: usize, row: usize) -> (usize, usize) {
    let mut start = at;
    for (number, line) in
        (row..).zip(source.text.get(at..).unwrap_or_default().split_inclusive('\n'))
    {
        let text = line.trim();
        if start > at && !text.is_empty() && !text.starts_with('#') {
            return (start + indent(line), number);
        }
        start += line.len();
    }
    (at, row)
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
pub(super) struct Mistake {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) hint: String,
}

/// Where reading stopped.
pub(super) struct Stopped<'s> {
    pub(super) source: &'s Source,
    pub(super) at: usize,
    pub(super) after: usize,
    pub(super) open: Option<usize>,
    pub(super) kind: &'s ErrorKind,
    /// The line that the reader names, from 1.
    pub(super) row: usize,
    pub(super) budget: &'s Budget,
    /// The reader's own words.
    info: &'s str,
}

impl Stopped<'_> {
    /// The likeliest mistake.
    fn mistake(&self) -> Mistake {
        let found = self.quote().or_else(|| self.slip()).or_else(|| self.bracket());
        let found = found.or_else(|| self.colon()).or_else(|| self.no_blank());
        found.or_else(|| self.indentation()).unwrap_or_else(|| self.unknown())
    }

    /// What is left to say where nothing of what people often do was found.
    fn unknown(&self) -> Mistake {
        let (start, line) = self.line(self.at);
        let span = one_letter(self.source, self.at);
        let keyless =
            matches!(self.kind, ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey);
        let element = line.trim_start().starts_with("- ");
        if element && (keyless || matches!(self.kind, ErrorKind::BlockSequenceEntryNotAllowed)) {
            return Mistake {
                span: one_letter(self.source, start + indent(line)),
                message: "`- …` stands where a key belongs".to_owned(),
                hint: "the elements of a list follow a key that has nothing behind its colon"
                    .to_owned(),
            };
        }
        if keyless {
            return Mistake {
                span,
                message: "this line is neither `key: value` nor `- …`".to_owned(),
                hint: "write a key, a colon and a blank before the value; a text of several lines is indented \
                       more than its key"
                    .to_owned(),
            };
        }
        Mistake {
            span,
            message: self.info.to_owned(),
            hint: "the cause often stands just before: a quote, a bracket or a comma that is missing, or a line \
                   that is indented unlike its neighbours"
                .to_owned(),
        }
    }

    pub(super) fn text(&self, from: usize, to: usize) -> &str {
        self.source.text.get(from..to).unwrap_or_default()
    }

    /// The start of the line of a byte, and the line.
    pub(super) fn line(&self, at: usize) -> (usize, &str) {
        let before = self.text(0, at);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.text(start, self.source.text.len());
        (start, rest.lines().next().unwrap_or_default())
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
        let value = value.trim_end();
        let quoted = format!("a text with a colon stands in quotes: `{key}: \"{value}\"`");
        let hint = match value.split_once(", ") {
            Some((_, next)) if next.split_once(": ").is_some_and(|(key, _)| is_word(key)) => {
                format!(
                    "several keys on one line stand in braces: `{{ {key}: {value} }}`; {quoted}"
                )
            }
            _ => quoted,
        };
        (second < self.at).then(|| Mistake {
            span: one_letter(self.source, self.at),
            message: "a second colon on one line".to_owned(),
            hint,
        })
    }

    /// `entity:order`
    fn no_blank(&self) -> Option<Mistake> {
        let (start, line) = self.line(self.at);
        let inner = line.trim_start_matches([' ', '-']);
        let (key, value) = inner.split_once(':')?;
        (is_word(key) && value.starts_with(|c: char| !c.is_whitespace())).then(|| {
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
        let own = indent(line);
        let mut above = self.text(0, start).lines().rev();
        let above = above.find(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))?;
        let inner = above.trim_start_matches([' ', '-']);
        let key = inner.split_once(':').is_some_and(|(key, _)| is_word(key));
        let (behind, above) = (above.len() - inner.len(), indent(above));
        // What goes on with an element stands below its first key, not below its `-`.
        let element = key && behind > above && own > above && own != behind;
        (own != above).then(|| Mistake {
            span: one_letter(self.source, start + own),
            message: if element {
                format!("this begins in column {}, the key above in column {}", own + 1, behind + 1)
            } else {
                format!("this line begins with {}, the one above with {above}", blanks(own))
            },
            hint: "keys of one mapping begin in the same column, and so do the `-` of one list"
                .to_owned(),
        })
    }
}

/// How many blanks begin a line.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// What may be a key as people write them.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.$".contains(c))
}

fn blanks(count: usize) -> String {
    if count == 1 { "1 blank".to_owned() } else { format!("{count} blanks") }
}
