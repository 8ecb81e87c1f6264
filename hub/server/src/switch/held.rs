//! Files that lack an entry of `deliver:` are not switched to while a program of an earlier version runs on the store: it
//! takes what is gone for meant, and ends the wishes of it, which are kept for it else ([`super::routed`]).
//!
//! **Invariant:** no process of this program makes such files those in use before the last of the earlier program has
//! ended, neither by a change of its folder nor by its start; and it does so by itself then. Tests:
//! `files_without_an_entry_wait_for_the_end_of_an_earlier_program`,
//! `a_start_by_files_without_an_entry_uses_those_of_the_store`.
//!
//! What the earlier program does by itself is not held: files that it switches to are followed.

use std::sync::Arc;

use jiff::Timestamp;

use super::Switch;
use super::routed::{activate, begin, followed};
use super::standing::From;
use super::standing::Held;
use crate::bundle::{Bundle, Files};
use crate::config::Config;
use crate::store::{Store, StoreError};

/// Entries that are named.
const MOST_NAMED: usize = 5;

/// Files that wait.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) files: Files,
    pub(crate) held: Held,
}

/// Why files are not switched to yet; `None`: nothing keeps them.
///
/// # Errors
///
/// [`StoreError`].
async fn kept(
    (store, config): (&dyn Store, &Config),
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Option<Held>, StoreError> {
    let older = store.older();
    if older.is_empty() {
        return Ok(None);
    }
    if store.listened().await?.is_none() {
        begin(store, config, &bundle.hash, now).await?;
    }
    let lacking = store.listened().await?.unwrap_or_default().lacking(bundle);
    if lacking.is_empty() {
        return Ok(None);
    }
    let named =
        lacking.iter().take(MOST_NAMED).map(|(system, rule)| format!("`{rule}` of {system}"));
    let named: Vec<String> = named.collect();
    let more = match lacking.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why = format!(
        "files without {}{more} wait until the last hub of an earlier version has ended, which would leave out what is owed \
         by it: {}",
        named.join(", "),
        older.join(", ")
    );
    tracing::warn!(bundle = %bundle.hash, "{why}");
    Ok(Some(Held { hash: Arc::clone(&bundle.hash), since: now, why }))
}

/// Makes the files of a process that starts those in use; where they have to wait, it begins with those that are.
///
/// # Errors
///
/// [`StoreError`]: nothing is changed.
pub(crate) async fn begun(
    by: (&dyn Store, &Config),
    (bundle, files): (Bundle, Files),
    now: Timestamp,
) -> Result<(Bundle, Option<Waiting>), StoreError> {
    if let Some(held) = kept(by, &bundle, now).await?
        && let Some(in_use) = in_use(by).await?
    {
        let waiting = Some(Waiting { files, held });
        return Ok((followed(by.0, in_use, now).await?, waiting));
    }
    Ok((activate(by, (bundle, &files), now).await?, None))
}

/// What the store says is in use, if this program can use it.
async fn in_use((store, config): (&dyn Store, &Config)) -> Result<Option<Bundle>, StoreError> {
    let Some(hash) = store.in_use().await? else { return Ok(None) };
    let Some(files) = store.bundle(&hash).await? else { return Ok(None) };
    let compiled = Bundle::compile(&files, config);
    let said = compiled.inspect_err(|error| {
        tracing::error!(%error, bundle = hash, "the files in use are none of this program's: it goes by its own");
    });
    Ok(said.ok())
}

impl Switch {
    /// Whether files have to wait: then they are kept for later.
    pub(super) async fn waits(
        &mut self,
        bundle: &Bundle,
        files: &Files,
    ) -> Result<bool, StoreError> {
        let by = (&*self.parts.store, &*self.parts.config);
        let held = kept(by, bundle, self.parts.clock.now()).await?;
        let Some(held) = held else { return Ok(false) };
        self.parts.standing.agrees(From::Folder);
        self.parts.standing.hold(Some(held.clone()));
        self.waiting = Some(Waiting { files: files.clone(), held });
        Ok(true)
    }

    /// Nothing waits any more.
    pub(super) fn waited(&mut self) {
        if self.waiting.take().is_some() {
            self.parts.standing.hold(None);
        }
    }

    /// Switches to what waited, once nobody is in its way.
    pub(super) async fn let_go(&mut self) {
        if self.waiting.is_none() || !self.parts.store.older().is_empty() {
            return;
        }
        let Some(waiting) = self.waiting.clone() else { return };
        let hash = &waiting.held.hash;
        tracing::info!(bundle = %hash, "no hub of an earlier version is left: the files that waited are used now");
        self.take(Arc::clone(hash), waiting.files.clone()).await;
        if self.seen != *hash {
            // The store did not answer.
            self.seen = Arc::clone(hash);
            self.parts.standing.hold(Some(waiting.held.clone()));
            self.waiting = Some(waiting);
        }
    }
}
