//! What a message's row keeps of how it was mapped, so that it can be mapped again as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_mapping::facts::LookupKey;

use crate::intake::Gates;

/// How a message was mapped, besides by which bundle.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The bounds under which it was; `None`: it was not mapped, and is not mapped anew.
    pub gates: Option<Gates>,
    /// The name of what mapping in gave ([`orderhub_mapping::facts::said`]); `None`: no documents were read.
    pub said: Option<[u8; 16]>,
    /// What mapping in read besides the message ([`crate::bundle::Kept`]); `None`: nothing.
    pub facts: Option<Arc<[u8]>>,
    /// What it looks up and nobody knows yet: each document waits for what it lacks. Of reads, why there is no answer.
    pub lacks: BTreeMap<LookupKey, String>,
    /// Its look-ups need what others give, deeper than is asked for.
    pub deep: bool,
    /// Its system was asked by who waits for it: since when the document waits. `None`: that is yet to be done.
    pub asking: Option<Timestamp>,
    /// Documents that look themselves up: they are there without that first, and are driven once more.
    pub again: BTreeSet<u32>,
}
