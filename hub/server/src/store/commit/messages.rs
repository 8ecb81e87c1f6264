//! One message through the working set: what its gates and its id decide, then its documents, then its row.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use orderhub_mapping::MapError;
use orderhub_order::fold::{Facts, TodoItem, TodoKind};

use super::Seen;
use super::plan::{Document, Item, Prepared, Sequence};
use super::working_set::{Row, WorkingSet};
use super::writes::{PendingWrite, Stands, TodoWrite, WaitKey};
use crate::apply::{Beside, DocumentOutcome, FetchDone, FetchWant, MessageUnit, UnitOutcome, Word};
use crate::bundle::{FETCH, POLL};
use crate::causes;

/// Where a document comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    /// Its message.
    pub(super) head: &'a MessageUnit,
    /// The first row of its message: what changes name as their cause, and what a re-drive reads.
    pub(super) first: i64,
    /// Its position in the message.
    pub(super) document: u32,
}

impl By<'_> {
    /// The hub asked its system for it: it is what that says now.
    pub(super) fn asked(&self) -> bool {
        [POLL, FETCH].contains(&&*self.head.envelope.source)
    }

    /// What the fold is told besides the document.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            actor: format!("system:{}", self.head.envelope.system).into(),
            cause: format!("message:{}", self.first).into(),
            received: Some(self.head.envelope.received),
            sequence: self.first,
            ..Facts::default()
        }
    }
}

impl<'a> WorkingSet<'a> {
    /// Takes one unit; its outcome stands once the batch is committed.
    ///
    /// # Errors
    ///
    /// Why the unit cannot be taken: then this working set is spoilt, and the unit is to be stored raw.
    pub(super) fn take(
        &mut self,
        work: &'a mut Prepared,
        sequence: Sequence,
    ) -> Result<UnitOutcome, &'static str> {
        let condemned = work.condemned;
        let (working_set, item) = (self, &mut work.item);
        // A panic may leave this working set half changed, and no one looks at it again.
        let taken = catch_unwind(AssertUnwindSafe(move || {
            // Moved, not borrowed anew: the rows that will be written borrow from it.
            let item = item;
            working_set.take_item(item, sequence, condemned)
        }));
        taken.map_err(|_| "the program failed on it: a fault to report")
    }

    fn take_item(
        &mut self,
        item: &'a mut Item,
        sequence: Sequence,
        condemned: Option<&'static str>,
    ) -> UnitOutcome {
        match item {
            Item::Order(unit) => self.take_order(unit, condemned),
            Item::Message(head, documents) => {
                self.take_message(head, documents, sequence, condemned)
            }
        }
    }

    fn take_message(
        &mut self,
        head: &'a MessageUnit,
        documents: &mut [Document],
        sequence: Sequence,
        condemned: Option<&'static str>,
    ) -> UnitOutcome {
        let first = head.redrive.map_or(sequence.row, |redrive| redrive.first);
        let by = By { head, first, document: 0 };
        self.beside(&head.beside);
        let whole = match sequence.seen {
            Seen::Duplicate(row) => {
                let outcomes = vec![word(Word::Duplicate, None)];
                self.count(head, &outcomes);
                return UnitOutcome {
                    documents: outcomes,
                    message: Some(row),
                    reserved: Vec::new(),
                    left: Vec::new(),
                    commit: None,
                };
            }
            Seen::Reused(row) => Some(self.reused(by, row)),
            Seen::New => self.whole(by, documents, condemned),
        };
        if whole.is_none() {
            self.wants(&head.beside.wants);
        }
        let outcomes = match whole {
            Some(outcome) => vec![outcome],
            None => self.documents(head, first, documents),
        };
        self.count(head, &outcomes);
        let message = self.row(head, sequence.row, first, &outcomes);
        let (reserved, left) = self.take_handed();
        UnitOutcome { documents: outcomes, message, reserved, left, commit: None }
    }

    /// What decides about the message as a whole, before any document.
    fn whole(
        &mut self,
        by: By<'_>,
        documents: &[Document],
        condemned: Option<&'static str>,
    ) -> Option<DocumentOutcome> {
        let head = by.head;
        if let Some(why) = condemned {
            return Some(self.park(by, None, causes::FAULT.word, why.to_owned(), None));
        }
        if let Some((cause, why)) = &head.refused {
            return Some(self.park(by, None, cause, why.clone(), None));
        }
        if head.skipped {
            let envelope = &head.envelope;
            let system = self.context.rules.systems.get(&envelope.system);
            let of = system.map_or(envelope.system.as_str(), |system| &system.integration);
            let why = format!("no intake of `{of}` takes the document `{}`", envelope.document);
            return Some(word(Word::Skipped, Some(why)));
        }
        if head.envelope.suspect && head.redrive.is_none() {
            let now = self.now();
            self.wait(by.first, None, "suspect", Some(now), Vec::new());
            return Some(word(Word::Stored, None));
        }
        if documents.is_empty() && head.beside.cursor.is_some() && head.beside.wants.is_empty() {
            // An empty page: nothing is kept of it but that it was read.
            return Some(word(Word::Unchanged, None));
        }
        let nothing = documents.is_empty() && head.beside.wants.is_empty();
        nothing.then(|| word(Word::Skipped, None))
    }

    /// Hints to fetch, each counted.
    fn wants(&mut self, wants: &[FetchWant]) {
        for want in wants {
            let write = self.fetches.entry(want.key.clone()).or_default();
            write.backfill = want.backfill && (write.backfill || write.wanted == 0);
            write.wanted += 1;
            write.args.clone_from(&want.args);
        }
    }

    /// What a message does whatever becomes of its documents: a fetch is answered, and a page read, also by
    /// what nobody can map. Once more, it changes nothing.
    fn beside(&mut self, beside: &Beside) {
        if let Some(FetchDone { key, n }) = &beside.done {
            let write = self.fetches.entry(key.clone()).or_default();
            write.done = write.done.max(*n);
        }
        if let Some(cursor) = &beside.cursor {
            let key = (cursor.system.clone(), cursor.document.clone());
            self.cursors.insert(key, cursor.clone());
        }
    }

    fn documents(
        &mut self,
        head: &'a MessageUnit,
        first: i64,
        documents: &mut [Document],
    ) -> Vec<DocumentOutcome> {
        if documents.is_empty() {
            return vec![word(Word::Noticed, None)];
        }
        let mut outcomes = Vec::with_capacity(documents.len());
        for (position, document) in (0..).zip(documents) {
            let by = By { head, first, document: position };
            let outcome = match document {
                Document::Skipped => word(Word::Skipped, None),
                Document::Failed(error) => match self.looks_up(by, error) {
                    Some(waits) => waits,
                    None => self.unmapped(by, error),
                },
                Document::Said(act, keys) => {
                    let said = self.said(act, keys, by);
                    if said.outcome == Word::Applied && head.recorded.again.contains(&position) {
                        let now = self.now();
                        self.wait(by.first, Some(position), "waiting", Some(now), Vec::new());
                    }
                    said
                }
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Nobody can map it: for a person.
    fn unmapped(&mut self, by: By<'_>, error: &MapError) -> DocumentOutcome {
        let place = error.place.as_deref().into_iter().chain([&*error.path]);
        let place: Vec<&str> = place.filter(|part| !part.is_empty()).collect();
        let place = Some(place.join(": ")).filter(|place| !place.is_empty());
        let rule = error.rule.as_ref().map(|rule| format!("rule: {rule}"));
        let around = [rule, place.map(|place| format!("in the document: {place}"))];
        let why = match around.into_iter().flatten().collect::<Vec<_>>().join("; ") {
            around if around.is_empty() => error.why.clone(),
            around => format!("{} ({around})", error.why),
        };
        let digest = || error.digest.map(|digest| format!("bytes:{}", hex::encode(digest)));
        let known = error.key.clone().or_else(digest);
        self.park(by, Some(by.document), error.cause, why, known.as_deref())
    }

    /// A known id with another body: a fault of the sender, shown and not applied.
    fn reused(&mut self, by: By<'_>, row: i64) -> DocumentOutcome {
        let why = format!("its id was used before, by message {row}, with another body");
        let item = self.item(TodoKind::Finding, causes::REUSED_ID.word, by, why.clone());
        let message = Some((by.first, None));
        let (order, document) = (None, None);
        self.todos.push(TodoWrite { item, order, message, document, stands: Stands::Beside });
        word(Word::Todo, Some(why))
    }

    /// Stored raw, for a person. With a key, a later document of it supersedes; one whose key cannot be read is known by
    /// its bytes.
    pub(super) fn park(
        &mut self,
        by: By<'_>,
        document: Option<u32>,
        cause: &str,
        why: String,
        key: Option<&str>,
    ) -> DocumentOutcome {
        let kind = by.head.beside.shown_as.unwrap_or(TodoKind::Parked);
        let item = self.item(kind, cause, by, why.clone());
        let kind = &by.head.envelope.document;
        if let Some(key) = key {
            let system = by.head.envelope.system.clone();
            self.parked.insert((system, (**kind).into(), key.into()));
        }
        let stands = match (by.head.redrive, key) {
            (Some(_), _) => Stands::Again,
            (None, Some(_)) if by.asked() => Stands::Instead,
            (None, _) => Stands::Beside,
        };
        let todo = TodoWrite {
            item,
            order: None,
            message: Some((by.first, document)),
            document: key.map(|key| (std::sync::Arc::clone(kind), key.into())),
            stands,
        };
        if stands == Stands::Instead {
            // One batch may hold several answers: the last counts.
            self.todos.retain(|earlier| !earlier.gives_way_to(&todo));
        }
        self.todos.push(todo);
        word(Word::Todo, Some(why))
    }

    pub(super) fn item(&self, kind: TodoKind, cause: &str, by: By<'_>, why: String) -> TodoItem {
        TodoItem {
            kind,
            cause: cause.into(),
            system: Some(by.head.envelope.system.clone()),
            why,
            about: None,
        }
    }

    /// Drives a document again later: when due, or when one of the keys comes.
    pub(super) fn wait(
        &mut self,
        message: i64,
        document: Option<u32>,
        why: &'static str,
        due: Option<Timestamp>,
        keys: Vec<WaitKey>,
    ) {
        let since = self.now();
        let (asks, holds, instead) = (None, None, None);
        let write = PendingWrite { message, document, why, since, due, asks, holds, keys, instead };
        self.pending.push(write);
    }

    /// Of a document that is driven again its end counts, not that it waits on, and nothing of its neighbours.
    fn count(&mut self, head: &MessageUnit, outcomes: &[DocumentOutcome]) {
        let alone = head.redrive.and_then(|redrive| redrive.document);
        let own = |position: usize| match alone {
            Some(at) if outcomes.len() > 1 => usize::try_from(at).is_ok_and(|at| at == position),
            Some(_) | None => true,
        };
        let waits = |outcome: &DocumentOutcome| alone.is_some() && outcome.outcome == Word::Waiting;
        let counted = outcomes.iter().enumerate();
        let counted = counted.filter(|(position, outcome)| own(*position) && !waits(outcome));
        for (_, outcome) in counted {
            let envelope = &head.envelope;
            let document = std::sync::Arc::clone(&envelope.document);
            let key = (envelope.system.clone(), document, outcome.outcome);
            *self.counts.entry(key).or_default() += 1;
        }
    }

    /// Notes the message's row. What said nothing new leaves only its id; a drive that waits again
    /// leaves its pending row.
    fn row(
        &mut self,
        head: &'a MessageUnit,
        id: i64,
        first: i64,
        outcomes: &[DocumentOutcome],
    ) -> Option<i64> {
        let told = outcomes.iter().max_by_key(|outcome| weight(outcome.outcome))?;
        if let Some(redrive) = head.redrive {
            let own = |p: &PendingWrite| (p.message, p.document) == (first, redrive.document);
            if self.pending.iter().any(own) {
                return Some(first);
            }
            self.driven.push((first, redrive.document));
        } else if told.outcome == Word::Unchanged {
            // Unless somebody is told of it: then they want to see it.
            let is_shown =
                |todo: &TodoWrite| todo.message.is_some_and(|(message, _)| message == id);
            if !self.todos.iter().any(is_shown) {
                return None;
            }
        }
        self.messages.push(Row {
            id,
            first: head.redrive.map(|_| first),
            envelope: &head.envelope,
            bundle: &head.bundle,
            recorded: &head.recorded,
            outcome: told.outcome,
            why: told.why.clone().unwrap_or_default(),
        });
        Some(id)
    }
}

/// The outcome that stands for a message of several documents: what needs a person first.
fn weight(word: Word) -> u8 {
    match word {
        Word::Duplicate => 0,
        Word::Skipped => 1,
        Word::Unchanged => 2,
        Word::Noticed => 3,
        Word::Stale => 4,
        Word::Applied => 5,
        Word::Stored => 6,
        Word::Waiting => 7,
        Word::Todo => 8,
    }
}

pub(super) fn word(outcome: Word, why: Option<String>) -> DocumentOutcome {
    DocumentOutcome { order: None, outcome, folded: None, why, passed: 0 }
}
