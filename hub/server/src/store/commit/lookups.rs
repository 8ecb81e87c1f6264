//! Documents that lack what they look up: what each waits for, and until when.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use orderhub_mapping::MapError;
use orderhub_mapping::facts::{LookupKey, LookupOf};
use orderhub_order::ids::SystemName;

use super::messages::{By, word};
use super::working_set::WorkingSet;
use super::writes::{LET_GO, PendingWrite, WaitKey};
use crate::apply::{DocumentOutcome, Word};
use crate::intake::reference;

/// A read that was not answered is asked again after a quarter of the time that its document waits for it, but after so
/// long, at the earliest and at the latest.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(2);
const ASK_LATEST: SignedDuration = SignedDuration::from_mins(10);
/// The cause of a document whose look-ups nobody asked for.
const NOT_ASKED: &str = "lookup_waits";
const TOO_MANY: &str =
    "one document looks up more than is looked up for a message: let it be divided";
const TOO_DEEP: &str = "what it looks up needs what others give, and so on, deeper than is looked up for a message: let the \
     rules need less of one another";

/// How a document waits for what it looks up.
struct Lacking<'e> {
    error: &'e MapError,
    /// `waiting`, `reading`.
    why: &'static str,
    due: Option<Timestamp>,
    asks: Option<SystemName>,
    keys: Vec<WaitKey>,
}

impl WorkingSet<'_> {
    /// It looks up what is not known yet: it waits for that, as a document waits for its order, and holds up none beside
    /// it. What was not even asked for, because there was too much in its message, is driven alone.
    pub(super) fn looks_up(&mut self, by: By<'_>, error: &MapError) -> Option<DocumentOutcome> {
        let (known, now) = (&by.head.recorded.lacks, self.now());
        let lacks = || error.lacks.keys.iter().filter(|key| known.contains_key(*key));
        let waits = |due, keys| Lacking { error, why: "waiting", due, asks: None, keys };
        let Some(first) = lacks().next() else {
            let among = by.head.redrive.is_none_or(|redrive| redrive.document.is_none());
            if error.lacks.keys.is_empty() || error.cause != NOT_ASKED {
                return None;
            }
            if !among {
                let why = if by.head.recorded.deep { TOO_DEEP } else { TOO_MANY };
                let key = error.key.as_deref();
                return Some(self.park(by, Some(by.document), NOT_ASKED, why.to_owned(), key));
            }
            let why = "its message looks up too much at once; it is driven alone".to_owned();
            return Some(self.lacks(by, waits(Some(now), Vec::new()), why));
        };
        let reads = || lacks().filter(|key| key.of == LookupOf::Read);
        if let Some(read) = reads().next() {
            let no_answer = known.get(read).map(String::as_str).unwrap_or_default();
            let system = &by.head.envelope.system;
            let why =
                format!("it waits for an answer of `{system}` (read `{}`): {no_answer}", read.name);
            let reads: BTreeSet<&str> = reads().map(|read| &*read.name).collect();
            return Some(self.lacks(by, self.unanswered(by, error, &reads), why));
        }
        let why = format!("it looks up the {} `{}`, which is not known yet", first.name, first.id);
        let key = |key: &LookupKey| WaitKey::reference(&reference(&by.head.envelope.system, key));
        let files = WaitKey::files(&by.head.bundle);
        let keys = lacks().map(key).chain([files]).collect();
        Some(self.lacks(by, waits(None, keys), why))
    }

    /// Its system is asked at once by who waits for it, and again, the later the longer the document waits; once it
    /// answers, or other files are in use, at once.
    fn unanswered<'e>(
        &self,
        by: By<'_>,
        error: &'e MapError,
        reads: &BTreeSet<&str>,
    ) -> Lacking<'e> {
        let (now, system) = (self.now(), by.head.envelope.system.clone());
        let due = by.head.recorded.asking.map_or(now, |since| {
            let wait = (now.duration_since(since) / 4).clamp(ASK_AGAIN, ASK_LATEST);
            now.saturating_add(wait).unwrap_or(now)
        });
        let keys = reads.iter().map(|read| WaitKey::read(&system, read));
        let keys = keys.chain([WaitKey::files(&by.head.bundle)]).collect();
        Lacking { error, why: "reading", due: Some(due), asks: Some(system), keys }
    }

    /// It waits, and later facts of its key behind it, as far as that is known.
    ///
    /// **Invariant:** facts that come while a document of their order waits for what it looks up are taken in after it.
    /// Test: `facts_wait_behind_a_document_that_waits_for_a_look_up`.
    fn lacks(&mut self, by: By<'_>, lacking: Lacking<'_>, why: String) -> DocumentOutcome {
        let Lacking { error, why: waits, due, asks, mut keys } = lacking;
        let envelope = &by.head.envelope;
        let about = error.key.as_deref().and_then(|key| WaitKey::about(&envelope.system, key));
        let let_go = by.head.redrive.is_some_and(|redrive| redrive.let_go);
        let holds = about.as_ref().map(|about| {
            if let_go {
                return LET_GO.into();
            }
            let key = (envelope.system.clone(), (*envelope.document).into(), about.ext_id.clone());
            self.parked.insert(key);
            std::sync::Arc::clone(&envelope.document)
        });
        keys.extend(about);
        self.pending.push(PendingWrite {
            message: by.first,
            document: Some(by.document),
            why: waits,
            since: self.now(),
            due,
            asks,
            holds,
            keys,
            instead: None,
        });
        word(Word::Waiting, Some(why))
    }
}
