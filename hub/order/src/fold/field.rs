//! One stated value: how it stands to what was said before, and to what can be.
//!
//! **Invariant:** quantities are never negative: what is stated below zero changes nothing and places
//! the hold `unknown_value`. Story `who-is-this`, property test `law`.

use super::canonical::{Canon, older};
use super::conflict::conflict;
use super::entries;
use super::follow::{apply, expire, restate};
use super::judge::{Case, Verdict, judge};
use super::owner::{standing, writer};
use super::swing;
use super::work::{Speaker, Work};
use crate::catalogue::{Field, FieldId, FieldType, Kind, catalogue};
use crate::causes;
use crate::contribution::{Revision, Stated};
use crate::ids::At;
use crate::lane::{Facet, FieldState, Lane};
use crate::value::Value;

/// A field at a place.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) at: &'a At,
    pub(super) field: &'a Field,
}

impl Spot<'_> {
    /// Its keyed path, for people.
    pub(super) fn path(&self) -> String {
        self.at.path_of(self.field.id)
    }

    /// Its merge state in a lane, if that ever had to do with it.
    pub(super) fn state<'l>(&self, lane: &'l Lane) -> Option<&'l FieldState> {
        lane.fields.get(self.at, &Facet::Field(self.field.id))
    }

    /// The same, to be changed.
    pub(super) fn state_mut<'l>(&self, lane: &'l mut Lane) -> Option<&'l mut FieldState> {
        lane.fields.get_mut(self.at, &Facet::Field(self.field.id))
    }

    /// Its merge state in a lane, made where there is none.
    pub(super) fn state_made<'l>(&self, lane: &'l mut Lane) -> &'l mut FieldState {
        lane.fields.entry(self.at, Facet::Field(self.field.id))
    }

    /// Whether the order's value was written by the lane's system.
    pub(super) fn wrote(&self, lane: &Lane) -> bool {
        self.state(lane).is_some_and(|state| state.wrote)
    }
}

/// Takes one stated value. Fields that no system maps in are not stated: `check` refuses them.
pub(super) fn state(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    id: FieldId,
    value: &Stated,
) {
    let Some(field) = catalogue().field(id) else { return };
    let spot = Spot { at, field };
    if outdated(work, speaker, &spot) {
        work.tally.stale += 1;
        return;
    }
    match field.kind {
        Kind::Given | Kind::Atomic => given(work, speaker, &spot, value),
        Kind::Fact => fact(work, speaker, &spot, value),
        Kind::Derived | Kind::Hub => {}
    }
}

/// A reply without a revision yields to what was stated since its call began.
fn outdated(work: &Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) -> bool {
    speaker.reply && speaker.revision.is_none() && {
        let lane = work.state.lanes.get(speaker.system);
        let field = lane.and_then(|lane| Some((lane.heard_at_call, spot.state(lane)?)));
        field.is_some_and(|(began, field)| field.stated.is_some() && field.heard > began)
    }
}

fn given(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    expire_there(work, speaker, spot);
    let whole = (spot.field.ty == FieldType::Map).then(|| {
        let lane = work.state.lanes.get(speaker.system);
        let said = lane.and_then(|lane| spot.state(lane)?.stated.as_ref());
        entries::spoken(spot.field.id, said.map(|(said, _)| said), value)
    });
    let value = whole.as_ref().unwrap_or(value);
    let verdict = verdict(work, speaker, spot, value);
    if verdict == Verdict::Stale || verdict == (Verdict::Late { behind: true }) {
        work.tally.stale += 1;
        return;
    }
    work.tally.heard += 1;
    let negative = is_negative(spot.field, value);
    note_unknown(work, speaker, spot, (negative, is_unknown(spot.field, value), value), &verdict);
    if negative {
        // Not even kept as stated: the value before it is the last that can be.
        return;
    }
    if !swing::stops(work, speaker, spot, value, &verdict) {
        apply(work, speaker, spot, value, verdict);
    }
}

/// Drops what has been in the ring too long, where there is a ring at all.
fn expire_there(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let now = work.now;
    let state = work.state.lanes.get(speaker.system).and_then(|lane| spot.state(lane));
    if state.is_some_and(|state| !state.ring.is_empty())
        && let Some(lane) = work.lane_there(speaker.system)
        && let Some(state) = spot.state_mut(lane)
    {
        expire(state, now);
    }
}

/// Judges a statement against the order and what the speaker said before.
fn verdict(work: &Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) -> Verdict {
    let (order, lane) = (&work.state.order, work.state.lanes.get(speaker.system));
    let fresh = FieldState::default();
    let state = lane.and_then(|lane| spot.state(lane)).unwrap_or(&fresh);
    let written = work.state.lanes.iter().find(|lane| spot.wrote(lane));
    let right = || {
        let standing = standing(work.state, work.rules, speaker, spot);
        (standing, writer(work.state, work.rules, speaker, spot))
    };
    judge(&Case {
        field: spot.field,
        current: order.record(spot.at).and_then(|record| record.get(spot.field.id)),
        state,
        value,
        revision: speaker.revision,
        stood: lane.and_then(|lane| stood(lane, speaker, state)),
        written: written.and_then(|lane| spot.state(lane)?.stated.as_ref()?.1.as_ref()),
        canon: Canon::new(work.rules.shapes, speaker.system),
        right: &right,
        match_only: speaker.match_only,
    })
}

/// The revision at which the speaker last stood by what it stated: that of the newest document
/// whose content was the same. Only within one entity: others do not compare.
pub(super) fn stood<'a>(
    lane: &'a Lane,
    speaker: &Speaker<'_>,
    state: &'a FieldState,
) -> Option<&'a Revision> {
    let (_, revision) = state.stated.as_ref()?;
    let revision = revision.as_ref().filter(|_| state.entity == Some(speaker.entity))?;
    let same_content = lane.documents.iter().filter(|(name, document)| {
        let key = name.strip_suffix(speaker.key).is_some_and(|rest| rest.ends_with('/'));
        key && document.since.as_ref() == Some(revision)
    });
    let raised = same_content.filter_map(|(_, document)| document.revision.as_ref());
    Some(raised.fold(
        revision,
        |newest, raised| {
            if older(Some(newest), Some(raised)) { raised } else { newest }
        },
    ))
}

/// A quantity or weight below zero.
fn is_negative(field: &Field, value: &Stated) -> bool {
    let number = value.as_ref().and_then(Value::as_decimal);
    field.ty == FieldType::Decimal
        && number.is_some_and(|number| number.is_sign_negative() && !number.is_zero())
}

/// A state that the catalogue does not name. Other enums are open: they pass as they are.
fn is_unknown(field: &Field, value: &Stated) -> bool {
    let text = value.as_ref().and_then(Value::as_str);
    field.is_state() && text.is_some_and(|text| !field.words().contains(&text))
}

/// Remembers, or forgets, that the speaker's word on this field is one that cannot be or that nobody
/// knows: the hold `unknown_value` stands while any is remembered. What it only repeats for others
/// is theirs to answer for; an older known value does not answer for a newer unknown one.
fn note_unknown(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (negative, unknown, value): (bool, bool, &Stated),
    verdict: &Verdict,
) {
    let repeats = matches!(
        verdict,
        Verdict::Agreed | Verdict::Untouched | Verdict::Echo(_) | Verdict::Foreign(_)
    );
    // The doubtful word has a memory of its own: it is no statement that others are compared with.
    let doubt = Facet::Doubt(spot.field.id);
    if !negative && !unknown && !doubts(work, speaker, spot.at, &doubt) {
        // Nearly always: nothing is in doubt, and nothing was.
        return;
    }
    let lane = work.lane(speaker.system, speaker.role);
    let doubted = lane.fields.get(spot.at, &doubt);
    let stood = doubted.and_then(|state| stood(lane, speaker, state)).cloned();
    if older(speaker.revision, stood.as_ref()) || (unknown && !negative && repeats) {
        return;
    }
    let path = spot.path();
    lane.unknown.retain(|unknown| *unknown != path);
    if negative || unknown {
        lane.unknown.push(path);
        let state = lane.fields.entry(spot.at, doubt);
        state.stated = Some((value.clone(), speaker.revision.cloned()));
        state.entity = Some(speaker.entity);
    } else {
        lane.fields.remove(spot.at, &doubt);
    }
}

/// Whether the speaker left anything in doubt, or its word on this field.
fn doubts(work: &Work<'_>, speaker: &Speaker<'_>, at: &At, doubt: &Facet) -> bool {
    let lane = work.state.lanes.get(speaker.system);
    lane.is_some_and(|lane| !lane.unknown.is_empty() || lane.fields.get(at, doubt).is_some())
}

/// Facts are appended, never overwritten: another content under a known id is a conflict.
fn fact(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let lane = work.state.lanes.get(speaker.system);
    let state = lane.and_then(|lane| spot.state(lane));
    let stood = lane.zip(state).and_then(|(lane, state)| stood(lane, speaker, state));
    if older(speaker.revision, stood) {
        work.tally.stale += 1;
        return;
    }
    work.tally.heard += 1;
    let id = spot.field.id;
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let said = state.and_then(|state| state.stated.as_ref()).map(|(stated, _)| stated.clone());
    let current = work.state.order.record(spot.at).and_then(|record| record.get(id));
    let differs = match current {
        None | Some(None) => {
            work.state.order.set(spot.at, id, value.clone());
            false
        }
        Some(current) => !canon.same(id, current, value),
    };
    let repeated = said.is_some_and(|said| canon.same(id, &said, value));
    restate(work, speaker, spot, value);
    if differs && !repeated && value.is_some() {
        conflict(work, speaker, spot, causes::FACT_CHANGED);
    }
}
