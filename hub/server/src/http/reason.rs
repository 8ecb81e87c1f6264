//! Why a person acts: asked of every act by hand, and stored with what it does.

use serde::Deserialize;

use super::Problem;

/// Longest reason, in characters: it is stored with each version and shown in lists.
const LONGEST: usize = 1_000;

/// The query of an act that takes nothing but its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    reason: Option<String>,
}

impl Reason {
    /// The reason, which must be there.
    pub(super) fn given(self) -> Result<Box<str>, Problem> {
        given(self.reason)
    }
}

/// A reason that says something.
pub(super) fn given(reason: Option<String>) -> Result<Box<str>, Problem> {
    let reason = reason.unwrap_or_default();
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 {
        return Err(Problem::bad_request("say why: `?reason=<words>`"));
    }
    if length > LONGEST {
        let detail = format!("the reason has {length} characters; write at most {LONGEST}");
        return Err(Problem::bad_request(detail));
    }
    Ok(reason.into())
}
