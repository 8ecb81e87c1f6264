//! What a lane is to send next, judged anew each time: at every change, and when it is claimed.

use super::{gone, own};
use crate::catalogue::known;
use crate::condition::{Condition, Scene};
use crate::flow::Release;
use crate::ids::{At, Collection, SystemName};
use crate::lane::{Flight, Lane, LaneCode, Want, WantKey};
use crate::model::State;
use crate::rules::{DeliverRule, GoneRule, Mode, OperationKind, OperationRule, Rules};

/// What to do with a lane.
#[derive(Clone, Debug)]
pub enum Plan<'a> {
    /// It wants nothing.
    Idle,
    /// A call is under way or frozen: the same bytes again, nothing else.
    Resume(&'a Flight),
    /// This is to be sent.
    Send(Box<Send<'a>>),
    /// Everything it wants has to wait; the code says for what.
    Wait {
        /// The first wish that waits; `None`: the lane as a whole.
        key: Option<WantKey>,
        /// Why.
        code: LaneCode,
    },
    /// Nothing has to be sent for this wish: settle it and plan again.
    Skip {
        /// The wish.
        key: WantKey,
        /// The version that it asked for.
        version: u32,
        /// Why: `dropped`, `no_update`, `own_change`, `delivered`, `not_routed`.
        code: LaneCode,
    },
}

/// A wish that can be sent now.
#[derive(Clone, Debug)]
pub struct Send<'a> {
    /// The wish.
    pub want: &'a Want,
    /// Its deliver rule.
    pub rule: &'a DeliverRule,
    /// The operation, chosen by what is linked.
    pub operation: &'a OperationRule,
    /// How it was chosen.
    pub choice: Choice,
    /// The earlier attempt that nothing has come of, and that newly frozen inputs replace.
    pub replaces: Option<&'a Flight>,
    /// Everything is computed and recorded, nothing sent.
    pub shadow: bool,
}

/// Which of a rule's operations was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The system does not know the subject.
    Create,
    /// It does.
    Update,
    /// The rule has one operation for both.
    Single,
}

/// What came of looking at one wish.
enum Judged<'a> {
    Send(&'a OperationRule, Choice),
    Wait(LaneCode),
    Skip(LaneCode),
}

/// Says what the lane of `system` is to send next. Wishes that need no call are settled before any is
/// served; these are served first come first. One that has to wait does not stop those behind it, a
/// call under way does. One that the files make no call of ([`Want::unfit`]) is passed over like one
/// that waits; once the mark is gone it is judged as before, in its place: see the fold's `unfit`.
pub fn plan<'a>(state: &'a State, system: &SystemName, rules: &Rules<'a>) -> Plan<'a> {
    let Some(lane) = state.lanes.get(system) else { return Plan::Idle };
    let Some(known) = rules.systems.get(system) else { return Plan::Idle };
    if let Some(flight) = &lane.flying {
        if let Some((flight, code)) = lane.undecided() {
            return Plan::Wait { key: Some(flight.want.clone()), code };
        }
        if !flight.may_be_replaced() {
            return Plan::Resume(flight);
        }
    }
    if lane.wants.is_empty() {
        return Plan::Idle;
    }
    if known.mode == Mode::Paused {
        return Plan::Wait { key: None, code: LaneCode::Paused };
    }
    let (mut unrouted, mut waits, mut unfit, mut send) = (None, None, None, None);
    let shadow = known.mode == Mode::Shadow;
    for want in &lane.wants {
        let key = want.key.clone();
        let rule = known.deliver.iter().find(|rule| rule.id == want.key.rule);
        match (Judge { state, lane, rules, shadow }).judge(want, rule) {
            Judged::Send(operation, choice) => {
                let Some(rule) = rule else { continue };
                let replaces = lane.flying.as_ref().filter(|flight| flight.want == want.key);
                send = send.or(Some(Send { want, rule, operation, choice, replaces, shadow }));
            }
            Judged::Skip(code) => return Plan::Skip { key, version: want.version, code },
            // What the files lack is named before what comes by itself, and that before what a todo says already.
            Judged::Wait(code @ LaneCode::NotRouted) => unrouted = unrouted.or(Some((key, code))),
            Judged::Wait(code @ LaneCode::Dead) => unfit = unfit.or(Some((key, code))),
            Judged::Wait(code) => waits = waits.or(Some((key, code))),
        }
    }
    match (send, unrouted.or(waits).or(unfit)) {
        (Some(send), _) => Plan::Send(Box::new(send)),
        (None, Some((key, code))) => Plan::Wait { key: Some(key), code },
        (None, None) => Plan::Idle,
    }
}

/// What a lane will do about one of its wishes, for people who ask before they act.
#[derive(Clone, Debug)]
pub struct Outlook<'a> {
    /// The wish.
    pub want: &'a Want,
    /// The operation that would be called; `None`: nothing has to be sent, or it waits.
    pub operation: Option<&'a OperationRule>,
    /// Why nothing is sent, or not yet.
    pub code: Option<LaneCode>,
}

/// All wishes of a lane with what would become of each, in the order in which they are served.
pub fn outlook<'a>(state: &'a State, system: &SystemName, rules: &Rules<'a>) -> Vec<Outlook<'a>> {
    let Some(lane) = state.lanes.get(system) else { return Vec::new() };
    let Some(known) = rules.systems.get(system) else { return Vec::new() };
    let judge = Judge { state, lane, rules, shadow: known.mode == Mode::Shadow };
    let of = |want: &'a Want| {
        let rule = known.deliver.iter().find(|rule| rule.id == want.key.rule);
        let judged = judge.judge(want, rule);
        let (operation, code) = match judged {
            Judged::Send(operation, _) => (Some(operation), None),
            Judged::Wait(code) | Judged::Skip(code) => (None, Some(code)),
        };
        Outlook { want, operation, code }
    };
    lane.wants.iter().map(of).collect()
}

/// Why nothing has to be sent for a wish of a lane, if that is so.
pub(crate) fn skips(
    state: &State,
    system: &SystemName,
    key: &WantKey,
    rules: &Rules<'_>,
) -> Option<LaneCode> {
    let known = rules.systems.get(system)?;
    let lane = state.lanes.get(system)?;
    let want = lane.wants.iter().find(|want| want.key == *key)?;
    let rule = known.deliver.iter().find(|rule| rule.id == key.rule);
    let judge = Judge { state, lane, rules, shadow: known.mode == Mode::Shadow };
    match judge.judge(want, rule) {
        Judged::Skip(code) => Some(code),
        Judged::Wait(_) | Judged::Send(..) => None,
    }
}

/// What was given up for a system and is not lacked any more, each with why: its subject is gone, what it tells of was
/// taken back, or the system has it by now.
pub(super) fn not_lacked(
    state: &State,
    system: &SystemName,
    rules: &Rules<'_>,
) -> Vec<(WantKey, LaneCode)> {
    let (Some(lane), Some(known)) = (state.lanes.get(system), rules.systems.get(system)) else {
        return Vec::new();
    };
    let judge = Judge { state, lane, rules, shadow: known.mode == Mode::Shadow };
    let all = lane.given_up.iter().filter(|(_, fact)| !fact.may_be_there);
    let dropped = all.filter_map(|(text, fact)| {
        let key = WantKey::parse(text)?;
        let rule = known.deliver.iter().find(|rule| rule.id == key.rule);
        let (version, release) = (fact.version, fact.release.clone());
        let want = Want { key, version, release, since: None, unfit: false, whole: fact.whole };
        match judge.judge(&want, rule) {
            Judged::Skip(
                code @ (LaneCode::Dropped | LaneCode::OwnChange | LaneCode::Delivered),
            ) => Some((want.key, code)),
            Judged::Skip(_) | Judged::Wait(_) | Judged::Send(..) => None,
        }
    });
    dropped.collect()
}

struct Judge<'a, 'r> {
    state: &'a State,
    lane: &'a Lane,
    rules: &'r Rules<'a>,
    shadow: bool,
}

impl<'a> Judge<'a, '_> {
    /// `rule`: the wish's own, where the files have it.
    fn judge(&self, want: &Want, rule: Option<&'a DeliverRule>) -> Judged<'a> {
        match (rule, gone::of(self.rules, &self.lane.system, &want.key.rule)) {
            (Some(rule), _) => self.wish(want, rule),
            (None, Some(gone)) => self.unrouted(want, gone),
            (None, None) => Judged::Skip(LaneCode::NotRouted),
        }
    }

    /// A wish whose rule is gone waits for it, unless it would not be sent then either.
    fn unrouted(&self, want: &Want, gone: &GoneRule) -> Judged<'a> {
        let subject = &want.key.subject;
        if self.is_gone(subject) || self.taken_back(want) {
            return Judged::Skip(LaneCode::Dropped);
        }
        let told = self.delivered(&want.key);
        if want.key.fact.is_some() && told {
            return Judged::Skip(LaneCode::Delivered);
        }
        let made = told || self.lane.named().any(|xref| xref.at == *subject);
        match self.create(want) {
            Some(Judged::Skip(code)) if gone.creates && !made => Judged::Skip(code),
            Some(_) | None => Judged::Wait(LaneCode::NotRouted),
        }
    }

    fn is_gone(&self, subject: &At) -> bool {
        !subject.is_root() && self.state.order.element(subject).is_none_or(|element| element.gone)
    }

    fn wish(&self, want: &Want, rule: &'a DeliverRule) -> Judged<'a> {
        let subject = &want.key.subject;
        if self.is_gone(subject) {
            return Judged::Skip(LaneCode::Dropped);
        }
        if want.key.fact.is_some() && self.delivered(&want.key) {
            return Judged::Skip(LaneCode::Delivered);
        }
        if self.taken_back(want) {
            return Judged::Skip(LaneCode::Dropped);
        }
        let (operation, choice) = match self.choose(want, rule) {
            Ok(chosen) => chosen,
            Err(verdict) => return verdict,
        };
        if (choice == Choice::Create || operation.creates)
            && let Some(verdict) = self.create(want)
        {
            return verdict;
        }
        if rule.when.as_ref().is_some_and(|when| !self.holds(when, subject)) {
            return Judged::Wait(LaneCode::Held);
        }
        let state = operation.kind == OperationKind::State && self.about_values(want, rule);
        if state
            && !want.whole
            && self.linked(operation, subject)
            && own::change(self.state, self.lane, want, self.rules)
        {
            return Judged::Skip(LaneCode::OwnChange);
        }
        if want.unfit {
            return Judged::Wait(LaneCode::Dead);
        }
        Judged::Send(operation, choice)
    }

    fn holds(&self, when: &Condition, at: &At) -> bool {
        let State { order, lanes } = self.state;
        when.holds(Scene { order, lanes, systems: self.rules.systems, past: None }, at)
    }

    fn linked(&self, operation: &OperationRule, subject: &At) -> bool {
        self.lane.ext_id(operation.entity.as_str(), subject).is_some()
    }

    fn delivered(&self, key: &WantKey) -> bool {
        let sent = if self.shadow { &self.lane.shadow } else { &self.lane.sent };
        sent.contains_key(&key.text())
    }

    /// Create or update, by the live cross reference. What makes something is never called for a
    /// subject that is linked, or for which it was delivered already.
    fn choose(
        &self,
        want: &Want,
        rule: &'a DeliverRule,
    ) -> Result<(&'a OperationRule, Choice), Judged<'a>> {
        let subject = &want.key.subject;
        // By a rule that sent a state, where this one tells a fact: of no firing.
        let state = WantKey { fact: None, ..want.key.clone() };
        let made = |operation: &OperationRule| {
            self.linked(operation, subject) || self.delivered(&want.key) || self.delivered(&state)
        };
        match (&rule.create, &rule.update, &rule.single) {
            (Some(create), None, _) if made(create) => {
                let code = if rule.once { LaneCode::Delivered } else { LaneCode::NoUpdate };
                Err(Judged::Skip(code))
            }
            (Some(create), Some(update), _) if made(create) => {
                // Shadow mode makes no reference: there, what was shown once is updated.
                if self.shadow || self.linked(update, subject) || self.linked(create, subject) {
                    Ok((update, Choice::Update))
                } else {
                    Err(Judged::Wait(LaneCode::NotLinked))
                }
            }
            (Some(create), _, _) => Ok((create, Choice::Create)),
            (None, Some(update), _) if self.linked(update, subject) => Ok((update, Choice::Update)),
            (None, Some(_), _) => Err(Judged::Wait(LaneCode::NotLinked)),
            (None, None, Some(single)) if single.creates && made(single) => {
                Err(Judged::Skip(LaneCode::NoUpdate))
            }
            (None, None, Some(single)) => Ok((single, Choice::Single)),
            (None, None, None) => Err(Judged::Skip(LaneCode::NotRouted)),
        }
    }

    /// The wish is about the values that its mapping reads, and not about what happened: a
    /// cancellation has to be told, whatever its mapping reads stands there already.
    fn about_values(&self, want: &Want, rule: &DeliverRule) -> bool {
        let by_values = |release: &Release| {
            release.fields.is_some() || &*release.emits == crate::flow::ORDER_CHANGED
        };
        rule.create.is_some()
            || self.delivered(&want.key)
            || self.release(want).is_none_or(by_values)
    }

    fn release(&self, want: &Want) -> Option<&'a Release> {
        let (emits, to) = want.release.as_ref()?;
        self.rules.flow.release(emits, to)
    }

    /// The release of a fulfilment that is taken back, or was refused: it is neither made nor updated
    /// any more, its cancellation is a wish of its own.
    fn taken_back(&self, want: &Want) -> bool {
        let record = self.state.order.record(&want.key.subject);
        let status = record.and_then(|record| record.text(known::fulfilment::STATUS));
        self.release(want).is_some_and(|release| release.creates)
            && matches!(status, Some("cancel_requested" | "cancelled" | "rejected"))
    }

    /// Whether a create still stands: its release's lifecycle and holds. Nothing of it has left yet,
    /// else the lane would be bound to its flight.
    fn create(&self, want: &Want) -> Option<Judged<'a>> {
        let subject = &want.key.subject;
        let release = self.release(want)?;
        let at = if release.subject == Collection::Root { &At::ROOT } else { subject };
        if !self.holds(&release.lifecycle, at) {
            return Some(Judged::Skip(LaneCode::Dropped));
        }
        (!self.holds(&release.holds, at)).then_some(Judged::Wait(LaneCode::Held))
    }
}
