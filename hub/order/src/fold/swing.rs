//! The breaker: two sides that lead one field back and forth come to rest, and a person is told of both.
//!
//! Echoes, hashes and the ring keep hub and systems from answering each other. What they cannot see is two *minds*: a job
//! in the ERP that sets a field every hour to what the shop's plug-in sets back; a system that writes its own text over
//! each correction. Every word is new and true, and without an end the order gains versions and the systems calls.
//!
//! A field is **led back** where a word would give it the value that it had before another system changed it, or where a
//! system says again what it was corrected for. The third time within 36 hours the word is kept as stated, and no more:
//! of both systems, or of the one that is corrected, nothing that they say moves the field or is corrected, until the side
//! that differs agrees, or a person edits the field (to the value that it has, too). What anybody else says of it counts
//! as ever; so does what they say of anything else. Fields of which the higher wins (`advance`, `max`) cannot be led back.
//!
//! **Invariants:** between two systems a field turns at most three times in 36 hours by themselves, and no word of theirs is
//! lost: what is frozen is a todo that names both. Rules `swing`, `swing-corrected`, `swing-apart`.

use super::canonical::Canon;
use super::conflict::ask;
use super::field::Spot;
use super::follow::restate;
use super::judge::Verdict;
use super::work::{Again, Speaker, Work};
use crate::catalogue::Merge;
use crate::causes;
use crate::contribution::Stated;
use crate::flow::Others;
use crate::ids::SystemName;
use crate::lane::{Lane, Swing};
use crate::value::Value;

/// What a word comes to, if it is let.
enum Word {
    /// The field has this value.
    Moves(Stated),
    /// The speaker is sent the order's value again.
    Corrected,
}

fn word(value: &Stated, verdict: &Verdict) -> Option<Word> {
    match verdict {
        Verdict::Accept { .. } => Some(Word::Moves(value.clone())),
        Verdict::Both(both) => Some(Word::Moves(Some(Value::List(both.clone().into())))),
        Verdict::Entries { merged, .. } => Some(Word::Moves(merged.clone())),
        Verdict::Lost | Verdict::Foreign(Others::Correct) => Some(Word::Corrected),
        Verdict::Stale
        | Verdict::Agreed
        | Verdict::Untouched
        | Verdict::Echo(_)
        | Verdict::Foreign(Others::Keep | Others::Propose)
        | Verdict::Late { .. }
        | Verdict::Manual
        | Verdict::Differs
        | Verdict::Unknown => None,
    }
}

fn swing<'l>(spot: &Spot<'_>, lane: &'l Lane) -> Option<&'l Swing> {
    spot.state(lane)?.swing.as_deref()
}

/// Whether a word ends here, because it would lead the field back once too often: it is kept as stated and shown then.
pub(super) fn stops(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    verdict: &Verdict,
) -> bool {
    let lanes = &work.state.lanes;
    let mine = lanes.get(speaker.system).and_then(|lane| swing(spot, lane));
    let writer = lanes.iter().find(|lane| lane.system != *speaker.system && spot.wrote(lane));
    if matches!(spot.field.merge, Merge::Advance | Merge::Max)
        || (mine.is_none() && is_usual(writer.is_none(), verdict))
    {
        return false;
    }
    let other = writer.map(|lane| lane.system.clone());
    let frozen = mine.is_some_and(|swing| swing.frozen);
    match word(value, verdict) {
        None => return false,
        Some(Word::Moves(kept)) if frozen && others_say(work, speaker, spot, &kept) => {
            return false;
        }
        Some(_) if frozen => {}
        Some(Word::Moves(kept)) => {
            let Some(other) = &other else { return false };
            if !moves(work, speaker, spot, (other, kept)) {
                return false;
            }
        }
        Some(Word::Corrected) => {
            let again = mine.filter(|swing| swing.from == *value);
            let next = Swing::after(again, value.clone(), work.now);
            let stops = next.frozen;
            note(work, speaker, spot, next);
            if !stops {
                return false;
            }
        }
    }
    keep(work, speaker, spot, (value, other.as_ref()));
    true
}

/// Whether the other side of what is frozen says the same by now.
fn others_say(work: &Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) -> bool {
    let lanes = work.state.lanes.iter().filter(|lane| lane.system != *speaker.system);
    let mut frozen = lanes.filter(|lane| swing(spot, lane).is_some_and(|swing| swing.frozen));
    frozen.all(|lane| {
        let stated = spot.state(lane).and_then(|state| state.stated.as_ref());
        let canon = Canon::new(work.rules.shapes, &lane.system);
        stated.is_some_and(|(stated, _)| canon.same(spot.field.id, stated, value))
    })
}

/// Nearly always: a system goes on with what is its own, or what nobody gave yet.
fn is_usual(no_other: bool, verdict: &Verdict) -> bool {
    no_other && !matches!(verdict, Verdict::Lost | Verdict::Foreign(_))
}

/// The speaker replaces the value of `other`: whether that is once too often.
fn moves(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (other, kept): (&SystemName, Stated),
) -> bool {
    let lane = work.state.lanes.get(other);
    let back = lane.and_then(|lane| swing(spot, lane)).filter(|swing| swing.from == kept);
    let mut next = Swing::after(back, kept, work.now);
    let stops = next.frozen;
    if !stops {
        let current = work.state.order.record(spot.at).and_then(|r| r.get(spot.field.id));
        next.from = current.cloned().flatten();
    }
    if let Some(state) = work.lane_there(other).and_then(|lane| spot.state_mut(lane)) {
        match state.swing.as_mut().filter(|_| stops) {
            Some(swing) => swing.frozen = true,
            None => state.swing = None,
        }
    }
    note(work, speaker, spot, next);
    stops
}

fn note(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, next: Swing) {
    let lane = work.lane(speaker.system, speaker.role);
    spot.state_made(lane).swing = Some(Box::new(next));
}

/// The word stays as what the speaker says, and a person decides.
fn keep(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (value, other): (&Stated, Option<&SystemName>),
) {
    restate(work, speaker, spot, value);
    let (path, system) = (spot.path(), speaker.system);
    let other = other.map_or_else(|| "what stands in the order".to_owned(), ToString::to_string);
    let why = format!(
        "`{path}` goes back and forth between {system} and {other}: it is frozen, and stays as it is in the order and at {system} until you decide"
    );
    ask(work, speaker, &path, causes::FLIP_FLOP, why);
}

/// A side that differed does not any more: where none is left that does, both are heard again.
pub(super) fn agreed(work: &mut Work<'_>, spot: &Spot<'_>) {
    let path = spot.path();
    if work.state.lanes.iter().any(|lane| lane.open_conflicts.contains(&path)) {
        return;
    }
    for system in swinging(work, spot, |swing| swing.frozen) {
        if let Some(state) = work.lane_there(&system).and_then(|lane| spot.state_mut(lane))
            && let Some(swing) = &mut state.swing
        {
            swing.thaw();
        }
    }
}

/// A person has decided: nothing of what went back and forth counts any more. `kept`: the value stays as it is, and those
/// that show another are sent it.
pub(super) fn decided(work: &mut Work<'_>, spot: &Spot<'_>, kept: bool) {
    for system in swinging(work, spot, |_| true) {
        let lane = work.lane_there(&system).and_then(|lane| spot.state_mut(lane));
        let Some(swing) = lane.and_then(|state| state.swing.take()) else { continue };
        if kept && swing.frozen {
            work.again.push(Again { system, at: spot.at.clone(), field: spot.field.id });
        }
    }
}

/// Whether something that systems say of the field is frozen.
pub(super) fn is_frozen(work: &Work<'_>, spot: &Spot<'_>) -> bool {
    work.state.lanes.iter().any(|lane| swing(spot, lane).is_some_and(|swing| swing.frozen))
}

fn swinging(work: &Work<'_>, spot: &Spot<'_>, which: fn(&Swing) -> bool) -> Vec<SystemName> {
    let lanes = work.state.lanes.iter();
    let swings = lanes.filter(|lane| swing(spot, lane).is_some_and(which));
    swings.map(|lane| lane.system.clone()).collect()
}
