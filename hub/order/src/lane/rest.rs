//! Why a lane rests that still wants something.

use super::{Lane, LaneCode, Want};
use crate::fold::undecided;

/// What a lane waits for that is due at no time: something else has to happen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rest {
    /// Holds, the lifecycle or a `when` do not let it go.
    Held,
    /// A reference that the call needs is not known.
    NotLinked,
    /// The files make no call of it: a todo says why.
    Unfit,
}

impl Rest {
    /// All of them.
    pub const ALL: [Rest; 3] = [Rest::Held, Rest::NotLinked, Rest::Unfit];

    /// As metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Rest::Held => "held",
            Rest::NotLinked => "not_linked",
            Rest::Unfit => "unfit",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Rest> {
        Rest::ALL.into_iter().find(|rest| rest.as_str() == text)
    }
}

impl Lane {
    /// Why it rests; `None`: it is due, wants nothing, or waits for what a person decides about a call.
    pub fn rests(&self) -> Option<Rest> {
        if self.due_at.is_some() || self.wants.is_empty() || undecided(self).is_some() {
            return None;
        }
        match self.code? {
            LaneCode::Held => Some(Rest::Held),
            LaneCode::NotLinked => Some(Rest::NotLinked),
            LaneCode::Dead => Some(Rest::Unfit),
            LaneCode::ProjectionEqual
            | LaneCode::OwnChange
            | LaneCode::Dropped
            | LaneCode::Shadow
            | LaneCode::Paused
            | LaneCode::NotRouted
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

    /// The first wish that the files make no call of.
    pub fn unfit(&self) -> Option<&Want> {
        if self.open_conflicts.is_empty() {
            return None;
        }
        self.wants.iter().find(|want| self.open_conflicts.contains(&want.key.text()))
    }
}
