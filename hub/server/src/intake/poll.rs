//! Polls: listings that the hub asks for from time to time, page by page, each from where the last one ended.
//!
//! **Invariant:** a cursor moves only in the commit that stores the page before it, so that whatever dies in
//! between is asked for again; a poll that fails moves nothing. Tests: `a_cursor_moves_with_its_page_or_not_at_all`,
//! `a_poll_goes_on_where_it_was_killed`. What moves from page to page meanwhile: [`super::slide`].
//!
//! A queue is no listing: it names no pages, may give the same again, and has an end only while nothing comes in. What it
//! gives is stored and confirmed, and it is asked again at once, until it has nothing, or gives the very same again, or
//! could not be confirmed: then at its next turn. Test: `a_queue_that_gives_the_same_again_is_asked_at_its_next_turn`.
//!
//! One process at a time reads a listing, under a lease that every commit of a page names. Bounds: [`MOST_PAGES`]
//! of one poll; a message holds some bytes of a page or one document ([`mod@super::pages`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use orderhub_connectors::contract::{Memo, Reply};
use orderhub_order::ids::SystemName;
use tokio_util::sync::CancellationToken;

use super::job::{self, Job};
use super::leased::{self, End, Parts};
use super::pages::{hash, one, split};
use super::slide::{AGAIN, Recent, Turn};
use super::tries::{Page, Trouble};
use super::window::{Window, arguments, due, goes_on, later, moved, until, window};
use super::{Envelope, Intake, had};
use crate::apply::{Beside, Cursor};
use crate::bundle::{self, POLL};
use crate::deliver::{Asked, Question, Worked};
use crate::store::{Lease, StoreError};

/// No wait is longer, so that what changes meanwhile (a breaker, the files) is seen.
const LOOK: Duration = Duration::from_secs(1);
/// After the first failure; doubled with each further one.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// Pages of one poll: a listing that has more goes round in circles.
const MOST_PAGES: u32 = 100_000;

/// Why a listing does not go on with what was answered; it is begun again later, from where the last one ended, so that
/// nothing is passed over if it was a mistake of the moment.
const SAME_PAGE: &str = "the same page came twice running: the system does not look at what names the page (`page:` of \
                         the operation), or waits for a confirmation (`ack:`)";
const NO_END: &str = "the listing has no end: it names the same page again, or too many";
const SLID: &str =
    "more of the listing moved from page to page than a page holds, while it was read";
/// A check refuses files with such a poll; those of an earlier program may have one.
const ONE_DOCUMENT: &str =
    "the operation gives one document, and lists none: name one with `documents:`";

/// Asks for a listing, until `stop`, or until the files do not name it any more.
pub(super) async fn run(parts: Parts, system: SystemName, name: Box<str>, stop: CancellationToken) {
    let (own, ends) = (parts.clone(), stop.clone());
    let lease = format!("poll:{system}:{name}");
    leased::hold(parts, lease, stop, move |lease| {
        let poller = Poller {
            intake: own.intake.under(lease.clone()),
            parts: own.clone(),
            system: system.clone(),
            name: name.clone(),
            stop: ends.clone(),
            lease,
            recent: Mutex::default(),
        };
        Box::pin(async move { poller.run().await })
    })
    .await;
}

/// One listing, while its lease is held.
struct Poller {
    parts: Parts,
    /// Commits only while the lease is held.
    intake: Intake,
    system: SystemName,
    /// As [`bundle::Poll::name`].
    name: Box<str>,
    stop: CancellationToken,
    lease: Lease,
    /// What was on its last pages.
    recent: Mutex<Recent>,
}

impl Poller {
    async fn run(&self) -> End {
        let (mut trouble, mut pages, mut job) = (Trouble::default(), 0, None);
        let mut asks = None;
        while !self.stop.is_cancelled() && !self.lease.is_lost() {
            let bundle = self.intake.bundle();
            let Some((_, poll)) = self.of(&bundle) else { return End::Done };
            // What named the next page of another operation means nothing to this one.
            let before = asks.replace(poll.operation.clone());
            trouble.begin |= before.is_some_and(|before| before != poll.operation);
            let wait = match self.step(&mut trouble, &mut pages, &mut job).await {
                Ok(wait) => wait,
                Err(error) => {
                    let (system, document) = (&self.system, &self.name);
                    tracing::warn!(%error, %system, %document, "a page is not stored yet");
                    LOOK
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return End::Cut,
                () = self.lease.lost() => return End::Cut,
                () = self.parts.clock.sleep(wait.min(LOOK)) => {}
            }
        }
        End::Cut
    }

    /// One page, if one is due; how long to wait for the next.
    async fn step(
        &self,
        trouble: &mut Trouble,
        pages: &mut u32,
        job: &mut Option<Job>,
    ) -> Result<Duration, StoreError> {
        let bundle = self.intake.bundle();
        let Some((intake, poll)) = self.of(&bundle) else { return Ok(LOOK) };
        let now = self.parts.clock.now();
        let left = job.take_if(|job| !job.lasts(&bundle.hash, now));
        if left.is_some_and(|job| job.is_late(now)) {
            return Ok(self.failed(trouble, &job::too_long()));
        }
        let cursor = self.parts.store.cursor(&self.system, &self.name).await?;
        let mut cursor = cursor.unwrap_or_else(|| self.beginning());
        if trouble.begin {
            cursor = Cursor { from: None, until: None, next: None, ..cursor };
        }
        if let Some(good_at) = cursor.good_at {
            self.intake.heard_at(&self.system, good_at);
        }
        let window = match (job.as_ref(), cursor.until) {
            (Some(job), _) => job.window,
            (None, Some(until)) => Window { from: cursor.from, until },
            (None, None) => {
                let at = cursor.since.map_or(now, |since| due(poll, since));
                if at > now && !trouble.behind {
                    return Ok(until(now, at));
                }
                *pages = 0;
                *self.recent() = Recent::default();
                window(poll, cursor.since, now)
            }
        };
        let eased = self.parts.deliverer.eased(&self.system);
        if let Some(at) = trouble.until.filter(|at| *at > now && trouble.eased == eased) {
            return Ok(until(now, at));
        }
        let rests = job.as_ref().and_then(|job| job.rests(now));
        let shut = || self.parts.deliverer.shut_for(&self.system, &poll.operation);
        if let Some(wait) = rests.or_else(shut) {
            return Ok(wait);
        }
        let turn = Turn::read(cursor.next.as_deref());
        let question = Question {
            operation: &poll.operation,
            args: arguments(intake, window, turn.at()),
            fields: &poll.fields,
            attempts: trouble.attempts,
        };
        // `eased` before the question: what is eased while it is asked counts for it.
        let asked = match self.ask(question, (window, &bundle.hash), job).await {
            Ok(asked) => asked,
            Err(wait) => return Ok(wait),
        };
        if self.of(&self.intake.bundle()).is_none() {
            // Nobody would know what the page says; where the cursor stands, it is asked for again one day.
            return Ok(Duration::ZERO);
        }
        *pages += 1;
        let (more, slides) = (goes_on(poll, window), poll.slides);
        let page = Page { cursor, turn, window, more, slides };
        self.answered(asked, page, (trouble, *pages, eased)).await
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was answered; else how long to wait: the poll ends, or the system works on it still.
    async fn ask(
        &self,
        question: Question<'_>,
        (window, bundle): (Window, &Arc<str>),
        job: &mut Option<Job>,
    ) -> Result<Asked, Duration> {
        let asked_at = self.parts.clock.now();
        let (began, memo) = job.take().map(Job::into_parts).unzip();
        let worked = tokio::select! {
            () = self.stop.cancelled() => return Err(LOOK),
            () = self.lease.lost() => return Err(LOOK),
            worked = self.parts.deliverer.work(&self.system, question, memo) => worked,
        };
        let now = self.parts.clock.now();
        let from = |memo: Box<Memo>, began, every| {
            Some(Job::new(*memo, window, bundle, (began, now, every)))
        };
        match worked {
            Worked::Waits(memo, every) => {
                *job = from(memo, began.unwrap_or(asked_at), every);
                Err(every)
            }
            Worked::Again(memo, asked) => {
                // What nothing was waited for begins anew, as ever.
                *job = began.and_then(|began| from(memo, began, Duration::ZERO));
                Ok(asked)
            }
            Worked::Ended(asked) => Ok(asked),
        }
    }

    fn of<'b>(&self, bundle: &'b bundle::Bundle) -> Option<(&'b bundle::Intake, &'b bundle::Poll)> {
        let intakes = &bundle.system(&self.system)?.intakes;
        let mut polls =
            intakes.iter().filter_map(|intake| Some((intake, &**intake.poll.as_ref()?)));
        polls.find(|(_, poll)| poll.name == self.name)
    }

    fn beginning(&self) -> Cursor {
        Cursor {
            system: self.system.clone(),
            document: self.name.clone(),
            since: None,
            from: None,
            until: None,
            next: None,
            good_at: None,
        }
    }

    async fn answered(
        &self,
        asked: Asked,
        at: Page,
        (trouble, pages, eased): (&mut Trouble, u32, u64),
    ) -> Result<Duration, StoreError> {
        let why = match asked {
            Asked::Answer(reply) => match self.page(*reply, at, (trouble, pages)).await? {
                Ok(wait) => return Ok(wait),
                Err(why) => why.to_owned(),
            },
            Asked::Again { at, spent, why } => {
                trouble.attempts = trouble.attempts.saturating_add(u32::from(spent));
                trouble.until = Some(at);
                trouble.eased = eased;
                self.warn(&why);
                return Ok(until(self.parts.clock.now(), at));
            }
            Asked::No { why, .. } | Asked::GivenUp(why) => why,
        };
        trouble.eased = eased;
        Ok(self.failed(trouble, &why))
    }

    /// The listing begins anew later; how long to wait for that.
    fn failed(&self, trouble: &mut Trouble, why: &str) -> Duration {
        self.warn(why);
        let wait = AFTER_FAILURE.saturating_mul(1 << trouble.failures.min(10)).min(LONGEST_WAIT);
        *trouble = Trouble {
            attempts: 0,
            failures: trouble.failures.saturating_add(1),
            until: Some(later(self.parts.clock.now(), wait)),
            eased: trouble.eased,
            begin: true,
            behind: trouble.behind,
            page: None,
            unconfirmed: trouble.unconfirmed,
        };
        wait
    }

    /// Stores a page and confirms it; how long to wait for the next, or why the listing cannot go on with it.
    async fn page(
        &self,
        mut reply: Reply,
        Page { cursor, turn, window, more, slides }: Page,
        (trouble, pages): (&mut Trouble, u32),
    ) -> Result<Result<Duration, &'static str>, StoreError> {
        if reply.document.is_some() {
            return Ok(Err(ONE_DOCUMENT));
        }
        let next = reply.next.take();
        let mut page = hash(&reply.documents);
        match turn {
            Turn::Page { .. } => {
                // The first of a listing may be as the last of another was.
                if turn.at().is_some() && page.is_some() && page == trouble.page {
                    return Ok(Err(SAME_PAGE));
                }
                if next.is_some() && (next.as_ref() == turn.at() || pages >= MOST_PAGES) {
                    return Ok(Err(NO_END));
                }
            }
            Turn::Back { .. } => page = trouble.page,
        }
        let read = self.read(&turn, std::mem::take(&mut reply.documents));
        match read {
            Ok(documents) => reply.documents = documents,
            Err(_) if trouble.failures < AGAIN => return Ok(Err(SLID)),
            Err(documents) => reply.documents = documents,
        }
        let next = turn.next(next, slides).map(|turn| turn.kept());
        let to = moved(&cursor, (window, more), next, self.parts.clock.now());
        let goes_on = more || to.next.is_some();
        // A queue that gives what it gave before has nothing else now.
        let again = reply.again && page != trouble.page;
        let behind = again || more && to.next.is_none();
        let ack = reply.ack.clone();
        let documents = tokio::select! {
            () = self.stop.cancelled() => return Ok(Ok(LOOK)),
            () = self.lease.lost() => return Ok(Ok(LOOK)),
            lacking = self.lacking(reply.documents) => lacking?,
        };
        self.store(&documents, to).await?;
        let Trouble { failures, unconfirmed, .. } = *trouble;
        // A listing that has not come to its end may fail there again.
        let failures = if goes_on { failures } else { 0 };
        *trouble = Trouble { failures, behind, page, unconfirmed, ..Trouble::default() };
        if let Some(ack) = ack {
            let about = (&self.system, &*self.name);
            let ends = (&self.stop, &self.lease);
            let confirmed = trouble.unconfirmed.confirm(&self.parts, about, &ack, ends).await;
            // It keeps that, and gives it again.
            trouble.behind &= confirmed || !again;
        }
        Ok(Ok(if goes_on || trouble.behind { Duration::ZERO } else { LOOK }))
    }

    /// What of a page is to be taken in; an error, with all of it: more moved than a page holds.
    fn read(&self, turn: &Turn, documents: Vec<Bytes>) -> Result<Vec<Bytes>, Vec<Bytes>> {
        let mut recent = self.recent();
        match turn {
            Turn::Page { .. } => {
                recent.page(&documents);
                Ok(documents)
            }
            Turn::Back { .. } => recent.back(documents.clone()).ok_or(documents),
        }
    }

    fn warn(&self, why: &str) {
        let (system, document) = (&self.system, &self.name);
        metrics::counter!("orderhub_polls_failed_total", "system" => system.to_string())
            .increment(1);
        tracing::warn!(%system, %document, why, "a poll did not go on; nothing is passed over");
    }

    /// The documents of a page but those that the hub has, where it asks for others only.
    async fn lacking(&self, documents: Vec<Bytes>) -> Result<Vec<Bytes>, StoreError> {
        let bundle = self.intake.bundle();
        let intake = self.of(&bundle).map(|(intake, _)| intake);
        match bundle.system(&self.system).zip(intake) {
            Some(about) => had::lacking(&*self.parts.store, about, documents).await,
            None => Ok(documents),
        }
    }

    /// Stores a page; the cursor moves with the last of it. What names nothing to fetch is a message of its own.
    ///
    /// **Invariant:** what is no hint of ours parks nothing that came beside it. Test:
    /// `a_message_that_is_no_notice_of_ours_parks_none_beside_it`.
    async fn store(&self, documents: &[Bytes], to: Cursor) -> Result<(), StoreError> {
        let bundle = self.intake.bundle();
        let hints = self.of(&bundle).is_some_and(|(intake, _)| intake.fetch.is_some());
        let alone = |document: &Bytes| hints && !bundle.is_hint(&self.envelope(one(document)));
        let mut messages = split(documents, alone);
        let last = messages.pop().unwrap_or_else(|| Bytes::from_static(b"[]"));
        for body in messages {
            self.intake.take_with(self.envelope(body), Beside::default(), None).await?;
        }
        let beside = Beside { cursor: Some(to), ..Beside::default() };
        self.intake.take_with(self.envelope(last), beside, None).await.map(drop)
    }

    fn envelope(&self, body: Bytes) -> Envelope {
        Envelope {
            source: POLL.into(),
            system: self.system.clone(),
            document: (*self.name).into(),
            // Revision and content decide: what was listed twice says nothing new.
            message_id: None,
            body,
            headers: Vec::new(),
            received: self.parts.clock.now(),
            suspect: false,
        }
    }
}
