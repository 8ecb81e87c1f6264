//! What a person is shown of two sides that differ, and when it ends.

use orderhub_lang::codes::Cause;

use super::canonical::Canon;
use super::entries;
use super::field::Spot;
use super::swing;
use super::work::{Speaker, Work};
use crate::catalogue::FieldType;
use crate::causes;
use crate::contribution::Stated;
use crate::history::Heard;
use crate::ids::SystemName;
use crate::lane::{Facet, FieldState, Lane};
use crate::model::Shared;

/// Others that said so before agree now.
pub(super) fn agree_with(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let (path, id) = (spot.path(), spot.field.id);
    let Some(value) = work.state.order.record(spot.at).and_then(|record| record.get(id)) else {
        return;
    };
    let agrees = |lane: &&Shared<Lane>| {
        let open = lane.system != *speaker.system && lane.open_conflicts.contains(&path);
        let stated = spot.state(lane).and_then(|state| state.stated.as_ref());
        let canon = Canon::new(work.rules.shapes, &lane.system);
        open && stated.is_some_and(|(stated, _)| canon.same(id, stated, value))
    };
    let lanes = work.state.lanes.iter().filter(agrees).map(|lane| lane.system.clone());
    for system in lanes.collect::<Vec<_>>() {
        agreed(work, &system, spot);
    }
}

/// Whether the speaker's last word of a field was another.
pub(super) fn said_other(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
) -> bool {
    let lane = work.state.lanes.get(speaker.system);
    let stated = lane.and_then(|lane| spot.state(lane)?.stated.as_ref());
    stated.is_some_and(|(stated, _)| stated != value)
}

pub(super) fn agreed(work: &mut Work<'_>, system: &SystemName, spot: &Spot<'_>) {
    ends(work, system, spot, format!("agreed: the order has the value of {system}"));
}

pub(super) fn withdrawn(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let system = speaker.system;
    ends(work, system, spot, format!("withdrawn: {system} does not say so any more"));
}

/// What a person is asked about a system's word on a field.
pub(super) fn ends(work: &mut Work<'_>, system: &SystemName, spot: &Spot<'_>, reason: String) {
    if work.settle(system, &spot.path(), reason) {
        swing::agreed(work, spot);
    }
}

/// Whose value is about to lose; `None`: a person's, or nobody's in particular.
pub(super) fn loser(work: &Work<'_>, spot: &Spot<'_>) -> Option<SystemName> {
    let mut lanes = work.state.lanes.iter();
    lanes.find(|lane| spot.wrote(lane)).map(|lane| lane.system.clone())
}

/// The speaker's value stands; whose it replaces is shown to a person.
pub(super) fn overruled(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    loser: Option<SystemName>,
) {
    let (path, winner) = (spot.path(), speaker.system);
    if let Some(lane) = loser.as_ref().and_then(|loser| work.lane_there(loser))
        && !lane.open_conflicts.contains(&path)
    {
        lane.open_conflicts.push(path.clone());
    }
    let why = format!("`{path}` was changed on both sides; the value of {winner} stands");
    work.conflict(causes::OVERRULED, loser.as_ref(), (&path, why));
}

/// What does not stand of what the speaker says, before it is kept as stated; of a map its names alone.
pub(super) fn lost_word(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    may_write: bool,
) -> Stated {
    if spot.field.ty != FieldType::Map {
        return value.clone();
    }
    let fresh = FieldState::default();
    let lane = work.state.lanes.get(speaker.system);
    let state = lane.and_then(|lane| spot.state(lane)).unwrap_or(&fresh);
    let current = work.state.order.record(spot.at).and_then(|record| record.get(spot.field.id));
    entries::lost(state, (current, value), may_write)
}

/// What does not stand is corrected where it was said: the order's history keeps it. Not again what it keeps as the last such
/// word of the system, which may say the same after each correction; and that there is none is no word of a system that has
/// never had any.
pub(super) fn keep_word(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    word: &Stated,
) {
    let facet = Facet::Word(spot.field.id);
    let lane = work.state.lanes.get(speaker.system);
    let state = lane.and_then(|lane| spot.state(lane));
    if word.is_none() && state.is_none_or(FieldState::is_silent) {
        return;
    }
    let kept = lane.and_then(|lane| lane.fields.get(spot.at, &facet)?.stated.as_ref());
    let Some((said, all)) = entries::unkept(word, kept.map(|(kept, _)| kept)) else { return };
    let lane = work.lane(speaker.system, speaker.role);
    lane.fields.entry(spot.at, facet).stated = Some((all, None));
    work.heard.push(Heard { at: spot.at.clone(), field: spot.field.id, said });
}

/// A person is shown that two sides differ; the statement stays in the lane.
pub(super) fn conflict(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    cause: &'static Cause,
) {
    differ(work, speaker, spot, (cause, &spot.path()));
}

/// The same about some names of a map.
pub(super) fn differ(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (cause, what): (&'static Cause, &str),
) {
    let path = spot.path();
    let system = speaker.system;
    let why = if cause == causes::PROPOSAL {
        format!("{system} proposes another value for `{what}`")
    } else if cause == causes::LOST {
        let reference = &work.state.order.reference;
        format!(
            "`{what}` was changed on both sides; the value of {system} does not stand: `orderhub order log {reference}` keeps it"
        )
    } else if cause == causes::FACT_CHANGED {
        format!("{system} says `{what}` otherwise than before; facts stay as they are")
    } else {
        format!(
            "`{what}` was changed on both sides; decide between the order's value and that of {system}"
        )
    };
    ask(work, speaker, &path, cause, why);
}

/// A person is asked about what the speaker says of a field, until that ends.
pub(super) fn ask(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    path: &str,
    cause: &'static Cause,
    why: String,
) {
    let lane = work.lane(speaker.system, speaker.role);
    if !lane.open_conflicts.iter().any(|open| open == path) {
        lane.open_conflicts.push(path.to_owned());
    }
    work.conflict(cause, Some(speaker.system), (path, why));
}
