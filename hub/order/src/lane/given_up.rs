//! What was given up: facts that a target was never told, or perhaps was, and changes of states that it was not sent.
//!
//! Whatever makes nothing gives way to the next wish when it is given up, and a fact that has no room in its lane is left
//! out; neither goes again by itself before something changes: a firing is over, and a state waits for the next change. What
//! is kept of it here is what sending again needs, and what says that the system lacks it. **Invariant:** a fact that
//! was given up can be sent again, also where others about the same subject were told. Test:
//! `a_fact_that_was_given_up_can_be_sent_again`. **Invariant:** one that may be there is not sent again before a person has
//! decided, whoever asked for it before. Tests: `a_fact_that_may_be_there_waits_for_a_person`,
//! `what_was_asked_for_before_waits_for_the_decision_too`. All in `tests/it/given_up.rs`. Where its rule is gone: the
//! fold's `inherit`. Facts of the hub's own events are not kept: nothing says again that something has happened.
//!
//! A state is kept by its key, which has no firing: the next call of it that is taken ends it, as does anything by which
//! the system has it, or it is not wanted any more.
//!
//! **Bounds:** 64 of a lane; the oldest is forgotten first, and of those that may be there only when all may be. It
//! cannot be sent again then, and its todo stays, to be told by hand.

use serde::{Deserialize, Serialize};

use super::{Lane, MOST_WANTS, WantKey, is_false};
use crate::fold::Effect;

/// A fact, or a change of a state, that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The order version that was mapped out.
    pub version: u32,
    /// The release (`emits`, `to`) that made the wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<(Box<str>, Box<str>)>,
    /// It may be there, and no person has decided.
    #[serde(default, skip_serializing_if = "is_false")]
    pub may_be_there: bool,
    /// A person had asked for it, whole: so it goes when it is wanted again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
}

impl Lane {
    /// Keeps what was given up.
    pub(crate) fn give_up(&mut self, key: &WantKey, fact: GivenUp) {
        self.given_up.insert(key.text(), fact);
        while self.given_up.len() > MOST_WANTS {
            let firing = |text: &str| WantKey::parse(text).and_then(|key| key.fact);
            let all = self.given_up.iter();
            let oldest = all.min_by_key(|(text, fact)| {
                (fact.may_be_there, firing(text).unwrap_or(fact.version))
            });
            let Some(oldest) = oldest.map(|(text, _)| text.clone()) else { return };
            self.given_up.remove(&oldest);
        }
    }

    /// Keeps that a todo is open about a wish that was given up, by its key, until it is served or not wanted any more.
    /// Firings that are forgotten ask no more.
    pub(crate) fn asks_about(&mut self, key: &WantKey) {
        let (given_up, wants) = (&self.given_up, &self.wants);
        self.open_conflicts.retain(|open| {
            let fact = WantKey::parse(open).filter(|key| key.fact.is_some());
            fact.is_none_or(|key| {
                given_up.contains_key(open) || wants.iter().any(|want| want.key == key)
            })
        });
        let about = key.text();
        if !self.open_conflicts.contains(&about) {
            self.open_conflicts.push(about);
        }
    }

    /// Nobody is asked about a wish any more: what ends, where somebody was.
    pub(crate) fn asks_no_more(&mut self, key: &WantKey, reason: &str) -> Option<Effect> {
        if self.open_conflicts.is_empty() {
            return None;
        }
        let (about, was) = (key.text(), self.open_conflicts.len());
        self.open_conflicts.retain(|open| *open != about);
        let (system, about, reason) = (Some(self.system.clone()), about.into(), reason.to_owned());
        (self.open_conflicts.len() < was).then_some(Effect::Settled { system, about, reason })
    }

    /// Whether a fact was given up that may be there, and a person has to decide; `about`: the one of this key.
    pub fn doubts(&self, about: Option<&str>) -> bool {
        match about {
            Some(key) => self.given_up.get(key).is_some_and(|fact| fact.may_be_there),
            None => self.given_up.values().any(|fact| fact.may_be_there),
        }
    }
}
