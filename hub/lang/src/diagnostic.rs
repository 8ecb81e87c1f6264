//! What is wrong with a file, at its place: errors like a good compiler's.

use std::sync::Arc;

use serde::Serialize;

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

/// The nearest of `names` to `wrong`, for "did you mean": at most a third of its letters differ.
pub fn nearest<'a>(_wrong: &str, _names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    None
}

/// The whole report as a person reads it: each finding with its line, carets, hint and
/// `orderhub explain CODE`; ordered by file and place.
pub fn render(_findings: &[Diagnostic]) -> String {
    String::new()
}
