//! What of the changes reaches the targets. Two questions, for the orders that the messages are about, as they stand
//! now, with all that is linked and was sent:
//!
//! - What would follow if the newest message of a document came once more and the new files mapped it: it is folded
//!   into a copy of the order by the rules of the new files, and the calls that its lanes would make are compared with
//!   those that they would make without it.
//! - What would be sent next: what was sent before is mapped out by both files.
//!
//! Calls under way, breakers and pauses are the running hub's, and do not count.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_lang::value::Value;
use orderhub_mapping::diff::{between_documents, without_rows};
use orderhub_mapping::{Context, MapError, Mapped, Mapping, Projection, ReverseError};
use orderhub_order::catalogue::known;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, DocumentAct, Facts, Outcome, create, fold};
use orderhub_order::hash;
use orderhub_order::identify::{Identity, identify, references};
use orderhub_order::ids::{At, OrderKey, order_reference};
use orderhub_order::lane::{Lane, LaneCode, WantKey};
use orderhub_order::model::{State, Subject};

use super::calls::{Calls, Seen};
use super::compare::{Found, last_first};
use crate::bundle::{Bundle, System};
use crate::deliver::prospect::{Prospect, prospects};
use crate::store::StoreError;
use crate::store::traffic::{Drive, Traffic};

/// The old files and the new ones.
type Both<'b> = (&'b Bundle, &'b Bundle);

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
    noted: HashSet<[u8; 16]>,
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
        }
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
        if let Place::There(state, ..) = &place
            && self.orders.insert(state.order.key)
        {
            self.next(both, state);
        }
        if let Some(said) = changed {
            self.follows(both, drive, said, place);
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

    /// What would follow if it came once more.
    fn follows(&mut self, (old, new): Both<'_>, drive: &Drive, said: &Contribution, place: Place) {
        let (before, mut after, at, parent) = match place {
            Place::There(state, at, parent) => (calls(old, &state), (*state).clone(), at, parent),
            Place::New(state) => (BTreeMap::new(), *state, Some(At::ROOT), None),
        };
        let since = after.order.version;
        let act = Act::Document(DocumentAct { contribution: said.clone(), at, parent });
        let facts = Facts {
            actor: format!("system:{}", said.system).into(),
            cause: format!("message:{}", drive.id).into(),
            received: Some(drive.envelope.received),
            // What carries no revision of its own comes last.
            sequence: i64::MAX,
            ..Facts::default()
        };
        let folded = catch_unwind(AssertUnwindSafe(|| {
            fold(&mut after, &act, &new.rules(), &facts, self.now).outcome
        }));
        if !matches!(folded, Ok(Outcome::Applied { .. } | Outcome::Unchanged)) {
            self.unplaced += 1;
            return;
        }
        let order = after.order.reference.to_string();
        let then = calls(new, &after);
        for (key, call) in then.iter().filter(|(key, _)| !before.contains_key(*key)) {
            self.note(&order, "newly_delivered", key, call);
        }
        for (key, call) in before.iter().filter(|(key, _)| !then.contains_key(*key)) {
            self.note(&order, "no_longer_delivered", key, call);
        }
        for call in prospects(new, &after, since, |_, _| None) {
            let equal = [LaneCode::ProjectionEqual, LaneCode::OwnChange, LaneCode::NotRouted];
            if call.code.is_some_and(|code| !equal.contains(&code)) {
                self.note(&order, "held_back", &key_of(&call), &call);
            }
        }
    }

    fn note(&mut self, order: &str, what: &'static str, key: &CallKey, call: &Prospect) {
        let (system, rule, subject) = key;
        let parts = [order, what, system, rule, subject];
        if !self.noted.insert(hash::half_of_parts(parts.map(str::as_bytes))) {
            return;
        }
        let operation = call.operation.as_deref();
        let seen = Seen { what, system, rule, operation, code: call.code, subject };
        self.calls.note(order, &seen);
    }

    /// What would be sent next.
    fn next(&mut self, (old, new): Both<'_>, state: &State) {
        for lane in state.lanes.iter() {
            let (Some(was), Some(is)) = (old.system(&lane.system), new.system(&lane.system)) else {
                continue;
            };
            // One mapping may serve several operations of a rule.
            let mut done: HashSet<(String, &str)> = HashSet::new();
            for key in lane.sent.keys().filter_map(|text| WantKey::parse(text)) {
                for ((rule, operation), delivery) in &is.deliveries {
                    let (Some(mapping), true) = (&delivery.with, *rule == key.rule) else {
                        continue;
                    };
                    let before = was.deliveries.get(&(rule.clone(), operation.clone()));
                    let Some(before) = before.and_then(|delivery| delivery.with.as_ref()) else {
                        continue;
                    };
                    if key.fact.is_none() && done.insert((key.text(), mapping.document())) {
                        let sides = ((&**before, was), (&**mapping, is));
                        self.projected(sides, state, lane, (&key, operation));
                    }
                }
            }
        }
    }

    fn projected(
        &mut self,
        ((before, was), (mapping, is)): ((&Mapping, &System), (&Mapping, &System)),
        state: &State,
        lane: &Lane,
        (key, operation): (&WantKey, &str),
    ) {
        let old = project(before, was, state, lane, &key.subject);
        let new = project(mapping, is, state, lane, &key.subject);
        let what = match (&old, &new) {
            (Ok(old), Ok(new)) if old.bytes == new.bytes => return,
            (Ok(_), Ok(_)) => "sent_otherwise",
            (Ok(_), Err(_)) => "not_sent",
            (Err(_), Ok(_)) => "sent_again",
            (Err(_), Err(_)) => return,
        };
        let subject = match key.subject.is_root() {
            true => "order".to_owned(),
            false => key.subject.to_string(),
        };
        let (system, rule) = (lane.system.as_str(), &*key.rule);
        let seen =
            Seen { what, system, rule, operation: Some(operation), code: None, subject: &subject };
        let Some(call) = self.calls.note(&state.order.reference, &seen) else { return };
        match (&old, &new) {
            (Ok(old), Ok(new)) => call.differs(fields(&old.bytes, &new.bytes).into_iter()),
            (_, Err(ReverseError::Failed(error))) => {
                call.why.get_or_insert_with(|| error.to_string());
            }
            (_, _) => {}
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
type CallKey = (String, String, String);

fn key_of(call: &Prospect) -> CallKey {
    (call.system.clone(), call.rule.clone(), call.subject.clone())
}

/// The calls that the lanes of an order would make.
fn calls(bundle: &Bundle, state: &State) -> BTreeMap<CallKey, Prospect> {
    let all = prospects(bundle, state, 0, |_, _| None);
    all.into_iter().filter(|call| call.code.is_none()).map(|call| (key_of(&call), call)).collect()
}

fn project(
    mapping: &Mapping,
    system: &System,
    state: &State,
    lane: &Lane,
    at: &At,
) -> Result<Projection, ReverseError> {
    let subject = Subject { order: &state.order, at, lane: Some(lane) };
    let args: BTreeMap<String, Value> = BTreeMap::new();
    let context = Context {
        system: &lane.system,
        settings: &system.settings,
        args: &args,
        hub: Some(subject),
    };
    mapping.reverse(subject, &context)
}

/// The places in which two documents differ; where they are no JSON, none is named.
fn fields(old: &[u8], new: &[u8]) -> Vec<String> {
    let (Ok(old), Ok(new)) = (serde_json::from_slice(old), serde_json::from_slice(new)) else {
        return Vec::new();
    };
    between_documents(&old, &new).iter().map(|found| without_rows(&found.field)).collect()
}
