//! Keys of wishes as text.

use super::WantKey;
use crate::ids::At;

impl WantKey {
    /// The key as text, for [`Lane::sent`](super::Lane::sent): `<rule> <subject>`, a fact with `#<version>`.
    pub fn text(&self) -> String {
        match self.fact {
            Some(version) => format!("{} {}#{version}", self.rule, self.subject),
            None => format!("{} {}", self.rule, self.subject),
        }
    }

    /// Reads what [`WantKey::text`] wrote.
    pub fn parse(text: &str) -> Option<WantKey> {
        let (rule, rest) = text.rsplit_once(' ')?;
        let (subject, fact) = match rest.split_once('#') {
            Some((subject, version)) => (subject, Some(version.parse().ok()?)),
            None => (rest, None),
        };
        Some(WantKey { rule: rule.into(), subject: At::parse(subject)?, fact })
    }
}
