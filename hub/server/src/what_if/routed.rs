//! What the files differ in beside the mappings: entries of `deliver:`, what their `when:` lets through, and the flow.
//! Asked of every order that the messages are about, whether their documents change or not, in two steps:
//!
//! - What goes out at the switch: the order is looked at once more by the new files, as the hub does then, and the calls
//!   that its lanes would make are compared with those that they would make by the old ones.
//! - What new orders like it would lead to, and this one when it changes next: the rules that hear of what befell it, and
//!   whose `when:` holds for it as it stands, are compared ([`orderhub_order::route::anew`]).

use std::collections::{BTreeMap, BTreeSet};

use orderhub_order::fold::{Act, Facts};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;
use orderhub_order::model::State;
use orderhub_order::route::{Anew, Told, anew};
use orderhub_order::rules::{DeliverRule, OperationRule};

use super::calls::Seen;
use super::targets::{Both, CallKey, Targets, calls, wishes};
use crate::bundle::Bundle;
use crate::deliver::prospect::Prospect;

/// A call that would wait.
const HELD: &str = "`when:` does not hold for orders like these, as they stand now";
/// A call that would not wait any more.
const LET_THROUGH: &str = "new orders like these, and these when they change next: `when:` does not hold them back any more";
/// The new files listen to what the old ones did not, or release what they did not.
const HEARD: &str = "new orders like these, and these when they change next: the old files have no such entry, or do not release it";
/// One of several entries is not there any more.
const NO_ENTRY: &str = "its entry of `deliver:` is gone";
/// The flow of the new files does not lead to an entry that is there.
const UNRELEASED: &str = "orders like these are not released to it any more";

/// Half of an entry is gone, or came: what it makes, and what it changes.
pub(super) const NO_CREATE: &str =
    "new orders like these are not made there any more: nothing of the entry makes them";
pub(super) const NO_UPDATE: &str =
    "when these change next: nothing of the entry changes them any more";
pub(super) const CREATES: &str = "new orders like these are made there: the entry makes them now";
pub(super) const UPDATES: &str = "when these change next: the entry changes them now";

/// The rules that hear of what befell an order, by system, rule and subject.
type Heard<'r> = BTreeMap<CallKey, Anew<'r>>;

impl Targets {
    /// Of an order as it stands.
    pub(super) fn routed(&mut self, both: Both<'_>, state: &State) {
        self.switched(both, state);
        self.heard(both, state);
    }

    /// What is called, or is not any more, as soon as the new files are in use.
    fn switched(&mut self, (old, new): Both<'_>, state: &State) {
        let facts = Facts { actor: "hub".into(), cause: "files".into(), ..Facts::default() };
        let look = |bundle: &Bundle| {
            let mut state = state.clone();
            self.folded(bundle, &facts, &Act::Tick, &mut state).then_some(state)
        };
        let (Some(was), Some(is)) = (look(old), look(new)) else { return };
        let order = state.order.reference.to_string();
        let (was, is) = (calls(old, &was), wishes(new, &is));
        let made = |call: &&Prospect| call.code.is_none();
        for (key, call) in is.iter().filter(|(key, _)| !was.contains_key(*key)) {
            if made(&call) {
                self.note(&order, "newly_delivered", key, call);
            }
        }
        for (key, former) in &was {
            match is.get(key).filter(|call| !made(call)) {
                Some(call) if call.code == Some(LaneCode::Held) => {
                    let (system, rule, subject) = key;
                    let (what, code, why) = ("held_back", call.code, Some(HELD));
                    let operation = former.operation.as_deref();
                    let seen = Seen { what, system, rule, operation, code, subject, why };
                    self.tell(&order, &seen);
                }
                Some(_) => self.note(&order, "no_longer_delivered", key, former),
                // It is called; or its rule is gone: that is told with what is heard.
                None => {}
            }
        }
    }

    /// What new orders like it would lead to.
    fn heard(&mut self, both: Both<'_>, state: &State) {
        let order = state.order.reference.to_string();
        let [mut was, is] = [both.0, both.1].map(|bundle| heard(bundle, state));
        rename(&mut was, both);
        let told = |heard: &Heard<'_>, key: &CallKey| heard.get(key).map(|one| one.told);
        let keys: BTreeSet<&CallKey> = was.keys().chain(is.keys()).collect();
        for key in keys {
            if let (Some(was), Some(is)) = (was.get(key), is.get(key)) {
                self.halves(&order, key, (was, is));
            }
            let (what, one, code, why) = match (told(&was, key), told(&is, key)) {
                (None, Some(Told::Yes)) => ("newly_delivered", is.get(key), None, HEARD),
                (Some(Told::Held), Some(Told::Yes)) => {
                    ("newly_delivered", is.get(key), None, LET_THROUGH)
                }
                (Some(Told::Yes), Some(Told::Held)) => {
                    ("held_back", is.get(key), Some(LaneCode::Held), HELD)
                }
                (Some(Told::Yes), None) => {
                    let why = if has(both.1, key) { UNRELEASED } else { NO_ENTRY };
                    ("no_longer_delivered", was.get(key), None, why)
                }
                (_, _) => continue,
            };
            let (system, rule, subject) = key;
            let operation = one.and_then(|one| Some(&*one.operation?.name));
            let why = Some(why);
            self.tell(&order, &Seen { what, system, rule, operation, code, subject, why });
        }
    }
}

impl Targets {
    /// What an entry that both have makes or changes by one of them alone.
    fn halves(
        &mut self,
        order: &str,
        (system, rule, subject): &CallKey,
        (was, is): (&Anew<'_>, &Anew<'_>),
    ) {
        if [was.told, is.told].contains(&Told::Held) {
            return;
        }
        // What makes alone is not called again once it made.
        let halves = |rule: &'_ DeliverRule| {
            let single =
                |changes: bool| rule.single.as_ref().filter(|one| !changes || !one.creates);
            let name = |half: Option<&OperationRule>| half.map(|half| half.name.to_string());
            [
                name(rule.create.as_ref().or(single(false))),
                name(rule.update.as_ref().or(single(true))),
            ]
        };
        let ([made, changed], [makes, changes]) = (halves(was.rule), halves(is.rule));
        for (was, is, gone, came) in
            [(made, makes, NO_CREATE, CREATES), (changed, changes, NO_UPDATE, UPDATES)]
        {
            let (what, operation, why) = match (&was, &is) {
                (Some(was), None) => ("no_longer_delivered", was, gone),
                (None, Some(is)) => ("newly_delivered", is, came),
                (_, _) => continue,
            };
            let (operation, why, code) = (Some(operation.as_str()), Some(why), None);
            self.tell(order, &Seen { what, system, rule, operation, code, subject, why });
        }
    }
}

fn heard<'b>(bundle: &'b Bundle, state: &State) -> Heard<'b> {
    let all = anew(state, &bundle.rules()).into_iter();
    all.map(|one| {
        let subject =
            if one.subject.is_root() { "order".to_owned() } else { one.subject.to_string() };
        ((one.system.to_string(), one.rule.id.to_string(), subject), one)
    })
    .collect()
}

/// An entry in whose place plainly another one stands, called otherwise: what was heard by it is heard by that.
fn rename(was: &mut Heard<'_>, (old, new): Both<'_>) {
    let keys: Vec<CallKey> = was.keys().cloned().collect();
    for (system, rule, subject) in keys {
        let Some(heir) = heir((old, new), &system, &rule) else { continue };
        if let Some(one) = was.remove(&(system.clone(), rule, subject.clone())) {
            was.insert((system, heir.to_owned(), subject), one);
        }
    }
}

/// As the hub judges it: one entry for an event went and one came, and both make something or neither does.
fn heir<'n>((old, new): Both<'n>, system: &str, rule: &str) -> Option<&'n str> {
    let (was, is) = (entries(old, system), entries(new, system));
    let gone = was.iter().find(|one| *one.id == *rule)?;
    let alone = |of: &'n [DeliverRule], others: &'n [DeliverRule]| {
        let same = |one: &&DeliverRule| one.on == gone.on && !one.is_nothing();
        let mut own =
            of.iter().filter(same).filter(|one| others.iter().all(|other| other.id != one.id));
        own.next().filter(|_| own.next().is_none())
    };
    let (went, came) = (alone(was, is)?, alone(is, was)?);
    (went.id == gone.id && went.makes() == came.makes()).then_some(&*came.id)
}

fn entries<'b>(bundle: &'b Bundle, system: &str) -> &'b [DeliverRule] {
    bundle.rules().systems.get(&SystemName::new(system)).map_or(&[], |rules| &rules.deliver)
}

fn has(bundle: &Bundle, (system, rule, _): &CallKey) -> bool {
    entries(bundle, system).iter().any(|one| *one.id == **rule)
}
