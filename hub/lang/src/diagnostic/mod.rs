//! What is wrong with a file, at its place: errors like a good compiler's.
//!
//! Lines and columns count from 1, columns in characters. A report is bounded: a shown line has at
//! most [`SHOWN`] columns, and what nobody sees of the file reaches the terminal by its number only.

mod alike;
mod hidden;
mod nearest;
mod part;
mod renamed;
mod render;
mod source;

use std::sync::Arc;

use serde::Serialize;

pub use self::alike::{LooksLike, looks_like, skeleton};
pub use self::hidden::{chooses_form, is_hidden, name as hidden_name, visible};
pub use self::nearest::nearest;
pub use self::part::{Note, Related};
pub use self::renamed::renamed;
pub use self::render::render;
pub use self::source::{Position, Source};
use crate::codes;

/// Longest part of a line that a report shows, in columns of a terminal.
pub const SHOWN: usize = 160;

/// Most findings that one file reports; more would hide the first ones.
pub const MOST_FINDINGS: usize = 100;

/// Most names that a hint lists.
const MOST_NAMES: usize = 40;

/// A range of bytes of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but probably is not what was meant.
    Warning,
}

/// One finding at one place.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// `M0107`, `C0003`, …: stable, explained by `orderhub explain`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
    /// What is wrong, in the user's terms: ``unknown hub field `customer.e_mail` ``.
    pub message: String,
    /// What stands under the carets: `no such field in order v1`.
    pub label: String,
    /// What to do: ``did you mean `customer.email`?``
    pub hint: Option<String>,
    /// Other places that it has to do with: what includes the file.
    pub notes: Vec<Note>,
    /// It is only counted: what is costly to say of it is left out.
    counted: bool,
}

/// The findings of one file while it is read: parsers go on after an error and report all.
///
/// **Bound:** at most [`MOST_FINDINGS`] are kept, the first ones; how many more there were is said once
/// (`Y0015`). Test: `findings_are_bounded_and_ordered`.
#[derive(Debug)]
pub struct Findings {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
    more: Option<More>,
}

/// Findings that are only counted.
#[derive(Debug)]
struct More {
    count: usize,
    worst: Severity,
    first: Span,
}

impl Span {
    /// From byte `start` to before byte `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: clamp(start), end: clamp(end.max(start)) }
    }

    /// This span moved by `bytes`, to place something that was found within a text.
    pub fn shifted(self, bytes: u32) -> Self {
        Self { start: self.start.saturating_add(bytes), end: self.end.saturating_add(bytes) }
    }
}

fn clamp(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

impl Diagnostic {
    /// An error.
    pub fn error(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let (source, span, notes) = source.resolved(span);
        Self {
            code,
            severity: Severity::Error,
            source,
            span,
            message: message.into(),
            label: String::new(),
            hint: None,
            notes,
            counted: false,
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// With what stands under the carets.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With "did you mean", if one of `names` is near to `wrong`.
    #[must_use]
    pub fn with_nearest<'a>(
        mut self,
        wrong: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        if self.counted {
            return self;
        }
        let names: Vec<&str> = names.into_iter().collect();
        if let Some(alike) = looks_like(wrong, names.iter().copied()) {
            self.hint = Some(format!("it only looks like `{}`: {}", alike.name, alike.how));
        } else if let Some(near) = nearest(wrong, names) {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// With "did you mean", or with all names where none is near and they are few enough to be read.
    #[must_use]
    pub fn with_one_of<'a>(self, wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let finding = self.with_nearest(wrong, names.iter().copied());
        if finding.hint.is_some() || names.is_empty() || names.len() > MOST_NAMES {
            return finding;
        }
        finding.with_hint(format!("one of {}", names.join(", ")))
    }

    /// Where it starts.
    pub fn position(&self) -> Position {
        self.source.position(self.span.start)
    }

    /// As a machine reads it.
    pub fn to_json(&self) -> Json<'_> {
        let start = self.position();
        let end = self.source.position(self.span.end.max(self.span.start));
        Json {
            code: self.code,
            severity: self.severity,
            message: &self.message,
            label: &self.label,
            hint: self.hint.as_deref(),
            file: &self.source.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            span: self.span,
            related: self.notes.iter().map(Note::to_json).collect(),
        }
    }
}

/// The machine's form of a finding; its field names are an interface.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the same as in `Diagnostic` and `Position`")]
pub struct Json<'a> {
    pub code: &'a str,
    pub severity: Severity,
    pub message: &'a str,
    pub label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
    pub file: &'a str,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub span: Span,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related<'a>>,
}

impl Findings {
    /// None yet.
    pub fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), found: Vec::new(), more: None }
    }

    /// The file they are about.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Takes in a file that is included at `from`; the base of its spans. See [`Source::include`].
    pub fn include(&mut self, source: &Arc<Source>, from: Span) -> Option<u32> {
        Arc::make_mut(&mut self.source).include(source, from)
    }

    /// An error at a place of this file, to be given to [`Findings::report`].
    #[must_use]
    pub fn error(&self, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let finding = Diagnostic::error(code, &self.source, span, message);
        Diagnostic { counted: self.is_full(), ..finding }
    }

    /// Adds a finding, or counts it where no more are kept.
    pub fn report(&mut self, finding: Diagnostic) {
        if self.is_full() {
            self.count(finding.span, finding.severity);
        } else {
            self.found.push(finding);
        }
    }

    /// Counts a finding that is not shown.
    pub fn count(&mut self, span: Span, severity: Severity) {
        let more = self.more.get_or_insert(More { count: 0, worst: severity, first: span });
        more.count += 1;
        more.worst = more.worst.min(severity);
    }

    /// Adds findings made elsewhere.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Diagnostic>) {
        more.into_iter().for_each(|finding| self.report(finding));
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        let counted = self.more.as_ref().is_some_and(|more| more.worst == Severity::Error);
        counted || self.found.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// How many so far, counted ones too, to see whether a part added one.
    pub fn len(&self) -> usize {
        self.found.len() + self.more.as_ref().map_or(0, |more| more.count)
    }

    /// Whether no more are kept: what is costly to say of an untrusted file is only counted then.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_FINDINGS
    }

    /// Whether a finding of that code begins where `span` does.
    pub fn has(&self, code: &str, span: Span) -> bool {
        self.found.iter().any(|one| one.code == code && one.span.start == span.start)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All, ordered by place; behind them, how many more there were.
    pub fn into_vec(mut self) -> Vec<Diagnostic> {
        if let Some(More { count, worst, first }) = self.more {
            let message = format!("... and {count} more in this file");
            let finding = Diagnostic::error(codes::MORE, &self.source, first, message)
                .with_label("the first of them")
                .with_hint("mend what is shown above, and check again");
            // It counts those of the whole file, what is included counted.
            let finding = match finding.notes.last().cloned() {
                Some(Note { source, span, .. }) => {
                    Diagnostic { source, span, notes: Vec::new(), ..finding }
                }
                None => finding,
            };
            self.found.push(Diagnostic { severity: worst, ..finding });
        }
        sort(&mut self.found);
        self.found
    }

    /// `value` with the warnings, or everything if there is an error or no value.
    ///
    /// # Errors
    ///
    /// The findings, ordered by place.
    pub fn into_result<T>(self, value: Option<T>) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
        let failed = self.has_errors();
        let found = self.into_vec();
        match value {
            Some(value) if !failed => Ok((value, found)),
            Some(_) | None => Err(found),
        }
    }
}

/// Each finding once: what two files share may be looked at twice. They must be ordered.
pub fn distinct(findings: &mut Vec<Diagnostic>) {
    let same = |a: &Diagnostic, b: &Diagnostic| {
        (a.code, a.span, &a.message) == (b.code, b.span, &b.message)
            && a.source.name == b.source.name
    };
    findings.dedup_by(|later, first| same(later, first));
}

/// Orders findings by file and place; how many more there were stands last.
pub fn sort(findings: &mut [Diagnostic]) {
    findings.sort_by(|a, b| {
        let more = (a.code == codes::MORE).cmp(&(b.code == codes::MORE));
        let file = a.source.name.cmp(&b.source.name);
        let key = |finding: &Diagnostic| (finding.span, finding.code);
        file.then(more).then((key(a), &a.message).cmp(&(key(b), &b.message)))
    });
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
