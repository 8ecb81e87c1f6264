//! The calls of a random story, their answers, and the files that say which there are.

use orderhub_order::fold::{Act as Folded, PersonAct};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;
use orderhub_tests::stories::deliver::{Taken, answer, block, look, say, take_off};
use orderhub_tests::stories::story::{Answer as Said, Rename};
use orderhub_tests::stories::world::World;
use serde_json::json;

use super::{ORDER, Play};
use crate::act::{Answer, Kind};

/// The entry that a story may cut off.
const SECOND: &str = "order.changed/put_person";

impl Play {
    /// Past the time at which a call is tried again.
    pub(super) fn wait_for_retry(&mut self) {
        if self.in_air() == Some(false) {
            self.wait(20);
        }
    }

    pub(super) fn fly(&mut self) {
        if self.in_air() == Some(true) {
            return;
        }
        self.rest();
        self.wait_for_retry();
        let system = self.system();
        let before = self.lane();
        let calls = self.take_off(&system);
        if !calls.is_empty() || self.lane() != before {
            self.step(json!({ "fly": system.as_str(), "expect": { "calls": calls } }));
        }
    }

    pub(super) fn look(&mut self) {
        let system = self.system();
        self.found = Some(look(&self.world, &self.settings, ORDER, &system));
        self.step(json!({ "look": system.as_str() }));
    }

    /// What was found may not be so any more.
    pub(super) fn looked(&mut self) {
        let Some(found) = self.found.take() else { return };
        let system = self.system();
        let said = say(&mut self.world, ORDER, &system, found);
        let call = said.and_then(|(_, _, call)| call);
        if call.is_some() {
            self.leaves();
        }
        let calls: Vec<String> = call.into_iter().collect();
        self.step(json!({ "looked": system.as_str(), "expect": { "calls": calls } }));
    }

    pub(super) fn blocked(&mut self) {
        let (system, before) = (self.system(), self.lane());
        block(&mut self.world, &self.settings, ORDER, (&system, LaneCode::Limited));
        if self.lane() != before {
            let by = json!({ "system": system.as_str(), "code": "limited" });
            self.step(json!({ "blocked": by }));
        }
    }

    fn leaves(&mut self) {
        let flight = self.lane().and_then(|lane| lane.flying).expect("a call is in the air");
        self.target.called(&flight);
    }

    /// The next call of a system leaves, if there is one.
    pub(super) fn take_off(&mut self, system: &SystemName) -> Vec<String> {
        let Taken::Call(call) = take_off(&mut self.world, &self.settings, ORDER, system) else {
            return Vec::new();
        };
        if *system == self.system() {
            self.leaves();
        }
        vec![call]
    }

    pub(super) fn answer(&mut self, with: Answer) {
        if self.in_air() != Some(true) {
            return;
        }
        let system = self.system();
        let class = match with {
            Answer::Ok => {
                self.target.land();
                "ok"
            }
            Answer::MayHaveActed { landed } | Answer::InDoubt { landed } => {
                if landed && self.target.land() {
                    self.note = Some("the call has landed there");
                }
                if matches!(with, Answer::InDoubt { .. }) { "in_doubt" } else { "may_have_acted" }
            }
            Answer::SaidNo if self.target.lose() && !self.target.landed() => "said_no",
            // It has landed: who says otherwise lies.
            Answer::SaidNo => "may_have_acted",
            Answer::Dead { landed } => {
                if landed && self.target.land() {
                    self.note = Some("the call has landed there");
                }
                // What is not there by now never will be.
                self.target.lose();
                "dead"
            }
            Answer::Found if self.target.finds() => {
                self.note = Some("it is found as an earlier attempt has left it");
                "ok"
            }
            Answer::Found => return,
            Answer::NotActed if self.target.lose() => "not_acted",
            // It has landed: who says otherwise lies.
            Answer::NotActed => "may_have_acted",
        };
        let ok = class == "ok";
        let retry_in = (!ok).then_some(10);
        let wrote = class == "dead";
        let said = Said { class: Some(class.to_owned()), retry_in, wrote, ..Said::default() };
        answer(&mut self.world, ORDER, &system, &said);
        let mut step = json!({ "receipt": system.as_str() });
        if wrote {
            step["answer"] = json!({ "class": class, "wrote": true });
        } else if !ok {
            step["answer"] = json!({ "class": class, "retry_in": 10 });
        }
        self.step(step);
    }

    /// Serves lanes until nothing is due.
    pub(super) fn drain(&mut self, systems: &[&str]) {
        let mut calls = Vec::new();
        let before = self.lane();
        for round in 0.. {
            assert!(round < 20, "calls to {systems:?} never end: {calls:?}");
            let mut some = false;
            for name in systems {
                let system = SystemName::new(*name);
                let left = self.take_off(&system);
                if !left.is_empty() {
                    if system == self.system() {
                        self.target.land();
                    }
                    answer(&mut self.world, ORDER, &system, &Said::default());
                    some = true;
                }
                calls.extend(left);
            }
            if !some {
                break;
            }
        }
        if !calls.is_empty() || self.lane() != before || systems.len() > 1 {
            self.step(json!({ "drain": systems, "expect": { "calls": calls } }));
        }
    }

    /// A person looks whether a call in doubt, or given up, is there.
    pub(super) fn decide(&mut self) {
        if self.lane().is_none_or(|lane| lane.undecided().is_none()) {
            return;
        }
        // What is not there by now never will be.
        self.target.lose();
        let (system, again) = (self.system(), !self.target.landed());
        let settle = PersonAct::Settle { system: system.clone(), again, about: None };
        self.world.act(ORDER, &Folded::Person(settle));
        self.step(json!({ "person": { "settle": system.as_str(), "again": again } }));
        if self.kind.is_made() && !again {
            // What it is called there nobody has said.
            self.show();
        }
    }

    pub(super) fn resend(&mut self, all: bool) {
        let system = self.system();
        let resend = PersonAct::Resend { system: system.clone(), all };
        self.world.act(ORDER, &Folded::Person(resend));
        self.step(json!({ "person": { "resend": system.as_str(), "all": all } }));
    }

    pub(super) fn cut(&mut self) {
        if self.kind != Kind::Two {
            return;
        }
        self.cut = !self.cut;
        let to = (!self.cut).then(|| SECOND.to_owned());
        let rename = Rename { system: "crm".to_owned(), rule: SECOND.to_owned(), to };
        self.settings.rename(&rename);
        self.world.switch(&self.settings);
        let mut step = json!({ "rename": { "system": "crm", "rule": SECOND } });
        if !self.cut {
            step["rename"]["to"] = json!(SECOND);
        }
        self.step(step);
    }
}
