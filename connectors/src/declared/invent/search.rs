//! Tries out what stands at the places of a body until the connector takes it for well.

use std::collections::HashSet;

use bytes::Bytes;
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

use super::ordered::{self, Numbers, with, with_all};
use super::reads::{self, Place, Reads};
use super::told::shown;
use super::{MOST_FOUND, MOST_TRIES, answer, headers, leads, lines};
use crate::contract::{Answer, Call, Connector, Memo, NextStep};
use crate::declared::Declared;
use crate::declared::model::{Compiled, Step};
use crate::invent::{ADDRESS, ANY, Invents};
use crate::shape;

/// What kind of answer is looked for.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) status: u16,
    /// Lists have nothing in them.
    pub(super) nothing: bool,
    /// A body of which nothing more is known is a list.
    pub(super) list: bool,
}

/// What stands at the places that judge an answer: nothing, or a value.
pub(super) type Said = Vec<Option<Value>>;

/// An answer that was taken.
struct Found {
    answer: Answer,
    leads: String,
    after: Memo,
}

/// One search.
pub(super) struct Search<'a> {
    declared: &'a Declared,
    call: &'a Call<'a>,
    memo: &'a Memo,
    /// The answer is one value a line.
    lines: bool,
    reads: Reads,
    /// What a body begins with.
    base: Value,
    /// The list of a listing.
    list: Option<(Place, Value)>,
    headers: Vec<(String, String)>,
    values: Vec<Option<Value>>,
    /// Which of the places that judge an answer are ordered by their size.
    ordered: Vec<usize>,
    /// Ways to put numbers there.
    numbers: Vec<Numbers>,
    found: Vec<Found>,
    /// What says most of those that were not taken, and why not.
    refused: Option<(Value, String)>,
    /// What was tried.
    tried: HashSet<(u16, Bytes)>,
    left: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        declared: &'a Declared,
        (compiled, step): (&'a Compiled, &'a Step),
        (call, memo): (&'a Call<'a>, &'a Memo),
    ) -> Self {
        let reads = reads::of(compiled, step);
        let list = compiled.reply.documents.as_ref().filter(|list| list.is_name());
        let list = list.and_then(|list| list.reads().first()).filter(|name| name.root == "body");
        let one = Value::Map(vec![("id".to_owned(), Value::text(ANY))]);
        let list = list.map(|name| (name.segments.clone(), Value::List(vec![one])));
        let words = declared.words(call.operation);
        let ordered = declared.ordered(call.operation);
        let ordered = at(&reads.judged, |path| ordered.contains(&path.as_slice()));
        let numbers = ordered::ways(&ordered, &words);
        let mut values = vec![None, Some(Value::text(ANY))];
        values.extend([true, false].map(|yes| Some(Value::Bool(yes))));
        values.extend(words.into_iter().map(Some));
        values.extend([71, 0, 1_000_000].map(|number| Some(Value::Int(number))));
        values.extend([Vec::new(), vec![Value::Null]].map(|list| Some(Value::List(list))));
        let read = step.save.iter().flat_map(|save| save.value.reads());
        let (headers, found, left) = (headers(read), Vec::new(), MOST_TRIES);
        let base = Value::Null;
        let (tried, lines) = (HashSet::new(), step.lines);
        Self {
            declared,
            call,
            memo,
            lines,
            reads,
            base,
            list,
            headers,
            values,
            ordered,
            numbers,
            found,
            refused: None,
            tried,
            left,
        }
    }

    /// What bodies have, whatever else they get.
    pub(super) fn upon(&mut self, base: Value) {
        self.base = base;
    }

    /// The list that the body has.
    pub(super) fn listing(&mut self, place: &[Segment], list: &Value) {
        self.list = Some((place.to_vec(), list.clone()));
    }

    /// A header that the answer has.
    pub(super) fn header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_ascii_lowercase(), value));
    }

    /// A further word.
    pub(super) fn word(&mut self, word: Value) {
        self.values.insert(1, Some(word));
    }

    pub(super) fn found(self) -> Vec<Answer> {
        self.found.into_iter().map(|found| found.answer).collect()
    }

    /// The answer that is a page of so many things, and says whether there is another one.
    pub(super) fn page(&self, count: usize, more: bool) -> Option<Answer> {
        let fits = |found: &&Found, strict: bool| match self.declared.next(self.call, &found.after)
        {
            Ok(NextStep::Done(reply)) => {
                let says = reply.next.is_some() || reply.again;
                reply.documents.len() == count && (says == more || !strict && !more)
            }
            Ok(_) | Err(_) => false,
        };
        let strict = self.found.iter().find(|found| fits(found, true));
        let found = strict.or_else(|| self.found.iter().find(|found| fits(found, false)));
        found.map(|found| found.answer.clone())
    }

    /// An answer that was tried and is no page of so many things with others behind it, for a person.
    pub(super) fn tried(&self, count: usize, more: bool) -> String {
        let body = |answer: &Answer| shown(&Value::from_json(&answer.body).unwrap_or_default());
        if let Some(found) = self.found.first() {
            let lacks = match self.declared.next(self.call, &found.after) {
                Ok(NextStep::Done(reply)) if reply.documents.len() != count => {
                    format!("gives {} things of {count}", reply.documents.len())
                }
                _ if more => "says that no page is behind it".to_owned(),
                _ => "names a page behind it".to_owned(),
            };
            return format!("`{}` is taken, and {lacks}", body(&found.answer));
        }
        match &self.refused {
            Some((body, why)) => format!("`{}` is not taken: {why}", shown(body)),
            None => "none was made up".to_owned(),
        }
    }

    fn refuse(&mut self, way: Way, body: &Value, why: &str) {
        let places = |body: &Value| body.as_map().map_or(0, <[_]>::len);
        let more = self.refused.as_ref().is_none_or(|(known, _)| places(body) > places(known));
        if way.status == 200 && more {
            self.refused = Some((body.clone(), why.to_owned()));
        }
    }

    /// Looks for answers of a kind, and for others that lead elsewhere.
    pub(super) fn run(&mut self, way: Way) {
        if let Some(good) = self.good(way) {
            self.others(way, &good);
        }
    }

    /// Looks for an answer of a kind.
    pub(super) fn good(&mut self, way: Way) -> Option<Said> {
        let bases = self.bases();
        let mut good = None;
        bases.iter().for_each(|base| self.one(way, base, &mut good));
        if way.status != 200 {
            return None;
        }
        if good.is_none() {
            bases.iter().for_each(|base| self.singles(way, base, &mut good));
        }
        if good.is_none() && !self.numbers.is_empty() {
            self.left = MOST_TRIES;
            bases.iter().for_each(|base| self.ordered(way, base, &mut good));
        }
        // That nothing is there is said in few words.
        if good.is_none() && !way.nothing {
            self.left = MOST_TRIES;
            bases.iter().for_each(|base| self.pairs(way, base, &mut good));
        }
        good
    }

    /// Where a search begins: nothing said, everything, and everything but what stands below one key each.
    fn bases(&self) -> Vec<Said> {
        let judged = &self.reads.judged;
        let mut keys: Vec<&Segment> = Vec::new();
        for key in judged.iter().filter_map(|place| place.first()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let said =
            |place: &Place, key: &Segment| (place.first() != Some(key)).then(|| Value::text(ANY));
        let without = |key| judged.iter().map(|place| said(place, key)).collect();
        let all = [vec![None; judged.len()], vec![Some(Value::text(ANY)); judged.len()]];
        let keys = keys.into_iter().filter(|_| judged.len() > 2);
        let mut bases: Vec<Said> = all.into_iter().chain(keys.map(without)).collect();
        // A text has no size.
        for base in &mut bases {
            for at in &self.ordered {
                if let Some(Some(value)) = base.get_mut(*at) {
                    *value = Value::Int(ordered::MIDDLE);
                }
            }
        }
        bases
    }

    /// Whether the whole body is kept.
    pub(super) fn is_whole(&self) -> bool {
        self.reads.kept.iter().any(Vec::is_empty)
    }

    /// Whether a list stands on the way to anything that is read.
    pub(super) fn has_lists(&self) -> bool {
        let mut paths = self.reads.judged.iter().chain(&self.reads.kept);
        self.list.is_some() || paths.any(|path| shape::to_list(path).is_some())
    }

    fn one(&mut self, way: Way, said: &[Option<Value>], good: &mut Option<Said>) {
        let body = self.body(way, said, None);
        if self.attempt(way, &body) && good.is_none() {
            *good = Some(said.to_vec());
        }
    }

    fn singles(&mut self, way: Way, base: &[Option<Value>], good: &mut Option<Said>) {
        for place in 0..self.reads.judged.len() {
            for value in self.values.clone() {
                self.one(way, &with(base, place, value), good);
            }
        }
    }

    /// Numbers at what is ordered, alone and with one other place, until one way is taken.
    fn ordered(&mut self, way: Way, base: &[Option<Value>], good: &mut Option<Said>) {
        for numbers in self.numbers.clone() {
            if self.left == 0 || good.is_some() {
                return;
            }
            let said = with_all(base, &numbers);
            self.one(way, &said, good);
            for place in 0..self.reads.judged.len() {
                if numbers.iter().any(|(at, _)| *at == place) {
                    continue;
                }
                for value in self.values.clone() {
                    self.one(way, &with(&said, place, value), good);
                }
            }
        }
    }

    /// Two places at once, until one pair is taken.
    fn pairs(&mut self, way: Way, base: &[Option<Value>], good: &mut Option<Said>) {
        let values = self.values.clone();
        for (first, second) in pairs(self.reads.judged.len()) {
            for value in &values {
                let half = with(base, first, value.clone());
                for other in &values {
                    if self.left == 0 || good.is_some() {
                        return;
                    }
                    self.one(way, &with(&half, second, other.clone()), good);
                }
            }
        }
    }

    /// Other words at what decides which steps are sent: each may lead on in another way.
    pub(super) fn others(&mut self, way: Way, good: &[Option<Value>]) {
        for numbers in self.numbers.clone() {
            let body = self.body(way, &with_all(good, &numbers), None);
            self.attempt(way, &body);
        }
        let values = self.values.clone();
        let turns = |path: &Place| self.reads.turns.contains(path);
        let judged: Vec<usize> = at(&self.reads.judged, turns);
        // Lists with nothing in them say nothing of their elements.
        let said = |path: &Place| turns(path) && !(way.nothing && shape::to_list(path).is_some());
        let kept: Vec<usize> = at(&self.reads.kept, said);
        for value in values {
            for place in &judged {
                let body = self.body(way, &with(good, *place, value.clone()), None);
                self.attempt(way, &body);
            }
            for place in &kept {
                let body = self.body(way, good, Some((*place, value.clone())));
                self.attempt(way, &body);
            }
        }
    }

    fn body(
        &self,
        way: Way,
        said: &[Option<Value>],
        other: Option<(usize, Option<Value>)>,
    ) -> Value {
        let mut body = self.base.clone();
        for (place, value) in self.reads.judged.iter().zip(said) {
            let any = value.as_ref().is_some_and(|value| *value == Value::text(ANY));
            let said = if any { Some(self.any(place)) } else { value.clone() };
            said.iter().for_each(|value| shape::put(&mut body, place, value));
        }
        if let Some((place, list)) = &self.list {
            let empty = Value::List(Vec::new());
            shape::put(&mut body, place, if way.nothing { &empty } else { list });
        }
        if let Some((at, value)) = &other
            && let (Some(place), Some(value)) = (self.reads.kept.get(*at), value)
        {
            shape::put(&mut body, place, value);
        }
        let left_out = other.map(|(at, _)| at);
        for (at, place) in self.reads.kept.iter().enumerate() {
            if left_out == Some(at) {
                continue;
            }
            match shape::to_list(place).filter(|_| way.nothing) {
                Some(list) => shape::put(&mut body, list, &Value::List(Vec::new())),
                None if place.is_empty() && way.list => {
                    let one = (!way.nothing).then(|| Value::text(ANY));
                    shape::put(&mut body, place, &Value::List(one.into_iter().collect()));
                }
                None => shape::put(&mut body, place, &self.any(place)),
            }
        }
        if body.is_null() && way.status == 200 { Value::Map(Vec::new()) } else { body }
    }

    /// What stands where nothing more is known: an address, where a later step goes to it.
    fn any(&self, place: &Place) -> Value {
        let asked = self.reads.addresses.contains(place);
        Value::text(if asked { ADDRESS } else { ANY })
    }

    /// Whether the connector takes it; one that leads elsewhere than the others is kept.
    fn attempt(&mut self, way: Way, body: &Value) -> bool {
        if self.left == 0 {
            return false;
        }
        let write = if self.lines { lines } else { answer };
        let answer = write(way.status, &self.headers, body);
        if !self.tried.insert((way.status, Bytes::clone(&answer.body))) {
            return false;
        }
        self.left -= 1;
        let mut after = self.memo.clone();
        if let Err(error) = self.declared.answer(self.call, &mut after, &answer) {
            self.refuse(way, body, error.why());
            return false;
        }
        let Some(leads) = leads(self.declared, self.call, &after) else { return false };
        let new = self.found.iter().all(|found| found.leads != leads);
        if new && self.found.len() < MOST_FOUND {
            self.found.push(Found { answer, leads, after });
        }
        true
    }
}

/// The places of those paths that are so.
fn at(paths: &[Place], is: impl Fn(&Place) -> bool) -> Vec<usize> {
    paths.iter().enumerate().filter(|(_, path)| is(path)).map(|(at, _)| at).collect()
}

fn pairs(places: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..places).flat_map(move |first| (first + 1..places).map(move |second| (first, second)))
}
