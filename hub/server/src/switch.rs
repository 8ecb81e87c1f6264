//! Switches to another bundle while the hub runs: when the folder of the integration files changes
//! (`mappings.reload`), or when another process on the same store has switched.
//!
//! The last word wins: the files of a process that starts, or a folder that changes. All others follow
//! what the store says is in use, with the files that it keeps, so that one change in one place is a change
//! everywhere.
//!
//! Where a change reaches the folders one after the other, whoever has it first leads: the others use its files from the
//! store while their own folders are as they were, and go on so when these become the same. A process that starts
//! with the former files leads everybody back to them, until its folder changes.
//!
//! **Invariant:** a bundle that does not compile, or not with these settings, changes nothing: the one in use
//! stays, and log, API and metrics say what is wrong. Tests:
//! `a_folder_that_changes_is_switched_to_and_a_bad_one_is_not`, `what_is_refused_is_said_until_it_is_mended`,
//! `what_the_store_names_and_nobody_can_use_is_said_until_it_names_another`.
//! **Invariant:** a switch loses, doubles and reorders nothing, whatever a target does. Test:
//! `reloads_under_load_lose_nothing`.
//! **Invariant:** a folder in the middle of a change is not taken for the change ([`rest`]). Test:
//! `a_folder_is_taken_when_it_rests`.
//! **Invariant:** a mapping that has lost its cases, or fails them, is used and told of: log and API. Test:
//! `a_mapping_that_lost_its_cases_or_fails_them_is_told_of`.
//! **Invariant:** what was delivered and is not by the files in use is told of, and kept for the entry that is missing
//! ([`routed`], [`crate::bundle::Listened`]). Test: `an_entry_that_vanishes_is_told_of_until_it_is_back_or_meant`.
//! Files that lack an entry wait for the end of programs of an earlier version: [`held`].
//!
//! **Invariant:** a folder that cannot be read any more is told of, once, and the bundle in use goes on. Test:
//! `a_folder_that_vanishes_is_told_of_and_the_hub_goes_on`.
//!
//! **Bounds:** a change is seen within [`LOOK`] and taken when the folder has stood still for 1.5 s, for 10 s where a file
//! does not end with a newline; where looking takes long (a large folder, a busy machine) looks are further apart
//! ([`EASE`]), [`LONGEST`] at most. A folder that never stands still is never taken, and is told of every 10 s.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::rest::{Known, Rest, Rests, known, unended};
use self::standing::{Changing, From, Refused};
pub use self::standing::{Held, Standing};
use crate::bundle::{Bundle, BundleError, Files};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Shared, Store, StoreError};

pub(crate) mod held;
mod judged;
mod rest;
pub(crate) mod routed;
pub(crate) mod standing;

/// Between two looks at the folder: a change is seen so late at most.
const LOOK: Duration = Duration::from_millis(500);

/// Between two looks at a folder that is being changed.
const SETTLE: Duration = Duration::from_millis(250);

/// Between two looks lies so many times what one takes.
const EASE: u32 = 4;

/// And no more than this.
const LONGEST: Duration = Duration::from_secs(2);

/// So many looks in a row may find a folder that cannot be read, in the middle of a change.
const LOOKS: u32 = 2;

/// What switching needs.
#[derive(Debug)]
pub struct Parts {
    /// Which bundle all use stands here.
    pub store: Arc<dyn Store>,
    /// The settings that a bundle is compiled with.
    pub config: Arc<Config>,
    /// The bundle in use.
    pub active: watch::Sender<Arc<Bundle>>,
    /// The folder to look at; none: it is read at the start only.
    pub folder: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
    /// Where it is said.
    pub standing: Standing,
    /// Files of the start that are not switched to yet.
    pub(crate) waiting: Option<held::Waiting>,
}

/// Why there is no switch.
#[derive(Debug, thiserror::Error)]
enum NotSwitched {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store names the bundle {0}, and does not have it")]
    Missing(Box<str>),
    #[error("the program failed on it: a fault to report")]
    Fault,
}

/// Looks, until told to stop.
pub fn start(parts: Parts, stop: CancellationToken) -> JoinHandle<()> {
    let mut shared = parts.store.shared();
    tokio::spawn(async move {
        parts.standing.warn(routed::warnings(&parts.active.borrow()));
        let mut switch = Switch::new(parts);
        // Not a wait begun anew each time: the store is heard more often than that.
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed(&mut shared) => {}
                () = tokio::time::sleep_until(next) => {
                    let began = Instant::now();
                    let rest = switch.look().await;
                    next = Instant::now() + rest.max((began.elapsed() * EASE).min(LONGEST));
                }
            }
            let named = shared.as_ref().and_then(|shared| shared.borrow().bundle.clone());
            if let Some(named) = named {
                switch.follow(named).await;
            }
        }
    })
}

async fn changed(shared: &mut Option<watch::Receiver<Arc<Shared>>>) {
    let heard = match shared {
        Some(shared) => shared.changed().await.is_ok(),
        None => false,
    };
    if !heard {
        std::future::pending::<()>().await;
    }
}

struct Switch {
    parts: Parts,
    /// What the folder held last.
    seen: Arc<str>,
    /// The files of what it held.
    known: Known,
    /// What looks found that is not taken yet.
    rest: Rest,
    /// What the store named last and could not be switched to.
    refused: Arc<str>,
    /// Looks in a row at which the folder could not be read.
    unreadable: u32,
    /// Files that are not switched to yet.
    waiting: Option<held::Waiting>,
}

impl Switch {
    fn new(mut parts: Parts) -> Self {
        let refused = Arc::clone(&parts.active.borrow().hash);
        let waiting = parts.waiting.take();
        // What the folder held at the start.
        let seen = Arc::clone(waiting.as_ref().map_or(&refused, |waiting| &waiting.held.hash));
        parts.standing.hold(waiting.as_ref().map(|waiting| waiting.held.clone()));
        let (known, rest) = (Known::new(), Rest::default());
        Self { parts, seen, known, rest, refused, unreadable: 0, waiting }
    }

    /// Looks at the folder; when to look again.
    async fn look(&mut self) -> Duration {
        self.forget().await;
        self.let_go().await;
        let Some(folder) = self.parts.folder.clone() else { return LOOK };
        let read = move || Bundle::read(&folder).map(|files| (Bundle::name(&files), files));
        let (hash, files) = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(read)) => read,
            // In the middle of a change, or gone: looked at again.
            Ok(Err(error)) => {
                self.unreadable(&error);
                return LOOK;
            }
            Err(_) => return LOOK,
        };
        if std::mem::take(&mut self.unreadable) > LOOKS {
            tracing::info!("the folder of the integration files can be read again");
            self.parts.standing.unread(None);
        }
        metrics::gauge!("orderhub_mappings_unreadable").set(0.0);
        if *hash == *self.seen {
            self.rests();
            if self.known.is_empty() {
                self.known = known(&files);
            }
            return LOOK;
        }
        match self.rest.found(&hash, Instant::now(), || unended(&files, &self.known)) {
            Rests::Changing => return SETTLE,
            Rests::TooLong(since, unended) => {
                self.unrested(since, unended);
                return SETTLE;
            }
            Rests::Still => {}
        }
        self.rests();
        self.known = known(&files);
        self.take(hash.into(), files).await;
        LOOK
    }

    /// What is missing for so long that it is meant is owed nothing any more.
    async fn forget(&mut self) {
        let (active, now) = (Arc::clone(&self.parts.active.borrow()), self.parts.clock.now());
        if active.gone().iter().all(|gone| gone.until() > now) {
            return;
        }
        let hash = &active.hash;
        let found = async {
            let files = self.parts.store.bundle(hash).await?;
            let files = files.ok_or_else(|| NotSwitched::Missing((**hash).into()))?;
            let bundle = self.compile(files).await?;
            Ok::<_, NotSwitched>(routed::followed(&*self.parts.store, bundle, now).await?)
        };
        match found.await {
            Ok(bundle) => {
                for gone in active.gone().iter().filter(|gone| gone.until() <= now) {
                    let (system, rule) = (&gone.system, &gone.rule);
                    tracing::warn!(
                        "`{system}` is owed nothing by `{rule}` any more: no files have it"
                    );
                }
                let before: Vec<_> = active.gone().iter().map(routed::says).collect();
                let mut warnings = routed::warnings(&bundle);
                let others = self.parts.standing.warnings();
                warnings.extend(others.into_iter().filter(|one| !before.contains(&one.why)));
                self.parts.standing.warn(warnings);
                self.parts.active.send_replace(Arc::new(bundle));
            }
            Err(error) => {
                tracing::warn!(%error, "what is not delivered any more is not forgotten yet")
            }
        }
    }

    /// Told again and again: nobody knows which of its states is meant.
    fn unrested(&self, since: Duration, unended: Option<String>) {
        let seconds = since.as_secs();
        let file = unended.map(|file| format!("; `{file}` does not end with a newline"));
        let why = format!(
            "the folder of the integration files has not rested for {seconds} s, those in use stay until it does{}",
            file.unwrap_or_default()
        );
        tracing::warn!("{why}");
        let began = self.parts.clock.now().saturating_sub(since);
        self.parts.standing.changing(Some(Changing { since: began.unwrap_or_default(), why }));
    }

    fn rests(&mut self) {
        if self.rest.none() {
            tracing::info!("the folder of the integration files rests");
            self.parts.standing.changing(None);
        }
    }

    /// Switches to what the folder holds, if it can be used.
    async fn take(&mut self, hash: Arc<str>, files: Files) {
        self.seen = Arc::clone(&hash);
        self.waited();
        if hash == self.parts.active.borrow().hash {
            // Else the last word in the log would be that they are not used.
            tracing::info!(bundle = %hash, "the integration files are again those in use");
            return self.parts.standing.agrees(From::Folder);
        }
        tracing::info!(bundle = %hash, "the integration files have changed");
        let told = async {
            let bundle = self.compile(files.clone()).await?;
            if self.waits(&bundle, &files).await? {
                return Ok(None);
            }
            let now = self.parts.clock.now();
            let by = (&*self.parts.store, &*self.parts.config);
            Ok(Some(routed::activate(by, (bundle, &files), now).await?))
        };
        match told.await {
            Ok(None) => {}
            Ok(Some(bundle)) => {
                self.parts.standing.agrees(From::Folder);
                self.switch(bundle, files).await;
            }
            Err(NotSwitched::Store(error)) => {
                tracing::warn!(%error, "the changed files are not in use yet; it is tried again");
                self.seen = Arc::clone(&self.parts.active.borrow().hash);
            }
            Err(error) => self.refuse(&hash, From::Folder, &error),
        }
    }

    /// Told once, when it is no change under way any more. What is in use stays.
    fn unreadable(&mut self, error: &BundleError) {
        self.unreadable = self.unreadable.saturating_add(1);
        if self.unreadable == LOOKS + 1 {
            let found = findings(error);
            tracing::error!(%error, "the folder of the integration files cannot be read; those in use stay{found}");
            let now = self.parts.clock.now();
            let refused = Refused::new(None, now, From::Folder, error.to_string());
            self.parts.standing.unread(Some(refused.because_of(error)));
        }
        if self.unreadable > LOOKS {
            metrics::gauge!("orderhub_mappings_unreadable").set(1.0);
        }
    }

    /// Does as the others do.
    async fn follow(&mut self, named: Box<str>) {
        if *named == *self.parts.active.borrow().hash {
            if self.refused != self.parts.active.borrow().hash {
                self.refused = Arc::clone(&self.parts.active.borrow().hash);
                self.parts.standing.agrees(From::Store);
            }
            return;
        }
        if *named == *self.refused {
            return;
        }
        let found = async {
            let files = self.parts.store.bundle(&named).await?;
            let files = files.ok_or_else(|| NotSwitched::Missing(named.clone()))?;
            let bundle = self.compile(files.clone()).await?;
            let now = self.parts.clock.now();
            Ok((routed::followed(&*self.parts.store, bundle, now).await?, files))
        };
        match found.await {
            Ok((bundle, files)) => self.switch(bundle, files).await,
            // Said again by the store a second later.
            Err(NotSwitched::Store(error)) => {
                tracing::warn!(%error, "the bundle in use is not read")
            }
            Err(error) => {
                self.refused = (*named).into();
                let named = Arc::clone(&self.refused);
                self.refuse(&named, From::Store, &error);
            }
        }
    }

    async fn compile(&self, files: Files) -> Result<Bundle, NotSwitched> {
        let config = Arc::clone(&self.parts.config);
        let compiled = tokio::task::spawn_blocking(move || Bundle::compile(&files, &config)).await;
        Ok(compiled.map_err(|_| NotSwitched::Fault)??)
    }

    async fn switch(&mut self, bundle: Bundle, files: Files) {
        let before = Arc::clone(&self.parts.active.borrow().hash);
        for warning in bundle.warnings() {
            tracing::warn!(code = warning.code, file = warning.source.name, "{}", warning.message);
        }
        tracing::info!(bundle = %bundle.hash, "the hub has switched to other integration files");
        self.refused = Arc::clone(&bundle.hash);
        self.overtaken(&bundle.hash);
        self.parts.standing.agrees(From::Store);
        self.parts.standing.switched(self.parts.clock.now());
        let gone = routed::warnings(&bundle);
        self.parts.active.send_replace(Arc::new(bundle));
        self.judge(&before, files, gone).await;
    }

    fn refuse(&self, hash: &Arc<str>, from: From, error: &NotSwitched) {
        let now = self.parts.clock.now();
        let mut refused = Refused::new(Some(Arc::clone(hash)), now, from, error.to_string());
        let mut found = String::new();
        if let NotSwitched::Bundle(error) = error {
            found = findings(error);
            refused = refused.because_of(error);
        }
        tracing::error!(%error, "the changed integration files are not used, those in use stay{found}");
        self.parts.standing.refuse(refused);
    }
}

/// What is wrong with files, each at its place.
fn findings(error: &BundleError) -> String {
    match error {
        BundleError::Files(found) => format!("\n{}", orderhub_lang::diagnostic::render(found)),
        BundleError::Settings(_) | BundleError::Read { .. } => String::new(),
    }
}

/// The bundle of these files; what does not keep it from being used is said.
pub(crate) fn compiled(files: &Files, config: &Config) -> Result<Bundle, BundleError> {
    let bundle = Bundle::compile(files, config)?;
    for warning in bundle.warnings() {
        tracing::warn!(code = warning.code, file = warning.source.name, "{}", warning.message);
    }
    Ok(bundle)
}

#[cfg(test)]
mod tests;
