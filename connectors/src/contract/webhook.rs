//! What a webhook is, and what it says: the part of the contract that no call began.

use bytes::Bytes;

use crate::element::Element;

/// A webhook as it arrived.
#[derive(Clone, Copy)]
pub struct Webhook<'a> {
    /// Path below `/webhooks/{system}`.
    pub path: &'a str,
    /// What stands behind the question mark, as it came.
    pub query: &'a str,
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body's exact bytes.
    pub body: &'a Bytes,
}

/// Most notices of one webhook.
pub const MOST_NOTICES: usize = 1_000;

/// What a webhook that is authentic says.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What the sender wants to read after the commit; `None`: an empty 200.
    pub respond: Option<Bytes>,
    /// Its elements in their order, [`MOST_NOTICES`] at most, each by itself; none: it says nothing. Or why there are
    /// none.
    pub notices: Result<Vec<Element>, Unheard>,
}

/// Why a webhook that is authentic has no notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It cannot be read: sending it again would change nothing.
    Unreadable(String),
    /// It has so many, more than [`MOST_NOTICES`]: its sender is to divide it.
    TooMany(usize),
}

/// One thing a webhook says.
#[derive(Clone)]
pub struct Notice {
    /// The sender's id of the event; `None`: revision and content decide about duplicates.
    pub id: Option<String>,
    /// What kind: matched by `notice:` of an intake (`orders/create`).
    pub kind: String,
    /// The document in it.
    pub document: Bytes,
}

/// What is answered to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// What it is: `text/plain`, `application/json`.
    pub media: &'static str,
    /// The answer's bytes, 4 KiB at most.
    pub body: Bytes,
}
