//! What is wrong with a file, at its place: errors like a good compiler's.
//!
//! Lines and columns count from 1, columns in characters. A report is bounded: a shown line has at
//! most [`SHOWN`] characters, and control characters of the file never reach the terminal.

mod nearest;
mod render;

use std::sync::Arc;

use serde::Serialize;

pub use self::nearest::nearest;
pub use self::render::render;

/// Longest part of a line that a report shows, in characters.
pub const SHOWN: usize = 160;

/// Most findings that one file reports; more would hide the first ones.
pub const MOST_FINDINGS: usize = 100;

/// A range of bytes of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A file's name and text, kept to show lines in diagnostics.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The name as the user knows it: `mappings/shopify/order_rest.yaml`.
    pub name: String,
    /// The whole text, UTF-8.
    pub text: String,
}

/// A place as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
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
}

/// The findings of one file while it is read: parsers go on after an error and report all.
///
/// At most [`MOST_FINDINGS`] are kept, the first ones.
#[derive(Debug)]
pub struct Findings {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
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

impl Source {
    /// A file's name, as the user knows it, and its text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// Line and column of a byte; a byte past the end is the end.
    pub fn position(&self, byte: u32) -> Position {
        let upto = self.upto(byte);
        let line = upto.matches('\n').count() + 1;
        let column = upto.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Position { line, column }
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
    fn line_at(&self, byte: u32) -> &str {
        let before = self.upto(byte);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = self.text.get(start..).unwrap_or_default();
        rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }

    /// The text before a byte, cut back to a character boundary.
    fn upto(&self, byte: u32) -> &str {
        let mut end = (byte as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.get(..end).unwrap_or_default()
    }
}

impl Diagnostic {
    /// An error.
    pub fn error(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            source: Arc::clone(source),
            span,
            message: message.into(),
            label: String::new(),
            hint: None,
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
        if let Some(near) = nearest(wrong, names) {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
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
}

impl Findings {
    /// None yet.
    pub fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), found: Vec::new() }
    }

    /// The file they are about.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// An error at a place of this file, to be given to [`Findings::report`].
    #[must_use]
    pub fn error(&self, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, &self.source, span, message)
    }

    /// Adds a finding.
    pub fn report(&mut self, finding: Diagnostic) {
        if !self.is_full() {
            self.found.push(finding);
        }
    }

    /// Adds findings made elsewhere.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Diagnostic>) {
        more.into_iter().for_each(|finding| self.report(finding));
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// How many so far, to see whether a part added one.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether no more are kept: a reader of untrusted files stops looking then.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_FINDINGS
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All, ordered by place.
    pub fn into_vec(mut self) -> Vec<Diagnostic> {
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

/// Orders findings by file and place.
pub fn sort(findings: &mut [Diagnostic]) {
    findings
        .sort_by(|a, b| (&a.source.name, a.span, a.code).cmp(&(&b.source.name, b.span, b.code)));
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
