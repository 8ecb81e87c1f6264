//! What is not delivered any more, by the files in use: told at each switch and at the start, and kept in the store with
//! the switch, for what is owed while it is so.
//!
//! Bound: [`MOST_WARNINGS`] are told; all are kept, as far as [`crate::bundle::Listened`] is bounded.

use jiff::Timestamp;

use super::judged::Warning;
use crate::bundle::{Bundle, Files, Gone};
use crate::config::Config;
use crate::store::{Store, StoreError};

/// Entries that are told of.
const MOST_WARNINGS: usize = 100;

/// Makes a bundle the one in use of all processes on the store; with what its systems listened to before.
///
/// # Errors
///
/// [`StoreError`]: the one before stays in use.
pub(crate) async fn activate(
    (store, config): (&dyn Store, &Config),
    (bundle, files): (Bundle, &Files),
    now: Timestamp,
) -> Result<Bundle, StoreError> {
    if store.listened().await?.is_none() {
        begin(store, config, &bundle.hash, now).await?;
    }
    let listened = store.activate((&bundle.hash, files), &bundle.listens(), now).await?;
    Ok(bundle.knowing(&listened, now))
}

/// The bundle of a process that does as the others do.
///
/// # Errors
///
/// [`StoreError`].
pub(super) async fn followed(
    store: &dyn Store,
    bundle: Bundle,
    now: Timestamp,
) -> Result<Bundle, StoreError> {
    let listened = store.listened().await?.unwrap_or_default();
    Ok(bundle.knowing(&listened, now))
}

/// An earlier program kept nothing of the sort: what the files listened to that it used is where this begins.
pub(super) async fn begin(
    store: &dyn Store,
    config: &Config,
    next: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(before) = store.in_use().await?.filter(|before| before != next) else { return Ok(()) };
    let Some(files) = store.bundle(&before).await? else { return Ok(()) };
    // Files that this program does not take any more say nothing.
    if let Ok(former) = Bundle::former(&files, config) {
        store.activate((&before, &files), &former.listens(), now).await?;
    }
    Ok(())
}

/// One for each entry that is missing, said in the log, too.
pub(super) fn warnings(bundle: &Bundle) -> Vec<Warning> {
    let rules = bundle.rules().systems;
    let warning = |gone: &Gone| {
        let integration = rules.get(&gone.system).map_or("", |rules| &rules.integration);
        Warning { file: format!("mappings/{integration}/integration.yaml"), why: says(gone) }
    };
    let found: Vec<Warning> = bundle.gone().iter().take(MOST_WARNINGS).map(warning).collect();
    for warning in &found {
        tracing::warn!(file = warning.file, "{}", warning.why);
    }
    found
}

/// What is so, and what to do.
pub(crate) fn says(gone: &Gone) -> String {
    let Gone { system, rule, on, since } = gone;
    format!(
        "`{system}` delivered `{on}` (`{rule}`) before, and does not now: what happens since {since} is kept for it. Put that \
         entry of `deliver:` back, and it is sent. If nothing is to be sent, say so with `{{ on: {on}, do: none }}`, where no \
         other entry of that event is left; in any case it is taken as meant from {} on",
        gone.until()
    )
}
