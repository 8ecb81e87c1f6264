//! Why a release has not fired for a system, in words.

use rust_decimal::Decimal;

use super::assign::{Choice, choose};
use super::{Release, Target, fired_key, subjects};
use crate::condition::Scene;
use crate::derive::Books;
use crate::ids::{At, Role, SystemName};
use crate::model::State;
use crate::rules::{DeliverRule, Rules};

/// How a deliver rule of a system stands for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The deliver rule: `<on>/<do>`.
    pub rule: Box<str>,
    /// To whom the release goes.
    pub to: &'static str,
    /// The order version at which it fired last; 0: for one who knew.
    pub fired: Option<u32>,
    /// What is in its way, a sentence each.
    pub missing: Vec<String>,
}

/// How each deliver rule of a system stands, by each release that it listens to.
pub fn standings(state: &State, system: &SystemName, rules: &Rules<'_>) -> Vec<Standing> {
    let Some(known) = rules.systems.get(system) else { return Vec::new() };
    let of_rule = |rule: &DeliverRule| {
        let releases = rules.flow.releases.iter().filter(|release| release.emits == rule.on);
        let meant = releases.filter(|release| release.to.may_be(known.role));
        let standing = |release: &Release| standing(state, system, rules, (rule, release));
        meant.map(standing).collect::<Vec<_>>()
    };
    known.deliver.iter().flat_map(of_rule).collect()
}

fn standing(
    state: &State,
    system: &SystemName,
    rules: &Rules<'_>,
    (rule, release): (&DeliverRule, &Release),
) -> Standing {
    let subjects = subjects(&state.order, release);
    let key = |at: &At| fired_key(&release.emits, release.to, at, system);
    let fired = subjects.iter().filter_map(|at| state.order.fired.get(&key(at)).copied()).max();
    let missing = if fired.is_some() { Vec::new() } else { missing(state, system, rules, release) };
    Standing { rule: rule.id.clone(), to: release.to.as_str(), fired, missing }
}

fn missing(
    state: &State,
    system: &SystemName,
    rules: &Rules<'_>,
    release: &Release,
) -> Vec<String> {
    let subjects = subjects(&state.order, release);
    let past = if let Target::Role(role) = release.to { Some(role) } else { None };
    let (order, lanes, systems) = (&state.order, &state.lanes, rules.systems);
    let scene = Scene { order, lanes, systems, past };
    let mut missing = if release.creates {
        release.when.unmet(scene, &At::ROOT)
    } else {
        match subjects.as_slice() {
            [] => vec![format!("the order has no {} yet", release.subject.path())],
            all => {
                let unmet = all.iter().map(|at| release.when.unmet(scene, at));
                // The subject that is nearest to it says what is left to be done.
                unmet.min_by_key(Vec::len).unwrap_or_default()
            }
        }
    };
    let at = subjects.last().cloned().unwrap_or(At::ROOT);
    missing.extend(not_meant(state, system, rules, (release, &at)));
    if missing.is_empty() && release.creates {
        let books = Books::of(order);
        let open =
            books.lines.iter().any(|(_, book)| book.ships && book.unreleased() > Decimal::ZERO);
        missing.push(match open {
            false => "nothing is left to release: no line that ships is open".to_owned(),
            // A system, or a rule, that came after the order's last change.
            true => "nothing is in the way now, but something was when the order changed last; it comes with the \
                     next document or edit of the order"
                .to_owned(),
        });
    }
    missing
}

/// Why it goes to another, if it does.
fn not_meant(
    state: &State,
    system: &SystemName,
    rules: &Rules<'_>,
    (release, at): (&Release, &At),
) -> Option<String> {
    let order = &state.order;
    let knows = || state.lanes.get(system).is_some_and(|lane| lane.knows());
    match release.to {
        Target::Role(role) => match choose(order, at, role, rules) {
            Choice::System(other) if other == *system => None,
            Choice::System(other) => Some(format!("the order's {role} is `{other}`")),
            Choice::Nobody => Some(format!("no configured system plays the role {role}")),
            Choice::Unassigned(_) => Some(format!(
                "several systems play the role {role}, and the flow's `assign` chooses none of them"
            )),
        },
        Target::Origin if order.origin == *system => None,
        Target::Origin => Some(format!("the order came from `{}`", order.origin)),
        Target::Linked if knows() => None,
        Target::Linked => Some("it does not know the order yet".to_owned()),
        Target::All => {
            let sink = rules.systems.get(system).is_some_and(|known| known.role == Role::Sink);
            let part = sink || knows() || order.bound.values().any(|bound| bound == system);
            (!part)
                .then(|| "it has no part in the order: it neither knows nor serves it (a system of role `sink` gets every order)".to_owned())
        }
    }
}
