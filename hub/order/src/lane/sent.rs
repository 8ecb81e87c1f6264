//! What was last sent for a key, and what that says of what is there.

use serde::{Deserialize, Serialize};

use super::half;

/// What was last sent for a key.
///
/// **Invariant:** what has to be told again stays so until it is told, whatever else becomes known of what is there. Rules
/// `overwritten-renamed`, `overwritten-beside`, `overwritten-refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Sent {
    /// The order version that was mapped out.
    pub version: u32,
    /// SHA-256 of the mapped-out document, first 16 bytes; zeros: it says nothing of what is there.
    pub hash: [u8; 16],
    /// What was sent may have been overwritten there, and has to be told again.
    pub overwritten: bool,
}

/// As it is stored. Ones in place of the hash: overwritten.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(with = "half")]
    hash: [u8; 16],
}

const OVERWRITTEN: [u8; 16] = [u8::MAX; 16];
const NOTHING: [u8; 16] = [0; 16];

impl Sent {
    /// Something that was sent; a hash of zeros says nothing of what is there.
    pub fn new(version: u32, hash: [u8; 16]) -> Sent {
        Sent { version, hash, overwritten: false }
    }

    /// It says nothing any more of what is there.
    pub(crate) fn forget(&mut self) {
        self.hash = NOTHING;
    }

    /// It has to be told again.
    pub(crate) fn overwrite(&mut self) {
        self.forget();
        self.overwritten = true;
    }

    /// Whether its hash says nothing of what is there.
    pub(crate) fn says_nothing(&self) -> bool {
        self.hash == NOTHING
    }
}

impl From<Stored> for Sent {
    fn from(stored: Stored) -> Sent {
        let overwritten = stored.hash == OVERWRITTEN;
        let hash = if overwritten { NOTHING } else { stored.hash };
        Sent { version: stored.version, hash, overwritten }
    }
}

impl From<Sent> for Stored {
    fn from(sent: Sent) -> Stored {
        let hash = if sent.overwritten { OVERWRITTEN } else { sent.hash };
        Stored { version: sent.version, hash }
    }
}
