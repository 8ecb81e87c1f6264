//! Switches to another bundle while the hub runs: when the folder of the integration files changes
//! (`mappings.reload`), or when another process on the same store has switched.
//!
//! The last word wins: the files of a process that starts, or a folder that changes. All others follow
//! what the store says is in use, with the files that it keeps, so that one change in one place is a change
//! everywhere.
//!
//! **Invariant:** a bundle that does not compile, or not with these settings, changes nothing: the one in use
//! stays, and the log says what is wrong. Test: `a_folder_that_changes_is_switched_to_and_a_bad_one_is_not`.
//! **Invariant:** a folder that cannot be read any more is told of, once, and the bundle in use goes on. Test:
//! `a_folder_that_vanishes_is_told_of_and_the_hub_goes_on`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::bundle::{Bundle, BundleError, Files};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Shared, Store, StoreError};

/// Between two looks at the folder: a change is seen about so late.
const LOOK: Duration = Duration::from_secs(2);

/// So many looks in a row may find a folder in the middle of a change.
const LOOKS: u32 = 1;

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
    let shared = parts.store.shared();
    tokio::spawn(async move {
        let seen = Arc::clone(&parts.active.borrow().hash);
        let mut switch = Switch { parts, seen: Arc::clone(&seen), refused: seen, unreadable: 0 };
        let mut shared = shared;
        // Not a wait begun anew each time: the store is heard more often than that.
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed(&mut shared) => {}
                _ = looks.tick() => switch.look().await,
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
    /// What the store named last and could not be switched to.
    refused: Arc<str>,
    /// Looks in a row at which the folder could not be read.
    unreadable: u32,
}

impl Switch {
    /// Looks at the folder.
    async fn look(&mut self) {
        let Some(folder) = self.parts.folder.clone() else { return };
        let read = move || Bundle::read(&folder).map(|files| (Bundle::name(&files), files));
        let (hash, files) = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(read)) => read,
            // In the middle of a change, or gone: looked at again.
            Ok(Err(error)) => return self.unreadable(&error),
            Err(_) => return,
        };
        if std::mem::take(&mut self.unreadable) > LOOKS {
            tracing::info!("the folder of the integration files can be read again");
        }
        metrics::gauge!("orderhub_mappings_unreadable").set(0.0);
        if *hash == *self.seen {
            return;
        }
        self.seen = hash.into();
        if self.seen == self.parts.active.borrow().hash {
            return;
        }
        tracing::info!(bundle = %self.seen, "the integration files have changed");
        let told = async {
            let bundle = self.compile(files.clone()).await?;
            let now = self.parts.clock.now();
            self.parts.store.activate(&bundle.hash, &files, now).await?;
            Ok(bundle)
        };
        match told.await {
            Ok(bundle) => self.switch(bundle),
            Err(NotSwitched::Store(error)) => {
                tracing::warn!(%error, "the changed files are not in use yet; it is tried again");
                self.seen = Arc::clone(&self.parts.active.borrow().hash);
            }
            Err(error) => refuse(&error),
        }
    }

    /// Told once, when it is no change under way any more. What is in use stays.
    fn unreadable(&mut self, error: &BundleError) {
        self.unreadable = self.unreadable.saturating_add(1);
        if self.unreadable == LOOKS + 1 {
            let found = findings(error);
            tracing::error!(%error, "the folder of the integration files cannot be read; those in use stay{found}");
        }
        if self.unreadable > LOOKS {
            metrics::gauge!("orderhub_mappings_unreadable").set(1.0);
        }
    }

    /// Does as the others do.
    async fn follow(&mut self, named: Box<str>) {
        if *named == *self.parts.active.borrow().hash || *named == *self.refused {
            return;
        }
        let found = async {
            let files = self.parts.store.bundle(&named).await?;
            self.compile(files.ok_or_else(|| NotSwitched::Missing(named.clone()))?).await
        };
        match found.await {
            Ok(bundle) => self.switch(bundle),
            // Said again by the store a second later.
            Err(NotSwitched::Store(error)) => {
                tracing::warn!(%error, "the bundle in use is not read")
            }
            Err(error) => {
                self.refused = (*named).into();
                refuse(&error);
            }
        }
    }

    async fn compile(&self, files: Files) -> Result<Bundle, NotSwitched> {
        let config = Arc::clone(&self.parts.config);
        let compiled = tokio::task::spawn_blocking(move || Bundle::compile(&files, &config)).await;
        Ok(compiled.map_err(|_| NotSwitched::Fault)??)
    }

    fn switch(&mut self, bundle: Bundle) {
        for warning in bundle.warnings() {
            tracing::warn!(code = warning.code, file = warning.source.name, "{}", warning.message);
        }
        tracing::info!(bundle = %bundle.hash, "the hub has switched to other integration files");
        self.refused = Arc::clone(&bundle.hash);
        self.parts.active.send_replace(Arc::new(bundle));
    }
}

fn refuse(error: &NotSwitched) {
    let found = match error {
        NotSwitched::Bundle(error) => findings(error),
        NotSwitched::Store(_) | NotSwitched::Missing(_) | NotSwitched::Fault => String::new(),
    };
    tracing::error!(%error, "the changed integration files are not used, those in use stay{found}");
}

/// What is wrong with files, each at its place.
fn findings(error: &BundleError) -> String {
    match error {
        BundleError::Files(found) => format!("\n{}", orderhub_lang::diagnostic::render(found)),
        BundleError::Settings(_) | BundleError::Read { .. } => String::new(),
    }
}
