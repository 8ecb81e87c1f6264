//! What the contract promises of each fault, held against what was seen. Pure.
//!
//! **Invariant:** a check that could not be made is no pass. Test: `what_cannot_be_tried_is_not_called_well`.

use std::time::Duration;

use orderhub_connectors::contract::Idempotency;

use super::fault::{Fault, IN_SILENCE, RETRY_AFTER};
use super::peer::{LOGIN, Sent};
use super::trial::{CANARY, Ended};
use crate::deliver::bench::Comes;

/// Times are told in milliseconds, and clocks are read one after the other.
const BLUR: Duration = Duration::from_millis(20);

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is as promised.
    Pass,
    /// It is not, and why.
    Fail(String),
    /// There is nothing to check, and why.
    None(&'static str),
}

fn fail(why: impl Into<String>) -> Mark {
    Mark::Fail(why.into())
}

/// What there is to judge.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) step: &'a str,
    pub(crate) fault: Fault,
    pub(crate) ended: &'a Ended,
    /// The same call when all goes well.
    pub(crate) well: &'a Ended,
    /// The connector sends a credential.
    pub(crate) credential: bool,
    /// Names of steps, in their order.
    pub(crate) steps: &'a [String],
}

/// Judges one fault at one step.
pub(crate) fn judge(seen: &Seen<'_>) -> Mark {
    let (ended, fault) = (seen.ended, seen.fault);
    let tells = |why: &String| why.contains(CANARY);
    if ended.whys.iter().any(tells) {
        return fail("a secret stands in what a person is told");
    }
    let Some(first) = ended.of(seen.step).next() else {
        return fail("the step was not sent");
    };
    if ended.struck.idle {
        return Mark::None("its answer says nothing that could be spoiled so");
    }
    match fault {
        Fault::None => done(seen),
        Fault::Expired => match seen.credential {
            true => all([done(seen), again(seen, first)]),
            false => Mark::None("it sends no credential"),
        },
        Fault::Revoked => match seen.credential {
            true => revoked(seen),
            false => Mark::None("it sends no credential"),
        },
        Fault::Throttled => all([done(seen), again(seen, first), waited(seen, RETRY_AFTER)]),
        Fault::ThrottledInSilence => {
            all([done(seen), again(seen, first), waited(seen, IN_SILENCE)])
        }
        Fault::Cut => all([done(seen), again(seen, first)]),
        Fault::Unavailable => doubt(seen, first, false),
        Fault::Lost | Fault::Slow => doubt(seen, first, true),
        Fault::Page | Fault::Half | Fault::Empty => garbage(seen, first, true),
        Fault::ErrorInOk if ended.comes == Comes::Refused => Mark::Pass,
        Fault::ErrorInOk => garbage(seen, first, false),
        Fault::Refusal => refused(seen),
        Fault::UnknownWord => unknown(seen),
    }
}

/// Judges a login that went wrong once.
pub(crate) fn login(ended: &Ended) -> Mark {
    if ended.whys.iter().any(|why| why.contains(CANARY)) {
        return fail("a secret stands in what a person is told");
    }
    match (ended.comes, ended.of(LOGIN).count()) {
        (Comes::Done, 2..) => Mark::Pass,
        (Comes::Done, _) => fail("it goes on without a session"),
        (Comes::Again | Comes::Credential | Comes::Doubt | Comes::Refused, _) => {
            fail(format!("the call ends as `{}`: {}", ended.class, last(ended)))
        }
    }
}

/// The first that is no pass.
fn all(marks: impl IntoIterator<Item = Mark>) -> Mark {
    marks.into_iter().find(|mark| *mark != Mark::Pass).unwrap_or(Mark::Pass)
}

fn done(seen: &Seen<'_>) -> Mark {
    if seen.ended.comes == Comes::Done {
        return Mark::Pass;
    }
    fail(format!("it ends as `{}`: {}", seen.ended.class, last(seen.ended)))
}

fn last(ended: &Ended) -> String {
    ended.whys.last().map(|why| why.chars().take(200).collect()).unwrap_or_default()
}

/// It was sent again, to the byte.
fn again(seen: &Seen<'_>, first: &Sent) -> Mark {
    // Another credential is tried within the attempt, with the request as it was.
    let Some(second) = repeats(seen, first).next() else { return fail("it is not sent again") };
    if second.built == first.built {
        return Mark::Pass;
    }
    fail("what is sent again are other bytes than the first time")
}

/// What was sent of the step for the same element after the first.
fn repeats<'s>(seen: &Seen<'s>, first: &'s Sent) -> impl Iterator<Item = &'s Sent> {
    seen.ended.of(seen.step).skip(1).filter(|sent| sent.position == first.position)
}

fn revoked(seen: &Seen<'_>) -> Mark {
    let later = seen.ended.sent.iter().skip_while(|sent| sent.step != seen.step);
    match seen.ended.comes {
        Comes::Done => fail("what was refused with 401 is taken for done"),
        Comes::Credential if later.clone().any(|sent| sent.step != seen.step) => {
            fail("another step is sent with a credential that was refused")
        }
        Comes::Credential => Mark::Pass,
        Comes::Again | Comes::Doubt | Comes::Refused => fail(format!(
            "401 is taken for `{}`: the hub would go on with a credential that is refused, or give up",
            seen.ended.class
        )),
    }
}

/// It was not sent again before it may be.
fn waited(seen: &Seen<'_>, least: Duration) -> Mark {
    let mut sent = seen.ended.of(seen.step);
    let (Some(first), Some(second)) = (sent.next(), sent.next()) else {
        return fail("it is not sent again");
    };
    let between = if first.attempt == second.attempt {
        second.at.duration_since(first.at)
    } else {
        seen.ended.until_next(first).unwrap_or_default()
    };
    if between + BLUR >= least {
        return Mark::Pass;
    }
    fail(format!("it is sent again after {} ms of {}", between.as_millis(), least.as_millis()))
}

/// Nobody knows whether the first request took effect; `acted`: it did.
fn doubt(seen: &Seen<'_>, first: &Sent, acted: bool) -> Mark {
    let behind = seen.ended.sent.iter().skip_while(|sent| sent.step != seen.step).skip(1);
    let next = behind.clone().next();
    match &first.idempotency {
        Idempotency::Safe => all([done(seen), again(seen, first)]),
        Idempotency::Unsafe if seen.ended.of(seen.step).count() > 1 => {
            fail("it is sent again although nobody knows whether it was done")
        }
        Idempotency::Unsafe if seen.ended.comes == Comes::Doubt => Mark::Pass,
        Idempotency::Unsafe => fail("no person is shown that it may be done"),
        Idempotency::FindFirst { step, settles } => {
            let looks = seen.steps.get(usize::try_from(*step).unwrap_or(usize::MAX));
            let looked = next.is_some_and(|next| {
                looks.is_none_or(|looks| next.step == *looks) && next.step != seen.step
            });
            if !looked {
                return fail("it is sent again, or given up, before it is looked for");
            }
            let waited = seen.ended.until_next(first).unwrap_or_default();
            if waited + BLUR < *settles {
                return fail(format!(
                    "it is looked for after {} s; the system may act for {} s",
                    waited.as_secs(),
                    settles.as_secs()
                ));
            }
            let second = repeats(seen, first).next();
            let repeated = second.is_some();
            let changed = second.filter(|second| second.built != first.built);
            if !first.conditional && changed.is_some() {
                return fail("what is sent again are other bytes than the first time");
            }
            if acted && repeated && !first.conditional {
                return fail("what the look finds does not keep it from being sent a second time");
            }
            done(seen)
        }
    }
}

/// What came is no answer. One that is taken for well must change nothing of what is kept.
fn garbage(seen: &Seen<'_>, first: &Sent, acted: bool) -> Mark {
    let ended = seen.ended;
    if !ended.struck.taken {
        return doubt(seen, first, acted);
    }
    match ended.comes {
        // A person sees that it may be there, or that the call could not go on.
        Comes::Doubt | Comes::Refused => Mark::Pass,
        Comes::Done => {
            let kept = |ended: &Ended| {
                (ended.memo.saved.clone(), ended.reply.clone().map(|reply| reply.xrefs))
            };
            if kept(ended) == kept(seen.well) {
                return Mark::None("nothing of its answer is kept");
            }
            fail("it is taken for an answer, and what is kept is not what is there")
        }
        Comes::Again | Comes::Credential => fail(format!("it ends as `{}`", ended.class)),
    }
}

fn refused(seen: &Seen<'_>) -> Mark {
    let (times, expected) = (seen.ended.of(seen.step).count(), 1);
    match seen.ended.comes {
        Comes::Refused if times == expected => Mark::Pass,
        Comes::Refused => fail("what was refused is sent again"),
        Comes::Done if seen.ended.struck.taken => {
            Mark::None("it takes status 422 for well, by its own rule")
        }
        Comes::Done | Comes::Again | Comes::Credential | Comes::Doubt => {
            fail(format!("status 422 ends as `{}`: {}", seen.ended.class, last(seen.ended)))
        }
    }
}

/// Nothing is written because of a word that nobody knows.
fn unknown(seen: &Seen<'_>) -> Mark {
    let writes = |sent: &&Sent| sent.idempotency != Idempotency::Safe;
    let known: Vec<&str> =
        seen.well.sent.iter().filter(writes).map(|sent| sent.step.as_str()).collect();
    let more =
        seen.ended.sent.iter().filter(writes).find(|sent| !known.contains(&sent.step.as_str()));
    match more {
        Some(sent) => {
            fail(format!("because of it `{}` is sent, which cannot be repeated", sent.step))
        }
        None => Mark::Pass,
    }
}
