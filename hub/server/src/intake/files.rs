//! File drop: a folder that others put files into, each taken once and whole.
//!
//! A file whose size and time stood still between two looks is moved to `work/`, stored as one message named by its
//! name and content, and moved to `done/`; where something of it was parked, to `failed/`, with the reason beside it.
//! **Invariant:** a file leaves `work/` only after the commit that stores it: one that is found there is taken
//! again, and its id says whether it was stored. Tests: `a_file_is_taken_once_and_whole`,
//! `a_file_that_was_stored_before_a_crash_is_a_duplicate`.
//!
//! One process at a time reads a folder, under a lease that every commit of a file names. Bounds: [`MOST_FILES`] at a
//! look; a file above 16 MiB is not stored at all, and says so in `failed/`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use orderhub_order::hash;
use tokio::fs;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::leased::{self, Parts};
use super::{Envelope, Intake, MOST_BYTES};
use crate::apply::{Beside, UnitOutcome, Word};
use crate::config::FileDrop;
use crate::store::{Lease, StoreError};

/// Files of one look; the rest waits for the next.
const MOST_FILES: usize = 1_000;
/// Reasons that are written beside a file.
const MOST_REASONS: usize = 100;

/// Starts a task for each folder; they end with `stop`.
pub fn start(
    drops: &BTreeMap<String, FileDrop>,
    parts: &Parts,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let start = |(name, settings): (&String, &FileDrop)| {
        let (own, ends, name, settings) =
            (parts.clone(), stop.clone(), name.clone(), settings.clone());
        leased::hold(parts, format!("files:{name}"), stop, move |lease| {
            let folder = Folder {
                intake: own.intake.under(lease.clone()),
                parts: own.clone(),
                source: format!("file:{name}"),
                settings: settings.clone(),
                stop: ends.clone(),
                lease,
            };
            Box::pin(async move { folder.run().await })
        })
    };
    drops.iter().map(start).collect()
}

/// What a file looked like: while it is written, this changes.
type Look = (u64, SystemTime);

/// Why a look did not end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The folder, or a file in it.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store: the file stays in `work/`.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Trouble {
    move |source| Trouble::Io { path: path.to_owned(), source }
}

/// One folder, while its lease is held.
struct Folder {
    parts: Parts,
    /// Commits only while the lease is held.
    intake: Intake,
    source: String,
    settings: FileDrop,
    stop: CancellationToken,
    lease: Lease,
}

impl Folder {
    async fn run(&self) {
        let mut seen = BTreeMap::new();
        while !self.stop.is_cancelled() && !self.lease.is_lost() {
            if let Err(error) = self.look(&mut seen).await {
                let source = &self.source;
                tracing::warn!(%error, %source, "files wait; they are looked at again");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.lease.lost() => return,
                () = self.parts.clock.sleep(self.settings.every.0) => {}
            }
        }
    }

    /// What lies in `work/` first: a process before this one may have left it. Then what stood still.
    async fn look(&self, seen: &mut BTreeMap<OsString, Look>) -> Result<(), Trouble> {
        let work = self.settings.work();
        for folder in [&work, &self.settings.done, &self.settings.failed] {
            fs::create_dir_all(folder).await.map_err(at(folder))?;
        }
        for (name, _) in list(&work).await? {
            self.take(&name).await?;
        }
        let found = list(&self.settings.path).await?;
        for (name, look) in &found {
            if seen.get(name) == Some(look) && !self.stop.is_cancelled() {
                let from = self.settings.path.join(name);
                fs::rename(&from, work.join(name)).await.map_err(at(&from))?;
                self.take(name).await?;
            }
        }
        *seen = found.into_iter().collect();
        Ok(())
    }

    /// Takes one file of `work/` in, and moves it where it belongs.
    async fn take(&self, name: &OsString) -> Result<(), Trouble> {
        let path = self.settings.work().join(name);
        let size = fs::metadata(&path).await.map_err(at(&path))?.len();
        if usize::try_from(size).map_or(true, |size| size > MOST_BYTES) {
            let why = format!("it has {size} bytes; at most {MOST_BYTES} are stored: split it\n");
            return self.put_away(name, Some(why)).await;
        }
        let body = Bytes::from(fs::read(&path).await.map_err(at(&path))?);
        let outcome = self.intake.take_with(self.envelope(name, body), Beside::default(), None);
        let why = reasons(&outcome.await?);
        self.put_away(name, why).await
    }

    fn envelope(&self, name: &OsString, body: Bytes) -> Envelope {
        let name = name.to_string_lossy();
        // A file that comes again under its name with other content is another message.
        let id = format!("{name}:{}", hex::encode(hash::half(&body)));
        Envelope {
            source: self.source.as_str().into(),
            system: self.settings.system.clone(),
            document: self.settings.document.as_str().into(),
            message_id: Some(id),
            body,
            headers: vec![("file".to_owned(), name.chars().take(255).collect())],
            received: self.parts.clock.now(),
            suspect: false,
        }
    }

    /// The reason first: a file in `failed/` always has one beside it.
    async fn put_away(&self, name: &OsString, why: Option<String>) -> Result<(), Trouble> {
        let from = self.settings.work().join(name);
        let folder = if why.is_some() { &self.settings.failed } else { &self.settings.done };
        let to = free(folder, name).await;
        if let Some(why) = why {
            let mut beside = to.clone().into_os_string();
            beside.push(".why");
            fs::write(&beside, why).await.map_err(at(Path::new(&beside)))?;
        }
        fs::rename(&from, &to).await.map_err(at(&from))
    }
}

/// Files, not folders, links or hidden ones, by name.
async fn list(folder: &Path) -> Result<Vec<(OsString, Look)>, Trouble> {
    let mut entries = fs::read_dir(folder).await.map_err(at(folder))?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(at(folder))? {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // One that went away in between is no file any more.
        let Ok(about) = fs::symlink_metadata(entry.path()).await else { continue };
        if hidden || !about.is_file() || found.len() >= MOST_FILES {
            continue;
        }
        let modified = about.modified().map_err(at(&entry.path()))?;
        found.push((entry.file_name(), (about.len(), modified)));
    }
    found.sort();
    Ok(found)
}

/// A name that no file has there: the same name may come every day.
async fn free(folder: &Path, name: &OsString) -> PathBuf {
    let plain = folder.join(name);
    let mut number = 1;
    let mut path = plain.clone();
    while fs::try_exists(&path).await.unwrap_or(false) {
        number += 1;
        let mut next = plain.clone().into_os_string();
        next.push(format!(".{number}"));
        path = next.into();
    }
    path
}

/// Why something of a file was parked, a line each; `None`: nothing was.
fn reasons(outcome: &UnitOutcome) -> Option<String> {
    let documents = outcome.documents.iter().enumerate();
    let parked = documents.filter(|(_, document)| document.outcome == Word::Todo);
    let line = |(number, document): (usize, &crate::apply::DocumentOutcome)| {
        let why = document.why.as_deref().unwrap_or("see the list of todos");
        format!("document {}: {why}\n", number + 1)
    };
    let lines: Vec<String> = parked.map(line).collect();
    let more = lines.len().saturating_sub(MOST_REASONS);
    let mut text: String = lines.iter().take(MOST_REASONS).map(String::as_str).collect();
    if more > 0 {
        text.push_str(&format!("and {more} more: see the list of todos\n"));
    }
    (!lines.is_empty()).then_some(text)
}
