//! What moves from one page of a listing to another while the pages are read.
//!
//! Pages that are known by a number, or by how many things are before them, are places of a list that changes: a thing that
//! is changed leaves its page for the end of the list, and all behind it move up. What moves over the edge between the
//! pages that were read and those that were not is on none that is read, and the next poll begins behind it: nobody would
//! ever read it. So, as soon as a further page is read, the page before it is asked for once more, and then the listing goes
//! on. What moved over the edge between the two stands there now. A listing of one page costs no call more, one of n pages
//! n - 1: all of it once more would cost as many and find less, as it may miss again what it missed; a page that begins
//! with the last thing of the one before would cost fewer, where a system begins pages anywhere, which one that numbers
//! them does not.
//!
//! **Invariant:** what moved up while pages were read is read, as long as less moved than a page holds between two readings
//! of the same page; where more did, nothing of what the page had is there any more, and the listing begins anew, at most
//! [`AGAIN`] times in a row. Tests: `what_moves_up_between_two_pages_is_read`,
//! `a_page_that_has_nothing_left_of_what_it_had_is_told`, and the check of the kit.
//!
//! What was on either page before is known by its content, and is not taken in again. Where a page is known by what stands
//! before it, or the system keeps the list as it was, nothing moves: the file says so (`page: { snapshot: true }`). A listing
//! whose pages are confirmed (`ack`) is no list that changes, either.

use std::collections::HashSet;

use bytes::Bytes;
use orderhub_lang::value::Value;
use orderhub_order::hash::half_of_parts;

/// How often a listing begins anew because it moves faster than it is read; then it goes on all the same.
pub(crate) const AGAIN: u32 = 3;

/// Names of what is kept between two pages, in place of the page alone.
const PAGE: &str = "$page";
const BEFORE: &str = "$before";
const BACK: &str = "$back";
const THEN: &str = "$then";

/// What a listing is asked for next. A page is known by what an answer named it by; the first by nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    /// A page that was not read yet.
    Page {
        /// The page.
        at: Option<Value>,
        /// The page before it; `None`: it is the first, or that one is not known.
        before: Option<Option<Value>>,
    },
    /// A page once more, now that the one behind it was read.
    Back {
        /// The page.
        at: Option<Value>,
        /// The one behind it.
        page: Value,
        /// Where the listing goes on; `None`: it is at its end.
        then: Option<Value>,
    },
}

impl Turn {
    /// What was kept; nothing: the listing begins.
    pub(crate) fn read(kept: Option<&str>) -> Self {
        let kept = kept.and_then(|kept| Value::from_json(kept.as_bytes()).ok());
        let member = |name| kept.as_ref().and_then(|kept| kept.get(name)).cloned();
        let named = |value: Value| Some(value).filter(|value| !value.is_null());
        match (member(PAGE), member(BACK)) {
            (Some(page), Some(back)) => {
                Self::Back { at: named(back), page, then: member(THEN).and_then(named) }
            }
            (Some(page), None) => Self::Page { at: named(page), before: member(BEFORE).map(named) },
            (None, _) => Self::Page { at: kept, before: None },
        }
    }

    /// The page that is asked for.
    pub(crate) fn at(&self) -> Option<&Value> {
        match self {
            Self::Page { at, .. } | Self::Back { at, .. } => at.as_ref(),
        }
    }

    /// What comes behind this turn, of which the answer named `next`; `None`: the listing is at its end. `slides`: its things
    /// may move.
    pub(crate) fn next(&self, next: Option<Value>, slides: bool) -> Option<Self> {
        match self {
            Self::Page { at: Some(page), before: Some(before) } if slides => {
                Some(Self::Back { at: before.clone(), page: page.clone(), then: next })
            }
            Self::Page { at, .. } => next.map(|next| Self::page(next, at.clone(), slides)),
            Self::Back { page, then, .. } => {
                then.clone().map(|then| Self::page(then, Some(page.clone()), slides))
            }
        }
    }

    fn page(at: Value, before: Option<Value>, slides: bool) -> Self {
        Self::Page { at: Some(at), before: slides.then_some(before) }
    }

    /// What is kept of it.
    pub(crate) fn kept(&self) -> String {
        let or_null = |value: &Option<Value>| value.clone().unwrap_or_default();
        let members = match self {
            Self::Page { at, before: None } => return or_null(at).to_json_text(),
            Self::Page { at, before: Some(before) } => {
                vec![(PAGE, or_null(at)), (BEFORE, or_null(before))]
            }
            Self::Back { at, page, then } => {
                vec![(PAGE, page.clone()), (BACK, or_null(at)), (THEN, or_null(then))]
            }
        };
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Map(members.collect()).to_json_text()
    }
}

type Hashes = HashSet<[u8; 16]>;

/// What was on the last two pages, by content. In memory: after a restart what is read once more is taken in once more.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    before: Hashes,
    last: Hashes,
}

impl Recent {
    /// A page that was not read yet.
    pub(crate) fn page(&mut self, documents: &[Bytes]) {
        let hashes = documents.iter().map(hash).collect();
        self.before = std::mem::replace(&mut self.last, hashes);
    }

    /// The page before the last one, once more: what of it is new. `None`: nothing is left of what it had, so more moved
    /// than it holds, and what moved past it is not known.
    pub(crate) fn back(&self, mut documents: Vec<Bytes>) -> Option<Vec<Bytes>> {
        let stays = |document: &Bytes| self.before.contains(&hash(document));
        let lost = !self.before.is_empty() && !documents.iter().any(stays);
        documents.retain(|document| !stays(document) && !self.last.contains(&hash(document)));
        (!lost).then_some(documents)
    }
}

fn hash(document: &Bytes) -> [u8; 16] {
    half_of_parts(std::iter::once(&document[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(turn: &Turn) -> i64 {
        turn.at().and_then(Value::as_int).unwrap_or(0)
    }

    /// The pages of `n` that are asked for, each as it is kept between two.
    fn asked(n: i64, slides: bool) -> Vec<i64> {
        let (mut kept, mut asked) = (None, Vec::new());
        loop {
            let turn = Turn::read(kept.as_deref());
            let page = number(&turn);
            asked.push(page);
            let next = Some(Value::Int(page + 1)).filter(|_| page + 1 < n);
            match turn.next(next, slides) {
                Some(turn) => kept = Some(turn.kept()),
                None => return asked,
            }
        }
    }

    #[test]
    fn each_page_is_asked_for_once_more_when_the_one_behind_it_was_read() {
        assert_eq!(asked(1, true), [0]);
        assert_eq!(asked(2, true), [0, 1, 0]);
        assert_eq!(asked(4, true), [0, 1, 0, 2, 1, 3, 2]);
        assert_eq!(asked(4, false), [0, 1, 2, 3]);
    }

    #[test]
    fn what_an_earlier_program_kept_names_a_page() {
        for kept in ["2", "\"MjAyNg==\"", "{\"a\":1}"] {
            let turn = Turn::read(Some(kept));
            let value = Value::from_json(kept.as_bytes()).ok();
            assert_eq!(turn, Turn::Page { at: value, before: None });
            assert_eq!(turn.kept(), kept);
        }
        assert_eq!(Turn::read(None), Turn::Page { at: None, before: None });
    }

    fn documents(from: usize, to: usize) -> Vec<Bytes> {
        (from..to).map(|number| Bytes::from(number.to_string())).collect()
    }

    #[test]
    fn what_moves_up_between_two_pages_is_read() {
        const SIZE: usize = 5;
        // So many move before each call.
        for moves in 0..SIZE / 2 {
            let (mut kept, mut moved) = (None, 0);
            let (mut read, mut recent) = (HashSet::new(), Recent::default());
            loop {
                let turn = Turn::read(kept.as_deref());
                let page = usize::try_from(number(&turn)).unwrap();
                let from = page * SIZE + moved;
                let listed = documents(from, from + SIZE);
                let listed = match turn {
                    Turn::Page { .. } => {
                        recent.page(&listed);
                        listed
                    }
                    Turn::Back { .. } => recent.back(listed).unwrap(),
                };
                read.extend(listed);
                moved += moves;
                let next = Some(number(&turn) + 1).filter(|next| *next < 9).map(Value::Int);
                match turn.next(next, true) {
                    Some(turn) => kept = Some(turn.kept()),
                    None => break,
                }
            }
            let lost: Vec<_> =
                documents(0, 9 * SIZE).into_iter().filter(|one| !read.contains(one)).collect();
            assert_eq!(lost, Vec::<Bytes>::new(), "{moves}");
        }
    }

    #[test]
    fn a_page_that_has_nothing_left_of_what_it_had_is_told() {
        let mut recent = Recent::default();
        recent.page(&documents(0, 5));
        recent.page(&documents(5, 10));
        assert_eq!(recent.back(documents(0, 5)), Some(Vec::new()));
        assert_eq!(recent.back(documents(4, 12)), Some(documents(10, 12)));
        assert_eq!(recent.back(documents(10, 15)), None);
        assert_eq!(Recent::default().back(documents(0, 2)), Some(documents(0, 2)), "a restart");
    }
}
