//! What the mappings of a message look up, found out before it is mapped: mapping itself asks nobody.
//!
//! **Invariant:** what is looked up is asked for once for a message, however many of its lines name it, and is kept
//! with the message. Tests: `what_is_looked_up_is_recorded_and_what_is_unknown_is_waited_for`,
//! `what_many_lines_name_is_asked_for_once_and_no_message_asks_for_more_than_it_may`.
//! **Invariant:** a document whose cached read is not answered waits and is asked for again, with what was answered kept
//! meanwhile; what the system knows nothing of is unknown, and `on_unknown` says what becomes of it. Tests:
//! `a_read_that_is_not_answered_is_waited_for`, `many_lines_under_a_slow_limit_end`.
//! **Invariant:** what a system says no to, or cannot be asked, is for a person at once, and nothing waits for it. Test:
//! `a_plain_no_to_a_look_up_is_a_todo_at_once`.
//!
//! Bounds: one time for all reads of a message ([`Asking`]); rounds and look-ups as [`mod@super::rounds`] bounds
//! them. Of a message of several documents, those whose
//! look-ups are beyond are driven alone afterwards, for which theirs alone are found out; one document that looks up
//! more, or deeper, is a todo. [`AT_ONCE`] reads are asked at a time.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use orderhub_lang::path::Path;
use orderhub_lang::value::Value;
use orderhub_mapping::facts::LookupKey;
use orderhub_order::ids::SystemName;

use super::Envelope;
use super::questions::{AT_ONCE, Answer, Asking, Unanswered};
use super::references::Known;
use super::rounds::{Finder, Left, rounds};
use crate::bundle::{Bundle, Kept};
use crate::store::{Store, StoreError};

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// What references are bound to.
    pub(crate) store: &'a dyn Store,
    /// Cached reads; `None`: nobody is asked now, and what looks one up waits.
    pub(crate) asking: Option<Asking<'a>>,
}

/// What was found out for a message.
#[derive(Debug)]
pub(crate) struct Looks {
    /// To be kept with it.
    pub(crate) kept: Kept,
    /// What is not known and is waited for; of reads, why there is no answer.
    pub(crate) lacks: BTreeMap<LookupKey, String>,
    /// After all rounds some look-ups were still open.
    pub(crate) deep: bool,
    /// Reads that their system answered while it was asked for this.
    pub(crate) answered: BTreeSet<Box<str>>,
}

impl Looks {
    /// Nothing besides what is known.
    pub(crate) fn with(kept: Kept) -> Self {
        Self { kept, lacks: BTreeMap::new(), deep: false, answered: BTreeSet::new() }
    }
}

/// Finds it out; `None`: its mappings look nothing up. `only`: for the document that is driven alone. `before`: what was
/// found out for it when it was driven the last time, of which reads are not asked again.
pub(crate) async fn find_out(
    sources: Sources<'_>,
    bundle: &Bundle,
    envelope: &Envelope,
    only: Option<u32>,
    before: Option<&Kept>,
) -> Result<Option<Looks>, StoreError> {
    if !bundle.looks_up(envelope) {
        return Ok(None);
    }
    let kept = bundle.kept(envelope);
    let kept = match before {
        Some(before) => kept.with_reads_of(before),
        None => kept,
    };
    let mut looks = Looks::with(kept);
    let Sources { store, asking } = sources;
    let mut live = Live { store, asking, bundle, system: &envelope.system };
    let left = rounds(&mut live, bundle, (envelope, only), &mut looks).await?;
    looks.deep = left == Left::Deep;
    Ok(Some(looks))
}

/// Asks the store, and systems.
struct Live<'a> {
    store: &'a dyn Store,
    asking: Option<Asking<'a>>,
    bundle: &'a Bundle,
    system: &'a SystemName,
}

impl Finder for Live<'_> {
    fn known(&mut self) -> &mut dyn Known {
        &mut self.store
    }

    fn read<'a>(&'a mut self, wants: &'a [LookupKey], looks: &'a mut Looks) -> BoxFuture<'a, ()> {
        read(self.asking, self.bundle, self.system, wants, looks).boxed()
    }

    fn leaves(&self, _: &LookupKey) -> bool {
        false
    }

    fn is_done(&self, _: &Looks) -> bool {
        false
    }
}

/// Asks each read once, whatever is taken of its answer.
async fn read(
    asking: Option<Asking<'_>>,
    bundle: &Bundle,
    system: &SystemName,
    wants: &[LookupKey],
    looks: &mut Looks,
) {
    let mut questions: BTreeMap<(&str, &str), Vec<&LookupKey>> = BTreeMap::new();
    for want in wants {
        questions.entry((&want.name, &want.id)).or_default().push(want);
    }
    // As a list: what is borrowed lives as long as all questions.
    let asked: Vec<_> =
        questions.keys().map(|question| ask(asking, bundle, system, *question)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (wants, answer) in questions.values().zip(answers) {
        for want in wants {
            match &answer {
                Ok(Answer { value, now }) => {
                    looks.kept.learn(want, value_at(value, &want.take));
                    if *now {
                        looks.answered.insert(want.name.clone());
                    }
                }
                Err(Unanswered::Refused(why)) => looks.kept.refuse(want, why),
                Err(Unanswered::Later(why)) => {
                    looks.lacks.insert((*want).clone(), why.clone());
                }
            }
        }
    }
}

/// One read; why there is no answer.
async fn ask(
    asking: Option<Asking<'_>>,
    bundle: &Bundle,
    system: &SystemName,
    (name, id): (&str, &str),
) -> Result<Answer, Unanswered> {
    let asking =
        asking.ok_or_else(|| Unanswered::Later("it is asked for in a moment".to_owned()))?;
    let arg = bundle.read_of(system, name).and_then(|read| read.args.first());
    let args = arg.map(|arg| (arg.to_string(), id.to_owned())).into_iter().collect();
    asking.ask(system, (name.to_owned(), args)).await
}

/// The value of an answer at a path; `None`: it has none there.
fn value_at(answer: &Value, path: &str) -> Option<Box<str>> {
    let path = Path::parse(path).ok()?;
    path.first(answer).scalar_text().map(|text| text.as_ref().into())
}
