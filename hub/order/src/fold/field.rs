//! One stated value: judged, then kept, merged or shown.
//!
//! **Invariant:** quantities are never negative: what is stated below zero changes nothing and places
//! the hold `unknown_value`. Property test `quantities_are_never_negative`.

use jiff::{SignedDuration, Timestamp};

use super::TodoKind;
use super::canonical::{Canon, newest, older};
use super::judge::{Case, Verdict, judge, level};
use super::owner::{standing, writer};
use super::work::{Again, Speaker, Work, item};
use crate::catalogue::{Field, FieldId, FieldType, Kind, Merge, catalogue};
use crate::contribution::{Revision, Stated};
use crate::flow::Others;
use crate::ids::At;
use crate::lane::{FieldState, Lane, RING_HOURS};
use crate::value::Value;

/// A field at a place.
pub(super) struct Spot<'a> {
    pub(super) at: &'a At,
    pub(super) field: &'a Field,
    /// Its keyed path, as lanes and `touched` know it.
    pub(super) path: String,
}

impl<'a> Spot<'a> {
    pub(super) fn new(at: &'a At, field: &'a Field) -> Self {
        Self { at, field, path: at.path_of(field.id) }
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
    let spot = Spot::new(at, field);
    if outdated(work, speaker, &spot.path) {
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
fn outdated(work: &Work<'_>, speaker: &Speaker<'_>, path: &str) -> bool {
    speaker.reply && speaker.revision.is_none() && {
        let lane = work.state.lanes.get(speaker.system);
        let field = lane.and_then(|lane| Some((lane.heard_at_call, lane.fields.get(path)?)));
        field.is_some_and(|(began, field)| field.stated.is_some() && field.heard > began)
    }
}

fn given(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    if let Some(lane) = work.state.lanes.get_mut(speaker.system)
        && let Some(state) = lane.fields.get_mut(&spot.path)
    {
        expire(state, work.now);
    }
    let verdict = verdict(work, speaker, spot, value);
    if verdict == Verdict::Stale || verdict == (Verdict::Late { behind: true }) {
        work.tally.stale += 1;
        return;
    }
    work.tally.heard += 1;
    let negative = is_negative(spot.field, value);
    note_unknown(work, speaker, spot, (negative, is_unknown(spot.field, value)), &verdict);
    if negative {
        // Not even kept as stated: the value before it is the last that can be.
        return;
    }
    apply(work, speaker, spot, value, verdict);
}

/// Judges a statement against the order and what the speaker said before.
fn verdict(work: &Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) -> Verdict {
    let (order, lane) = (&work.state.order, work.state.lanes.get(speaker.system));
    let fresh = FieldState::default();
    let state = lane.and_then(|lane| lane.fields.get(&spot.path)).unwrap_or(&fresh);
    let who = (spot.field, spot.path.as_str());
    let wrote = |lane: &&Lane| lane.fields.get(&spot.path).is_some_and(|field| field.wrote);
    let written = work.state.lanes.values().find(wrote);
    judge(&Case {
        field: spot.field,
        current: order.record(spot.at).and_then(|record| record.get(spot.field.id)),
        state,
        value,
        revision: speaker.revision,
        stood: lane.and_then(|lane| stood(lane, speaker, state)),
        written: written.and_then(|lane| lane.fields.get(&spot.path)?.stated.as_ref()?.1.as_ref()),
        canon: Canon::new(work.rules.shapes, speaker.system),
        standing: standing(work.state, work.rules, speaker, spot.at, who),
        writer: writer(work.state, work.rules, speaker, spot.at, who),
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
    let FieldType::Enum(name) = field.ty else { return false };
    let is_state = field.path == "status" || field.path.starts_with("state.");
    let text = value.as_ref().and_then(Value::as_str);
    is_state && text.is_some_and(|text| !catalogue().enum_values(name).contains(&text))
}

/// Remembers, or forgets, that the speaker's word on this field is one that cannot be or that nobody
/// knows: the hold `unknown_value` stands while any is remembered. What it only repeats for others
/// is theirs to answer for; an older known value does not answer for a newer unknown one.
fn note_unknown(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (negative, unknown): (bool, bool),
    verdict: &Verdict,
) {
    let repeats = matches!(
        verdict,
        Verdict::Agreed | Verdict::Untouched | Verdict::Echo(_) | Verdict::Foreign(_)
    );
    // The doubtful word has a memory of its own: it is no statement that others are compared with.
    let doubt = format!("{}?", spot.path);
    let lane = work.lane(speaker.system, speaker.role);
    let stood = lane.fields.get(&doubt).and_then(|state| stood(lane, speaker, state)).cloned();
    if older(speaker.revision, stood.as_ref()) || ((negative || unknown) && repeats && !negative) {
        return;
    }
    lane.unknown.retain(|path| *path != spot.path);
    if negative || unknown {
        lane.unknown.push(spot.path.clone());
        let state = lane.fields.entry(doubt).or_default();
        state.stated = Some((None, speaker.revision.cloned()));
        state.entity = Some(speaker.entity);
    } else {
        lane.fields.remove(&doubt);
    }
}

/// Does what a verdict says.
fn apply(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    verdict: Verdict,
) {
    match verdict {
        Verdict::Stale | Verdict::Late { behind: true } => {}
        Verdict::Agreed => agree(work, speaker, spot, value),
        Verdict::Untouched | Verdict::Late { behind: false } | Verdict::Unknown => {
            restate(work, speaker, spot, value);
        }
        Verdict::Echo(place) => echo(work, speaker, spot, value, place),
        Verdict::Foreign(others) => foreign(work, speaker, spot, value, others),
        Verdict::Accept { won, left_final } => {
            accept(work, speaker, spot, value, value);
            if won {
                conflict(work, speaker, spot, "overruled");
            }
            if left_final {
                left_a_final_rank(work, speaker, spot);
            }
        }
        Verdict::Both(both) => {
            accept(work, speaker, spot, value, &Some(Value::List(both)));
            send_again(work, speaker, spot);
        }
        Verdict::Lost => {
            restate(work, speaker, spot, value);
            conflict(work, speaker, spot, "lost");
            send_again(work, speaker, spot);
        }
        Verdict::Manual => {
            restate(work, speaker, spot, value);
            conflict(work, speaker, spot, "manual");
        }
        Verdict::Differs => {
            restate(work, speaker, spot, value);
            work.differs.push(spot.path.clone());
        }
    }
}

/// Drops values that have been in the ring too long.
pub(super) fn expire(state: &mut FieldState, now: Timestamp) {
    let oldest = now.saturating_sub(SignedDuration::from_hours(RING_HOURS)).unwrap_or(now);
    state.ring.retain(|(_, at)| *at >= oldest);
}

/// Keeps what the speaker said, with its revision. Of ranked fields the best it said: the law holds
/// only over the highest.
fn restate(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let lane = work.lane(speaker.system, speaker.role);
    let heard = lane.heard;
    let state = lane.fields.entry(spot.path.clone()).or_default();
    let same_entity = state.entity == Some(speaker.entity);
    let ranked = matches!(spot.field.merge, Merge::Advance | Merge::Max);
    if let Some((stated, revision)) = &state.stated
        && ranked
    {
        let (said, best) = (level(spot.field, value), level(spot.field, stated));
        let late = said == best && older(speaker.revision, revision.as_ref());
        if said < best || (late && same_entity) {
            return;
        }
    }
    let former = state.stated.take().and_then(|(_, revision)| revision);
    let revision = match speaker.revision {
        Some(revision) if same_entity && !ranked => newest(former, Some(revision.clone())),
        Some(revision) => Some(revision.clone()),
        None => former,
    };
    state.stated = Some((value.clone(), revision));
    state.entity = Some(speaker.entity);
    state.heard = heard;
}

/// The field's merge state at the speaker, to be changed.
fn state_of<'a>(
    work: &'a mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
) -> &'a mut FieldState {
    let lane = work.lane(speaker.system, speaker.role);
    lane.fields.entry(spot.path.clone()).or_default()
}

/// Case 2: both say the same; what we sent up to it has arrived.
fn agree(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    restate(work, speaker, spot, value);
    let current = work.state.order.record(spot.at).and_then(|r| r.get(spot.field.id)).cloned();
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let id = spot.field.id;
    let state = state_of(work, speaker, spot);
    if let Some(place) = state.ring.iter().rposition(|(sent, _)| canon.same(id, sent, value)) {
        state.ring.drain(..=place);
    }
    state.base = current;
    forget_conflict(work, speaker, spot);
}

/// Case 4: our own value come back.
fn echo(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated, place: usize) {
    restate(work, speaker, spot, value);
    let state = state_of(work, speaker, spot);
    let later = state.ring.get(place + 1..).unwrap_or_default();
    let confirmed = later.iter().any(|(sent, _)| Some(sent) == state.base.as_ref());
    let last = later.is_empty();
    if !confirmed {
        state.base = state.ring.get(place).map(|(sent, _)| sent.clone());
    }
    state.ring.drain(..place);
    if last && !confirmed {
        // The system now shows an older value of ours, and nothing newer is on its way: what it
        // changed itself in between was overwritten there by our own late write.
        send_again(work, speaker, spot);
    }
}

/// Case 5: kept; shown or corrected where `ownership.yaml` says so.
fn foreign(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    others: Others,
) {
    restate(work, speaker, spot, value);
    match others {
        Others::Keep => {}
        Others::Propose => conflict(work, speaker, spot, "proposal"),
        Others::Correct => send_again(work, speaker, spot),
    }
}

/// Cases 6 and 7 won: `kept` becomes the order's value, `value` is what the speaker said.
fn accept(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    kept: &Stated,
) {
    restate(work, speaker, spot, value);
    let id = spot.field.id;
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let current = work.state.order.record(spot.at).and_then(|record| record.get(id));
    let kept = canon.accepted(id, current, kept);
    work.state.order.set(spot.at, id, kept.clone());
    unwritten(work, &spot.path);
    let state = state_of(work, speaker, spot);
    // It was shown ours, and has moved on: what comes back from now on is its own word again.
    let confirmed = state.ring.iter().rposition(|(sent, _)| Some(sent) == state.base.as_ref());
    if let Some(place) = confirmed {
        state.ring.drain(..=place);
    }
    state.base = Some(kept);
    state.wrote = true;
    forget_conflict(work, speaker, spot);
}

/// Nobody's value any more: the next to write it says whose it is.
pub(super) fn unwritten(work: &mut Work<'_>, path: &str) {
    for lane in work.state.lanes.values_mut() {
        if let Some(state) = lane.fields.get_mut(path).filter(|state| state.wrote) {
            state.wrote = false;
            work.touched_lanes.insert(lane.system.clone());
        }
    }
}

/// A person is shown that two sides differ; the statement stays in the lane.
fn conflict(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, cause: &str) {
    let lane = work.lane(speaker.system, speaker.role);
    if !lane.open_conflicts.contains(&spot.path) {
        lane.open_conflicts.push(spot.path.clone());
    }
    let path = &spot.path;
    let why = match cause {
        "proposal" => format!("{} proposes another value for `{path}`", speaker.system),
        "overruled" => {
            format!("`{path}` was changed on both sides; the value of {} stands", speaker.system)
        }
        "lost" => format!(
            "`{path}` was changed on both sides; the value of {} does not stand",
            speaker.system
        ),
        "fact_changed" => {
            format!(
                "{} says `{path}` otherwise than before; facts stay as they are",
                speaker.system
            )
        }
        _ => format!(
            "`{path}` was changed on both sides; decide between the order's value and that of {}",
            speaker.system
        ),
    };
    work.todo(item(TodoKind::Conflict, cause, Some(speaker.system), why));
}

fn forget_conflict(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let lane = work.lane(speaker.system, speaker.role);
    lane.open_conflicts.retain(|path| *path != spot.path);
}

/// The speaker shall get the order's value again, whatever it was sent last.
fn send_again(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    work.again.push(Again {
        system: speaker.system.clone(),
        at: spot.at.clone(),
        field: spot.field.id,
    });
}

fn left_a_final_rank(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let detail = format!("{} was moved on from its end by {}", spot.path, speaker.system);
    let order = &mut work.state.order;
    crate::holds::place(order, "illegal_transition", "order", &detail, "hub", work.now);
}

/// Facts are appended, never overwritten: another content under a known id is a conflict.
fn fact(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let lane = work.state.lanes.get(speaker.system);
    let state = lane.and_then(|lane| lane.fields.get(&spot.path));
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
        conflict(work, speaker, spot, "fact_changed");
    }
}
