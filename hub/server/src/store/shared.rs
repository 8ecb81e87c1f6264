//! What all processes on one store have in common and any of them may change at any time: the bundle in use,
//! what people hold shut, breakers that are open, limits that systems asked to be left alone.
//!
//! The store says so again about every second, and at once after a change of its own. Times are waits from
//! when it was heard: the clocks of the machines do not matter.

use std::time::Duration;

use orderhub_order::ids::SystemName;
use tokio::time::Instant;

use super::PauseRow;

/// As last heard.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// The hash of the bundle that is to be used.
    pub bundle: Option<Box<str>>,
    /// What people hold shut.
    pub pauses: Vec<PauseRow>,
    /// Breakers that are open, or tried by one process.
    pub shuts: Vec<ShutRow>,
    /// Limits under which nobody calls for a while.
    pub throttles: Vec<ThrottleRow>,
    /// Names of processes of an earlier program: see [`Peers::older`](super::Peers::older).
    pub older: Vec<String>,
}

/// A breaker that some process opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutRow {
    /// Of this system.
    pub system: SystemName,
    /// Of this operation.
    pub operation: Box<str>,
    /// Nobody calls before.
    pub until: Instant,
    /// What it was opened for; doubles with each try that fails.
    pub delay: Duration,
}

/// A limit that a system asked to be left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleRow {
    /// Of this system.
    pub system: SystemName,
    /// Its name.
    pub limit: Box<str>,
    /// Nobody calls before.
    pub until: Instant,
}

/// What one process found out about a system, for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The breaker of an operation opened.
    Shut {
        /// Which.
        operation: Box<str>,
        /// For so long from now.
        left: Duration,
        /// What it doubles from.
        delay: Duration,
    },
    /// It closed: the system answers again.
    Opened {
        /// Which.
        operation: Box<str>,
    },
    /// The system asked for peace.
    Throttled {
        /// Under this limit.
        limit: Box<str>,
        /// For so long from now.
        left: Duration,
    },
    /// A call is over for which calls were set aside.
    Settled {
        /// Under this limit.
        limit: Box<str>,
        /// Time in which one call becomes free again.
        every: Duration,
        /// Calls at once after a quiet time.
        burst: u32,
        /// Calls that come back.
        back: u32,
        /// Calls that it counted as beyond them; none where some come back.
        more: u32,
        /// Calls that the system says there are now.
        left: Option<u32>,
    },
}

/// Calls that a process would like to make under a limit that all share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Of this system.
    pub system: SystemName,
    /// The limit.
    pub limit: Box<str>,
    /// The key within it; empty: it has none.
    pub key: Box<str>,
    /// Time in which one call becomes free again.
    pub every: Duration,
    /// Calls at once after a quiet time.
    pub burst: u32,
    /// At least so many, or none.
    pub least: u32,
    /// At most so many.
    pub want: u32,
}

/// What an [`Ask`] is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// So many calls, at once.
    Calls(u32),
    /// None before so long.
    Wait(Duration),
}
