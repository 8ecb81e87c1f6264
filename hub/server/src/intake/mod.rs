//! Whatever arrives becomes an [`Envelope`] and takes one path: gates, map in, apply, acknowledge.
//!
//! **Invariant:** acknowledge after commit. An envelope's acknowledgement is resolved by the commit
//! that holds its raw bytes, never before.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;

/// One message as it arrived. It understands no order.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The way in: `queue:orders`, `webhook`, `api`, `process`.
    pub source: Arc<str>,
    /// The account that speaks.
    pub system: SystemName,
    /// The kind of message of its integration (an intake's `message:` or `notice:`).
    pub document: Arc<str>,
    /// The sender's id of the message; `None`: revision and content decide about duplicates.
    pub message_id: Option<String>,
    /// The exact bytes.
    pub body: Bytes,
    /// Headers worth keeping, names in lower case, never credentials.
    pub headers: Vec<(String, String)>,
    /// When the hub got it.
    pub received: Timestamp,
    /// The source delivered it before and does not know what came of it: to be driven alone.
    pub suspect: bool,
}
