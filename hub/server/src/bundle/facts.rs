//! What mapping in reads besides the message: recorded with it, so that it can be mapped again as it was.
//!
//! **Invariant:** a message that is mapped again by the bundle and with the facts of its row gives what was
//! recorded, whatever the settings are by then. Test: `the_old_bundle_gives_what_was_recorded_to_the_byte`.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_mapping::Mapping;
use serde::{Deserialize, Serialize};

/// The form of facts in rows.
const VERSION: u8 = 1;

/// What a row keeps: by value, because the settings of the next start may be others. Settings are no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The form's version.
    v: u8,
    /// The settings that the mappings of its intake read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { v: VERSION, settings: BTreeMap::new() }
    }
}

impl Kept {
    /// The settings that these mappings read.
    pub fn of(mappings: &[Arc<Mapping>], settings: &BTreeMap<String, String>) -> Self {
        let names = mappings.iter().flat_map(|mapping| mapping.settings());
        let read = names.filter_map(|name| Some((name.to_owned(), settings.get(name)?.clone())));
        Self { settings: read.collect(), ..Self::default() }
    }

    /// For the row; `None`: there is nothing to keep.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        // Maps of texts always serialise.
        (*self != Self::default()).then(|| serde_json::to_vec(self).unwrap_or_default())
    }

    /// From a row. `None`: not a form that this program knows.
    pub fn from_bytes(bytes: Option<&[u8]>) -> Option<Self> {
        let Some(bytes) = bytes else { return Some(Self::default()) };
        serde_json::from_slice(bytes).ok().filter(|kept: &Self| kept.v == VERSION)
    }
}
