//! From a wish to a frozen flight: map out, compare with what was sent, freeze.

use bytes::Bytes;
use orderhub_connectors::contract::Memo;
use orderhub_mapping::{Context, Projection, ReverseError};
use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::lane::{Flight, LaneCode, WantKey};
use orderhub_order::model::Subject;
use orderhub_order::route::{Send, without};
use orderhub_order::rules::OperationKind;

use super::freeze::{Frozen, JSON, Which, idempotency_key, projection, read_memo};
use super::send::Hand;
use crate::bundle::Delivery;
use crate::events;

/// What is ready to fly.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) flight: Flight,
    pub(super) frozen: Frozen,
    pub(super) memo: Memo,
}

/// Why a wish is not flown.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Nothing has to be sent, or not now.
    Skip(LaneCode, Option<[u8; 16]>),
    /// It cannot be mapped out.
    Dead(String),
}

impl From<ReverseError> for Unfit {
    fn from(error: ReverseError) -> Self {
        match error {
            ReverseError::NotLinked(_) => Self::Skip(LaneCode::NotLinked, None),
            ReverseError::Failed(error) => Self::Dead(error.told()),
        }
    }
}

impl Hand<'_> {
    pub(super) fn context<'a>(&'a self, subject: Option<Subject<'a>>) -> Context<'a> {
        let (system, settings) = (&self.dispatcher.name, &self.system.settings);
        Context { system, settings, args: &self.dispatcher.no_args, hub: subject }
    }

    pub(super) fn subject<'a>(&'a self, want: &'a WantKey) -> Subject<'a> {
        Subject { order: &self.state.order, at: &want.subject, lane: Some(self.lane) }
    }

    pub(super) fn delivery(&self, rule: &str, operation: &str) -> Option<&Delivery> {
        self.bundle.delivery(&self.dispatcher.name, rule, operation)
    }

    /// Maps the subject out and freezes it, unless there is nothing to send.
    pub(super) fn freeze(&self, send: &Send<'_>) -> Result<Ready, Unfit> {
        let Send { want, operation, .. } = send;
        let subject = self.subject(&want.key);
        let delivery = self.delivery(&want.key.rule, &operation.name);
        let mapped = match delivery.and_then(|delivery| delivery.with.as_ref()) {
            Some(mapping) => mapping.reverse(subject, &self.context(Some(subject)))?,
            None => Projection { bytes: self.event(send), media: JSON.into(), values: Vec::new() },
        };
        let hash = projection(&mapped.bytes);
        let sent = if send.shadow { &self.lane.shadow } else { &self.lane.sent };
        let sent = sent.get(&want.key.text());
        let fact = operation.kind == OperationKind::Fact || want.key.fact.is_some();
        if !fact && !want.whole && sent.is_some_and(|sent| sent.hash == hash) {
            return Err(Unfit::Skip(LaneCode::ProjectionEqual, Some(hash)));
        }
        let document = Bytes::from(mapped.bytes);
        let settings = &self.system.settings;
        let subject = &want.key.subject;
        let reply = delivery.and_then(|delivery| delivery.reply.as_ref());
        let fields = reply.map(|reply| reply.paths().to_vec()).unwrap_or_default();
        let frozen = Frozen::new(document, &mapped.media, settings, self.lane, subject, fields);
        let flight = self.flight(send, &frozen, hash, mapped.values);
        Ok(Ready { flight, frozen, memo: Memo::default() })
    }

    /// The event that the wish stands for; nothing where it stands for none.
    fn event(&self, send: &Send<'_>) -> Vec<u8> {
        let (want, order) = (&send.want.key, &self.state.order);
        let (key, now) = (self.idempotency_key(send), self.dispatcher.common.clock.now());
        events::of_order(want, order, &key, now).unwrap_or_default()
    }

    fn idempotency_key(&self, send: &Send<'_>) -> String {
        let (install, system) = (self.dispatcher.common.store.install(), &self.dispatcher.name);
        let (operation, want) = (&send.operation.name, &send.want.key);
        let which = Which::of(self.lane, want, (self.state.order.version, self.lane.fence + 1));
        idempotency_key(install, self.key, system, operation, &want.subject, which)
    }

    pub(super) fn flight(
        &self,
        send: &Send<'_>,
        frozen: &Frozen,
        hash: [u8; 16],
        values: Vec<(At, FieldId, Stated)>,
    ) -> Flight {
        let Send { want, operation, .. } = send;
        let version = self.state.order.version;
        let common = &self.dispatcher.common;
        let key = self.idempotency_key(send);
        let mut known = self.system.connector.operations().iter();
        let known = known.find(|known| known.name == *operation.name);
        let rules = self.bundle.rules();
        let without = without(self.state, &self.dispatcher.name, &want.key, &rules);
        Flight {
            want: want.key.clone(),
            operation: operation.name.clone(),
            entity: operation.entity,
            creates: operation.creates,
            in_steps: known.is_some_and(|known| known.in_steps),
            attempt: self.lane.attempts.saturating_add(1),
            fence: self.lane.fence + 1,
            deadline: common.clock.now(),
            version,
            bundle: (*self.bundle.hash).into(),
            inputs: frozen.to_bytes(),
            hash,
            memo: Vec::new(),
            key: key.into(),
            values,
            without,
            may_have_acted: false,
            // A person has one made again that was refused: what can be looked for is looked for all the same.
            decided: operation.creates && self.lane.given_up.contains_key(&want.key.text()),
            awaits: false,
            wrote: false,
            in_air: true,
            began: None,
            called: None,
            process: common.store.process(),
        }
    }

    /// A frozen flight as it was; `None`: its bytes are not readable any more.
    pub(super) fn thaw(&self, flight: &Flight) -> Option<Ready> {
        let frozen = Frozen::from_bytes(&flight.inputs)?;
        let memo = read_memo(&flight.memo)?;
        let flight = Flight {
            attempt: self.lane.attempts.saturating_add(1),
            fence: self.lane.fence + 1,
            in_air: true,
            process: self.dispatcher.common.store.process(),
            ..flight.clone()
        };
        Some(Ready { flight, frozen, memo })
    }
}
