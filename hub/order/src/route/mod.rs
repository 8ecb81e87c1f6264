//! From what fired and what changed to what each lane wants, and which lanes are due.
//!
//! A wish for a state collapses: one per (deliver rule, subject), newer over older. A wish for a fact
//! is made once per firing. **Invariant:** a lane has at most 64 wishes; the one beyond is not taken
//! and a todo says so. Test: `a_full_lane_takes_no_more_and_says_so` in `tests/it/route.rs`.
//!
//! What happens while an entry of `deliver:` is missing: `gone`. What a full lane takes: `room`. What other files would
//! tell of an order: `anew`.

use crate::catalogue::{FieldId, FieldSet};
use crate::causes;
use crate::condition::Scene;
use crate::flow::{Firing, ORDER_CHANGED, Release, Target, fired_key, near, subjects, targets};
use crate::fold::{Effect, TodoItem, TodoKind};
use crate::ids::{At, SystemName};
use crate::lane::{Lane, LaneCode, WantKey};
use crate::model::State;
use crate::rules::{DeliverRule, OperationKind, Rules};
use crate::settle::Turn;
use orderhub_lang::codes::Cause;

mod anew;
mod events;
mod gone;
mod over;
mod owed;
mod own;
mod plan;
mod room;
mod teller;
mod told;
mod unheard;

pub use anew::{Anew, Told, anew};
pub(crate) use events::events;
pub(crate) use gone::{Unrouted, heir, reads, unrouted};
pub(crate) use over::{drop_refused, is_over};
pub(crate) use owed::{Owed, missing, owed};
pub(crate) use plan::skips;
pub use plan::{Choice, Outlook, Plan, Send, outlook, plan};
pub(crate) use room::{want, want_or_tell, yields};
pub(crate) use teller::Teller;
pub use teller::without;
pub use told::EVENT;
pub(crate) use told::{tell, tell_of};

/// What a turn has come to, for routing.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// Who spoke, and what stood before.
    pub turn: Turn<'a>,
    /// The fields that this turn changed.
    pub changed: &'a [(At, FieldId)],
    /// The releases that fired.
    pub firings: &'a [Firing],
    /// The version that the wishes ask for.
    pub version: u32,
    /// Nothing has come of the turn but that somebody had the order sent to a system again: the version says so, and is
    /// no change of the order.
    pub only_asked: bool,
}

/// Writes wishes into lanes, settles those that need no call, and wakes lanes that have something to
/// send. The last step of a turn.
pub fn route(state: &mut State, outline: Outline<'_>, rules: &Rules<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for firing in outline.firings {
        fired(state, firing, outline.version, rules, &mut effects);
    }
    if outline.version > outline.turn.before.version {
        // What the files made no call of was judged by what stood before.
        for system in crate::lane::unfit(&state.lanes) {
            if let Some(lane) = state.lanes.get_mut(&system) {
                lane.try_again();
            }
        }
        if !outline.only_asked {
            each_version(state, outline.version, rules, &mut effects);
        }
        reread(state, outline, rules, &mut effects);
    }
    let systems: Vec<SystemName> = state.lanes.systems().cloned().collect();
    for system in systems {
        forget(state, &system, rules, &mut effects);
        over::end(state, &system, rules, &mut effects);
        wake(state, &system, rules, outline.turn.now, &mut effects);
    }
    effects
}

/// A rule that hears of an event: one of these files, or one of earlier ones that is gone.
#[derive(Clone, Copy, Debug)]
struct Hears<'a> {
    id: &'a str,
    kind: OperationKind,
}

/// One wish to be written.
struct Wish<'a> {
    system: &'a SystemName,
    rule: Hears<'a>,
    emits: &'a str,
    to: Target,
    subject: &'a At,
    version: u32,
}

fn write(state: &mut State, wish: &Wish<'_>, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    let Some(lane) = lane_of(state, wish.system, rules) else { return };
    let fact = (wish.rule.kind == OperationKind::Fact).then_some(wish.version);
    let key = WantKey { rule: wish.rule.id.into(), subject: wish.subject.clone(), fact };
    let release = Some((wish.emits.into(), wish.to.as_str().into()));
    want_or_tell(lane, &key, (wish.version, release), rules, effects);
}

fn todo(cause: &Cause, system: &SystemName, why: String) -> Effect {
    let system = Some(system.clone());
    Effect::Todo(TodoItem {
        kind: TodoKind::Finding,
        cause: cause.word.into(),
        system,
        why,
        about: None,
    })
}

/// The lane of a configured system, made when it is wanted first.
fn lane_of<'a>(
    state: &'a mut State,
    system: &SystemName,
    rules: &Rules<'_>,
) -> Option<&'a mut Lane> {
    let role = rules.systems.get(system)?.role;
    let fresh = || Lane::new(system.clone(), role);
    Some(state.lanes.made(system, fresh))
}

fn listening<'a, 'e>(
    rules: &Rules<'a>,
    system: &SystemName,
    event: &'e str,
) -> impl Iterator<Item = &'a DeliverRule> + use<'a, 'e> {
    let deliver = rules.systems.get(system).map_or(&[][..], |system| &system.deliver);
    deliver.iter().filter(move |rule| &*rule.on == event)
}

/// The rules that make a wish of an event: those that send something, and those that are gone.
fn hearing<'a, 'e>(
    rules: &Rules<'a>,
    system: &SystemName,
    event: &'e str,
) -> impl Iterator<Item = Hears<'a>> + use<'a, 'e> {
    let there = listening(rules, system, event).filter(|rule| !rule.is_nothing());
    let there = there.map(|rule| Hears { id: &rule.id, kind: rule.kind() });
    let gone = gone::listened(rules, system, event);
    there.chain(gone.map(|gone| Hears { id: &gone.id, kind: gone.kind }))
}

fn fired(
    state: &mut State,
    firing: &Firing,
    version: u32,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    let Some(system) = &firing.system else { return };
    let (emits, to, subject) = (&*firing.emits, firing.to, &firing.subject);
    let heard = listening(rules, system, emits).next().is_some();
    for rule in hearing(rules, system, emits) {
        write(state, &Wish { system, rule, emits, to, subject, version }, rules, effects);
    }
    if !heard && unheard::is_unheard(state, firing, system, rules) {
        // A call that waits for its decision still waits: the code says so.
        if let Some(lane) = lane_of(state, system, rules) {
            lane.says(LaneCode::NotRouted);
        }
        let what = match subject.is_root() {
            true => "the order".to_owned(),
            false => format!("`{subject}`"),
        };
        let why = format!(
            "{what} is cancelled and nothing of `{system}` listens to `{emits}`; `do: none` says that nothing is to be done"
        );
        effects.push(todo(causes::NOT_ROUTED, system, why));
    }
}

/// `order.changed`: every version, to everyone who listens. Not one that says only that the order was sent to somebody
/// again: who was told of all would be told of a change that there was not, as often as anybody asks.
fn each_version(state: &mut State, version: u32, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    let flow = rules.flow;
    for release in flow.releases.iter().filter(|release| &*release.emits == ORDER_CHANGED) {
        let scene =
            Scene { order: &state.order, lanes: &state.lanes, systems: rules.systems, past: None };
        if !release.when.holds(scene, &At::ROOT) {
            continue;
        }
        for system in meant(state, release, rules) {
            for rule in hearing(rules, &system, ORDER_CHANGED) {
                let (system, subject) = (&system, &At::ROOT);
                let (emits, to) = (ORDER_CHANGED, release.to);
                write(state, &Wish { system, rule, emits, to, subject, version }, rules, effects);
            }
        }
    }
}

fn meant(state: &State, release: &Release, rules: &Rules<'_>) -> Vec<SystemName> {
    match release.to {
        Target::Role(role) => state.order.bound.get(&role).cloned().into_iter().collect(),
        Target::Origin | Target::Linked | Target::All => targets(state, release, rules),
    }
}

/// What fired once is wanted again at every change of a field that its mapping reads; facts are not.
fn reread(state: &mut State, outline: Outline<'_>, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    let flow = rules.flow;
    for release in flow.releases.iter().filter(|release| &*release.emits != ORDER_CHANGED) {
        let (emits, to) = (&*release.emits, release.to);
        for system in rules.systems.keys() {
            let states = hearing(rules, system, emits)
                .filter(|rule| rule.kind == OperationKind::State)
                .map(|rule| (rule, gone::reads(rules, system, rule.id)));
            let states: Vec<(Hears<'_>, FieldSet)> = states.collect();
            if states.is_empty() {
                continue;
            }
            for subject in &subjects(&state.order, release) {
                // 0: who made it true himself was never told.
                let key = fired_key(emits, to, subject, system);
                if state.order.fired.get(&key).is_none_or(|version| *version == 0) {
                    continue;
                }
                let version = outline.version;
                for (rule, reads) in &states {
                    let mut changed = outline.changed.iter();
                    if changed.any(|(at, field)| reads.contains(*field) && near(at, subject)) {
                        let wish = Wish { system, rule: *rule, emits, to, subject, version };
                        write(state, &wish, rules, effects);
                    }
                }
            }
        }
    }
}

/// What was given up and is not wanted any more, or there by now, is told of no more, and nobody is asked about it.
fn forget(state: &mut State, system: &SystemName, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    if state.lanes.get(system).is_none_or(|lane| lane.given_up.is_empty()) {
        return;
    }
    for (key, code) in plan::not_lacked(state, system, rules) {
        let Some(lane) = state.lanes.get_mut(system) else { return };
        lane.given_up.remove(&key.text());
        let is_there = code != LaneCode::Dropped;
        let why = if is_there { "the system has it by now" } else { "it is not wanted any more" };
        effects.extend(lane.asks_no_more(&key, why));
    }
}

/// Settles the wishes of a lane that need no call; what is left to send makes it due.
fn wake(
    state: &mut State,
    system: &SystemName,
    rules: &Rules<'_>,
    now: jiff::Timestamp,
    effects: &mut Vec<Effect>,
) {
    // Each round settles one wish, so that it ends after as many rounds as there are wishes.
    for _ in 0..=crate::lane::MOST_WANTS {
        match plan(state, system, rules) {
            Plan::Skip { key, version, code } => {
                settle_wish(state, system, &key, version, code, effects);
            }
            // Nothing of the order wakes a paused system: it stays due, and goes when the mode is another.
            Plan::Wait { key: None, code } => {
                if let Some(lane) = state.lanes.get_mut(system) {
                    lane.says(code);
                    lane.due_at.get_or_insert(now);
                }
                return;
            }
            Plan::Wait { key: Some(_), code } => {
                if let Some(lane) = state.lanes.get_mut(system) {
                    lane.rest(code);
                }
                return;
            }
            Plan::Send(_) => {
                if let Some(lane) = state.lanes.get_mut(system)
                    && lane.due_at.is_none()
                {
                    lane.due_at = Some(now);
                    effects.push(Effect::Deliver { system: system.clone() });
                } else {
                    hurry(state, system, rules, effects);
                }
                return;
            }
            Plan::Resume(_) => return hurry(state, system, rules, effects),
            Plan::Idle => return,
        }
    }
}

/// A new wish that does not wait while the system is down is looked at now, though the lane is due already: what is
/// before it may wait for the system.
fn hurry(state: &State, system: &SystemName, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    let (Some(lane), Some(known)) = (state.lanes.get(system), rules.systems.get(system)) else {
        return;
    };
    let fresh = lane.wants.iter().filter(|want| want.since.is_none());
    if { fresh }.any(|want| known.fails(Some(&want.key.rule))) {
        effects.push(Effect::Deliver { system: system.clone() });
    }
}

/// Ends a wish for which nothing is sent, and keeps why. A dropped create undoes its firing, so that
/// it may fire again; a thing that cannot be updated is shown to a person.
pub fn settle_wish(
    state: &mut State,
    system: &SystemName,
    key: &WantKey,
    version: u32,
    code: LaneCode,
    effects: &mut Vec<Effect>,
) {
    let Some(lane) = state.lanes.get_mut(system) else { return };
    let want = lane.wants.iter().find(|want| want.key == *key);
    let release = want.and_then(|want| want.release.clone());
    if code == LaneCode::NoUpdate && lane.code != Some(code) {
        let why = format!("`{}` of {} cannot be updated there", key.rule, key.subject);
        effects.push(todo(causes::NO_UPDATE, system, why));
    }
    lane.says(code);
    lane.unwant(key, version);
    if ends(code) && !lane.given_up.is_empty() {
        lane.given_up.remove(&key.text());
    }
    effects.extend(lane.asks_no_more(key, "nothing has to be sent for it any more"));
    if lane.wants.is_empty() {
        lane.due_at = None;
    }
    if code == LaneCode::Dropped {
        let flown = lane.flying.as_ref().filter(|flight| flight.want == *key);
        if flown.is_some_and(crate::lane::Flight::may_be_replaced) {
            lane.flying = None;
            lane.attempts = 0;
        }
        if let Some((emits, to)) = release {
            let text = format!("{emits}>{to} {} {system}", key.subject);
            state.order.fired.remove(&text);
        }
    }
}

/// Whether a wish that ends so leaves nothing that the system lacks: what was given up of it before is not told of any more.
fn ends(code: LaneCode) -> bool {
    matches!(
        code,
        LaneCode::ProjectionEqual
            | LaneCode::OwnChange
            | LaneCode::Dropped
            | LaneCode::LetBe
            | LaneCode::Delivered
    )
}
