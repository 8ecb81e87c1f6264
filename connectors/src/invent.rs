//! What a system could answer, made up: with it a connector can be tried without its system.
//!
//! A connector that reads its answers by a file knows what that file reads of them; it makes up answers of that shape,
//! and keeps those that it takes for well itself. A conformance test plays them, and what a bad day makes of them.

use bytes::Bytes;
use orderhub_lang::expression::Name;
use orderhub_lang::value::Value;

use crate::contract::{Answer, Call, Credentials, Memo, Webhook};
pub use crate::shape::put;

/// The value that stands for what nothing more is known of, in answers and in what is asked for: the same everywhere, so
/// that what compares the two finds them equal. A number and a text alike.
pub const ANY: &str = "71";
/// The same of an address that is asked.
pub const ADDRESS: &str = "https://system.invalid/71";

/// A page of a listing.
#[derive(Clone, Debug)]
pub enum Page {
    /// The operation lists nothing one after the other.
    NoListing,
    /// Whatever was made up, the connector does not take it for this page, or for one with others behind it: what was tried,
    /// for a person.
    NotTaken(String),
    /// The page, and how many things it has.
    Taken(Answer, usize),
}

/// A webhook that a system sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// As [`Webhook::path`].
    pub path: String,
    /// As [`Webhook::query`].
    pub query: String,
    /// As [`Webhook::headers`].
    pub headers: Vec<(String, String)>,
    /// As [`Webhook::body`].
    pub body: Bytes,
}

impl Hook {
    /// As it arrives.
    pub fn as_webhook(&self) -> Webhook<'_> {
        let Self { path, query, headers, body } = self;
        Webhook { path, query, headers, body }
    }
}

/// Makes up what a system answers. Pure; the same call and memo give the same answers.
pub trait Invents {
    /// Answers that the step which is due takes for well, each of which leads on in another way; the one that says most
    /// comes first, then those that say that nothing is there yet. At most a few; none where none was found.
    fn answers(&self, call: &Call<'_>, memo: &Memo) -> Vec<Answer>;

    /// Words and numbers that an operation compares with what it is given, and what its answers say.
    fn words(&self, operation: &str) -> Vec<Value>;

    /// Names of what is asked with (`doc.…`, `settings.…`, `xref.…`) that decide which steps of an operation are sent.
    fn turns(&self, operation: &str) -> Vec<Name>;

    /// What a document must look like where that is more than what [`Connector::asks`](crate::contract::Connector::asks)
    /// tells; null: nothing more is known.
    fn document(&self, operation: &str) -> Value;

    /// A page of a listing of `total` things in all, of which `from` were listed before; each has a number of its own as
    /// its `id`.
    fn page(&self, call: &Call<'_>, from: usize, total: usize) -> Page;

    /// A webhook about the event `said`, with the proof that the first value of each secret gives: another event is
    /// another one, the same is the same to the byte. `None`: the connector hears none, or none was found that it takes.
    fn hook(&self, said: &str, with: &Credentials<'_>) -> Option<Hook>;

    /// An answer to a login that gives a session; `None`: there is no login, or none was found.
    fn session(&self, with: &Credentials<'_>) -> Option<Answer>;
}
