//! What connectors read, against what the mappings of their integrations give them.
//!
//! **Invariant:** files by which an order would wait for ever for what nobody can give it are not used. Test:
//! `files_that_wait_for_what_nobody_gives_are_refused`.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::given::{self, Use};
use orderhub_mapping::integration::Integration;

/// What is read and given by nobody, of all integrations whose connector is there.
pub(super) fn findings(
    integrations: &[Arc<Integration>],
    connectors: &BTreeMap<String, Arc<dyn Connector>>,
) -> Vec<Diagnostic> {
    let used = integrations.iter().filter_map(|integration| {
        let connector = connectors.get(&integration.name)?;
        Some(Use { integration, asks: connector.asks(), binds: connector.binds() })
    });
    given::findings(&used.collect::<Vec<_>>())
}
