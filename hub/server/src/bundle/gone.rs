//! What systems listened to by earlier files of this hub: so that what happens while an entry of `deliver:` is missing is
//! kept for it ([`orderhub_order::route`] says how), and so that a switch tells what is not delivered any more.
//!
//! The store keeps one list, beside the name of the bundle in use and written with it: each rule that files in use had,
//! what stood beside it there, and since when it is gone. A bundle compares that with its own rules: what the list
//! has and it has not, is gone. So every process comes to the same, by whatever way it switched, and after a start too.
//! Where a list is not there yet, because an earlier program kept none, it begins with the files that were in use.
//!
//! **Invariant:** what is gone is what files in use had; it comes back with its own name; and `do: none` or [`KEPT`] days
//! end it. Test: `a_rule_is_gone_until_it_is_back_or_meant`.
//!
//! **Invariant:** a rule stands in the place of one other, and only where it is plain which: at one switch a single rule of
//! a system and event came, a single one was gone that nobody stands in the place of, no files ever had both, and both
//! make something or neither does. Else nobody takes anything over: what is gone makes wishes that wait, and is told of.
//! Tests: `a_rule_takes_over_only_where_it_is_plain_from_which`, `who_was_there_beside_it_takes_nothing_over`.
//!
//! Where the one in its place goes, too, and another comes, that one stands in the place of both; but not of one that it once
//! stood beside: that is gone without an heir again. What has an heir makes no wishes, also while the heir is gone: they
//! are the heir's, so nothing is sent by both. It is remembered as long as its heir is there, or is remembered
//! itself, for orders that nothing happens to meanwhile. Test: `who_has_an_heir_is_remembered_as_long_as_that`.
//!
//! **Bounds:** [`MOST_GONE`] rules that are gone are kept, those that went last; of each [`MOST_BESIDE`] that stood beside it:
//! a system has a handful for one event.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use orderhub_order::catalogue::{FieldId, FieldSet};
use orderhub_order::ids::SystemName;
use orderhub_order::route::EVENT;
use orderhub_order::rules::{DeliverRule, GoneRule, OperationKind};
use serde::{Deserialize, Serialize};

use super::{Bundle, Files, compile};
use crate::config::Config;

/// How long a rule that is gone is owed something: a mistake is found within a week, what is still so then is meant.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Rules that are gone, at most; each takes some 200 bytes.
const MOST_GONE: usize = 1_000;

/// Rules of one event that are remembered to have stood beside one.
const MOST_BESIDE: usize = 64;

/// What the systems of a bundle listen to.
#[derive(Clone, Debug, Default)]
pub struct Listens {
    rules: Vec<Rule>,
    /// Events of which files say that there is nothing to do.
    nothing: BTreeSet<(SystemName, Box<str>)>,
}

/// One entry of a system's `deliver:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    system: SystemName,
    id: Box<str>,
    on: Box<str>,
    #[serde(default)]
    fact: bool,
    #[serde(default)]
    creates: bool,
    /// The numbers of the fields that its mappings read.
    #[serde(default)]
    reads: Vec<u16>,
}

/// What files in use had, over all switches: as the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listened {
    #[serde(default)]
    rules: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    #[serde(flatten)]
    rule: Rule,
    /// The rules of the same event that were ever in the same files.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    beside: BTreeSet<Box<str>>,
    /// Since when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Timestamp>,
    /// The rule in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heir: Option<Box<str>>,
}

/// A rule that is gone, and that nothing stands in the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Whose.
    pub system: SystemName,
    /// Its `<on>/<do>`.
    pub rule: Box<str>,
    /// The event that it listened to.
    pub on: Box<str>,
    /// Since when.
    pub since: Timestamp,
}

impl Gone {
    /// When it is taken as meant.
    pub fn until(&self) -> Timestamp {
        end(self.since)
    }
}

fn end(since: Timestamp) -> Timestamp {
    since.checked_add(KEPT).unwrap_or(Timestamp::MAX)
}

impl Listens {
    fn has(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|one| one.system == rule.system && one.id == rule.id)
    }

    fn is_meant(&self, rule: &Rule) -> bool {
        self.nothing.contains(&(rule.system.clone(), rule.on.clone()))
    }
}

impl Listened {
    /// As the store wrote it; what no program of this kind wrote is as if it were not there, but the log says so, and it
    /// stays for the program that wrote it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let read = serde_json::from_str(text);
        read.inspect_err(|error| {
            tracing::error!(
                %error,
                "the list of what files in use listened to is of another program and cannot be read: what systems are owed \
                 by entries that files have no more is not known; go on with the program that wrote it"
            );
        })
        .ok()
    }

    /// For the store.
    pub(crate) fn to_text(&self) -> String {
        // Plain data: it is always written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// After a switch to files with these rules.
    pub(crate) fn next(mut self, listens: &Listens, now: Timestamp) -> Self {
        self.rules.retain(|known| listens.has(&known.rule) || !listens.is_meant(&known.rule));
        let mut came = Vec::new();
        for rule in &listens.rules {
            let own =
                |known: &&mut Known| known.rule.system == rule.system && known.rule.id == rule.id;
            let rule = rule.clone();
            let known = self.rules.iter_mut().find(own);
            if known.as_ref().is_none_or(|known| known.gone.is_some()) {
                came.push(rule.clone());
            }
            let mut beside =
                known.as_ref().map_or_else(BTreeSet::new, |known| known.beside.clone());
            let others = listens.rules.iter().filter(|one| one.stands_by(&rule));
            beside.extend(others.map(|one| one.id.clone()));
            while beside.len() > MOST_BESIDE {
                beside.pop_last();
            }
            let there = Known { rule, beside, gone: None, heir: None };
            match known {
                Some(known) => *known = there,
                None => self.rules.push(there),
            }
        }
        for known in self.rules.iter_mut().filter(|known| !listens.has(&known.rule)) {
            known.gone.get_or_insert(now);
        }
        for (place, heir) in self.heirs(&came) {
            if let Some(known) = self.rules.get_mut(place) {
                known.heir = Some(heir);
            }
        }
        self.rules.retain(|known| known.heir.is_some() || known.is_kept(now));
        self.bound();
        self
    }

    /// Who of those that came stands in the place of which rule that is gone.
    fn heirs(&self, came: &[Rule]) -> Vec<(usize, Box<str>)> {
        let of = |rule: &Rule| {
            let alone = !came.iter().any(|other| other.stands_by(rule));
            let all = self.rules.iter().enumerate();
            // One that is gone itself keeps what it took over: nobody else is to make those wishes.
            let mut gone = all.filter(|(_, known)| {
                known.gone.is_some() && known.heir.is_none() && known.rule.stands_by(rule)
            });
            let (place, known) = gone.next().filter(|_| alone && gone.next().is_none())?;
            let beside = self.were_beside(known, &rule.id) || known.rule.creates != rule.creates;
            (!beside).then(|| (place, rule.id.clone()))
        };
        came.iter().filter_map(of).collect()
    }

    /// Whether any files had both, as far as either remembers it.
    fn were_beside(&self, known: &Known, id: &str) -> bool {
        let other = self.known(&known.rule.system, id);
        known.beside.contains(id)
            || other.is_some_and(|other| other.beside.contains(&known.rule.id))
    }

    fn known(&self, system: &SystemName, id: &str) -> Option<&Known> {
        self.rules.iter().find(|one| one.rule.system == *system && *one.rule.id == *id)
    }

    /// Forgets those that are gone for the longest, where there are too many, and who has an heir that is forgotten.
    fn bound(&mut self) {
        let mut gone: Vec<Timestamp> = self.rules.iter().filter_map(|known| known.gone).collect();
        gone.sort_unstable_by(|one, other| other.cmp(one));
        if let Some(oldest) = gone.get(MOST_GONE).copied() {
            self.rules.retain(|known| known.gone.is_none_or(|since| since > oldest));
        }
        loop {
            let is_lost = |known: &Known| {
                let heir = known.heir.as_ref();
                heir.is_some_and(|heir| self.known(&known.rule.system, heir).is_none())
            };
            let lost: Vec<bool> = self.rules.iter().map(is_lost).collect();
            if !lost.contains(&true) {
                return;
            }
            let mut lost = lost.into_iter();
            self.rules.retain(|_| lost.next() != Some(true));
        }
    }

    /// Who stands in the place of a rule, or of who stood there before; the last of them, where none `is` there. `None`:
    /// nobody ever did, or by now one that it once stood beside.
    fn stands_for(&self, known: &Known, is: &dyn Fn(&Known) -> bool) -> Option<&Known> {
        let of = |one: &Known| self.known(&one.rule.system, one.heir.as_deref()?);
        let mut heir = of(known)?;
        // Each of them at most once, though they took turns.
        for _ in 0..self.rules.len() {
            if self.were_beside(known, &heir.rule.id) {
                return None;
            }
            match of(heir).filter(|next| !is(heir) && next.rule.id != known.rule.id) {
                Some(next) => heir = next,
                None => break,
            }
        }
        Some(heir)
    }

    /// The rules that files in use have now and these have not, and do not say that there is nothing to do for: what takes
    /// the place of another by them, too.
    pub(crate) fn lacking(&self, bundle: &Bundle) -> Vec<(SystemName, Box<str>)> {
        let listens = bundle.listens();
        let there = self.rules.iter().filter(|known| known.gone.is_none());
        let rules = there.map(|known| &known.rule).filter(|rule| {
            let heard = listens.has(rule) || listens.is_meant(rule);
            !heard && bundle.rules.contains_key(&rule.system)
        });
        rules.map(|rule| (rule.system.clone(), rule.id.clone())).collect()
    }

    /// Those that are gone by this list, whatever is in use.
    pub(crate) fn gone(&self) -> impl Iterator<Item = Gone> {
        let is = |known: &Known| known.gone.is_none();
        let gone = self.rules.iter().filter(move |known| self.stands_for(known, &is).is_none());
        gone.filter_map(|known| Some(known.told(known.gone?)))
    }
}

impl Rule {
    fn of(system: SystemName, rule: &DeliverRule, reads: &FieldSet) -> Self {
        Self {
            system,
            id: rule.id.clone(),
            on: rule.on.clone(),
            fact: rule.kind() == OperationKind::Fact,
            creates: rule.makes(),
            reads: reads.iter().map(|field| field.0).collect(),
        }
    }

    /// Another rule of the same system and event.
    fn stands_by(&self, rule: &Rule) -> bool {
        self.system == rule.system && self.on == rule.on && self.id != rule.id
    }
}

impl Known {
    /// Whether it is not gone, or not for so long that this is meant.
    fn is_kept(&self, now: Timestamp) -> bool {
        self.gone.is_none_or(|since| end(since) > now)
    }

    fn told(&self, since: Timestamp) -> Gone {
        let Rule { system, id, on, .. } = &self.rule;
        Gone { system: system.clone(), rule: id.clone(), on: on.clone(), since }
    }

    fn to_rule(&self) -> GoneRule {
        let Rule { id, on, fact, creates, reads, .. } = &self.rule;
        GoneRule {
            id: id.clone(),
            on: on.clone(),
            kind: if *fact { OperationKind::Fact } else { OperationKind::State },
            creates: *creates,
            reads: reads.iter().map(|field| FieldId(*field)).collect::<FieldSet>(),
            heir: None,
        }
    }
}

impl Bundle {
    /// What its systems listen to. Of what only this program makes (the hub's own events) settings decide, not files.
    pub fn listens(&self) -> Listens {
        let mut listens = Listens::default();
        for (system, rules) in &self.rules {
            for rule in rules.deliver.iter().filter(|rule| !rule.on.starts_with(EVENT)) {
                if rule.is_nothing() {
                    listens.nothing.insert((system.clone(), rule.on.clone()));
                } else {
                    let reads = self.shapes.reads(system, &rule.id);
                    listens.rules.push(Rule::of(system.clone(), rule, &reads));
                }
            }
        }
        listens
    }

    /// What files listen to that this program may take for wrong, as far as which rules they have; `None`: nobody can say.
    pub(crate) fn listened(files: &Files, config: &Config, now: Timestamp) -> Option<Listened> {
        let mut listens = Listens::default();
        for (system, rules) in compile::entries(files, config)? {
            for rule in rules.deliver.iter().filter(|rule| !rule.is_nothing()) {
                listens.rules.push(Rule::of(system.clone(), rule, &FieldSet::default()));
            }
        }
        Some(Listened::default().next(&listens, now))
    }

    /// The bundle with what its systems listened to by other files before, and by these do not.
    #[must_use]
    pub fn knowing(mut self, listened: &Listened, now: Timestamp) -> Self {
        let listens = self.listens();
        self.gone.clear();
        self.rules.values_mut().for_each(|rules| rules.gone.clear());
        for known in &listened.rules {
            let is_gone = !listens.has(&known.rule) && !listens.is_meant(&known.rule);
            let Some(rules) = self.rules.get_mut(&known.rule.system) else { continue };
            let heir = listened.stands_for(known, &|one| listens.has(&one.rule));
            let last = heir.unwrap_or(known);
            if !is_gone || !(listens.has(&last.rule) || last.is_kept(now)) {
                continue;
            }
            let mut rule = known.to_rule();
            rule.heir = heir.map(|heir| heir.rule.id.clone());
            if rule.heir.is_none() {
                self.gone.push(known.told(known.gone.unwrap_or(now)));
            }
            rules.gone.push(rule);
        }
        self
    }

    /// What its systems listened to before and do not now.
    pub fn gone(&self) -> &[Gone] {
        &self.gone
    }

    /// What holds and conditions are judged by, in a word: files, of which mappings are none, and the systems there are.
    pub fn holds_by(&self) -> &str {
        &self.judging
    }

    /// What lanes are judged by, in a word: the files, and what is gone.
    pub fn judges_by(&self) -> String {
        let mut gone: Vec<_> = self.rules.iter().collect();
        gone.retain(|(_, rules)| !rules.gone.is_empty());
        if gone.is_empty() {
            return self.hash.to_string();
        }
        let words = gone.iter().flat_map(|(system, rules)| {
            let rules = rules.gone.iter();
            rules.flat_map(move |rule| {
                let heir = rule.heir.as_deref().unwrap_or_default();
                [system.as_str().as_bytes(), rule.id.as_bytes(), heir.as_bytes()]
            })
        });
        let gone = orderhub_order::hash::half_of_parts(words);
        format!("{} without {}", self.hash, hex::encode(gone))
    }
}

#[cfg(test)]
#[path = "gone_tests.rs"]
mod tests;
