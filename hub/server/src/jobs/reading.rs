//! Documents that wait for answers of their system: asked for and driven by a task of each system, beside all else.
//!
//! **Invariant:** a system that answers slowly, or not at all, holds up what waits for its own answers alone. Test:
//! `a_slow_system_holds_up_no_other`.
//! **Invariant:** what was answered for a document is not asked for again while the rest is. Test:
//! `many_lines_under_a_slow_limit_end`.
//! **Invariant:** once a system answers a read again, all that waits for an answer to it is asked for, no more at a time
//! than ever; that it answers is seen within [`TRY`] and what its breaker waits. Test:
//! `what_waits_for_a_read_is_asked_for_once_the_system_answers`.
//!
//! Bounds: one task a system, under the lease of the periodic work; [`AT_ONCE`] documents of it at a time, with a rest of
//! [`REST`] after so many in a row that none was answered for; answers of [`MOST_KEPT`] documents, for [`KEPT_FOR`] each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orderhub_mapping::facts::LookupOf;
use orderhub_order::ids::SystemName;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{LOOK, Parts};
use crate::apply::{Apply, Redrive, Unit};
use crate::bundle::Kept;
use crate::intake::questions::{AT_ONCE, Questions};
use crate::intake::{Looks, Sources, find_out, passed, unit_with};
use crate::store::{PendingRow, StoreError};

/// A system that has answered nothing is left in peace for so long.
const REST: Duration = Duration::from_secs(1);
/// While something waits for a system, it is asked for one document at least so often, whenever that is due.
const TRY: Duration = Duration::from_secs(5);
/// Documents that are made due by an answer, at once; and before the next answer to the same read makes more.
const WOKEN_AT_ONCE: usize = 500;
const WAKE_EVERY: Duration = Duration::from_secs(2);
/// Documents of which some answers have come.
const MOST_KEPT: usize = 1_000;
/// So long after the last answer for a document all of it is asked for anew.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

/// The tasks of all systems.
#[derive(Debug)]
pub(super) struct Readers {
    questions: Option<Questions>,
    running: BTreeMap<SystemName, JoinHandle<()>>,
    answers: Arc<Answers>,
    woken: Arc<Woken>,
    /// When one document of each system was made due.
    tried: Option<Instant>,
    stop: CancellationToken,
}

impl Readers {
    /// None runs yet; all end with `stop`.
    pub(super) fn new(parts: &Parts, stop: CancellationToken) -> Self {
        let questions = parts.deliverer.clone().map(Questions::new);
        let (answers, woken) = (Arc::default(), Arc::default());
        Self { questions, running: BTreeMap::new(), answers, woken, tried: None, stop }
    }

    /// Starts the tasks of systems for whose answers something waits that is due.
    pub(super) async fn look(
        &mut self,
        parts: &Arc<Parts>,
        apply: &Apply,
    ) -> Result<(), StoreError> {
        let Some(questions) = &self.questions else { return Ok(()) };
        self.running.retain(|_, task| !task.is_finished());
        if self.tried.is_none_or(|at| at.elapsed() >= TRY) {
            parts.store.ask_next(parts.clock.now()).await?;
            self.tried = Some(Instant::now());
        }
        for system in parts.store.asking(parts.clock.now()).await? {
            if self.running.contains_key(&system) {
                continue;
            }
            let reader = Reader {
                parts: Arc::clone(parts),
                apply: apply.clone(),
                questions: questions.clone(),
                answers: Arc::clone(&self.answers),
                woken: Arc::clone(&self.woken),
                stop: self.stop.clone(),
            };
            let task = tokio::spawn(run(Arc::new(reader), system.clone()));
            self.running.insert(system, task);
        }
        Ok(())
    }

    /// Ends all, and waits for what they have in hand.
    pub(super) async fn end(self) {
        self.stop.cancel();
        for (system, task) in self.running {
            if let Err(error) = task.await {
                tracing::error!(%system, %error, "the task of what waits for its answers ended badly");
            }
        }
    }
}

struct Reader {
    parts: Arc<Parts>,
    apply: Apply,
    questions: Questions,
    answers: Arc<Answers>,
    woken: Arc<Woken>,
    stop: CancellationToken,
}

/// Drives what is due of a system, until nothing is.
async fn run(reader: Arc<Reader>, system: SystemName) {
    let (parts, stop) = (&reader.parts, &reader.stop);
    let (mut driving, mut unanswered) = (JoinSet::new(), 0);
    loop {
        let room = AT_ONCE.saturating_sub(driving.len());
        if room > 0 && !stop.is_cancelled() {
            match parts.store.take_asking(&system, parts.clock.now(), room).await {
                Ok(rows) => rows.into_iter().for_each(|row| {
                    driving.spawn(drive(Arc::clone(&reader), row));
                }),
                Err(error) => tracing::warn!(%system, %error,
                    "what waits for answers could not be read; it is tried again"),
            }
        }
        if driving.is_empty() {
            return;
        }
        let mut ended = tokio::select! {
            ended = driving.join_next() => ended,
            // Something else may be due by now.
            () = parts.clock.sleep(LOOK), if driving.len() < AT_ONCE => continue,
        };
        while let Some(driven) = ended {
            unanswered = if told(&system, driven) { 0 } else { unanswered + 1 };
            ended = driving.try_join_next();
        }
        if unanswered >= AT_ONCE {
            unanswered = 0;
            tokio::select! {
                () = stop.cancelled() => {}
                () = parts.clock.sleep(REST) => {}
            }
        }
    }
}

/// Whether its system answered.
fn told(
    system: &SystemName,
    driven: Result<Result<bool, StoreError>, tokio::task::JoinError>,
) -> bool {
    match driven {
        Ok(Ok(answered)) => answered,
        Ok(Err(error)) => {
            tracing::warn!(%system, %error, "a document that waits could not be driven; it is tried again");
            false
        }
        Err(error) => {
            tracing::error!(%system, %error, "the drive of a document that waits ended badly");
            false
        }
    }
}

/// Asks for what one document lacks, and drives it with what is known then, answered or not. Whether something was.
async fn drive(reader: Arc<Reader>, row: PendingRow) -> Result<bool, StoreError> {
    let Reader { parts, apply, questions, answers, woken, stop } = &*reader;
    let PendingRow { mut message, document, attempts, since, let_go } = row;
    let redrive = Redrive { first: message.id, document, attempts, let_go };
    let bundle = Arc::clone(&parts.bundle.borrow());
    bundle.as_unread(&mut message.envelope);
    let at = (message.id, document);
    let before = answers.of(at, &bundle.hash);
    let sources = Sources { store: &*parts.store, asking: Some(questions.patiently(stop)) };
    let looks = find_out(sources, &bundle, &message.envelope, document, before.as_ref()).await?;
    let answered = answers.note(at, &bundle.hash, looks.as_ref(), before.as_ref());
    let system = message.envelope.system.clone();
    let kind = Arc::clone(&message.envelope.document);
    let reads = looks.as_ref().map(|looks| looks.answered.clone()).unwrap_or_default();
    let mut unit = unit_with(&bundle, parts.gates, message.envelope, Some(redrive), looks);
    unit.recorded.asking = Some(since);
    let outcome = apply.submit(Unit::Message(Box::new(unit))).await?;
    passed(system.as_str(), &kind, &outcome);
    for read in reads {
        woken.answered(parts, &system, &read).await?;
    }
    Ok(answered)
}

/// When an answer to a read woke what waits for one. As many as the files name.
#[derive(Debug, Default)]
struct Woken(Mutex<BTreeMap<(SystemName, Box<str>), Instant>>);

impl Woken {
    /// A system has answered a read: what waits for an answer to it is due.
    async fn answered(
        &self,
        parts: &Parts,
        system: &SystemName,
        read: &str,
    ) -> Result<(), StoreError> {
        let of = (system.clone(), read.into());
        {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if last.get(&of).is_some_and(|at| at.elapsed() < WAKE_EVERY) {
                return Ok(());
            }
            last.insert(of, Instant::now());
        }
        let now = parts.clock.now();
        let documents = parts.store.wake_for_answer(system, read, now, WOKEN_AT_ONCE).await?;
        if documents > 0 {
            tracing::info!(%system, read, documents, "it answers: what waits for that is asked for");
        }
        Ok(())
    }
}

type At = (i64, Option<u32>);

/// What was answered for documents of which something is not answered yet.
#[derive(Debug, Default)]
struct Answers {
    some: Mutex<BTreeMap<At, Partly>>,
}

#[derive(Debug)]
struct Partly {
    bundle: Arc<str>,
    kept: Kept,
    last: Instant,
}

impl Answers {
    /// What was answered for a document, and would be asked for by the same files.
    fn of(&self, at: At, bundle: &str) -> Option<Kept> {
        let some = self.some.lock().unwrap_or_else(PoisonError::into_inner);
        let some = some.get(&at).filter(|some| &*some.bundle == bundle);
        some.filter(|some| some.last.elapsed() < KEPT_FOR).map(|some| some.kept.clone())
    }

    /// Keeps it if there is more to come. Whether more is known than before, or all.
    fn note(
        &self,
        at: At,
        bundle: &Arc<str>,
        looks: Option<&Looks>,
        before: Option<&Kept>,
    ) -> bool {
        let mut some = self.some.lock().unwrap_or_else(PoisonError::into_inner);
        let reads = |looks: &&Looks| looks.lacks.keys().any(|key| key.of == LookupOf::Read);
        let Some(looks) = looks.filter(reads) else {
            some.remove(&at);
            return true;
        };
        if !looks.kept.knows_more_reads_than(before) {
            return false;
        }
        some.retain(|_, some| some.last.elapsed() < KEPT_FOR);
        if some.len() < MOST_KEPT || some.contains_key(&at) {
            let (bundle, kept) = (Arc::clone(bundle), looks.kept.clone());
            some.insert(at, Partly { bundle, kept, last: Instant::now() });
        }
        true
    }
}
