//! What to do about a delivery that does not happen.

use orderhub_order::holds::Hold;
use orderhub_order::lane::LaneCode;

use super::decide::Choice;
use crate::deliver::status::SystemStatus;
use crate::resilience::gate::{Force, GateState};

/// What stands in the way of everything of a system, and what to do.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) why: String,
    pub(super) todo: Option<String>,
}

/// What is said where a credential is refused, of the system and so of each lane that waits for it.
pub(super) const REFUSED: &str = "the system refuses our credential";

/// What the system as a whole waits for.
pub(super) fn of_system(status: &SystemStatus) -> Vec<Sentence> {
    let system = &status.system;
    let mut found = Vec::new();
    let mut say = |why: String, todo: Option<String>| found.push(Sentence { why, todo });
    if let Some(reason) = &status.paused {
        let todo = format!("let it go on with `orderhub system resume {system} --reason …`");
        say(format!("a person paused the system ({reason})"), Some(todo));
    }
    match status.mode {
        "paused" => say(
            "the settings pause the system".to_owned(),
            Some(format!("set `systems.{system}.mode` to live and restart the hub")),
        ),
        "shadow" => say(
            "the system is in shadow mode: all is computed and recorded, nothing sent".to_owned(),
            Some(format!("when the records are right, set `systems.{system}.mode` to live")),
        ),
        _ => {}
    }
    if status.credential == "refused" {
        let todo = format!(
            "renew the credential in `systems.{system}.secrets`; a probe finds it within five minutes, \
             `orderhub system resume {system} --reason …` at once"
        );
        say(refused(status), Some(todo));
    }
    for breaker in status.breakers.iter().filter(|breaker| breaker.state != GateState::Closed) {
        let operation = &breaker.operation;
        let (why, todo) = if breaker.forced == Some(Force::Open) {
            let todo = format!(
                "close it with `orderhub system breaker {system} {operation} close --reason …`"
            );
            (format!("a person holds the breaker of `{operation}` open"), Some(todo))
        } else {
            (format!("the breaker of `{operation}` is open: calls did not succeed"), None)
        };
        say(why, todo);
    }
    found
}

/// What is said where a credential is refused: of all operations, or of those that are made with it.
pub(super) fn refused(status: &SystemStatus) -> String {
    if status.refused_for.is_empty() {
        return REFUSED.to_owned();
    }
    format!("{REFUSED} of `{}`", status.refused_for.join("`, `"))
}

/// The lane that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The `ref` of the order.
    pub(super) order: &'a str,
    pub(super) system: &'a str,
    /// The first hold that stands on the order.
    pub(super) hold: Option<&'a str>,
    /// A call of the lane waits for a person's decision.
    pub(super) awaited: bool,
}

/// What to do about one order's lane; `None`: nothing, it goes by itself, or its todo says it.
pub(super) fn of_code(code: LaneCode, place: &Place<'_>) -> Option<String> {
    let Place { order, system, hold, awaited } = place;
    let says = match (code, hold) {
        (LaneCode::Held, Some(hold)) => {
            return Some(format!(
                "clear the cause of each hold, or release it: `orderhub order release {order} {hold} --reason …`"
            ));
        }
        (LaneCode::Held, None) => {
            "see `missing`, and `when:` of its deliver rule: they say what the order lacks"
        }
        (LaneCode::NotLinked, _) => {
            "wait for the call that makes it there, or for a document of the system that names it"
        }
        (LaneCode::NoUpdate, _) => {
            "change it there by hand, or give the deliver rule an `update:` operation, or `update: none`"
        }
        (LaneCode::NotRouted, _) => {
            "nothing, if it should not have the order; else see `missing`, and `deliver:` of its integration"
        }
        (LaneCode::BreakerOpen, _) => {
            "see that the system answers; one probe at a time finds out, and the rest follows"
        }
        (LaneCode::NotAllowed, _) => "renew the credential; a probe finds it within five minutes",
        (LaneCode::InDoubt, _) => {
            return Some(format!(
                "look into the system whether it is there, then decide its todo: `orderhub todo list --kind in_doubt --system \
                 {system}`"
            ));
        }
        (LaneCode::Dead, _) if *awaited => {
            return Some(format!(
                "mend what its todo says, then decide it: `orderhub todo list --kind dead --system {system}`"
            ));
        }
        (
            LaneCode::Dead
            | LaneCode::Retry
            | LaneCode::Limited
            | LaneCode::ProjectionEqual
            | LaneCode::OwnChange
            | LaneCode::Dropped
            | LaneCode::Shadow
            | LaneCode::Paused
            | LaneCode::LetBe
            | LaneCode::Delivered,
            _,
        ) => return None,
    };
    Some(says.to_owned())
}

/// What to do about a hold that stands.
pub(super) fn of_hold(order: &str, hold: &str, page: Option<&Hold>) -> String {
    let release = format!("`orderhub order release {order} {hold} --reason …` releases it");
    let Some(Hold { code, ends, .. }) = page else { return release };
    match ends {
        Some(_) => {
            format!(
                "end its cause (`orderhub explain {code}`), or {release} until its values change"
            )
        }
        None => format!("{release}, once it is settled (`orderhub explain {code}`)"),
    }
}

/// What to do where the system lacks something that nothing sends by itself.
pub(super) fn of_lack(Place { order, system, .. }: &Place<'_>) -> String {
    format!(
        "`orderhub order resend {order} {system} --reason …` sends all that it lacks, and nothing that it has; `orderhub order \
         resend {order} {system} --preview` lists each call"
    )
}

/// What to do about an event of the hub that was not published: none is published twice, and none goes by `order resend`.
pub(super) fn of_event(id: i64, cause: &str) -> String {
    format!(
        "`orderhub todo show {id}` has it, `orderhub explain {cause}` says more; mend its cause for the next event; who \
         listens reads the order to be up to date, and `orderhub todo discard {id} --reason …` ends this"
    )
}

/// What to do about a todo, in commands that it takes as it stands.
pub(super) fn of_todo(choice: Choice, (id, cause): (i64, &str), place: &Place<'_>) -> String {
    let Place { order, system, .. } = place;
    let discard = format!("`orderhub todo discard {id} --reason …`");
    let look = format!("`orderhub todo show {id}` has it, `orderhub explain {cause}` says more");
    match choice {
        Choice::Replay => {
            format!("{look}; mend its cause, then `orderhub todo replay {id}`, or {discard}")
        }
        Choice::Resolve => format!(
            "{look}; look into the system, then `orderhub todo resolve {id} --again --reason …` (it is not there: call \
             again) or `orderhub todo resolve {id} --done --reason …` (it is there, or not wanted any more)"
        ),
        Choice::Make => format!(
            "{look}; mend its cause, then `orderhub todo resolve {id} --again --reason …` (made of the order as it is now, by the \
             files of now) or `orderhub todo resolve {id} --done --reason …` (it is there, or not wanted any more)"
        ),
        Choice::Mend => format!(
            "{look}; it is sent by itself once the files give what is missing; where it is not wanted, `orderhub todo \
             resolve {id} --done --reason …`"
        ),
        Choice::Send => format!(
            "{look}; mend its cause, then `orderhub todo resolve {id} --again --reason …` sends it; where the system has it, or it \
             is not wanted, `orderhub todo resolve {id} --done --reason …`"
        ),
        // No call waits for a decision, and discarding sends nothing.
        Choice::Resend => format!(
            "{look}; mend its cause, then `orderhub order resend {order} {system} --reason …` sends it with all that the system \
             lacks, and {discard} ends this"
        ),
        Choice::Discard => format!("{look}; once that is settled, {discard}"),
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::holds::HOLDS;

    use super::*;
    use crate::cli::{commands_in, is_command, is_typed};
    use crate::deliver::status::BreakerStatus;

    #[test]
    fn what_is_advised_to_be_typed_is_a_command() {
        let operation = "create_job".to_owned();
        let (state, forced) = (GateState::Open, Some(Force::Open));
        let status = SystemStatus {
            system: "shelf".to_owned(),
            integration: "shelf".to_owned(),
            role: "wms",
            mode: "shadow",
            paused: Some("stocktaking".to_owned()),
            breakers: vec![BreakerStatus { operation, state, forced, since: None }],
            limits: Vec::new(),
            credential: "refused",
            refused_for: Vec::new(),
            in_flight: 0,
            backlog: 0,
            oldest: None,
            last_success: None,
            last_error: None,
        };
        let advice = of_system(&status).into_iter().filter_map(|sentence| sentence.todo);
        let advice: Vec<String> = advice.collect();
        let commands: Vec<String> = advice.iter().flat_map(|one| commands_in(one)).collect();
        assert_eq!(commands.len(), 3, "{advice:?}");
        let place = Place { order: "shop-1", system: "shelf", hold: None, awaited: false };
        let held = Place { hold: Some("H1"), awaited: true, ..place };
        let codes = ALL.into_iter().flat_map(|code| [of_code(code, &place), of_code(code, &held)]);
        let holds = HOLDS.iter().map(Some).chain([None]).map(|page| of_hold("shop-1", "H1", page));
        let codes = codes.flatten().chain([of_lack(&place)]).chain(holds);
        let codes = codes.flat_map(|says| commands_in(&says)).collect::<Vec<_>>();
        let choices = [
            Choice::Replay,
            Choice::Resolve,
            Choice::Make,
            Choice::Mend,
            Choice::Send,
            Choice::Resend,
            Choice::Discard,
        ];
        let todos = choices.map(|choice| commands_in(&of_todo(choice, (7, "refused"), &place)));
        let event = commands_in(&of_event(7, "refused"));
        assert!(event.len() > 2 && event.iter().all(|command| is_command(command)), "{event:?}");
        assert!(todos.iter().all(|commands| commands.len() > 2), "{todos:?}");
        for command in commands.into_iter().chain(codes).chain(todos.into_iter().flatten()) {
            assert!(is_typed(&command), "{command}");
        }
    }

    const ALL: [LaneCode; 17] = [
        LaneCode::ProjectionEqual,
        LaneCode::OwnChange,
        LaneCode::Held,
        LaneCode::Dropped,
        LaneCode::Shadow,
        LaneCode::Paused,
        LaneCode::NotRouted,
        LaneCode::NotLinked,
        LaneCode::NoUpdate,
        LaneCode::Limited,
        LaneCode::BreakerOpen,
        LaneCode::Retry,
        LaneCode::NotAllowed,
        LaneCode::InDoubt,
        LaneCode::Dead,
        LaneCode::LetBe,
        LaneCode::Delivered,
    ];
}
