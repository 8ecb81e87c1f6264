//! Files that lack an entry of `deliver:` are not switched to while a program of an earlier version runs on the store: it
//! takes what is gone for meant, and ends the wishes of it, which are kept for it else ([`super::routed`]).
//!
//! **Invariant:** no process of this program makes such files those in use before the last of the earlier program has
//! ended, neither by a change of its folder nor by its start; and it does so by itself then. Tests:
//! `files_without_an_entry_wait_for_the_end_of_an_earlier_program`,
//! `a_start_by_files_without_an_entry_uses_those_of_the_store`. A process that has no other files to begin with, for this
//! program takes those in use for wrong, does not start; and where nobody can say what those in use deliver, other files
//! wait whatever they have. Tests: `files_in_use_that_are_wrong_by_now_are_not_gone_round`,
//! `what_files_lack_is_known_though_those_in_use_are_wrong_by_now`.
//! **Invariant:** who speaks later has the last word, also against files that wait: these are let be. Test:
//! `files_that_wait_are_let_be_where_another_hub_speaks_later`.
//!
//! What the earlier program does by itself is not held: files that it switches to are followed.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::ids::SystemName;

use super::routed::{activate, begin, followed};
use super::standing::From;
use super::standing::Held;
use super::{NotSwitched, Switch};
use crate::bundle::{Bundle, Files};
use crate::config::Config;
use crate::start::StartError;
use crate::store::{Store, StoreError};

/// Entries that are named.
const MOST_NAMED: usize = 5;

/// Files that wait.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) files: Files,
    pub(crate) held: Held,
}

/// Entries that files lack of those in use; `None`: nobody can say what those in use have.
pub(super) type Lacking = Option<Vec<(SystemName, Box<str>)>>;

/// Why files are not switched to yet; `None`: nothing keeps them.
///
/// # Errors
///
/// [`StoreError`].
async fn kept(
    by: (&dyn Store, &Config),
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Option<Held>, StoreError> {
    let older = by.0.older();
    if older.is_empty() {
        return Ok(None);
    }
    let lacking = lacking(by, bundle, now).await?;
    if lacking.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let (what, without) = match lacking {
        Some(lacking) => (format!("files without {}", named(&lacking)), "it"),
        None => (
            "files other than those in use, whose entries of `deliver:` this program cannot read,"
                .to_owned(),
            "what is missing",
        ),
    };
    let why = format!(
        "{what} wait until the last hub of an earlier version has ended, which would leave out what is owed by {without}: {}",
        older.join(", ")
    );
    tracing::warn!(bundle = %bundle.hash, "{why}");
    Ok(Some(Held { hash: Arc::clone(&bundle.hash), since: now, why }))
}

/// What files lack of those in use, as far as those can be read.
///
/// # Errors
///
/// [`StoreError`].
pub(super) async fn lacking(
    by: (&dyn Store, &Config),
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Lacking, StoreError> {
    let (store, config) = by;
    if store.listened().await?.is_none() {
        begin(store, config, &bundle.hash, now).await?;
    }
    if let Some(listened) = store.listened().await? {
        return Ok(Some(listened.lacking(bundle)));
    }
    let in_use = store.in_use().await?.filter(|in_use| **in_use != *bundle.hash);
    let Some(in_use) = in_use else { return Ok(Some(Vec::new())) };
    let files = store.bundle(&in_use).await?;
    let listened = files.and_then(|files| Bundle::listened(&files, config, now));
    Ok(listened.map(|listened| listened.lacking(bundle)))
}

fn named(lacking: &[(SystemName, Box<str>)]) -> String {
    let entries = lacking.iter().take(MOST_NAMED);
    let entries: Vec<String> =
        entries.map(|(system, rule)| format!("`{rule}` of {system}")).collect();
    match lacking.len().saturating_sub(MOST_NAMED) {
        0 => entries.join(", "),
        more => format!("{} and {more} more", entries.join(", ")),
    }
}

/// Makes the files of a process that starts those in use; where they have to wait, it begins with those that are.
///
/// # Errors
///
/// [`StartError::Held`]: it has none to begin with. [`StartError::Store`]. Nothing is changed.
pub(crate) async fn begun(
    by: (&dyn Store, &Config),
    (bundle, files): (Bundle, Files),
    now: Timestamp,
) -> Result<(Bundle, Option<Waiting>), StartError> {
    let Some(held) = kept(by, &bundle, now).await? else {
        return Ok((activate(by, (bundle, &files), now).await?, None));
    };
    match in_use(by).await? {
        Ok(in_use) => Ok((followed(by.0, in_use, now).await?, Some(Waiting { files, held }))),
        Err(error) => Err(StartError::Held { held: held.why, error: error.to_string() }),
    }
}

/// What the store says is in use, or why this program cannot use it.
async fn in_use(
    (store, config): (&dyn Store, &Config),
) -> Result<Result<Bundle, NotSwitched>, StoreError> {
    let hash = store.in_use().await?.unwrap_or_default();
    let Some(files) = store.bundle(&hash).await? else {
        return Ok(Err(NotSwitched::Missing(hash.into())));
    };
    Ok(Bundle::compile(&files, config).map_err(NotSwitched::from))
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

    /// Others are in use by now: who says so spoke later than what waits, if that is none of them.
    pub(super) fn overtaken(&mut self, by: &str) {
        let Some(waiting) = &self.waiting else { return };
        let hash = &waiting.held.hash;
        if **hash != *by {
            tracing::warn!(
                bundle = %hash,
                "another hub has switched to other files since: those that waited here are let be until they change"
            );
        }
        self.waited();
    }

    /// Switches to what waited, once nobody is in its way.
    pub(super) async fn let_go(&mut self) {
        if self.waiting.is_none() || !self.parts.store.older().is_empty() {
            return;
        }
        // What another has said since is followed first.
        let active = Arc::clone(&self.parts.active.borrow().hash);
        match self.parts.store.in_use().await {
            Ok(Some(named)) if *named != *active && *named != *self.refused => return,
            Ok(_) => {}
            Err(error) => return tracing::warn!(%error, "the bundle in use is not read"),
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
