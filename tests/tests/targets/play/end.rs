//! How a random story ends, what must hold then, and how it is shown.

use orderhub_order::lane::WantKey;
use orderhub_tests::stories::deliver::values;
use serde_json::{Value as Json, json};

use super::Play;
use crate::act::Answer;
use crate::target::held;
use crate::yaml;

impl Play {
    /// All comes to rest; then the target is as the order is.
    pub(super) fn end(&mut self) -> Vec<String> {
        if self.cut {
            self.cut();
            self.wait(1);
        }
        self.answer(Answer::Ok);
        self.decide();
        let first = self.last_drain();
        let shown = self.steps.len();
        let wrong = if self.reports { self.last_drain() } else { first.clone() };
        if wrong == first {
            // What follows does not matter.
            self.steps.truncate(shown);
        }
        if !wrong.is_empty() {
            self.expect();
        }
        wrong
    }

    /// Shows what there is, where it does, and is served.
    pub(super) fn last_drain(&mut self) -> Vec<String> {
        if self.reports {
            self.show();
        }
        self.wait_for_retry();
        let steps = self.steps.len();
        let name = self.kind.target();
        self.drain(&[name]);
        if self.lane().is_some_and(|lane| !lane.given_up.is_empty()) {
            self.resend(false);
            self.drain(&[name]);
        }
        if self.steps.len() == steps {
            self.step(json!({ "drain": [name], "expect": { "calls": [] } }));
        }
        self.wrong()
    }

    /// What the last step should have been.
    pub(super) fn expect(&mut self) {
        let system = self.system();
        let mut calls = Vec::new();
        for (resource, _) in self.differ() {
            let key = WantKey::parse(&resource).expect("a key");
            let rules = self.settings.systems.get(&system).expect("the target");
            let rule = rules.deliver.iter().find(|rule| rule.id == key.rule).expect("its rule");
            let operation = rule.update.as_ref().or(rule.single.as_ref()).expect("an operation");
            let subject =
                if key.subject.is_root() { "order".to_owned() } else { key.subject.to_string() };
            calls.push(json!(format!("{system} {} {subject}", operation.name)));
        }
        calls.dedup();
        let own = self.own.clone();
        let expect = &mut self.steps.last_mut().expect("a step")["expect"];
        if let Some(all) = expect["calls"].as_array_mut() {
            all.extend(calls);
        }
        if !own.is_empty() {
            expect["fields"] = json!(own);
        }
    }

    /// Where the target is not as the order is: the resource, and what differs.
    pub(super) fn differ(&self) -> Vec<(String, String)> {
        let state = self.state();
        let mut differ = Vec::new();
        for (resource, has) in &self.target.resources {
            let key = WantKey::parse(resource).expect("a key");
            let told = held(&values(&state.order, &self.settings, &self.system(), &key));
            let more = has.keys().filter(|path| !told.contains_key(*path));
            for path in told.keys().chain(more) {
                let there = has.get(path).filter(|value| !value.is_null());
                if told.get(path) != there {
                    let shown = |value: Option<&Json>| value.map_or("nothing".into(), yaml::line);
                    let (there, ordered) = (shown(there), shown(told.get(path)));
                    differ.push((resource.clone(), format!("{path} {there}, the order {ordered}")));
                }
            }
        }
        differ
    }

    /// What is not as it should be.
    pub(super) fn wrong(&self) -> Vec<String> {
        let differ = self.differ().into_iter();
        let mut wrong: Vec<String> =
            differ.map(|(resource, what)| format!("`{}` has {what}", resource.trim())).collect();
        for (path, own) in &self.own {
            let has = self.ordered(path).unwrap_or_default();
            if has != *own {
                wrong.push(format!(
                    "the target's user wrote {own} last to {path}, the order has {has}"
                ));
            }
        }
        if !self.target.is_there() {
            wrong.push("the target's thing was never made".to_owned());
        }
        wrong
    }

    pub(super) fn yaml(&self, wrong: &[String]) -> String {
        let why = if wrong.is_empty() { "As it should be.".to_owned() } else { wrong.join("; ") };
        let mut text = format!("why: {}\n{}steps:\n", json!(why), self.kind.head());
        for step in &self.steps {
            text.push_str(&format!("  - {}\n", yaml::line(step)));
        }
        text
    }
}
