//! `reindex`: forgets what finds orders, so that the next start makes it anew.

use std::path::Path;
use std::process::ExitCode;

use super::output::{self, Code, Fault};
use super::serve::{environment, load};
use crate::config::Secrets;
use crate::store;

/// Forgets the search of the store of the settings, and its key.
pub(super) fn reindex(file: &Path) -> Result<ExitCode, Fault> {
    let config = load(file)?.config;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let secrets = Secrets::new(environment());
    let forgotten = runtime.block_on(store::forget_search(&config.store, &secrets));
    forgotten.map_err(|error| Fault::new(Code::Later, error.to_string()))?;
    output::say(
        "the search is forgotten; the next start of a hub makes it anew, beside its other work",
    );
    Ok(ExitCode::SUCCESS)
}
