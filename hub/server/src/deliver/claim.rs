//! What a lane in hand asks for now: the judgement of the pure side, with what only this process knows.

use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::{Flight, LaneCode, Want, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::{OperationRule, Rules};

/// What to do with a lane.
#[derive(Debug)]
pub(super) enum Claim<'a> {
    /// Nothing, now.
    Rest,
    /// Nothing for this wish, and why.
    Skip {
        /// The wish.
        want: WantKey,
        /// The order version that was looked at.
        version: u32,
        /// Why.
        code: LaneCode,
    },
    /// Settle a flight whose process is gone.
    Lapsed(&'a Flight),
    /// Fly again what is frozen.
    Resume(&'a Flight),
    /// Freeze and fly.
    Fresh {
        /// The wish.
        want: &'a Want,
        /// The operation that serves it.
        operation: &'a OperationRule,
    },
}

/// Judges a lane. `started`: flights of an earlier process of this store began before it.
pub(super) fn claim<'a>(
    state: &'a State,
    system: &SystemName,
    rules: &'a Rules<'a>,
    now: Timestamp,
    started: Timestamp,
) -> Claim<'a> {
    let Some(lane) = state.lanes.get(system) else { return Claim::Rest };
    if let Some(flight) = &lane.flying {
        let orphaned = flight.began.is_some_and(|began| began < started);
        if flight.in_air {
            return if orphaned || flight.deadline <= now {
                Claim::Lapsed(flight)
            } else {
                Claim::Rest
            };
        }
        if lane.due_at.is_none_or(|due| due > now) {
            return Claim::Rest;
        }
        if !flight.may_be_replaced() {
            return Claim::Resume(flight);
        }
    }
    let Some(want) = lane.wants.first() else { return Claim::Rest };
    let deliver = rules.systems.get(system).into_iter().flat_map(|system| &system.deliver);
    let rule = deliver.into_iter().find(|rule| rule.id == want.key.rule);
    let skip = |code| Claim::Skip { want: want.key.clone(), version: state.order.version, code };
    let Some(rule) = rule else { return skip(LaneCode::NotRouted) };
    let linked = |operation: &&OperationRule| {
        lane.ext_id(operation.entity.as_str(), &want.key.subject).is_some()
    };
    let update = rule.update.as_ref().filter(linked);
    let create = rule.create.as_ref().filter(|operation| !linked(operation));
    match update.or(create).or(rule.single.as_ref()) {
        Some(operation) => Claim::Fresh { want, operation },
        None => skip(LaneCode::NotLinked),
    }
}
