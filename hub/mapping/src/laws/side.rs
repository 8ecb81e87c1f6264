//! The fields of a file side by side: which of them does not come back with another, found in few trips.
//!
//! Each field is sent alone first: one that does not come back so says nothing about others and is not sent with
//! them. The rest are sent in one document. Where that does not bring all back, halving finds the first field that
//! disturbs those before it, and which of them; it is left out of what is sent then.
//!
//! **Invariant:** a field that comes back alone, and in a document with all that do, is not called broken, whatever
//! others are refused. Tests: `every_class_of_law_has_a_case` (`whole-refused.yaml`) and
//! `a_disturbed_field_is_found_in_few_trips`.
//! **Invariant:** fields that cannot stand in one document are told, as broken or as not tried. Test:
//! `what_does_not_stand_together_is_told_and_stops_nothing_else`.
//! **Invariant:** no more documents are sent than the file may cost, and fields that were not reached are counted.
//! Test: `what_a_file_has_no_trips_left_for_is_counted`.
//!
//! Bounds: the trips it is given. Without findings one a field, and one for all of them; a finding costs twice the
//! logarithm of the fields.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_order::catalogue::FieldType;
use orderhub_order::value::Value;
use serde_json::Value as Json;

use super::document::Untaken;
use super::ends::Key;
use super::place;
use super::whole::{Judged, Sent, left, told, unpaired};
use crate::Mapping;

/// No document may be sent any more.
#[derive(Debug)]
pub(super) struct Spent;

/// What came of a document.
pub(super) type Back = Result<Json, Untaken>;

/// Sends a document with some fields.
pub(super) type Through<'d> = &'d dyn Fn(&[&Sent<'_>]) -> Back;

/// Documents that are sent through a file, counted.
pub(super) struct Trips<'d> {
    mapping: &'d Mapping,
    send: Through<'d>,
    most: usize,
    count: usize,
}

impl<'d> Trips<'d> {
    pub(super) fn of(mapping: &'d Mapping, send: Through<'d>, most: usize) -> Self {
        Self { mapping, send, most, count: 0 }
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn back(&mut self, fields: &[&Sent<'_>]) -> Result<Back, Spent> {
        if self.count >= self.most {
            return Err(Spent);
        }
        self.count += 1;
        Ok((self.send)(fields))
    }

    /// What comes of each field alone, as far as it may be sent. Fields whose documents are left to others are
    /// given another value, if there is one.
    pub(super) fn alone(&mut self, sent: &mut [Sent<'_>]) -> Vec<Back> {
        sent.iter_mut().map_while(|one| self.taken(one).ok()).collect()
    }

    fn taken(&mut self, one: &mut Sent<'_>) -> Result<Back, Spent> {
        let others = std::mem::take(&mut one.more);
        for value in std::iter::once(one.value.clone()).chain(others) {
            one.value = value;
            let back = self.back(&[one])?;
            if back != Err(Untaken::Left) {
                return Ok(back);
            }
        }
        Ok(Err(Untaken::Left))
    }
}

/// The fields of one file.
pub(super) struct Side<'s, 'd, 'i> {
    trips: Trips<'d>,
    sent: &'s [Sent<'i>],
    /// With which others a field is sent: those that write the currency that it is read with.
    along: BTreeMap<&'i Key, Vec<&'s Sent<'i>>>,
    /// Fields of which is known what there is to say.
    done: BTreeSet<&'i Key>,
    /// Fields that are told as lost.
    lost: BTreeSet<&'i Key>,
}

impl<'s, 'd, 'i> Side<'s, 'd, 'i> {
    pub(super) fn of(trips: Trips<'d>, sent: &'s [Sent<'i>]) -> Self {
        let (along, done, lost) = Default::default();
        Self { trips, sent, along, done, lost }
    }

    /// How many documents were sent.
    pub(super) fn trips(&self) -> usize {
        self.trips.count()
    }

    /// The fields of which nothing is known, yet.
    pub(super) fn open(&self) -> impl Iterator<Item = &'s Sent<'i>> {
        self.sent.iter().filter(|one| !self.done.contains(one.key))
    }

    /// With what came of each field alone, as far as they were sent.
    pub(super) fn judge(&mut self, alone: Vec<Back>, judged: &mut Judged) -> Result<(), Spent> {
        let reached = alone.len();
        let good = self.good(alone, judged)?;
        if reached < self.sent.len() {
            return Err(Spent);
        }
        self.together(&good, judged)
    }

    /// The fields that come back by themselves.
    fn good(&mut self, alone: Vec<Back>, judged: &mut Judged) -> Result<Vec<&'s Sent<'i>>, Spent> {
        let (mut good, mut poor, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (one, back) in self.sent.iter().zip(alone) {
            if back == Err(Untaken::Left) {
                self.done.insert(one.key);
                judged.untried.push(left(self.trips.mapping, one));
                continue;
            }
            taken.push(one);
            if self.is_back(one, &back) { good.push(one) } else { poor.push((one, back)) }
        }
        // The currency of an amount may be what another rule of the file sends.
        let first = good.clone();
        for (one, back) in poor {
            let found = self.comes_along(one, &first)? || self.comes_along(one, &taken)?;
            if found { good.push(one) } else { self.tell(one, &back, None, judged) }
        }
        Ok(good)
    }

    /// Whether a field comes back with those that send its currency: it is always sent with them, then.
    fn comes_along(&mut self, one: &'s Sent<'i>, among: &[&'s Sent<'i>]) -> Result<bool, Spent> {
        let along = currencies(one, among);
        if along.is_empty() {
            return Ok(false);
        }
        self.along.insert(one.key, along);
        let back = self.back(&[one])?;
        let found = self.is_back(one, &back);
        if !found {
            self.along.remove(one.key);
        }
        Ok(found)
    }

    fn together(&mut self, good: &[&'s Sent<'i>], judged: &mut Judged) -> Result<(), Spent> {
        let (mut kept, mut rest) = (Vec::new(), good);
        while !rest.is_empty() {
            let (fine, after) = rest.split_at(self.fine(&kept, rest)?);
            self.done.extend(fine.iter().map(|one| one.key));
            kept.extend_from_slice(fine);
            let Some((next, after)) = after.split_first() else { break };
            self.disturbed(next, &kept, judged)?;
            self.done.insert(next.key);
            rest = after;
        }
        Ok(())
    }

    /// How many of `rest`, from its start, come back in one document with those that are kept.
    fn fine(&mut self, kept: &[&'s Sent<'i>], rest: &[&'s Sent<'i>]) -> Result<usize, Spent> {
        let (mut fine, mut not, mut next) = (0, rest.len() + 1, rest.len());
        while fine + 1 < not {
            let with: Vec<_> = kept.iter().chain(rest.iter().take(next)).copied().collect();
            let back = self.back(&with)?;
            let all = with.iter().all(|one| self.is_back(one, &back));
            if all {
                fine = next
            } else {
                not = next
            }
            next = fine.midpoint(not);
        }
        Ok(fine)
    }

    /// Tells what a field and those that are kept, which come back without it, do to each other.
    fn disturbed(
        &mut self,
        one: &'s Sent<'i>,
        kept: &[&'s Sent<'i>],
        judged: &mut Judged,
    ) -> Result<(), Spent> {
        let (mut with, mut apart) = (kept.to_vec(), None);
        let back = loop {
            let back = self.back(&beside(&with, one))?;
            if back != Err(Untaken::Left) {
                break back;
            }
            let leaves = |_: &Self, back: &Back| *back == Err(Untaken::Left);
            let Some(other) = self.first(one, &with, leaves)? else { break back };
            apart.get_or_insert((other, Untaken::Left));
            with.retain(|kept| kept.key != other.key);
        };
        let lost = match &back {
            Ok(_) => beside(&with, one),
            Err(_) => vec![one],
        };
        for lost in lost {
            if self.is_back(lost, &back) {
                continue;
            }
            let takes = |side: &Self, back: &Back| side.loses(one, back);
            let own = lost.key == one.key;
            let other = if own { self.first(one, &with, takes)? } else { Some(one) };
            let Some(other) = other else { continue };
            let pair = self.back(&[lost, other])?;
            if self.loses(lost, &pair) {
                self.tell(lost, &pair, Some(other), judged);
                if self.loses(other, &pair) {
                    self.tell(other, &pair, Some(lost), judged);
                }
            } else if let Err(why) = &back {
                // It takes more than two, and nothing says which of them is wrong.
                apart.get_or_insert((other, why.clone()));
            } else {
                self.tell(lost, &back, None, judged);
            }
        }
        if let Some((other, why)) = apart {
            judged.untried.push(unpaired(self.trips.mapping, one, other, &why));
        }
        Ok(())
    }

    /// The first of `with` that, with those before it, makes `shows` hold of a document with `one`: all of them do,
    /// none does not.
    fn first(
        &mut self,
        one: &'s Sent<'i>,
        with: &[&'s Sent<'i>],
        shows: impl Fn(&Self, &Back) -> bool,
    ) -> Result<Option<&'s Sent<'i>>, Spent> {
        let (mut not, mut shown) = (0, with.len());
        while not + 1 < shown {
            let next = not.midpoint(shown);
            let some: Vec<_> = with.iter().take(next).copied().collect();
            let back = self.back(&beside(&some, one))?;
            if shows(self, &back) { shown = next } else { not = next }
        }
        Ok(with.get(not).copied())
    }

    /// What comes back of some fields, and of those that go along with them.
    fn back(&mut self, fields: &[&'s Sent<'i>]) -> Result<Back, Spent> {
        let along = fields.iter().filter_map(|one| self.along.get(one.key)).flatten();
        let all: BTreeMap<&Key, &Sent<'_>> =
            fields.iter().chain(along).map(|one| (one.key, *one)).collect();
        self.trips.back(&all.into_values().collect::<Vec<_>>())
    }

    fn is_back(&self, one: &Sent<'_>, back: &Back) -> bool {
        let at = |json| place::at(json, self.trips.mapping, one.key);
        back.as_ref().is_ok_and(|json| one.is(at(json).as_ref()))
    }

    /// Whether a field does not come back, though the document is the file's.
    fn loses(&self, one: &Sent<'_>, back: &Back) -> bool {
        *back != Err(Untaken::Left) && !self.is_back(one, back)
    }

    /// Once for each field.
    fn tell(
        &mut self,
        one: &'s Sent<'i>,
        back: &Back,
        other: Option<&Sent<'_>>,
        judged: &mut Judged,
    ) {
        self.done.insert(one.key);
        if self.lost.insert(one.key) {
            judged.lost.push(told(self.trips.mapping, one, back, other));
        }
    }
}

fn beside<'s, 'i>(with: &[&'s Sent<'i>], one: &'s Sent<'i>) -> Vec<&'s Sent<'i>> {
    with.iter().copied().chain([one]).collect()
}

/// Of an amount, the fields that send its currency: the order's, and amounts in it.
fn currencies<'s, 'i>(one: &Sent<'i>, among: &[&'s Sent<'i>]) -> Vec<&'s Sent<'i>> {
    let money = |value: &Value| value.as_money().map(|money| money.currency);
    let Some(own) = money(&one.value) else { return Vec::new() };
    let sends = |other: &&&Sent<'_>| {
        let code = other.value.as_str() == Some(own.as_str());
        let currency = code && other.key.ty() == FieldType::Currency;
        other.key != one.key && (currency || money(&other.value) == Some(own))
    };
    among.iter().filter(sends).copied().collect()
}

#[cfg(test)]
mod tests;
