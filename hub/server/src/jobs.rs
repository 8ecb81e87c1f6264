//! Periodic work over the store: driving suspects, woken waiters and replays again, one by one; what waits for answers of
//! its system, beside ([`reading`]); order
//! timers; the sweep that joins waiting documents with references that passed them; making orders found that a
//! former program or key did not ([`crate::store::Indexing`]).
//!
//! **Invariant:** what was parked for a value that the files did not know, for a look-up that its system refused, or as a
//! webhook that its connector could not read, is driven again once for each change of the files, and never for a start
//! with the same files. Tests:
//! `a_row_that_comes_later_ends_what_waited_for_it`, `a_plain_no_to_a_look_up_is_a_todo_at_once`,
//! `a_webhook_that_could_not_be_read_is_applied_once_its_connector_is_mended`.
//!
//! **Invariant:** what waits for what it looks up is driven again by files that did not map it, after a switch as after a
//! start. Test: `what_waits_for_a_look_up_is_tried_again_by_other_files`.
//!
//! **Invariant:** no system is asked here: what a document lacks of its system it waits for beside. Test:
//! `a_slow_system_holds_up_no_other`.
//!
//! **Invariant:** a message is driven alone, its attempt counted in an earlier commit, so that one that
//! takes the process down is a todo after three times and hurts no neighbour. Tests:
//! `a_suspect_is_stored_and_driven_alone`, `three_drives_without_an_end_make_a_todo`.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderhub_mapping::facts::REFUSED;
use orderhub_order::fold::{Act, Facts, TodoKind};
use orderhub_order::ids::OrderKey;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::apply::{Apply, OrderUnit, Redrive, Unit, UnitOutcome};
use crate::bundle::{Bundle, UNREADABLE};
use crate::clock::Clock;
use crate::deliver::Deliverer;
use crate::intake::{Envelope, Gates, Sources, find_out, passed, unit_with};
use crate::store::{Lease, MOST_ROWS, PendingRow, Scope, Store, StoreError, TodoFilter, TodoRow};
use crate::wake::{By, Woken};

mod reading;

use reading::Readers;

/// What allows a process to do it.
const LEASE: &str = "jobs";
/// How often a process that does not do it asks whether it may.
const ASK: Duration = Duration::from_secs(1);
/// Between two looks at what is due.
const LOOK: Duration = Duration::from_millis(250);
/// Between two sweeps.
const SWEEP: SignedDuration = SignedDuration::from_secs(10);
/// Timers taken at a look.
const AT_ONCE: usize = 64;
/// Parked documents that are taken up again after a change of the files; what is beyond waits for a person. Of those
/// that wait for a look-up, so many at once.
const RESUMED: usize = 10_000;
/// Causes that other files may end: a row of a table or of master data may have come, a read may ask otherwise, a
/// connector may be mended.
const RESUMES: [&str; 3] = ["unknown_value", REFUSED, UNREADABLE];
/// Orders that are made found in one transaction: some milliseconds, so that no commit waits long.
const INDEXED_AT_ONCE: usize = 50;
/// Such transactions at a look: at most a few thousand orders a second, beside whatever else is committed.
const INDEXINGS: usize = 20;

/// What the work needs.
#[derive(Debug)]
pub struct Parts {
    /// What is due stands here.
    pub store: Arc<dyn Store>,
    /// The active bundle.
    pub bundle: watch::Receiver<Arc<Bundle>>,
    /// Where drives and ticks go.
    pub apply: Apply,
    /// The time.
    pub clock: Clock,
    /// The bounds of bodies.
    pub gates: Gates,
    /// Who answers cached reads; `None`: what looks one up waits.
    pub deliverer: Option<Deliverer>,
}

/// Starts the work; it ends with `stop`, between two units. One process at a time does it, under a lease.
pub fn start(parts: Parts, stop: CancellationToken) -> JoinHandle<()> {
    let parts = Arc::new(parts);
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            match parts.store.lease(LEASE).await {
                Ok(Some(lease)) => {
                    work(&parts, &lease, &stop).await;
                    parts.store.give_back(lease).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "periodic work is not begun yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = parts.clock.sleep(ASK) => {}
            }
        }
    })
}

/// Works while the lease is held.
async fn work(parts: &Arc<Parts>, lease: &Lease, stop: &CancellationToken) {
    let apply = parts.apply.under(lease.clone());
    let readers = Readers::new(parts, stop.child_token());
    let (next_sweep, woken) = (parts.clock.now(), Woken::default());
    let mut done = Done { next_sweep, resumed: None, woken, readers };
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = lease.lost() => break,
            () = parts.clock.sleep(LOOK) => {}
        }
        if let Err(error) = look(parts, &apply, &mut done, stop).await {
            tracing::warn!(%error, "periodic work could not go on; it is tried again");
        }
    }
    done.readers.end().await;
}

/// How far the work is.
struct Done {
    next_sweep: Timestamp,
    /// The bundle after which documents were taken up again.
    resumed: Option<Arc<str>>,
    woken: Woken,
    /// Who asks for what documents wait for.
    readers: Readers,
}

/// Takes up again what was parked for what other files may end, when the files are newer. What is parked again is a todo
/// of today, and is left alone until the next change.
async fn resume(parts: &Parts, done: &mut Done, now: Timestamp) -> Result<(), StoreError> {
    let hash = Arc::clone(&parts.bundle.borrow().hash);
    if done.resumed.as_ref() == Some(&hash) {
        return Ok(());
    }
    wake(parts, now).await?;
    // Files that were in use before may be so again: what is parked since was parked by others.
    let since = match &done.resumed {
        Some(_) => Some(now),
        None => parts.store.bundle_since(&hash).await?,
    };
    let mut parked = Vec::new();
    for cause in RESUMES {
        parked.extend(older(parts, cause, since, RESUMED.saturating_sub(parked.len())).await?);
    }
    for todo in &parked {
        parts.store.replay(*todo, "hub", now).await?;
    }
    if !parked.is_empty() {
        tracing::info!(
            documents = parked.len(),
            "the files have changed: parked documents are tried again"
        );
    }
    done.resumed = Some(hash);
    Ok(())
}

/// Drives again what waits for what it looks up and was mapped by other files: they may look up something else, or
/// nothing. Asked again with each sweep, because another process may have mapped it by other files since.
async fn wake(parts: &Parts, now: Timestamp) -> Result<(), StoreError> {
    let hash = Arc::clone(&parts.bundle.borrow().hash);
    let woken = parts.store.wake_for_files(&hash, now, RESUMED).await?;
    if woken > 0 {
        let documents = woken;
        tracing::info!(
            documents,
            "the files have changed: what waits for a look-up is tried again"
        );
    }
    Ok(())
}

/// Todos of this cause that were parked by other files than those that are in use since then; at most about so many.
async fn older(
    parts: &Parts,
    cause: &str,
    since: Option<Timestamp>,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut filter = TodoFilter {
        kind: Some(TodoKind::Parked),
        cause: Some(cause.to_owned()),
        limit: MOST_ROWS,
        ..TodoFilter::default()
    };
    let mut found = Vec::new();
    while found.len() < most {
        let page = parts.store.todos(&Scope::All, &filter).await?;
        let older = |todo: &&TodoRow| since.is_some_and(|since| todo.at < since);
        found.extend(page.items.iter().filter(older).map(|todo| todo.id));
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

async fn look(
    parts: &Arc<Parts>,
    apply: &Apply,
    done: &mut Done,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let now = parts.clock.now();
    if now >= done.next_sweep {
        done.next_sweep = now.saturating_add(SWEEP).unwrap_or(now);
        parts.store.sweep(now).await?;
        wake(parts, now).await?;
    }
    resume(parts, done, now).await?;
    done.readers.look(parts, apply).await?;
    let by = {
        let bundle = parts.bundle.borrow();
        By { lanes: bundle.judges_by(), holds: bundle.holds_by().to_owned() }
    };
    done.woken.look((&*parts.store, apply), &by, now).await?;
    for key in parts.store.timers(now, AT_ONCE).await? {
        apply.submit(tick(key)).await?;
    }
    while !stop.is_cancelled() {
        // One at a time: the attempt that is counted belongs to the one message that is driven next.
        let mut rows = parts.store.take_pending(parts.clock.now(), 1).await?;
        let Some(row) = rows.pop() else { break };
        drive(parts, apply, row).await?;
    }
    index(parts, stop).await
}

/// Goes on with what finds orders; what is left is done at the next look, by whoever has the lease then.
async fn index(parts: &Parts, stop: &CancellationToken) -> Result<(), StoreError> {
    for step in 0..INDEXINGS {
        if stop.is_cancelled() || !parts.store.index_more(INDEXED_AT_ONCE).await? {
            if step > 0 && !parts.store.is_indexing().await? {
                tracing::info!("every order can be found again");
            }
            return Ok(());
        }
    }
    Ok(())
}

/// Drives one document again, alone.
async fn drive(parts: &Parts, apply: &Apply, row: PendingRow) -> Result<UnitOutcome, StoreError> {
    let PendingRow { mut message, document, attempts, let_go, since: _ } = row;
    let redrive = Redrive { first: message.id, document, attempts, let_go };
    let bundle = Arc::clone(&parts.bundle.borrow());
    bundle.as_unread(&mut message.envelope);
    let sources = Sources { store: &*parts.store, asking: None };
    let looks = find_out(sources, &bundle, &message.envelope, document, None).await?;
    let Envelope { system, document, .. } = &message.envelope;
    let (system, document) = (system.clone(), Arc::clone(document));
    let unit = unit_with(&bundle, parts.gates, message.envelope, Some(redrive), looks);
    let outcome = apply.submit(Unit::Message(Box::new(unit))).await?;
    passed(system.as_str(), &document, &outcome);
    Ok(outcome)
}

fn tick(key: OrderKey) -> Unit {
    let facts = Facts { actor: "hub".into(), cause: "timer".into(), ..Facts::default() };
    Unit::Order(Box::new(OrderUnit { key, act: Act::Tick, facts, receipt: None }))
}
