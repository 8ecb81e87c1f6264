//! Makes up answers of a system from what its file reads of them, for those who try a connector without its system.
//!
//! A body gets something at each path that is read; what judges an answer is then tried out, first alone, then two at a
//! time, with the words that the file itself compares with. Whatever is given back was taken for well by the connector
//! itself, as an answer of the real system would be.
//!
//! **Invariant:** an answer that the connector refuses, or that leads to a request which cannot be built, is never given
//! back. Test: `made_up_answers_lead_through_every_step_of_a_file`.
//! Bounds: [`MOST_TRIES`] for one step, [`MOST_FOUND`] answers; what is not found within them is not found.

mod hook;
mod ordered;
mod reads;
mod search;
mod shapes;
mod told;

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use orderhub_lang::expression::Name;
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

use self::search::{Search, Way};
use super::Declared;
use super::model::{self, Compiled, PageKind, Step};
use super::scope::Document;
use super::walk;
use crate::contract::{Answer, Call, Connector, Credentials, Idempotency, Memo, NextStep};
use crate::invent::{ANY, Hook, Invents, Page};
use crate::shape;

/// Answers that are tried for one step.
const MOST_TRIES: usize = 700;
/// Answers that are given back for one step.
const MOST_FOUND: usize = 8;
/// Longer texts are sentences, not words that a system says.
const LONGEST_WORD: usize = 40;
/// Things of a page, where the file does not say how many it asks for.
const PAGE: usize = 100;

/// A body with its status.
fn answer(status: u16, headers: &[(String, String)], body: &Value) -> Answer {
    let mut headers = headers.to_vec();
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let body = if body.is_null() { Bytes::new() } else { body.to_json().into() };
    Answer { status, headers, body }
}

/// The same of a body that has one value a line.
fn lines(status: u16, headers: &[(String, String)], body: &Value) -> Answer {
    let list = body.as_list().unwrap_or(std::slice::from_ref(body));
    let texts: Vec<String> = list.iter().map(|line| format!("{}\n", line.to_json_text())).collect();
    Answer { body: texts.concat().into(), ..answer(status, headers, &Value::Null) }
}

impl Invents for Declared {
    fn answers(&self, call: &Call<'_>, memo: &Memo) -> Vec<Answer> {
        let Ok(compiled) = self.compiled(call.operation) else { return Vec::new() };
        let document = Document::new(call);
        let Ok(Some(at)) = walk::current(compiled, call, memo, &document) else {
            return Vec::new();
        };
        let mut search = Search::new(self, (compiled, at.step), (call, memo));
        if let Some(native) = at.step.native {
            let bodies = native.example.bodies.iter();
            bodies.filter_map(|body| Value::from_json(body.as_bytes()).ok()).for_each(|body| {
                search.upon(body);
                search.run(Way { status: 200, nothing: false, list: false });
            });
            return search.found();
        }
        let way = |status, nothing, list| Way { status, nothing, list };
        let whole = search.is_whole();
        let there = way(200, false, whole);
        let good = search.good(there);
        if at.step.idempotency == Idempotency::Safe {
            if whole || search.has_lists() {
                search.run(way(200, true, true));
            }
            search.run(way(404, true, false));
        }
        good.iter().for_each(|good| search.others(there, good));
        if whole {
            search.run(way(200, false, false));
        }
        search.found()
    }

    fn words(&self, operation: &str) -> Vec<Value> {
        let short = |word: &Value| word.as_text().is_none_or(|text| text.len() <= LONGEST_WORD);
        let own = |of: &Option<std::sync::Arc<str>>| of.as_deref().is_none_or(|of| of == operation);
        let mut words: Vec<Value> = Vec::new();
        for (_, word) in self.words.iter().filter(|(of, word)| own(of) && short(word)) {
            if !words.contains(word) {
                words.push(word.clone());
            }
        }
        words
    }

    fn turns(&self, operation: &str) -> Vec<Name> {
        self.compiled(operation).map(reads::asked).unwrap_or_default()
    }

    fn document(&self, operation: &str) -> Value {
        self.compiled(operation).map(shapes::document).unwrap_or_default()
    }

    fn page(&self, call: &Call<'_>, from: usize, total: usize) -> Page {
        let Some(listing) = self.listing(call.operation) else { return Page::NoListing };
        let mut tried = String::new();
        for size in sizes(listing.page.size, &self.words(call.operation)) {
            let count = size.min(total.saturating_sub(from));
            match self.listed(call, &listing, (from..from + count, total)) {
                Ok(answer) => return Page::Taken(answer, count),
                Err(last) => tried = last,
            }
        }
        Page::NotTaken(tried)
    }

    fn hook(&self, said: &str, with: &Credentials<'_>) -> Option<Hook> {
        hook::hook(self, said, with)
    }

    fn session(&self, with: &Credentials<'_>) -> Option<Answer> {
        let login = self.login.as_ref()?;
        let lives = match &login.lives {
            Some(super::login::Lives::Seconds(rule)) => Some(rule),
            Some(super::login::Lives::For(_)) | None => None,
        };
        let kept: Vec<_> = login.save.iter().map(|(_, rule)| rule).chain(lives).cloned().collect();
        let judged = reads::of_login(login.ok.iter().cloned());
        let headers = headers(kept.iter().flat_map(|rule| rule.reads()));
        let mut values = vec![None, Some(Value::text(ANY)), Some(Value::Bool(true))];
        values.extend(self.words("").into_iter().map(Some));
        values.extend([0, 200].map(|number| Some(Value::Int(number))));
        let tries = values.iter().map(|value| {
            let mut body = Value::Null;
            for place in &judged {
                value.iter().for_each(|value| shape::put(&mut body, place, value));
            }
            for place in reads::of_login(kept.iter().cloned()) {
                shape::put(&mut body, &place, &Value::text(ANY));
            }
            answer(200, &headers, &body)
        });
        let tries: Vec<Answer> = tries.collect();
        tries.into_iter().find(|answer| self.logged_in(with, answer).is_ok())
    }
}

/// An operation that lists one thing after the other.
struct Listing<'a> {
    compiled: &'a Compiled,
    step: &'a Step,
    page: &'a model::Page,
    /// Where the list stands in an answer.
    list: &'a [Segment],
}

impl Declared {
    fn listing(&self, operation: &str) -> Option<Listing<'_>> {
        let compiled = self.compiled(operation).ok()?;
        let [step] = compiled.steps.as_slice() else { return None };
        let page = step.page.as_ref()?;
        let list = compiled.reply.documents.as_ref().filter(|list| list.is_name())?;
        let list = list.reads().first().filter(|name| name.root == "body")?;
        Some(Listing { compiled, step, page, list: &list.segments })
    }

    /// An answer with these things, which says whether there are others behind them.
    fn listed(
        &self,
        call: &Call<'_>,
        Listing { compiled, step, page, list }: &Listing<'_>,
        (things, total): (Range<usize>, usize),
    ) -> Result<Answer, String> {
        let (count, behind) = (things.len(), things.end);
        let things = things.map(|n| {
            let id = i64::try_from(n).unwrap_or(i64::MAX);
            Value::Map(vec![("id".to_owned(), Value::Int(id))])
        });
        let memo = Memo::default();
        let mut search = Search::new(self, (compiled, step), (call, &memo));
        search.listing(list, &Value::List(things.collect()));
        if let PageKind::Next(rule) | PageKind::Cursor(rule) | PageKind::Again(rule) = &page.kind {
            let link = matches!(page.kind, PageKind::Next(_));
            let next = if link { format!("?kit={behind}") } else { format!("kit-{behind}") };
            let place = rule.reads().first().filter(|name| rule.is_name() && name.root == "body");
            match (reads::header(rule).filter(|_| behind < total), place) {
                (Some(header), _) => search.header(header, format!("<{next}>; rel=\"next\"")),
                (None, Some(place)) if behind < total => {
                    let mut base = Value::Null;
                    shape::put(&mut base, &place.segments, &Value::text(next));
                    search.upon(base);
                }
                (None, _) => search.word(Value::text(next)),
            }
        }
        search.run(Way { status: 200, nothing: false, list: false });
        let more = behind < total;
        search.page(count, more).ok_or_else(|| search.tried(count, more))
    }

    /// What an operation orders by its size.
    fn ordered(&self, operation: &str) -> Vec<&[Segment]> {
        let own = |of: &Option<std::sync::Arc<str>>| of.as_deref().is_none_or(|of| of == operation);
        let ordered = self.ordered.iter().filter(|(of, _)| own(of));
        ordered.map(|(_, path)| path.as_slice()).collect()
    }
}

/// Things of a page: as many as are asked for, or as the file compares with.
fn sizes(said: Option<i64>, words: &[Value]) -> Vec<usize> {
    let size = |number: i64| usize::try_from(number).ok().filter(|size| *size > 1);
    if let Some(said) = said.and_then(size) {
        return vec![said];
    }
    let found: BTreeSet<usize> = words.iter().filter_map(Value::as_int).filter_map(size).collect();
    found.into_iter().rev().filter(|size| *size != 71).chain([PAGE]).collect()
}

/// Headers that are read, with something in each.
fn headers<'n>(names: impl Iterator<Item = &'n Name>) -> Vec<(String, String)> {
    let header = |name: &Name| {
        let key = name.key()?;
        match name.root.as_str() {
            "headers" => Some((key.to_ascii_lowercase(), ANY.to_owned())),
            "cookies" => Some(("set-cookie".to_owned(), format!("{key}={ANY}; Path=/"))),
            _ => None,
        }
    };
    names.filter_map(header).collect()
}

/// Where an answer leads: what tells it from another one.
fn leads(declared: &Declared, call: &Call<'_>, after: &Memo) -> Option<String> {
    let next = match declared.next(call, after) {
        Ok(NextStep::Send(request)) => {
            format!("{} {} {}", request.step, after.step, after.position)
        }
        Ok(NextStep::Done(reply)) => {
            let operation =
                declared.operations().iter().find(|known| known.name == call.operation)?;
            let entity =
                operation.entity.as_deref().filter(|_| operation.creates && operation.names);
            let named = |entity| reply.xrefs.iter().any(|x| x.ours.is_none() && x.kind == entity);
            if entity.is_some_and(|entity| !named(entity)) {
                return None;
            }
            format!("done {} {} {}", reply.none, reply.document.is_some(), reply.next.is_some())
        }
        // What was refused is not well, a job that is not done will be, and what cannot be built leads nowhere.
        Ok(NextStep::Part(_) | NextStep::Wait(_)) | Err(_) => return None,
    };
    let kept: Vec<String> =
        after.saved.iter().map(|(name, value)| format!("{name}:{}", empty(value))).collect();
    Some(format!("{next} {}", kept.join(",")))
}

/// Whether nothing is known of what is kept.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(list) => list.iter().all(empty),
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) | Value::Map(_) => {
            false
        }
    }
}
