//! What a call leaves open between its steps: a job that is not done yet, elements that were refused, a page that
//! the system wants confirmed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use orderhub_lang::value::Value;

use crate::contract::{Memo, ReplyXref};

/// Set by an answer that says that the job is not done yet. No expression can read it, as no name has a `$`.
pub(crate) const WAITS: &str = "$waits";
/// Set by an answer that refused elements: which.
pub(crate) const REFUSED: &str = "$refused";

/// What a connector was tried against, besides what tests make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tested {
    /// The real system.
    Server,
    /// What the vendor publishes or recorded: requests with their answers.
    Examples,
    /// The vendor's documentation was read; nobody asked the system.
    Documentation,
    /// No vendor's: a pattern to copy, which the twins of this program speak.
    Twin,
}

impl Tested {
    /// All of them, by the word of a file.
    pub const ALL: [Self; 4] = [Self::Server, Self::Examples, Self::Documentation, Self::Twin];

    /// Its word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Examples => "examples",
            Self::Documentation => "documentation",
            Self::Twin => "twin",
        }
    }

    /// For people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Server => "a real server",
            Self::Examples => "the vendor's examples",
            Self::Documentation => "its documentation",
            Self::Twin => "the twin of this program: a pattern to copy, no vendor's system",
        }
    }
}

/// A job at the system is not done yet: its step is asked again, no sooner than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// After so long.
    pub every: Duration,
    /// How often it was asked so far; at least 1.
    pub asked: u32,
}

/// A step over elements was answered, and some of them were refused. The others are done, and are not sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The step.
    pub step: String,
    /// The elements that are not done; at least one.
    pub refused: Vec<Refused>,
    /// How many elements the step is about.
    pub of: usize,
    /// The system would take them later; else a person must see it.
    pub again: bool,
    /// References that the answer gave to those that are done.
    pub xrefs: Vec<ReplyXref>,
}

/// An element that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Our id of it, or its position from 1.
    pub ours: String,
    /// For a person.
    pub why: String,
}

/// The elements that a sentence names.
const NAMED: usize = 5;

impl Part {
    /// For a person: how many, which, and why.
    pub fn why(&self) -> String {
        let some = self.refused.iter().take(NAMED);
        let some: Vec<String> = some.map(|one| format!("`{}`: {}", one.ours, one.why)).collect();
        let more = self.refused.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let (count, of, step) = (self.refused.len(), self.of, &self.step);
        let what = if self.again { "were not taken" } else { "were refused" };
        format!(
            "step `{step}`: {count} of {of} {what}: {}{more}; what was taken is not sent again",
            some.join("; ")
        )
    }
}

/// How a page is confirmed to the system, once it is stored here.
#[derive(Clone, PartialEq, Eq)]
pub struct Ack {
    /// The operation that confirms; safe to repeat.
    pub operation: String,
    /// Its arguments.
    pub args: BTreeMap<String, Value>,
}

impl std::fmt::Debug for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ack")
            .field("operation", &self.operation)
            .field("args", &self.args.keys())
            .finish()
    }
}

/// What an answer says of a limit that holds from now on; `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToldLimit {
    /// The time in which one call becomes free again; above zero.
    pub every: Option<Duration>,
    /// Calls that may start at once after a quiet time.
    pub burst: Option<NonZeroU32>,
    /// Calls that there are now, of those that count before they are made ([`Connector::reserve`](crate::contract::Connector::reserve)).
    pub left: Option<u32>,
}

impl Memo {
    /// The call goes on: the step that waits, or that refused elements, is asked again.
    pub fn go_on(&mut self) {
        self.saved.remove(WAITS);
        self.saved.remove(REFUSED);
    }
}
