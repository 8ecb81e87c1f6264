//! What the mappings of a message look up, found out before it is mapped: mapping itself asks nobody.
//!
//! **Invariant:** what is looked up is asked for once for a message, however many of its lines name it, and is kept
//! with the message. Tests: `what_is_looked_up_is_recorded_and_what_is_unknown_is_waited_for`,
//! `what_many_lines_name_is_asked_for_once_and_no_message_asks_for_more_than_it_may`.
//! **Invariant:** a document whose cached read is not answered waits and is asked for again; what the system knows nothing
//! of is unknown, and `on_unknown` says what becomes of it. Test: `a_read_that_is_not_answered_is_waited_for`.
//!
//! Bounds: reads of one message end within [`WITHIN`]; [`ROUNDS`] questions to the store, where one look-up needs what another gives; [`MOST`] look-ups of a message
//! in all of them. Of a message of several documents, those whose look-ups are beyond are driven alone
//! afterwards, for which theirs alone are found out; one document that looks up more is a todo. [`AT_ONCE`] reads are
//! asked at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orderhub_lang::path::Path;
use orderhub_lang::value::Value;
use orderhub_mapping::facts::{LookupKey, LookupOf};
use orderhub_order::ids::SystemName;
use tokio::time::Instant;

use super::Envelope;
use super::references::{MOST, ROUNDS, answer};
use crate::bundle::{Bundle, Kept};
use crate::deliver::{Deliverer, ReadError};
use crate::resilience::stale::{Answered, Fresh, Stale};
use crate::store::{Store, StoreError};

/// Cached reads that are asked for together.
const AT_ONCE: usize = 8;
/// Longest time of the reads of one message: what is behind it in its queue waits for them.
const WITHIN: Duration = Duration::from_secs(5);

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// What references are bound to.
    pub(crate) store: &'a dyn Store,
    /// Cached reads; `None`: nobody answers them.
    pub(crate) deliverer: Option<&'a Deliverer>,
}

/// What was found out for a message.
#[derive(Debug)]
pub(crate) struct Looks {
    /// To be kept with it.
    pub(crate) kept: Kept,
    /// What is not known and is waited for; of reads, why there is no answer.
    pub(crate) lacks: BTreeMap<LookupKey, String>,
}

/// Finds it out; `None`: its mappings look nothing up. `only`: for the document that is driven alone.
pub(crate) async fn find_out(
    sources: Sources<'_>,
    bundle: &Bundle,
    envelope: &Envelope,
    only: Option<u32>,
) -> Result<Option<Looks>, StoreError> {
    if !bundle.looks_up(envelope) {
        return Ok(None);
    }
    let mut looks = Looks { kept: bundle.kept(envelope), lacks: BTreeMap::new() };
    let mut room = MOST;
    for _ in 0..ROUNDS {
        let mut wants = bundle.wants(envelope, &looks.kept, only);
        wants.retain(|want| !looks.lacks.contains_key(want));
        wants.truncate(room);
        if wants.is_empty() {
            break;
        }
        room -= wants.len();
        let (reads, references): (Vec<_>, Vec<_>) =
            wants.into_iter().partition(|want| want.of == LookupOf::Read);
        let mut store = sources.store;
        answer(&mut store, &envelope.system, &references, &mut looks).await?;
        read(sources.deliverer, bundle, envelope, &reads, &mut looks).await;
    }
    Ok(Some(looks))
}

/// Asks each read once, whatever is taken of its answer.
async fn read(
    deliverer: Option<&Deliverer>,
    bundle: &Bundle,
    envelope: &Envelope,
    wants: &[LookupKey],
    looks: &mut Looks,
) {
    let mut questions: BTreeMap<(&str, &str), Vec<&LookupKey>> = BTreeMap::new();
    for want in wants {
        questions.entry((&want.name, &want.id)).or_default().push(want);
    }
    let until = Instant::now() + WITHIN;
    // As a list: what is borrowed lives as long as all questions.
    let asked: Vec<_> = questions
        .keys()
        .map(|question| ask(deliverer, bundle, &envelope.system, *question, until))
        .collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    for (wants, answer) in questions.values().zip(answers) {
        for want in wants {
            match &answer {
                Ok(answer) => looks.kept.learn(want, value_at(answer, &want.take)),
                Err(why) => {
                    looks.lacks.insert((*want).clone(), why.clone());
                }
            }
        }
    }
}

/// One read; why there is no answer.
async fn ask(
    deliverer: Option<&Deliverer>,
    bundle: &Bundle,
    system: &SystemName,
    (name, id): (&str, &str),
    until: Instant,
) -> Result<Value, String> {
    let deliverer = deliverer.ok_or("systems are not asked here")?;
    let arg = bundle.read_of(system, name).and_then(|read| read.args.first());
    let args = arg.map(|arg| (arg.to_string(), id.to_owned())).into_iter().collect();
    let asked = tokio::time::timeout_at(until, deliverer.read(system, name, &args)).await;
    match asked.map_err(|_| format!("no answer within {} s", WITHIN.as_secs()))? {
        Ok(Answered::Fresh(Fresh { value, .. }) | Answered::Stale(Stale { value, .. })) => {
            Value::from_json(&value).map_err(|_| "its answer is no JSON".to_owned())
        }
        Err(ReadError::Absent(_)) => Ok(Value::Null),
        Err(error) => Err(error.to_string()),
    }
}

/// The value of an answer at a path; `None`: it has none there.
fn value_at(answer: &Value, path: &str) -> Option<Box<str>> {
    let path = Path::parse(path).ok()?;
    path.first(answer).scalar_text().map(|text| text.as_ref().into())
}
