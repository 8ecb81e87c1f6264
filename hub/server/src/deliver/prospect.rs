//! What would be sent if an order stood like this: for people who ask before they act. Pure.

use std::collections::BTreeMap;

use orderhub_lang::value::Value;
use orderhub_mapping::{Context, ReverseError};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::{Lane, LaneCode};
use orderhub_order::model::{State, Subject};
use orderhub_order::route::{Outlook, outlook};
use orderhub_order::rules::{Mode, OperationKind};

use super::freeze::projection;
use crate::bundle::Bundle;

/// One wish of a lane, and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// The system.
    pub system: String,
    /// The rule: `<event>/<operation>`.
    pub rule: String,
    /// What it is about, as a keyed path; the order itself: `order`.
    pub subject: String,
    /// The operation that would be called; `None`: none.
    pub operation: Option<String>,
    /// Why nothing leaves, or not now; `None`: it is called.
    pub code: Option<LaneCode>,
}

/// What the lanes of this order would do about wishes newer than version `since`. Nothing is stored or sent.
/// `stands`: what stands in the way of calls of an operation of a system, as only the running hub knows it.
///
/// **Invariant:** what is said to be called is called: not while a person has to decide about the lane's last
/// call, an earlier one waits for its next try, or the system is held. Test:
/// `a_preview_says_what_would_really_happen`.
pub fn prospects(
    bundle: &Bundle,
    state: &State,
    since: u32,
    stands: impl Fn(&SystemName, &str) -> Option<LaneCode>,
) -> Vec<Prospect> {
    let rules = bundle.rules();
    let mut found = Vec::new();
    for lane in state.lanes.iter() {
        let Some(known) = rules.systems.get(&lane.system) else { continue };
        let fresh = outlook(state, &lane.system, &rules);
        for one in fresh.iter().filter(|one| one.want.version > since) {
            let mut seen = prospect(bundle, state, lane, (known.mode, one));
            if let (None, Some(operation)) = (seen.code, &seen.operation) {
                let fails = known.fails(Some(&one.want.key.rule));
                let stands = stands(&lane.system, operation);
                // What does not wait is given up.
                let ends = fails && stands == Some(LaneCode::BreakerOpen);
                let stands = if ends { Some(LaneCode::Dead) } else { stands };
                seen.code = behind(lane).or(stands);
            }
            found.push(seen);
        }
    }
    found
}

/// What a new wish of the lane waits for first: its last call.
fn behind(lane: &Lane) -> Option<LaneCode> {
    if let Some((_, code)) = lane.undecided() {
        return Some(code);
    }
    let flight = lane.flying.as_ref().filter(|flight| !flight.in_air)?;
    // Nothing supersedes what may be there: it goes again before anything else does.
    (!flight.may_be_replaced()).then_some(LaneCode::Retry)
}

fn prospect(
    bundle: &Bundle,
    state: &State,
    lane: &Lane,
    (mode, one): (Mode, &Outlook<'_>),
) -> Prospect {
    let code = one.code.or_else(|| unsent(bundle, state, lane, (mode, one)));
    let subject = &one.want.key.subject;
    Prospect {
        system: lane.system.to_string(),
        rule: one.want.key.rule.to_string(),
        subject: if subject.is_root() { "order".to_owned() } else { subject.to_string() },
        operation: one.operation.map(|operation| operation.name.to_string()),
        code: code.or(match mode {
            Mode::Live => None,
            Mode::Shadow => Some(LaneCode::Shadow),
            Mode::Paused => Some(LaneCode::Paused),
        }),
    }
}

/// Why what is mapped out need not, or cannot, be sent: as the sender will find it.
fn unsent(
    bundle: &Bundle,
    state: &State,
    lane: &Lane,
    (mode, one): (Mode, &Outlook<'_>),
) -> Option<LaneCode> {
    let operation = one.operation?;
    let key = &one.want.key;
    let system = bundle.system(&lane.system)?;
    let delivery = bundle.delivery(&lane.system, &key.rule, &operation.name)?;
    let mapping = delivery.with.as_ref()?;
    let subject = Subject { order: &state.order, at: &key.subject, lane: Some(lane) };
    let args: BTreeMap<String, Value> = BTreeMap::new();
    let settings = &system.settings;
    let context = Context { system: &lane.system, settings, args: &args, hub: Some(subject) };
    match mapping.reverse(subject, &context) {
        Err(ReverseError::NotLinked(_)) => Some(LaneCode::NotLinked),
        Err(ReverseError::Failed(_)) => Some(LaneCode::Dead),
        Ok(mapped) => {
            let sent = if mode == Mode::Shadow { &lane.shadow } else { &lane.sent };
            let hash = projection(&mapped.bytes);
            let fact = operation.kind == OperationKind::Fact || key.fact.is_some();
            let same = sent.get(&key.text()).is_some_and(|sent| sent.hash == hash);
            (same && !fact && !one.want.whole).then_some(LaneCode::ProjectionEqual)
        }
    }
}
