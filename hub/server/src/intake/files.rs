//! File drop: a folder that others put files into, each taken once and whole.
//!
//! A file whose size and time stood still between two looks is moved to `work/`, stored as one message named by its
//! name and content, and moved to `done/`; where something of it was parked, to `failed/`, with the reason beside it.
//! **Invariant:** a file leaves `work/` only after the commit that stores it: one that is found there is taken
//! again, and its id says whether it was stored. Tests: `a_file_is_taken_once_and_whole`,
//! `a_file_that_was_stored_before_a_crash_is_a_duplicate`.
//! **Invariant:** a file that cannot be read, or not be moved, holds up no other. It goes to `failed/`, and a todo says
//! so; where it cannot even be moved, the log does, and it is left alone for [`LEFT_ALONE`]. Test:
//! `a_file_that_cannot_be_read_or_moved_holds_up_no_other`.
//!
//! One process at a time reads a folder, under a lease that every commit of a file names. Bounds: [`MOST_FILES`] at a
//! look; a file above 16 MiB is not stored at all, and says so in `failed/`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orderhub_order::hash;
use tokio::fs;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::leased::{self, End, Parts};
use super::{Envelope, Intake, MOST_BYTES};
use crate::apply::{Beside, UnitOutcome, Word};
use crate::config::FileDrop;
use crate::store::{Lease, StoreError};

/// Files of one look; the rest waits for the next.
const MOST_FILES: usize = 1_000;
/// A file that could not be moved is tried again after so long.
const LEFT_ALONE: SignedDuration = SignedDuration::from_mins(5);
/// Reasons that are written beside a file.
const MOST_REASONS: usize = 100;

/// Behind a name: the reason.
const WHY: &str = ".why";
/// Longest name of a file, in bytes, on the usual file systems.
const LONGEST_NAME: usize = 255;

/// Starts a task for each folder; they end with `stop`.
pub fn start(
    drops: &BTreeMap<String, FileDrop>,
    parts: &Parts,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let start = |(name, settings): (&String, &FileDrop)| {
        let (own, ends, name, settings) =
            (parts.clone(), stop.clone(), name.clone(), settings.clone());
        let lease = format!("files:{name}");
        tokio::spawn(leased::hold(parts.clone(), lease, stop.clone(), move |lease| {
            let folder = Folder {
                intake: own.intake.under(lease.clone()),
                parts: own.clone(),
                source: format!("file:{name}"),
                settings: settings.clone(),
                stop: ends.clone(),
                lease,
            };
            Box::pin(async move {
                folder.run().await;
                End::Cut
            })
        }))
    };
    drops.iter().map(start).collect()
}

/// What a file looked like: while it is written, this changes.
type Look = (u64, SystemTime);

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
struct Memory {
    /// The files of the last look.
    seen: BTreeMap<OsString, Look>,
    /// Files that could not be moved, and until when they are left alone. At most [`MOST_FILES`] of each folder.
    alone: BTreeMap<PathBuf, Timestamp>,
}

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
        let mut memory = Memory::default();
        while !self.stop.is_cancelled() && !self.lease.is_lost() {
            if let Err(error) = self.look(&mut memory).await {
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
    async fn look(&self, memory: &mut Memory) -> Result<(), Trouble> {
        let now = self.parts.clock.now();
        memory.alone.retain(|_, until| *until > now);
        let work = self.settings.work();
        for folder in [&work, &self.settings.done, &self.settings.failed] {
            fs::create_dir_all(folder).await.map_err(at(folder))?;
        }
        for (name, _) in list(&work, &memory.alone).await? {
            self.take_or_set_aside(&name, memory).await?;
        }
        let found = list(&self.settings.path, &memory.alone).await?;
        for (name, look) in &found {
            if memory.seen.get(name) == Some(look) && !self.stop.is_cancelled() {
                let from = self.settings.path.join(name);
                match fs::rename(&from, work.join(name)).await {
                    Ok(()) => self.take_or_set_aside(name, memory).await?,
                    // Taken away by whoever brought it.
                    Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => self.leave_alone(from, &error, memory),
                }
            }
        }
        memory.seen = found.into_iter().collect();
        Ok(())
    }

    /// Takes a file of `work/` in, and moves it where it belongs; one that cannot be read is set aside, with a todo.
    ///
    /// # Errors
    ///
    /// The store: then all others wait, too.
    async fn take_or_set_aside(&self, name: &OsString, memory: &mut Memory) -> Result<(), Trouble> {
        let moved = match self.take(name).await {
            Ok(why) => self.put_away(name, why).await,
            Err(Trouble::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(Trouble::Io { source, .. }) => self.set_aside(name, &source).await,
            Err(error @ Trouble::Store(_)) => return Err(error),
        };
        match moved {
            Ok(()) => {}
            Err(Trouble::Io { source, .. }) => {
                self.leave_alone(self.settings.work().join(name), &source, memory);
            }
            Err(error @ Trouble::Store(_)) => return Err(error),
        }
        Ok(())
    }

    /// The todo first: whatever ends this process between the two, it is told of, and by its id told of once.
    async fn set_aside(&self, name: &OsString, error: &io::Error) -> Result<(), Trouble> {
        let why = format!("the file {name:?} cannot be read: {error}");
        tracing::warn!(source = %self.source, why, "a file is set aside");
        let mut envelope = self.envelope(name, Bytes::new());
        // Each time that it comes is another.
        let path = self.settings.work().join(name);
        let metadata = fs::metadata(&path).await;
        let changed = metadata.and_then(|metadata| Ok((metadata.len(), metadata.modified()?)));
        envelope.message_id = changed.ok().map(|(size, at)| {
            let at = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
            format!("unreadable:{}:{size}:{at}", name.to_string_lossy())
        });
        let told = format!("{why}; it goes to `failed/`: let this user read it, and drop it again");
        let refused = Some(("unreadable_file", told));
        self.intake.take_with(envelope, Beside::default(), refused).await?;
        self.put_away(name, Some(format!("{why}\n"))).await
    }

    /// Told once, and tried again later.
    fn leave_alone(&self, path: PathBuf, error: &io::Error, memory: &mut Memory) {
        let source = &self.source;
        tracing::error!(
            %source, %error, file = %path.display(), minutes = LEFT_ALONE.as_mins(),
            "a file cannot be moved and is left alone; let this user write in its folder, or take it away"
        );
        metrics::counter!("orderhub_files_left_alone_total", "source" => source.clone())
            .increment(1);
        let until = self.parts.clock.now().saturating_add(LEFT_ALONE).unwrap_or(Timestamp::MAX);
        memory.alone.insert(path, until);
    }

    /// Takes one file of `work/` in; why something of it was parked.
    async fn take(&self, name: &OsString) -> Result<Option<String>, Trouble> {
        let path = self.settings.work().join(name);
        let size = fs::metadata(&path).await.map_err(at(&path))?.len();
        if usize::try_from(size).map_or(true, |size| size > MOST_BYTES) {
            let why = format!("it has {size} bytes; at most {MOST_BYTES} are stored: split it\n");
            return Ok(Some(why));
        }
        let body = Bytes::from(fs::read(&path).await.map_err(at(&path))?);
        let outcome = self.intake.take_with(self.envelope(name, body), Beside::default(), None);
        Ok(reasons(&outcome.await?))
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
            let beside = beside(&to);
            fs::write(&beside, why).await.map_err(at(&beside))?;
        }
        fs::rename(&from, &to).await.map_err(at(&from))
    }
}

/// Files, not folders, links or hidden ones, nor those that are left alone, by name.
async fn list(
    folder: &Path,
    alone: &BTreeMap<PathBuf, Timestamp>,
) -> Result<Vec<(OsString, Look)>, Trouble> {
    let mut entries = fs::read_dir(folder).await.map_err(at(folder))?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(at(folder))? {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // One that went away in between is no file any more.
        let Ok(about) = fs::symlink_metadata(entry.path()).await else { continue };
        if hidden
            || alone.contains_key(&entry.path())
            || !about.is_file()
            || found.len() >= MOST_FILES
        {
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

/// Where the reason stands; a name that has no room for more letters is cut.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut room = LONGEST_NAME - WHY.len();
    while !name.is_char_boundary(room.min(name.len())) {
        room -= 1;
    }
    let kept = name.get(..room.min(name.len())).unwrap_or_default();
    file.with_file_name(format!("{kept}{WHY}"))
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
