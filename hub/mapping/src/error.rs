//! Why a document cannot be mapped, in words.

use crate::facts::Lacks;

/// Why a document cannot be mapped: the rule's place and the document's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// A stable cause, one of [`CAUSES`](crate::causes::CAUSES): `malformed`, `unknown_value`, ….
    pub cause: &'static str,
    /// `file:line:column` of the rule, if a rule is to blame.
    pub rule: Option<String>,
    /// Which document of a body of several: `orders.1`, `line 18`; `None` where there is one.
    pub place: Option<Box<str>>,
    /// Path in the document.
    pub path: String,
    /// A sentence for the operator: no value that may be a name or an address.
    pub why: String,
    /// The key, where it was readable: a later full document of that key supersedes.
    pub key: Option<String>,
    /// Where the key is not readable, what the document holds: the same again is the same document.
    pub digest: Option<[u8; 16]>,
    /// What it looks up and is not known.
    pub lacks: Lacks,
}

impl std::fmt::Display for MapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.cause, self.why)?;
        match (&self.place, self.path.as_str()) {
            (None, "") => {}
            (None, path) => write!(f, " at `{path}`")?,
            // Of rows the sentence names the line itself.
            (Some(place), "" | ".") if self.why.starts_with(&**place) => {}
            (Some(place), "" | ".") => write!(f, " at {place}")?,
            (Some(place), path) => write!(f, " at {place}, `{path}`")?,
        }
        match &self.rule {
            Some(rule) => write!(f, " ({rule})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for MapError {}

/// Why a subject cannot be mapped out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// The hub field that the rule sends, from the subject on; empty where none is to blame.
    pub field: Box<str>,
    /// The rule's place, and the document's.
    pub error: MapError,
}

impl Unwritten {
    /// For a person: why, and all places that are known.
    pub fn told(&self) -> String {
        let mut told = self.error.why.clone();
        let rule = self.error.rule.as_deref().unwrap_or_default();
        let places =
            [("rule", rule), ("hub field", &self.field), ("in the document", &self.error.path)];
        for (name, place) in places {
            if !place.is_empty() {
                told = format!("{told}; {name}: {place}");
            }
        }
        told
    }
}

impl std::ops::Deref for Unwritten {
    type Target = MapError;

    fn deref(&self) -> &MapError {
        &self.error
    }
}

impl std::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}
