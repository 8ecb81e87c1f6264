//! From a wish to a frozen flight: map out, compare with what was sent, freeze.

use bytes::Bytes;
use orderhub_connectors::contract::Memo;
use orderhub_mapping::{Context, Projection, ReverseError};
use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::lane::{Flight, LaneCode, Want, WantKey};
use orderhub_order::model::Subject;
use orderhub_order::rules::{Mode, OperationKind, OperationRule};

use super::freeze::{Frozen, idempotency_key, projection, read_memo};
use super::send::Hand;
use crate::bundle::Delivery;

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
            ReverseError::Failed(error) => Self::Dead(error.why),
        }
    }
}

impl Hand<'_> {
    pub(super) fn context<'a>(&'a self, subject: Option<Subject<'a>>) -> Context<'a> {
        let (system, settings) = (&self.desk.name, &self.system.settings);
        Context { system, settings, args: &self.desk.no_args, hub: subject }
    }

    pub(super) fn subject<'a>(&'a self, want: &'a WantKey) -> Subject<'a> {
        Subject { order: &self.state.order, at: &want.subject, lane: Some(self.lane) }
    }

    pub(super) fn delivery(&self, rule: &str, operation: &str) -> Option<&Delivery> {
        self.bundle.delivery(&self.desk.name, rule, operation)
    }

    /// Maps the subject out and freezes it, unless there is nothing to send.
    pub(super) fn freeze(&self, want: &Want, operation: &OperationRule) -> Result<Ready, Unfit> {
        let subject = self.subject(&want.key);
        let with = self.delivery(&want.key.rule, &operation.name).and_then(|d| d.with.as_ref());
        let mapped = match with {
            Some(mapping) => mapping.reverse(subject, &self.context(Some(subject)))?,
            None => Projection { bytes: Vec::new(), values: Vec::new() },
        };
        let hash = projection(&mapped.bytes);
        if let Some(code) = self.nothing_to_send(want, operation, &mapped, hash) {
            return Err(Unfit::Skip(code, Some(hash)));
        }
        let document = Bytes::from(mapped.bytes);
        let subject = &want.key.subject;
        let settings = &self.system.settings;
        let frozen = Frozen::new(document, settings, self.lane, subject, Vec::new());
        let flight = self.flight(want, operation, &frozen, hash, mapped.values);
        Ok(Ready { flight, frozen, memo: Memo::default() })
    }

    /// Equal to what was sent, or to what the system itself has and said.
    fn nothing_to_send(
        &self,
        want: &Want,
        operation: &OperationRule,
        mapped: &Projection,
        hash: [u8; 16],
    ) -> Option<LaneCode> {
        if operation.kind == OperationKind::Fact {
            return None;
        }
        let shadow = self.system.mode == Mode::Shadow;
        let memory = if shadow { &self.lane.shadow } else { &self.lane.sent };
        if memory.get(&want.key.text()).is_some_and(|sent| sent.hash == hash) {
            return Some(LaneCode::ProjectionEqual);
        }
        let linked = self.lane.ext_id(operation.entity.as_str(), &want.key.subject).is_some();
        let own = linked && !operation.creates && self.is_own_change(mapped);
        own.then_some(LaneCode::OwnChange)
    }

    /// Every value that would go out is the one that both sides agreed on and the system showed last.
    fn is_own_change(&self, mapped: &Projection) -> bool {
        let rules = self.bundle.rules();
        let agreed = |(at, field, value): &(At, FieldId, Stated)| {
            let Some(state) = self.lane.fields.get(&at.path_of(*field)) else { return false };
            let canon = |value: &_| rules.shapes.canon(&self.desk.name, *field, value);
            let ours = value.as_ref().map(canon);
            let same = |theirs: &Stated| theirs.as_ref().map(canon) == ours;
            state.base.as_ref().is_some_and(same)
                && state.stated.as_ref().is_none_or(|(stated, _)| same(stated))
                && state.ring.last().is_none_or(|(sent, _)| same(sent))
        };
        !mapped.values.is_empty() && mapped.values.iter().all(agreed)
    }

    pub(super) fn flight(
        &self,
        want: &Want,
        operation: &OperationRule,
        frozen: &Frozen,
        hash: [u8; 16],
        values: Vec<(At, FieldId, Stated)>,
    ) -> Flight {
        let version = self.state.order.version;
        let hub = &self.desk.hub;
        let install = hub.store.install();
        let key = idempotency_key(
            install,
            self.key,
            &self.desk.name,
            &operation.name,
            &want.key,
            version,
        );
        Flight {
            want: want.key.clone(),
            operation: operation.name.clone(),
            entity: operation.entity,
            creates: operation.creates,
            attempt: self.lane.attempts.saturating_add(1),
            fence: self.lane.fence + 1,
            deadline: hub.clock.now(),
            version,
            bundle: (*self.bundle.hash).into(),
            inputs: frozen.to_bytes(),
            hash,
            memo: Vec::new(),
            key: key.into(),
            values,
            may_have_acted: false,
            in_air: true,
            began: None,
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
            ..flight.clone()
        };
        Some(Ready { flight, frozen, memo })
    }
}
