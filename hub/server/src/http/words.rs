//! A lane in words: what its code means, what it wants, what was given up of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderhub_order::fold::{Left, Way};
use orderhub_order::lane::{Lane, LaneCode};

/// What a lane's state means, in one or two sentences. `version`: the order's.
pub(super) fn words(lane: &Lane, version: u32, now: Timestamp) -> String {
    let mut words =
        lane.code.map_or_else(|| idle(lane).to_owned(), |code| meaning(code).to_owned());
    if !lane.wants.is_empty() {
        // Two fulfilments are two wishes of one rule.
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        lane.wants.iter().for_each(|want| *rules.entry(want.key.rule.as_ref()).or_default() += 1);
        let rule = |(rule, times): (&str, usize)| match times {
            1 => rule.to_owned(),
            times => format!("{rule} ({times} times)"),
        };
        let rules: Vec<String> = rules.into_iter().map(rule).collect();
        words.push_str(&format!("; it still wants {}", rules.join(", ")));
    }
    if let Some(flight) = &lane.flying {
        words.push_str(&format!(
            "; `{}` of version {} is at attempt {}",
            flight.operation, flight.version, flight.attempt
        ));
        if flight.may_have_acted {
            words.push_str(" and may have acted");
        }
        if lane.refused().is_some() && flight.version < version {
            words.push_str(&format!(
                "; the order is at version {version} by now, and that is what `--again` of its todo sends"
            ));
        }
    }
    let under_way = lane.flying.as_ref().filter(|flight| flight.in_air);
    if let Some(began) = under_way.and_then(|flight| flight.began) {
        words.push_str(&format!("; the call is under way since {began}"));
        return words;
    }
    match lane.due_at {
        Some(due) if due > now => {
            let wait = due.duration_since(now).as_secs();
            words.push_str(&format!("; due in {wait} s, at {due}"));
        }
        Some(_) => words.push_str("; due now"),
        None => {}
    }
    words
}

/// What the system was not sent, or perhaps was, and that nothing sends by itself; `None`: there is nothing such.
pub(super) fn given_up(left: &[Left]) -> Option<String> {
    let mut ways: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in left {
        ways.entry(way(one.way)).or_default().push(named(one));
    }
    let says = ways.into_iter().map(|(way, what)| format!("{}{way}", what.join(", ")));
    let says = says.collect::<Vec<_>>().join("; ");
    (!says.is_empty()).then(|| format!("given up and not sent: {says}"))
}

/// What it is, about what, of which version.
fn named(left: &Left) -> String {
    let what = if left.key.fact.is_some() { "fact" } else { "change" };
    let about = match left.key.subject.is_root() {
        true => String::new(),
        false => format!(" of `{}`", left.key.subject),
    };
    let rule = &left.key.rule;
    let by = match &left.operation {
        // A rule is called by its first operation, which makes things.
        Some(operation) if rule.rsplit('/').next() != Some(operation) => {
            format!("`{operation}` of `{rule}`")
        }
        Some(_) | None => format!("`{rule}`"),
    };
    format!("the {what}{about} of version {} by {by}", left.version)
}

/// What is in its way.
fn way(way: Way) -> String {
    match way {
        Way::Resend => String::new(),
        Way::Decide => {
            " (nobody knows whether the system has it: decide its todo first, nothing is sent again before)".to_owned()
        }
        Way::Later(code) => format!(" (not now: {})", meaning(code)),
        Way::Entry => " (its entry of `deliver:` is gone: put it back)".to_owned(),
        Way::Nobody => " (no entry of `deliver:` tells it any more: tell it by hand)".to_owned(),
    }
}

fn idle(lane: &Lane) -> &'static str {
    if lane.flying.as_ref().is_some_and(|flight| flight.in_air) {
        "a call is made"
    } else if lane.wants.is_empty() {
        "nothing was sent yet"
    } else {
        "it waits for its turn"
    }
}

/// What a code means.
pub(super) fn meaning(code: LaneCode) -> &'static str {
    match code {
        LaneCode::ProjectionEqual => {
            "nothing to send: what its mapping makes of the order equals what it was sent last"
        }
        LaneCode::OwnChange => "nothing to send: every value that its mapping reads is its own",
        LaneCode::Held => {
            "held back: the release's holds, the lifecycle, or `when` of its deliver rule do not allow it now"
        }
        LaneCode::Dropped => {
            "dropped: what it was for was cancelled, or its life ended, before it was made there"
        }
        LaneCode::Shadow => "the system is in shadow mode: computed and recorded, not sent",
        LaneCode::Paused => "the system is paused",
        LaneCode::NotRouted => "no `deliver` rule of its integration listens to what happened",
        LaneCode::NotLinked => "a reference that the call needs is not known yet; sent once it is",
        LaneCode::NoUpdate => "made there already, and its integration has no `update:` for it",
        LaneCode::Limited => {
            "it waits for its rate limit, or for work at the system that is not done yet"
        }
        LaneCode::BreakerOpen => {
            "its breaker is open: the system did not answer, or a person holds it open; no attempt is spent"
        }
        LaneCode::NotAllowed => {
            "the system refuses our credential; renew it: another secret is tried at once, else one probe every five minutes sees it"
        }
        LaneCode::Retry => "the last attempt did not succeed; it is tried again",
        LaneCode::InDoubt => {
            "nobody knows whether the last attempt took effect, or it did in part; a todo waits for a person"
        }
        LaneCode::Dead => "given up; a todo says why",
        LaneCode::LetBe => "a person has taken the last call as done",
        LaneCode::Delivered => "delivered",
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::At;
    use orderhub_order::lane::WantKey;

    use super::*;

    #[test]
    fn what_was_given_up_is_told_with_what_is_in_its_way() {
        assert_eq!(given_up(&[]), None);
        let left = |rule: &str, fact: Option<u32>, way| {
            let key = WantKey { rule: rule.into(), subject: At::ROOT, fact };
            Left { key, version: 3, operation: None, way }
        };
        let told = given_up(&[
            left("order.changed/put", None, Way::Resend),
            left("order.changed/note", Some(3), Way::Resend),
            left("order.changed/log", Some(3), Way::Decide),
            left("order.changed/tell", Some(3), Way::Entry),
            left("order.changed/old", Some(3), Way::Nobody),
            left("order.changed/held", None, Way::Later(LaneCode::NotLinked)),
            Left {
                operation: Some("change".into()),
                ..left("order.accepted/make", None, Way::Resend)
            },
            Left { operation: Some("lay".into()), ..left("order.changed/lay", None, Way::Resend) },
        ]);
        let told = told.unwrap();
        for said in [
            "not sent: the change of version 3 by `order.changed/put`, the fact of version 3 by `order.changed/note`, \
             the change of version 3 by `change` of `order.accepted/make`, the change of version 3 by `order.changed/lay`; ",
            "`order.changed/log` (nobody knows whether the system has it: decide its todo first",
            "`order.changed/tell` (its entry of `deliver:` is gone: put it back)",
            "`order.changed/old` (no entry of `deliver:` tells it any more: tell it by hand)",
            "`order.changed/held` (not now: a reference that the call needs is not known yet",
        ] {
            assert!(told.contains(said), "{said}: {told}");
        }
    }
}
