//! What a login gives.

use std::collections::BTreeMap;
use std::time::Duration;

/// A credential that a login gave: kept in memory alone, until it ends or is refused.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// What calls send of it, by name: `token`.
    pub values: BTreeMap<String, String>,
    /// How long the system takes it; `None`: until it refuses it.
    pub lives: Option<Duration>,
}

/// Where there is no login.
pub const NO_SESSION: &BTreeMap<String, String> = &BTreeMap::new();
