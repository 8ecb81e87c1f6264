//! How a system looks from outside: what `GET /systems` and `orderhub system list` show.

use jiff::Timestamp;
use serde::Serialize;

use crate::resilience::gate::{Force, GateState};

/// One system, now.
#[derive(Clone, Debug, Serialize)]
pub struct SystemStatus {
    /// Its name.
    pub system: String,
    /// The folder of its files.
    pub integration: String,
    /// What it is to the hub.
    pub role: &'static str,
    /// `live`, `shadow`, `paused`.
    pub mode: &'static str,
    /// Why a person paused it.
    pub paused: Option<String>,
    /// Breakers by operation, as far as it was called.
    pub breakers: Vec<BreakerStatus>,
    /// Limits in use.
    pub limits: Vec<LimitStatus>,
    /// `ok`, `refused`.
    pub credential: &'static str,
    /// Deliveries under way.
    pub in_flight: usize,
    /// Lanes that want something, about a second ago.
    pub backlog: u64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
    /// The last delivery.
    pub last_success: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_error: Option<LastError>,
}

/// One breaker.
#[derive(Clone, Debug, Serialize)]
pub struct BreakerStatus {
    /// Of this operation.
    pub operation: String,
    /// Closed, Open, HalfOpen.
    pub state: GateState,
    /// A person holds it there.
    pub forced: Option<Force>,
}

/// One limit.
#[derive(Clone, Debug, Serialize)]
pub struct LimitStatus {
    /// Its name.
    pub name: String,
    /// A call each so many milliseconds; none: only the system's own throttling.
    pub every_ms: Option<u64>,
    /// Calls at once after a quiet time.
    pub burst: Option<u32>,
    /// The system asked for so much more peace.
    pub paused_ms: Option<u64>,
}

/// An attempt that failed.
#[derive(Clone, Debug, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// Which operation.
    pub operation: String,
    /// Class of the receipt.
    pub class: &'static str,
    /// Why, masked.
    pub why: String,
}
