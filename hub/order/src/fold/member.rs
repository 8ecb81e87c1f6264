//! What a system shows and shows no more: membership of lists at a revision.
//!
//! **Invariant:** an element that a complete list of revision `r` is without keeps nothing that its
//! system said of it before `r`, whichever came first: older documents add nothing back. Property
//! test `law`.

use super::canonical::{newest, older};
use super::field::stood;
use super::owner::may_add;
use super::work::{Speaker, Work};
use crate::contribution::Revision;
use crate::ids::{At, Collection, ElementId};
use crate::lane::{Facet, is_below};
use crate::value::Value;

/// The revision at which the speaker last spoke of a list or an element as such; the outer `None`:
/// never.
fn spoken_at(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    facet: &Facet,
) -> Option<Option<Revision>> {
    let lane = work.state.lanes.get(speaker.system)?;
    let state = lane.fields.get(at, facet)?;
    Some(stood(lane, speaker, state).cloned())
}

fn spoke_later(work: &Work<'_>, speaker: &Speaker<'_>, at: &At, facet: &Facet) -> bool {
    let spoken = spoken_at(work, speaker, at, facet).flatten();
    older(speaker.revision, spoken.as_ref())
}

/// Whether the speaker's newest complete list is newer than what it says now.
pub(super) fn older_than_list(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    collection: Collection,
) -> bool {
    spoke_later(work, speaker, at, &Facet::List(collection))
}

/// Notes of a new element which complete list was without it, the speaker's newest so far, and what the speaker may not
/// have known of the order when it made it: what a call under way tells; all, where it was still to be told of anything.
pub(super) fn born(work: &mut Work<'_>, speaker: &Speaker<'_>, at: &At, place: &At) {
    let listed = spoken_at(work, speaker, at, &Facet::List(place.collection())).flatten();
    if let Some(listed) = listed {
        let before = Speaker { revision: Some(&listed), ..*speaker };
        note(work, &before, (place, Facet::Gone), false);
    }
    if place.collection().entity().is_none() {
        // Nothing is told about it by itself.
        return;
    }
    let lane = work.lane(speaker.system, speaker.role);
    let flight = lane.flying.as_ref().filter(|flight| flight.may_be_there());
    let behind = lane.wants.iter().any(|want| want.key.fact.is_none());
    let known = match flight {
        _ if behind => Some(1),
        flight => flight.map(|flight| flight.version),
    };
    if let Some(version) = known {
        lane.fields.entry(place, Facet::Shown).told_at = version;
    }
}

/// Notes that the speaker shows an element. `false`: a newer complete list is without it.
pub(super) fn present(work: &mut Work<'_>, speaker: &Speaker<'_>, at: &At) -> bool {
    let gone_at = spoken_at(work, speaker, at, &Facet::Gone);
    if older(speaker.revision, gone_at.as_ref().and_then(Option::as_ref)) {
        return false;
    }
    if let Some(gone_at) = gone_at
        && let Some(element) = work.state.order.element_mut(at)
        && element.gone
    {
        element.gone = false;
        forget_before(work, speaker, at, gone_at.as_ref());
    }
    note(work, speaker, (at, Facet::Shown), true);
    true
}

/// Ends a complete list: what the speaker showed before, and shows no more, is gone.
pub(super) fn complete(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    collection: Collection,
    shown: &[ElementId],
) {
    if may_add(&work.state.order, speaker, at, collection) {
        let all = work.state.order.collections_at(at).and_then(|all| all.get(&collection));
        let missing: Vec<At> = all
            .into_iter()
            .flatten()
            .filter(|element| !shown.contains(&element.id))
            .map(|element| at.with(collection, element.id.clone()))
            .collect();
        for place in missing {
            miss(work, speaker, &place);
        }
    }
    note(work, speaker, (at, Facet::List(collection)), true);
}

/// A complete list is without an element that the speaker has shown.
fn miss(work: &mut Work<'_>, speaker: &Speaker<'_>, at: &At) {
    if spoken_at(work, speaker, at, &Facet::Shown).is_none() {
        return;
    }
    if spoke_later(work, speaker, at, &Facet::Shown) {
        // Shown again since: only what was said before this list is void.
        forget_before(work, speaker, at, speaker.revision);
    } else if let Some(element) = work.state.order.element_mut(at) {
        element.gone = true;
        work.lane(speaker.system, speaker.role).forget_base(at);
    }
    work.tally.heard += 1;
    note(work, speaker, (at, Facet::Gone), false);
}

/// Forgets what the speaker said of an element before a revision at which it was gone.
fn forget_before(work: &mut Work<'_>, speaker: &Speaker<'_>, at: &At, revision: Option<&Revision>) {
    work.touch(speaker.system);
    let Some(lane) = work.state.lanes.get_mut(speaker.system) else { return };
    let below = lane.fields.within(at).filter(|(place, facet, _)| is_below(place, facet, at));
    let void: Vec<(At, Facet)> = below
        .filter(|(_, _, state)| older(stood(lane, speaker, state), revision))
        .map(|(place, facet, _)| (place.clone(), facet.clone()))
        .collect();
    for (place, facet) in void {
        let wrote = lane.fields.remove(&place, &facet).is_some_and(|state| state.wrote);
        match facet {
            Facet::Field(field) => {
                let path = place.path_of(field);
                lane.unknown.retain(|unknown| *unknown != path);
                if wrote && let Some(record) = work.state.order.record_mut(&place) {
                    record.remove(field);
                }
            }
            Facet::Shown => {
                if let Some(element) = work.state.order.element_mut(&place) {
                    element.gone = true;
                }
            }
            Facet::Doubt(_) | Facet::Gone | Facet::List(_) | Facet::Xref(_) | Facet::Word(_) => {}
        }
    }
}

fn note(work: &mut Work<'_>, speaker: &Speaker<'_>, (at, facet): (&At, Facet), there: bool) {
    let lane = work.lane(speaker.system, speaker.role);
    let heard = lane.heard;
    let state = lane.fields.entry(at, facet);
    let former = state.stated.take().and_then(|(_, revision)| revision);
    let former = former.filter(|_| state.entity == Some(speaker.entity));
    let revision = newest(former, speaker.revision.cloned());
    state.stated = Some((Some(Value::Boolean(there)), revision));
    state.entity = Some(speaker.entity);
    state.heard = heard;
}
