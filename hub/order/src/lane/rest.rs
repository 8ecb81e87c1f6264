//! Why a lane rests that still wants something, or lacks what was given up.

use super::{Lane, LaneCode, Want};
use crate::ids::SystemName;
use crate::model::Lanes;

/// What a lane waits for that is due at no time: something else has to happen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rest {
    /// Holds, the lifecycle or a `when` do not let it go.
    Held,
    /// A reference that the call needs is not known.
    NotLinked,
    /// The files make no call of it: a todo says why.
    Unfit,
    /// The files had an entry of `deliver:` for it, and have it no more.
    NotRouted,
    /// It was given up, and a person has to have it sent again.
    GivenUp,
}

impl Rest {
    /// All of them.
    pub const ALL: [Rest; 5] =
        [Rest::Held, Rest::NotLinked, Rest::Unfit, Rest::NotRouted, Rest::GivenUp];

    /// As metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Rest::Held => "held",
            Rest::NotLinked => "not_linked",
            Rest::Unfit => "unfit",
            Rest::NotRouted => "not_routed",
            Rest::GivenUp => "given_up",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Rest> {
        Rest::ALL.into_iter().find(|rest| rest.as_str() == text)
    }
}

impl Lane {
    /// Why it rests; `None`: it is due, wants and lacks nothing, or waits for what a person decides about a call. What a
    /// person has to mend counts before what comes by itself. What was given up counts whatever became of its todo.
    pub fn rests(&self) -> Option<Rest> {
        if self.due_at.is_some() || self.undecided().is_some() {
            return None;
        }
        if self.wants.is_empty() {
            return (!self.given_up.is_empty()).then_some(Rest::GivenUp);
        }
        if self.wants.iter().any(|want| want.unfit) {
            return Some(Rest::Unfit);
        }
        match self.code? {
            LaneCode::Held => Some(Rest::Held),
            LaneCode::NotLinked => Some(Rest::NotLinked),
            LaneCode::Dead => Some(Rest::Unfit),
            LaneCode::NotRouted => Some(Rest::NotRouted),
            LaneCode::ProjectionEqual
            | LaneCode::OwnChange
            | LaneCode::Dropped
            | LaneCode::Shadow
            | LaneCode::Paused
            | LaneCode::NoUpdate
            | LaneCode::Limited
            | LaneCode::BreakerOpen
            | LaneCode::Retry
            | LaneCode::NotAllowed
            | LaneCode::InDoubt
            | LaneCode::LetBe
            | LaneCode::Delivered => None,
        }
    }

    /// The first wish that a todo is open about because the files make no call of it; `about`: the one of this key. Not
    /// one that waits to be sent: what a todo says of an earlier version of it is about that.
    pub fn unfit(&self, about: Option<&str>) -> Option<&Want> {
        if self.open_conflicts.is_empty() {
            return None;
        }
        let is_open = |want: &&Want| {
            let key = want.key.text();
            want.unfit
                && about.is_none_or(|about| about == key)
                && self.open_conflicts.contains(&key)
        };
        self.wants.iter().find(is_open)
    }

    /// Nothing more is tried before something changes. `code`: for what it waits.
    pub(crate) fn rest(&mut self, code: LaneCode) {
        if code == LaneCode::Dead
            && self.undecided().is_none()
            && let Some(flying) = &self.flying
        {
            if !flying.may_be_replaced() {
                // It goes on by itself: a lane that is bound to its call does not rest for another wish.
                return;
            }
            // The call of a wish that is gone is nobody's to decide about: nothing of it has left.
            self.flying = None;
            self.attempts = 0;
        }
        self.says(code);
        self.due_at = None;
    }

    /// What the files made no call of may be one now.
    pub(crate) fn try_again(&mut self) {
        self.wants.iter_mut().for_each(|want| want.unfit = false);
    }
}

/// The systems whose lane has a wish that is passed over because the files make no call of it.
pub(crate) fn unfit(lanes: &Lanes) -> Vec<SystemName> {
    let marked = lanes.iter().filter(|lane| lane.wants.iter().any(|want| want.unfit));
    marked.map(|lane| lane.system.clone()).collect()
}
