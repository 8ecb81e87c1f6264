//! What other files would have made of the messages that are stored: each is mapped by the bundle of its row and by
//! the new one, with what was recorded with it, and the two are compared field by field.
//!
//! **Invariant:** nothing is written and nothing is sent. Test: `the_old_bundle_gives_what_was_recorded_to_the_byte`.
//! **Invariant:** files compared with themselves change nothing, and the bundle of a row gives what was recorded
//! then, whatever the settings are today; where it does not, the report says so. Test:
//! `the_old_bundle_gives_what_was_recorded_to_the_byte`.
//! **Invariant:** what a document leads to is asked of its newest message alone, whatever became of that. Test:
//! `the_newest_message_of_a_document_counts`.
//! Bounds: [`Asked::limit`] messages, the newest first, [`AT_ONCE`] of them in memory, of at most
//! [`crate::intake::MOST_BYTES`] each; [`BUNDLES`] former bundles at a time; a report of [`report::MOST_CHANGES`]
//! kinds of changes with [`report::MOST_EXAMPLES`] examples each.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_mapping::Mapped;
use orderhub_mapping::facts::said;
use orderhub_order::ids::Entity;

use crate::apply::Word;
use crate::bundle::{Bundle, Files, Kept, Received};
use crate::config::Config;
use crate::store::StoreError;
use crate::store::traffic::{Before, Drive, Traffic};

mod calls;
mod compare;
mod instead;
mod now;
mod places;
mod report;
mod routed;
#[cfg(test)]
mod routed_tests;
mod sent;
mod targets;
#[cfg(test)]
mod tests;
mod unmade;
mod unrouted;

pub use calls::Call;
use now::Now;
pub use places::SentTo;
pub use report::{Change, Example, Report};
use targets::Targets;

/// Messages that are read at a time: few, because each may be as large as any.
const AT_ONCE: usize = 16;
/// Outcomes of messages that nobody may have mapped when they came: with those nothing was recorded.
const UNMAPPED: [Word; 5] =
    [Word::Waiting, Word::Todo, Word::Stored, Word::Skipped, Word::Duplicate];
/// Former bundles that are kept compiled: messages come in the order of time, so few are in use at once.
const BUNDLES: usize = 8;

/// Which messages.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Now.
    pub now: Timestamp,
    /// Stored then or later.
    pub since: Timestamp,
    /// Of this system only.
    pub system: Option<String>,
    /// At most so many, the newest.
    pub limit: u64,
}

/// Maps stored messages by their own bundles and by a new one, of these files. `told` hears of the report so far now and then.
///
/// # Errors
///
/// [`StoreError`]: the store cannot be read.
pub async fn what_if(
    traffic: &mut dyn Traffic,
    (new, files): (&Bundle, &Files),
    config: &Config,
    asked: &Asked,
    told: &mut (dyn FnMut(&Report) + Send),
) -> Result<Report, StoreError> {
    let mut run = Run {
        new,
        files,
        config,
        former: Former::default(),
        newest: None,
        driven: HashSet::new(),
        targets: Targets::at(asked.now),
        report: Report::new(new.hash.to_string(), asked.since),
    };
    let mut before =
        Before { id: i64::MAX, since: asked.since, system: asked.system.clone(), limit: AT_ONCE };
    loop {
        let drives = traffic.messages(&before).await?;
        let Some(last) = drives.last().map(|drive| drive.id) else { break };
        before.id = last;
        for drive in drives {
            if run.report.messages >= asked.limit {
                run.report.complete = false;
                return Ok(run.closed());
            }
            run.drive(traffic, drive).await?;
        }
        told(&run.report);
    }
    Ok(run.closed())
}

/// Why a message is left out, and what to do about it.
pub const LEFT_OUT: [(&str, &str); 7] = [
    (NO_SYSTEM, "add the system to the settings that you name, `[systems.<name>]`"),
    (NEWER, "ask the program that runs the hub"),
    (NO_BUNDLE, "ask with `--since` for messages after the store was made or copied"),
    (OLD_FILES, "ask with `--since` for messages after these files were mended"),
    (WAITS, "ask again when what it refers to has come in"),
    (
        ASKS,
        "the hub asks, and records the answers, once the files are in use; try one before: `orderhub mapping run FILE --lookup NAME.ID=VALUE`",
    ),
    (TOO_MANY, "look up fewer things in one message"),
];
const NO_SYSTEM: &str = "the settings do not name its system";
const NEWER: &str = "what was recorded with it is of a newer program";
const NO_BUNDLE: &str = "the store does not have the bundle that mapped it";
const OLD_FILES: &str = "this program does not take the files that mapped it any more";
const WAITS: &str = "with the new files it would wait for a reference that nobody knows yet";
const ASKS: &str = "the new files look up a cached read, and no system is asked here";
const TOO_MANY: &str = "the new files look up too many references in it";

/// Bundles that mapped messages, compiled again.
#[derive(Debug, Default)]
struct Former {
    known: BTreeMap<String, Result<Arc<Bundle>, &'static str>>,
    /// In the order in which they were met.
    met: Vec<String>,
}

impl Former {
    async fn get(
        &mut self,
        traffic: &mut dyn Traffic,
        hash: &str,
        config: &Config,
    ) -> Result<Result<Arc<Bundle>, &'static str>, StoreError> {
        if let Some(known) = self.known.get(hash) {
            return Ok(known.clone());
        }
        let made = match traffic.bundle(hash).await? {
            None => Err(NO_BUNDLE),
            Some(files) => Bundle::former(&files, config).map(Arc::new).map_err(|_| OLD_FILES),
        };
        if self.met.len() >= BUNDLES {
            self.known.remove(&self.met.remove(0));
        }
        self.met.push(hash.to_owned());
        self.known.insert(hash.to_owned(), made.clone());
        Ok(made)
    }
}

struct Run<'a> {
    new: &'a Bundle,
    files: &'a Files,
    config: &'a Config,
    /// The bundle of the newest message: its files were compared.
    newest: Option<String>,
    former: Former,
    /// First rows of which a later drive was looked at: that one counts.
    driven: HashSet<i64>,
    targets: Targets,
    report: Report,
}

impl Run<'_> {
    async fn drive(&mut self, traffic: &mut dyn Traffic, drive: Drive) -> Result<(), StoreError> {
        let first = drive.first.unwrap_or(drive.id);
        let again = self.driven.contains(&first);
        if drive.first.is_some() {
            self.driven.insert(first);
        }
        if again {
            return Ok(());
        }
        self.report.met(drive.at);
        match &self.newest {
            Some(newest) => self.report.by_files(drive.at, drive.bundle == *newest),
            None => {
                self.report.not_looked_at = self.not_looked_at(traffic, &drive.bundle).await?;
                self.newest = Some(drive.bundle.clone());
            }
        }
        if self.new.system(&drive.envelope.system).is_none() {
            self.report.cannot(NO_SYSTEM);
            return Ok(());
        }
        let Some(kept) = Kept::from_bytes(drive.facts.as_deref()) else {
            self.cannot(&drive, &Kept::default(), NEWER);
            return Ok(());
        };
        if *drive.bundle == *self.new.hash {
            let gave = documents(self.new.receive_again(&drive.envelope, &kept));
            self.recorded(&drive, gave.as_deref());
            let gave = gave.unwrap_or_default();
            self.targets.met(self.new, &drive, &gave);
            self.report.same(gave.len());
            return Ok(());
        }
        let old = match self.former.get(traffic, &drive.bundle, self.config).await? {
            Ok(old) => old,
            Err(why) => {
                self.cannot(&drive, &kept, why);
                return Ok(());
            }
        };
        if self.newest.as_ref() == Some(&drive.bundle) {
            self.roles(&old);
        }
        self.compare(traffic, &drive, &old, &kept).await
    }

    /// Which role a system plays decides what it is sent of all, and is not compared.
    fn roles(&mut self, old: &Bundle) {
        let (was, is) = (old.rules().systems, self.new.rules().systems);
        for (system, is) in is {
            let file = format!("{}/integration.yaml", is.integration);
            let other = was.get(system).is_some_and(|was| was.role != is.role);
            if other && !self.report.not_looked_at.contains(&file) {
                self.report.not_looked_at.push(file);
            }
        }
    }

    /// Files that are other than those of a bundle, and decide what is not compared.
    async fn not_looked_at(
        &self,
        traffic: &mut dyn Traffic,
        bundle: &str,
    ) -> Result<Vec<String>, StoreError> {
        let none = Files::new();
        // Whose bundle is gone is left out, and told.
        let old = traffic.bundle(bundle).await?;
        let old = old.as_ref().map_or(&none, |old| old);
        let decides = |file: &&String| {
            let (folder, name) = file.split_once('/').unwrap_or_default();
            name == "connector.yaml" || folder == "hub" && name == "ownership.yaml"
        };
        let mut all: Vec<String> =
            old.keys().chain(self.files.keys()).filter(decides).cloned().collect();
        all.retain(|file| !old.is_empty() && old.get(file) != self.files.get(file));
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Leaves a message out: what it is about is read by the new files.
    fn cannot(&mut self, drive: &Drive, kept: &Kept, why: &str) {
        self.report.cannot(why);
        let about = documents(self.new.receive_again(&drive.envelope, kept)).unwrap_or_default();
        self.targets.met(self.new, drive, &about);
    }

    fn closed(self) -> Report {
        let Self { targets, report, .. } = self;
        report.closed(targets)
    }

    async fn compare(
        &mut self,
        traffic: &mut dyn Traffic,
        drive: &Drive,
        old: &Bundle,
        kept: &Kept,
    ) -> Result<(), StoreError> {
        let mut facts = kept.clone();
        // What was driven alone knows nothing of its neighbours: those say no more by the one than by the other.
        let open = old.wants(&drive.envelope, kept, None);
        match now::look_up(traffic, self.new, &drive.envelope, &mut facts, &open).await? {
            Now::Recorded => {}
            Now::Known => self.report.looked_up += 1,
            Now::Waits => {
                self.cannot(drive, kept, WAITS);
                return Ok(());
            }
            Now::Asks => {
                self.cannot(drive, kept, ASKS);
                return Ok(());
            }
            Now::TooMany => {
                self.cannot(drive, kept, TOO_MANY);
                return Ok(());
            }
        }
        let was = documents(old.receive_again(&drive.envelope, kept));
        let is = documents(self.new.receive_again(&drive.envelope, &facts));
        self.recorded(drive, was.as_deref());
        if was.is_none() && is.is_none() {
            self.report.hints += 1;
            return Ok(());
        }
        let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
        let both = (old, self.new);
        let all = compare::documents(&was, &is);
        for found in &all {
            let places =
                |entity: Entity, field: &str| places::places(both, (drive, &facts), entity, field);
            self.report.found(drive, found, places);
        }
        self.targets.documents(traffic, both, drive, &all).await?;
        // Those that fail.
        self.targets.met(self.new, drive, &is);
        Ok(())
    }

    /// Whether what mapped it gives what it gave.
    fn recorded(&mut self, drive: &Drive, gave: Option<&[Mapped]>) {
        match (drive.said, gave) {
            (Some(recorded), Some(gave)) if recorded != said(gave) => self.report.otherwise += 1,
            (None, Some(gave)) if !gave.is_empty() && was_mapped(drive) => {
                self.report.unrecorded += 1;
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// Whether it was mapped when it came, as far as its outcome tells.
fn was_mapped(drive: &Drive) -> bool {
    UNMAPPED.iter().all(|word| drive.outcome != word.as_str())
}

/// The documents of a message; `None`: it only hints at some.
fn documents(received: Received) -> Option<Vec<Mapped>> {
    match received {
        Received::Documents(mapped) | Received::Notices(mapped, _) => Some(mapped),
        Received::Hints(_) | Received::Unreadable(..) => None,
    }
}
