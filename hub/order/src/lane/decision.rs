//! Whether the call of a lane waits for what a person decides about it.
//!
//! A call that was given up or is in doubt stays, and nothing leaves for its lane, until somebody has decided about it. The
//! flight itself says so. The lane's code says it to people, and to earlier programs, which know it by nothing else: so
//! nothing that is settled beside the call, or was looked at before, says another code or makes the lane due.
//!
//! **Invariant:** a call that waits for a person is not made, and its lane is not let go, by anything but what is decided
//! about that call. Tests: `what_is_settled_beside_a_call_leaves_its_decision_alone`,
//! `a_look_from_before_leaves_a_decision_alone` in `tests/it/decision.rs`; rule `two-decisions`. **Invariant:** a create that
//! was definitely refused is made of the order as it is when a person has it made again, by the files of then and under a key
//! of its own; one that may be there goes on as it was. Rules `refused-and-mended`, `refused-and-doubted`.

use jiff::Timestamp;

use super::{Flight, GivenUp, Lane, LaneCode, WantKey};

impl Lane {
    /// The call that goes no further until a person has decided about it, and why. What an earlier program wrote is read by
    /// the code.
    pub fn undecided(&self) -> Option<(&Flight, LaneCode)> {
        let flight = self.flying.as_ref().filter(|flight| !flight.in_air)?;
        match self.code {
            Some(code @ (LaneCode::Dead | LaneCode::InDoubt)) => Some((flight, code)),
            _ if flight.awaits => Some((flight, LaneCode::InDoubt)),
            _ => None,
        }
    }

    /// The create that waits for a person and of which nothing is there: its system definitely refused it, or was down.
    pub fn refused(&self) -> Option<&Flight> {
        let (flight, code) = self.undecided()?;
        let refused = code == LaneCode::Dead && flight.creates && !flight.may_be_there();
        refused.then_some(flight)
    }

    /// Says why nothing was sent, or what came of it; of a call that waits for a person it goes on saying that.
    pub(crate) fn says(&mut self, code: LaneCode) {
        if self.undecided().is_none() {
            self.code = Some(code);
        }
    }

    /// When it is due; not while a call of it waits for a person.
    pub(crate) fn falls_due(&mut self, at: Timestamp) {
        if self.undecided().is_none() {
            self.due_at = Some(at);
        }
    }

    /// Nothing leaves before a person has decided about its call.
    pub(crate) fn awaits(&mut self, code: LaneCode) {
        if let Some(flying) = &mut self.flying {
            flying.in_air = false;
            flying.awaits = true;
        }
        self.due_at = None;
        self.code = Some(code);
    }

    /// Nothing leaves before a person has decided what became of its call: it `acted`, or may have, where it is in the air.
    /// A lane without a call rests until its order changes.
    pub(crate) fn put_in_doubt(&mut self, acted: bool) {
        if let Some(flying) = &mut self.flying {
            flying.may_have_acted |= acted || flying.in_air;
        }
        self.awaits(LaneCode::InDoubt);
    }

    /// A person has decided that its call is made again: due now. One of which nothing is there is made anew, of the order
    /// and by the files of then: what the system refused of it, it would refuse again.
    pub(crate) fn tries_again(&mut self, now: Timestamp) {
        if let Some((key, refused)) = self.afresh() {
            // Under a key of its own, where nothing but the files has changed: a target that keeps its answers by key would
            // give its refusal.
            self.give_up(&key, refused);
            self.flying = None;
        } else if let Some(flying) = &mut self.flying {
            // The person has looked: it did not happen. A step that can look does so all the same.
            flying.may_have_acted = false;
            flying.decided = true;
            flying.awaits = false;
        }
        self.attempts = 0;
        self.code = Some(LaneCode::Retry);
        self.due_at = Some(now);
    }

    /// What is kept of a refused create that is still wanted, when another is made in its place.
    fn afresh(&self) -> Option<(WantKey, GivenUp)> {
        let flight = self.refused()?;
        let want = self.wants.iter().find(|want| want.key == flight.want)?;
        let (version, release) = (flight.version, want.release.clone());
        let kept = GivenUp { version, release, may_be_there: false, whole: want.whole };
        Some((want.key.clone(), kept))
    }
}
