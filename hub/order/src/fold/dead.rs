//! What a call leaves that is given up.

use orderhub_lang::codes::Cause;

use super::document::drop_hashes;
use super::follow::owed;
use super::work::{Work, item};
use super::{Effect, TodoItem, TodoKind, given_up};
use crate::ids::{Role, SystemName};
use crate::lane::{Facet, Flight, Lane, LaneCode};
use crate::route::{Teller, reads, tell_of};

/// Given up. A create holds its lane; anything else gives way to the next wish. What of it may be there is known of
/// nothing that it carried, and what the system's user said meanwhile may be overwritten by it: a correction goes on.
///
/// **Invariant:** a call that was given up and may be there leaves nothing taken for known that it may have written.
/// Rules `given-up-over-a-word`, `given-up-and-back`, `given-up-behind-a-word`, `given-up-of-two`.
pub(super) fn dead(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    (flight, wrote): (&Flight, bool),
    (cause, why): (&Cause, &str),
) {
    let may_be_there = wrote || flight.may_have_acted || flight.wrote;
    let (teller, reads) =
        (Teller::of(work.rules, system, flight), reads(work.rules, system, &flight.want.rule));
    let lane = work.lane(system, role);
    lane.code = Some(LaneCode::Dead);
    let mut asks = false;
    if flight.creates {
        if let Some(flying) = &mut lane.flying {
            // What is said before a person has decided may be about what it made.
            flying.may_have_acted |= may_be_there;
        }
        lane.awaits(LaneCode::Dead);
    } else {
        asks = given_up::keep(lane, flight, wrote);
        let owes = !owed(lane, &flight.want.subject, reads).is_empty() && may_be_there;
        if asks {
            // A person has to decide, and wants it again, or not: nobody who asked for it before does.
            lane.unwant(&flight.want, u32::MAX);
        } else if !owes {
            lane.unwant(&flight.want, flight.version);
        }
        if may_be_there {
            unsure(lane, flight, &teller);
        }
        lane.flying = None;
        lane.attempts = 0;
        // What is left to send is due by the end of the turn, and handed to the dispatcher.
        lane.due_at = None;
    }
    let there = asks || flight.creates && may_be_there;
    let decide = match (there, flight.creates) {
        (true, _) => "; it may be there all the same: decide whether it is",
        (false, true) => {
            "; once that is mended, `orderhub todo resolve ID --again --reason \"mended\"` makes it of the order as it is then"
        }
        (false, false) => "",
    };
    let why = format!("`{}` was given up: {why}{decide}", flight.operation);
    let about = match (flight.creates, asks) {
        (true, _) => Some(flight.about()),
        (false, asks) => asks.then(|| flight.want.text().into()),
    };
    let todo = TodoItem { about, ..item(TodoKind::Dead, cause, Some(system), why) };
    tell_dead(work, system, flight, todo);
}

/// Nobody knows what of a call is there: what was sent or agreed on before is not what there is.
fn unsure(lane: &mut Lane, flight: &Flight, teller: &Teller) {
    if let Some(sent) = lane.sent.get_mut(&flight.want.text()) {
        sent.forget();
    }
    let values = flight.values.iter().map(|(at, field, _)| (at, *field));
    for (at, field) in values.chain(flight.without.iter().map(|(at, field)| (at, *field))) {
        let state = lane.fields.entry(at, Facet::Field(field));
        state.unsure = true;
        // What its system shows then says nothing of what others write.
        state.told_at = state.told_at.max(teller.told_at(at, field));
    }
    // What it says again, it says of now.
    drop_hashes(lane);
}

/// A person is shown that a call was given up, and who listens is told.
pub(super) fn tell_dead(work: &mut Work<'_>, system: &SystemName, flight: &Flight, todo: TodoItem) {
    work.todo(todo);
    let subject = flight.want.subject.clone();
    let event = ("delivery.dead", &subject);
    tell_of(work.state, system, event, work.rules, &mut work.effects);
    work.effects.push(Effect::Event { name: "delivery.dead".into(), subject });
}
