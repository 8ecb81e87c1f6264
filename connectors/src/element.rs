//! One element of a webhook, and what it is known by again when a mended connector reads it.

use sha2::{Digest, Sha256};

use crate::contract::Notice;

/// One element of a webhook: of the list that its connector names, or the whole of it.
#[derive(Clone, Debug)]
pub struct Element {
    /// [`print()`] of it as it stands in the request: the same element, whatever list it is read in.
    pub print: u64,
    /// What it says.
    pub read: Result<Notice, Unread>,
}

/// A notice that cannot be read: sending it again would change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands in the request: `value[1]`.
    pub place: String,
    /// Why.
    pub why: String,
}

/// What a text is known by: the first eight bytes of its SHA-256. Of the [`MOST_NOTICES`] of one request two others have
/// the same once in 10^13 requests.
///
/// [`MOST_NOTICES`]: crate::contract::MOST_NOTICES
pub fn print(text: &[u8]) -> u64 {
    let hash = Sha256::digest(text);
    hash.iter().take(8).fold(0, |print, byte| print << 8 | u64::from(*byte))
}
