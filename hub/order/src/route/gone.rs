//! Wishes of rules that are gone: what happens while an entry of `deliver:` is missing is not lost.
//!
//! A file that was cut short, or an entry that was taken out by mistake, is a switch like any other: it must not end in
//! silence what a target is owed. So a system's rules name, besides what it listens to, what it listened to by earlier
//! files of this hub and by these does not ([`GoneRule`]; the program keeps which those are). Such a rule goes on hearing
//! events, and makes the wish that it made before, under the same key. [`plan`](super::plan()) lets it wait, code
//! `not_routed`: the lane rests, is counted and told of. Once files have the rule again the wish is judged by it as any
//! other wish of a lane that rested, by the order as it stands then. Nothing else is done anew, so nothing is made or told
//! twice: a wish for a state is one, however often it was made; what equals what was sent by this rule is not sent.
//!
//! What decides that a rule is owed something is that this system had it, in files that this hub used, and when it
//! vanished: a rule that comes for the first time gets nothing of former days, because nobody made wishes for it.
//! A rule is forgotten, and its wishes end, when
//!
//! - the files say `do: none` for the event: that nothing is to be done is meant;
//! - it was gone for seven days: that is taken as meant, too.
//!
//! Where it is plain that another rule came in its place (the program says which: [`GoneRule::heir`]), that one hears the
//! event from then on, and takes over what the first left: the fold's `inherit` says what and when. Where it is not plain
//! nobody does, and the wishes wait. A rule whose heir is gone itself makes no wishes, either: they are the heir's.
//!
//! **Invariant:** what happened while a rule was gone is wanted once it is back, once, and nothing that happened before;
//! what a system is owed anew of what such a rule had sent, too. Test: `what_happened_while_its_rule_was_gone_is_wanted`;
//! rule `gone-rule`. **Invariant:** a call that may be there keeps its wish, whatever the files are. Test:
//! `a_call_that_may_be_there_keeps_its_wish`. Both in `tests/it/gone.rs`.

use crate::catalogue::FieldSet;
use crate::ids::SystemName;
use crate::rules::{DeliverRule, GoneRule, Rules};

/// How a wish stands that was found without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// The files of now have its rule.
    Back,
    /// Its rule is gone: it waits.
    Waits,
    /// Another rule stands in its place.
    Inherited,
    /// Nobody will send it.
    Over,
}

/// Judges a wish by its rule.
pub(crate) fn unrouted(rules: &Rules<'_>, system: &SystemName, rule: &str) -> Unrouted {
    let there = rules.systems.get(system).map_or(&[][..], |system| &system.deliver);
    if there.iter().any(|one| &*one.id == rule && !one.is_nothing()) {
        return Unrouted::Back;
    }
    match of(rules, system, rule) {
        Some(_) if heir(rules, system, rule).is_some() => Unrouted::Inherited,
        Some(_) => Unrouted::Waits,
        None => Unrouted::Over,
    }
}

/// The rule of these files in the place of one that is gone.
pub(crate) fn heir<'a>(
    rules: &Rules<'a>,
    system: &SystemName,
    rule: &str,
) -> Option<&'a DeliverRule> {
    let heir = of(rules, system, rule)?.heir.as_ref()?;
    rules.systems.get(system)?.deliver.iter().find(|one| one.id == *heir)
}

/// A rule of a system that is gone.
pub(super) fn of<'a>(rules: &Rules<'a>, system: &SystemName, rule: &str) -> Option<&'a GoneRule> {
    rules.systems.get(system)?.gone.iter().find(|gone| &*gone.id == rule)
}

/// The rules that are gone and still hear of an event: nothing stands in their place.
pub(super) fn listened<'a, 'e>(
    rules: &Rules<'a>,
    system: &SystemName,
    event: &'e str,
) -> impl Iterator<Item = &'a GoneRule> + use<'a, 'e> {
    let gone = rules.systems.get(system).map_or(&[][..], |system| &system.gone);
    gone.iter().filter(move |gone| &*gone.on == event && gone.heir.is_none())
}

/// The fields that the mappings of a rule read, or did.
pub(crate) fn reads(rules: &Rules<'_>, system: &SystemName, rule: &str) -> FieldSet {
    let read = rules.shapes.reads(system, rule);
    of(rules, system, rule).map_or(read, |gone| gone.reads)
}
