//! In which order a commit asks, over a transaction that only writes down what it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_mapping::Mapped;
use orderhub_order::catalogue::{FieldId, FieldSet};
use orderhub_order::contribution::{Contribution, ElementStatement, ParentReference, Stated};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{At, Entity};
use orderhub_order::model::{Order, Subject};
use orderhub_order::rules::Shapes;

use super::*;
use crate::apply::{MessageUnit, Unit};
use crate::intake::Envelope;

/// What was asked, each with whether its keys came sorted and once. References lead to two orders in turn.
#[derive(Default)]
struct Asked(Vec<(&'static str, bool)>);

impl Asked {
    fn note<T: Ord>(&mut self, what: &'static str, keys: &[T]) {
        self.0.push((what, keys.windows(2).all(|pair| pair[0] < pair[1])));
    }
}

impl Lookup for Asked {
    async fn numbers(&mut self, _: usize, _: usize) -> Result<(i64, i64), TxError> {
        Ok((1, 100))
    }

    async fn references(&mut self, keys: &[ReferenceKey]) -> Result<Vec<Option<Bound>>, TxError> {
        self.note("references", keys);
        let order = |at: usize| OrderKey(if at.is_multiple_of(2) { 9 } else { 3 });
        let bound = |at| Some(Bound { order: order(at), at: At::ROOT });
        Ok((0..keys.len()).map(bound).collect())
    }

    async fn lock(&mut self, keys: &[OrderKey]) -> Result<Vec<Locked>, TxError> {
        self.note("lock", keys);
        let order = |key: &OrderKey| {
            let state = State::new(Order::new(*key, "r".into(), system(), "default".into()));
            Locked { state: state.into(), chain: [0; 32], since_keyframe: 0, next_timer: None }
        };
        Ok(keys.iter().map(order).collect())
    }

    async fn parked(&mut self, _: &[(SystemName, Box<str>)]) -> Result<Vec<DocumentKey>, TxError> {
        Ok(Vec::new())
    }
}

impl Tx for Asked {
    async fn savepoint(&mut self) -> Result<(), TxError> {
        Ok(())
    }

    async fn undo(&mut self) -> Result<(), TxError> {
        panic!("nothing fails here")
    }

    async fn keep(&mut self) -> Result<(), TxError> {
        Ok(())
    }

    async fn seen(&mut self, ids: &[SeenId]) -> Result<Vec<Seen>, TxError> {
        // In the order of arrival.
        self.0.push(("seen", true));
        Ok(ids.iter().map(|_| Seen::New).collect())
    }

    async fn bind(
        &mut self,
        references: &[(ReferenceKey, Bound)],
    ) -> Result<Vec<Option<Bound>>, TxError> {
        self.note::<ReferenceKey>("bind", &[]);
        Ok(references.iter().map(|_| None).collect())
    }

    async fn write(&mut self, writes: &Writes<'_>) -> Result<(), TxError> {
        assert_eq!(writes.messages.len(), 4);
        self.note::<OrderKey>("write", &[]);
        Ok(())
    }
}

#[derive(Debug)]
struct Plain;

impl Shapes for Plain {
    fn canon(&self, _: &SystemName, _: FieldId, value: &Stated) -> Stated {
        value.clone()
    }

    fn reads(&self, _: &SystemName, _: &str) -> FieldSet {
        FieldSet::ALL
    }

    fn writes(&self, _: &SystemName, _: &str, _: Subject<'_>) -> FieldSet {
        FieldSet::EMPTY
    }
}

fn system() -> SystemName {
    SystemName::new("shop")
}

/// A message of one document that belongs to a known order.
fn message(key: &str) -> Unit {
    let said = Contribution {
        system: system(),
        document: "parcel".into(),
        entity: Entity::Shipment,
        key: key.into(),
        parents: vec![ParentReference::Ref(format!("ref-{key}").into())],
        creates: false,
        revision: None,
        body: ElementStatement::default(),
    };
    let envelope = Envelope {
        source: Arc::from("process"),
        system: system(),
        document: Arc::from("parcel"),
        message_id: Some(key.to_owned()),
        body: bytes::Bytes::new(),
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    };
    let mapped = vec![Mapped::Document(Box::new(said))];
    let unit = MessageUnit {
        envelope,
        bundle: "test".into(),
        recorded: Default::default(),
        mapped,
        refused: None,
        skipped: false,
        redrive: None,
        beside: Default::default(),
    };
    Unit::Message(Box::new(unit))
}

#[tokio::test]
async fn a_commit_asks_in_one_order_and_writes_last() {
    let (flow, ownership) = (Flow::embedded(), Ownership::embedded());
    let rules = Rules {
        bundle: "test",
        flow: &flow,
        ownership: &ownership,
        systems: &BTreeMap::new(),
        shapes: &Plain,
    };
    let mut asked = Asked::default();
    let context = Context { rules, now: Timestamp::UNIX_EPOCH };
    let key = SearchKey::new(&SearchKey::make()).unwrap();
    let hand = Hand { process: 1, reserved: &Reserved::default(), search: &key };
    // Neither in order nor each once.
    let mut works = ["b", "c", "a", "b"].map(|key| Prepared::new(message(key)));
    let done = run_by(&mut asked, &mut works, DoneAhead::default(), (context, hand)).await.unwrap();
    assert_eq!(done.outcomes.len(), 4);
    let expected = ["seen", "references", "lock", "bind", "write"].map(|what| (what, true));
    assert_eq!(asked.0, expected, "each once, in this order, as a sorted set");
}
