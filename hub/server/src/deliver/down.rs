//! What does not wait for a system that is down: wishes of rules that say `while_down: fail`.
//!
//! A system counts as down for the calls of an operation while the breaker of that operation is open, by itself or
//! because a person holds it open; not while it is paused, refuses our credential or asks to be left alone for a while.
//! What finds it so is given up at once, one commit each, and nothing is sent. Once it is time to try the system, the
//! next wish that comes is the probe, whatever its rule says: it is sent, and given up if that fails; those that come
//! while it is out, here or in another process, wait for what it comes to: no longer than its call may take, or than the
//! other process may hold it. A call that waits for its next attempt is given up when that is due, at once if its own
//! attempt opened the breaker. A create that waits behind another call of its lane is given up at its own turn: it would
//! hold the lane. Anything else that waits behind a call is given up with the breaker of that call, too: it cannot be sent
//! before it.
//!
//! **Invariant:** what does not wait is given up within seconds, also behind what waits for the gate, and the breaker is
//! tried all the same. Tests: `what_does_not_wait_is_given_up_and_is_the_probe`,
//! `what_does_not_wait_is_given_up_behind_what_does`. **Invariant:** what may be there waits, whatever its rule says.
//! Test: `what_may_be_there_waits_for_a_system_that_is_down`. **Invariant:** nothing is given up while another process
//! finds out whether the system is back. Test: `what_does_not_wait_waits_for_the_probe_of_another_process`.

use orderhub_order::fold::{Act, Outcome, ReceiptClass};
use orderhub_order::lane::{Flight, LaneCode, WantKey};
use orderhub_order::route::{Choice, Send, outlook};
use orderhub_order::rules::{DeliverRule, Mode, WhileDown};

use super::dispatcher::Dispatcher;
use super::outgoing::Ready;
use super::ring::Wait;
use super::send::{Hand, Rest, Turn};
use super::settle::Settlement;
use crate::resilience::gate::GateState;
use crate::store::{ReceiptRow, StoreError};

impl Dispatcher {
    /// Whether any wish of the system does not wait while it is down.
    pub(super) fn fails(&self) -> bool {
        let bundle = self.common.bundle();
        bundle.rules().systems.get(&self.name).is_some_and(|known| known.fails(None))
    }

    fn is_down(&self, operation: &str) -> bool {
        self.guards.gate_state(operation) == GateState::Open
    }
}

impl Hand<'_> {
    fn rule(&self, key: &WantKey) -> Option<&DeliverRule> {
        let known = self.bundle.rules().systems.get(&self.dispatcher.name)?;
        known.deliver.iter().find(|rule| rule.id == key.rule)
    }

    fn fails(&self, key: &WantKey) -> bool {
        self.rule(key).is_some_and(|rule| rule.while_down == WhileDown::Fail)
    }

    /// Whether a call that the gate did not let pass is not kept for later.
    pub(super) fn does_not_wait(&self, flight: &Flight) -> bool {
        !flight.may_have_acted && !flight.wrote && self.fails(&flight.want)
    }

    /// Gives the call up, or waits for what the probe comes to.
    pub(super) async fn do_not_wait(&self, flight: &Flight) -> Result<Turn, StoreError> {
        if self.dispatcher.is_down(&flight.operation) {
            let given_up = self.give_up(flight, &flight.operation).await?;
            return Ok(if given_up { Turn::Again } else { Turn::Rest(Rest::Done) });
        }
        self.dispatcher.limited(&flight.operation);
        if self.lane.code != Some(LaneCode::BreakerOpen) {
            self.skip(&flight.want, flight.version, (LaneCode::BreakerOpen, None)).await?;
        }
        Ok(Turn::Rest(Rest::Park(Wait::Probe(flight.operation.to_string()), None)))
    }

    /// Whether the next attempt would find the system down, and be given up: it is due at once then.
    pub(super) fn is_not_tried_again(&self, flight: &Flight, verdict: &mut Settlement) -> bool {
        let ends = matches!(verdict.class, ReceiptClass::NotActed | ReceiptClass::Throttled)
            && verdict.next_due.is_some()
            && self.does_not_wait(flight)
            && self.dispatcher.is_down(&flight.operation);
        if ends {
            verdict.next_due = Some(self.dispatcher.common.clock.now());
        }
        ends
    }

    /// Gives up a call whose attempt found the system down, once its receipt is stored.
    pub(super) async fn not_again(&self, flight: &Flight, memo: Vec<u8>) -> Result<(), StoreError> {
        let fence = flight.fence.saturating_add(1);
        let frozen = Flight { fence, memo, in_air: false, ..flight.clone() };
        self.give_up(&frozen, &flight.operation).await?;
        Ok(())
    }

    /// Gives up what does not wait behind this call, which the lane is bound to or has to send first.
    pub(super) async fn give_up_others(&self, first: Option<&Flight>) -> Result<(), StoreError> {
        let live = self.system.mode == Mode::Live;
        if !live || self.lane.undecided().is_some() || !self.dispatcher.fails() {
            return Ok(());
        }
        let rules = self.bundle.rules();
        let blocked = first.filter(|first| self.dispatcher.is_down(&first.operation));
        let blocked = blocked.map(|first| &*first.operation);
        for one in outlook(self.state, &self.dispatcher.name, &rules) {
            let key = &one.want.key;
            let Some(operation) = one.operation.filter(|operation| !operation.creates) else {
                continue;
            };
            let own = first.is_some_and(|first| first.want == *key);
            let own_gate = Some(&*operation.name).filter(|name| self.dispatcher.is_down(name));
            let Some(down) = own_gate.or(blocked).filter(|_| !own && self.fails(key)) else {
                continue;
            };
            let Some(rule) = self.rule(key) else { continue };
            let (choice, want) = (Choice::Single, one.want);
            let send = Send { want, rule, operation, choice, replaces: None, shadow: false };
            if let Ok(ready) = self.freeze(&send)
                && self.could_go(&ready)
            {
                self.give_up(&ready.flight, down).await?;
            }
        }
        Ok(())
    }

    /// Whether nothing but the system stands in its way: what lacks a reference waits for that.
    fn could_go(&self, ready: &Ready) -> bool {
        let Ready { flight, frozen, memo } = ready;
        let (base, mut memo) = (&self.system.base_url, memo.clone());
        memo.go_on();
        self.first(&frozen.call(&flight.operation, &flight.key, flight.attempt, base), &memo)
            .is_ok()
    }

    /// Commits that it is given up; `down`: the operation whose breaker is open. `false`: by now it is another's, or not
    /// wanted.
    async fn give_up(&self, flight: &Flight, down: &str) -> Result<bool, StoreError> {
        let dispatcher = self.dispatcher;
        let (why, after) = self.not_sent(flight, down);
        let row = ReceiptRow {
            at: dispatcher.common.clock.now(),
            system: dispatcher.name.to_string(),
            operation: flight.operation.to_string(),
            attempt: flight.attempt,
            class: "not_acted".to_owned(),
            status: None,
            ms: 0,
            why: why.clone(),
        };
        let (system, flight) = (dispatcher.name.clone(), Box::new(flight.clone()));
        let operation = flight.operation.clone();
        let act = Act::Down { system, flight, why: format!("{why}; {after}") };
        let outcome = self.commit(act, Some(row)).await?;
        let given_up = matches!(outcome, Some(Outcome::Applied { .. }));
        if given_up {
            dispatcher.given_up(&operation);
        }
        Ok(given_up)
    }

    /// For a person: which system is down since when and what was not sent; how it is sent after all.
    fn not_sent(&self, flight: &Flight, down: &str) -> (String, String) {
        let name = &self.dispatcher.name;
        self.dispatcher.show_gates();
        let since = {
            let observed = self.dispatcher.observed();
            observed.breakers.get(down).and_then(|(_, since)| *since)
        };
        let since = since.map(|at| format!(" since {at:.0}")).unwrap_or_default();
        let subject = match flight.want.subject.is_root() {
            true => "the order".to_owned(),
            false => format!("`{}`", flight.want.subject),
        };
        let after = match flight.creates {
            true => "its lane waits for you: once the system is back, `orderhub todo resolve ID --again --reason \"it is back\"` \
                     makes it"
                .to_owned(),
            false => format!(
                "once the system is back, `orderhub todo resolve ID --again --reason \"it is back\"` sends it, and \
                 `orderhub order resend {} {name} --reason \"it is back\"` all that {name} lacks of the order",
                self.state.order.reference
            ),
        };
        let why = format!(
            "`{name}` is down{since}, the breaker of `{down}` is open, and `{}` says `while_down: fail`: {subject} of \
             version {} was not sent",
            flight.want.rule, flight.version
        );
        (why, after)
    }
}
