//! What of the changes reaches the targets. Three questions, for the orders that the messages are about, as they stand
//! now, with all that is linked and was sent:
//!
//! - What would follow if the newest message of a document came once more and the new files mapped it: it is folded
//!   into a copy of the order by the rules of the new files, and the calls that its lanes would make are compared with
//!   those that they would make without it.
//! - What would be sent next: what was sent before is mapped out by both files.
//! - What new orders like these would carry to the targets: the calls that were made are mapped out of the order as it
//!   is by the old files, and by the new ones of the order as it would be had the newest message of a document been
//!   theirs ([`super::instead`], [`super::sent`]). A call that was made once and for all is told so, too. Of an order
//!   that nobody would make any more, each call is one that is no longer made ([`super::unmade`]); so is one for whose
//!   event the new files have no entry of `deliver:` ([`super::unrouted`]). So is what their entries, a `when:` of
//!   them or the flow let through or hold back ([`super::routed`]).
//!
//! Calls under way, breakers and pauses are the running hub's, and do not count.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::catalogue::known;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, DocumentAct, Facts, Outcome, create, fold};
use orderhub_order::hash;
use orderhub_order::identify::{Identity, identify, references};
use orderhub_order::ids::{At, Entity, OrderKey, order_reference};
use orderhub_order::lane::LaneCode;
use orderhub_order::model::State;

use super::calls::{Call, Calls, Seen};
use super::compare::{Found, last_first};
use super::instead;
use super::unmade::Unmade;
use crate::bundle::Bundle;
use crate::deliver::prospect::{Prospect, prospects};
use crate::store::StoreError;
use crate::store::traffic::{Drive, Traffic};

/// The old files and the new ones.
pub(super) type Both<'b> = (&'b Bundle, &'b Bundle);

/// What is known of the targets so far.
#[derive(Debug)]
pub(super) struct Targets {
    /// When it is folded.
    now: Timestamp,
    pub(super) calls: Calls,
    /// Changed documents of which nobody can say where they belong: their order is not known, or several are.
    pub(super) unplaced: u64,
    /// Orders that were mapped out.
    orders: HashSet<OrderKey>,
    /// Documents whose order was looked for.
    placed: HashSet<[u8; 16]>,
    /// Documents whose newest message was met, whatever became of it: older ones say nothing any more.
    documents: HashSet<[u8; 16]>,
    /// Calls that were noted: several documents of an order may lead to one.
    pub(super) noted: HashSet<[u8; 16]>,
    /// Orders that nobody would make any more.
    unmade: Unmade,
}

/// Where a document belongs.
enum Place {
    There(Arc<State>, Option<At>, Option<At>),
    New(Box<State>),
}

impl Targets {
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            now,
            calls: Calls::default(),
            unplaced: 0,
            orders: HashSet::new(),
            placed: HashSet::new(),
            documents: HashSet::new(),
            noted: HashSet::new(),
            unmade: Unmade::default(),
        }
    }

    /// What is told of them, and what is not.
    pub(super) fn closed(self) -> (Vec<Call>, u64) {
        let Self { mut calls, unmade, mut noted, .. } = self;
        unmade.tell(&mut calls, &mut noted);
        calls.closed()
    }

    /// Looks at the documents of a message.
    pub(super) async fn documents(
        &mut self,
        traffic: &mut dyn Traffic,
        both: Both<'_>,
        drive: &Drive,
        found: &[Found<'_>],
    ) -> Result<(), StoreError> {
        for found in last_first(found) {
            self.document(traffic, both, drive, found).await?;
        }
        Ok(())
    }

    /// Meets documents of a message of which nothing follows: it is mapped by the new files already, cannot be
    /// mapped, or cannot be compared.
    pub(super) fn met(&mut self, new: &Bundle, drive: &Drive, mapped: &[Mapped]) {
        let system = drive.envelope.system.as_str();
        let kinds = new.intake_of(&drive.envelope).map_or(&[][..], |intake| &intake.mappings[..]);
        for one in mapped {
            match one {
                Mapped::Document(said) => {
                    self.documents.insert(name(said.system.as_str(), &said.document, &said.key));
                }
                // It does not say which mapping it is of: there is hardly ever more than one.
                Mapped::Failed(MapError { key: Some(key), .. }) => {
                    let names = kinds.iter().map(|kind| name(system, kind.document(), key));
                    self.documents.extend(names);
                }
                Mapped::Failed(_) | Mapped::Skipped => {}
            }
        }
    }

    async fn document(
        &mut self,
        traffic: &mut dyn Traffic,
        both: Both<'_>,
        drive: &Drive,
        found: &Found<'_>,
    ) -> Result<(), StoreError> {
        let Some(said) = found.said() else { return Ok(()) };
        let name = name(said.system.as_str(), &said.document, &said.key);
        let newest = self.documents.insert(name);
        if !self.placed.insert(name) {
            return Ok(());
        }
        let changed = found.changed().filter(|_| newest);
        let Some(place) = self.place(traffic, both.1, said, changed.is_some()).await? else {
            self.unplaced += u64::from(changed.is_some());
            return Ok(());
        };
        if let Place::There(state, ..) = &place {
            if self.orders.insert(state.order.key) {
                self.next(both, state);
                self.unrouted(both, state);
                self.routed(both, state);
            }
            if newest && said.entity == Entity::Order && said.creates {
                self.unmade.met(state, found);
            }
        }
        if let Some(said) = changed {
            self.follows(both, drive, (found.before(), said), place);
        }
        Ok(())
    }

    async fn place(
        &mut self,
        traffic: &mut dyn Traffic,
        new: &Bundle,
        said: &Contribution,
        may_create: bool,
    ) -> Result<Option<Place>, StoreError> {
        let bound = traffic.bound(&references(said)).await?;
        Ok(match identify(said, &bound) {
            Identity::Known { order, at, parent } => {
                let state = traffic.state(order).await?;
                state.map(|state| Place::There(state, at, parent))
            }
            Identity::Create if may_create => {
                // It is never stored: any number will do.
                let key = OrderKey(0);
                let number = order_no(said).or(Some(&said.key));
                let reference = order_reference(&said.system, number, false, key);
                let made = create(key, reference.into(), said, &new.rules(), self.now);
                made.map(|state| Place::New(Box::new(state)))
            }
            Identity::Create | Identity::Wait(_) | Identity::Ambiguous(_) => None,
        })
    }

    /// What would follow if it came once more, and what calls that were made would have carried. `before`: what the
    /// old files make of it.
    fn follows(
        &mut self,
        (old, new): Both<'_>,
        drive: &Drive,
        (before, said): (Option<&Contribution>, &Contribution),
        place: Place,
    ) {
        let (known, mut after, at, parent) = match place {
            Place::There(state, at, parent) => {
                (Some(Arc::clone(&state)), (*state).clone(), at, parent)
            }
            Place::New(state) => (None, *state, Some(At::ROOT), None),
        };
        let since = after.order.version;
        let contribution = said.clone();
        let act = Act::Document(DocumentAct { contribution, at: at.clone(), parent });
        let facts = Facts {
            cause: format!("message:{}", drive.id).into(),
            actor: format!("system:{}", drive.envelope.system).into(),
            received: Some(drive.envelope.received),
            // What carries no revision of its own comes last.
            sequence: i64::MAX,
            ..Facts::default()
        };
        if !self.folded(new, &facts, &act, &mut after) {
            self.unplaced += 1;
            return;
        }
        let order = after.order.reference.to_string();
        let then = calls(new, &after);
        let now = known.as_deref().map(|state| calls(old, state)).unwrap_or_default();
        for (key, call) in then.iter().filter(|(key, _)| !now.contains_key(*key)) {
            self.note(&order, "newly_delivered", key, call);
        }
        for (key, call) in now.iter().filter(|(key, _)| !then.contains_key(*key)) {
            self.note(&order, "no_longer_delivered", key, call);
        }
        for call in prospects(new, &after, since, |_, _| None) {
            let equal = [LaneCode::ProjectionEqual, LaneCode::OwnChange, LaneCode::NotRouted];
            if call.code.is_some_and(|code| !equal.contains(&code)) {
                self.note(&order, "held_back", &key_of(&call), &call);
            }
        }
        if let (Some(known), Some(before), Some(at)) = (known, before, &at) {
            let lane = known.lanes.get(&said.system);
            let xrefs = lane.map(|lane| lane.xrefs.clone()).unwrap_or_default();
            let mut other = (*known).clone();
            instead::put(&mut other, at, &xrefs, [&before.body, &said.body]);
            self.carried((old, new), (&known, &other), &then);
        }
    }

    /// Folds an act into an order by the rules of some files.
    pub(super) fn folded(
        &self,
        bundle: &Bundle,
        facts: &Facts,
        act: &Act,
        state: &mut State,
    ) -> bool {
        let folded = catch_unwind(AssertUnwindSafe(|| {
            fold(state, act, &bundle.rules(), facts, self.now).outcome
        }));
        matches!(folded, Ok(Outcome::Applied { .. } | Outcome::Unchanged))
    }

    pub(super) fn note(&mut self, order: &str, what: &'static str, key: &CallKey, call: &Prospect) {
        let (system, rule, subject) = key;
        let operation = call.operation.as_deref();
        let (code, why) = (call.code, None);
        self.tell(order, &Seen { what, system, rule, operation, code, subject, why });
    }

    /// Tells of a call, once for each order.
    pub(super) fn tell(&mut self, order: &str, seen: &Seen<'_>) {
        let parts = [order, seen.what, seen.system, seen.rule, seen.subject];
        if self.noted.insert(hash::half_of_parts(parts.map(str::as_bytes))) {
            self.calls.note(order, seen);
        }
    }
}

/// Names a document of a system.
fn name(system: &str, document: &str, key: &str) -> [u8; 16] {
    hash::half_of_parts([system, document, key].map(str::as_bytes))
}

fn order_no(said: &Contribution) -> Option<&str> {
    let mut stated = said.body.fields.iter();
    stated.find(|(field, _)| *field == known::order::ORDER_NO)?.1.as_ref()?.as_str()
}

/// A call: system, rule and subject.
pub(super) type CallKey = (String, String, String);

fn key_of(call: &Prospect) -> CallKey {
    (call.system.clone(), call.rule.clone(), call.subject.clone())
}

/// The calls that the lanes of an order would make.
pub(super) fn calls(bundle: &Bundle, state: &State) -> BTreeMap<CallKey, Prospect> {
    wishes(bundle, state).into_iter().filter(|(_, call)| call.code.is_none()).collect()
}

/// What the lanes of an order want, and what would become of it.
pub(super) fn wishes(bundle: &Bundle, state: &State) -> BTreeMap<CallKey, Prospect> {
    let all = prospects(bundle, state, 0, |_, _| None);
    all.into_iter().map(|call| (key_of(&call), call)).collect()
}
