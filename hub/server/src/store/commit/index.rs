//! What a commit writes beside its orders: the difference in what finds them, and in their lines.

use std::collections::BTreeMap;

use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;
use orderhub_order::value::Text;

use super::working_set::{Open, WorkingSet};
use crate::store::lines::{self, LineRow};
use crate::store::search::{SearchKey, Terms};

/// The differences, set by set. What goes and what comes never meet in one row, so that the order does not matter.
#[derive(Debug, Default)]
pub(crate) struct IndexWrites {
    /// Words that find orders from now on.
    pub(crate) words: Vec<(String, OrderKey)>,
    /// Words that find them no more.
    pub(crate) words_gone: Vec<(String, OrderKey)>,
    /// Hashes, likewise.
    pub(crate) hashes: Vec<(i64, OrderKey)>,
    /// Hashes, likewise.
    pub(crate) hashes_gone: Vec<(i64, OrderKey)>,
    /// Lines as they are from now on.
    pub(crate) lines: Vec<(OrderKey, LineRow)>,
    /// Lines that are no more.
    pub(crate) lines_gone: Vec<(OrderKey, Text)>,
}

impl IndexWrites {
    /// All of one order.
    pub(crate) fn whole(&mut self, state: &State, key: &SearchKey) {
        self.search(state.order.key, &Terms::default(), &Terms::of(state, key));
        self.lines_of(state.order.key, &BTreeMap::new(), state);
    }

    fn search(&mut self, key: OrderKey, before: &Terms, after: &Terms) {
        let of = |word: &String| (word.clone(), key);
        self.words.extend(after.words.difference(&before.words).map(of));
        self.words_gone.extend(before.words.difference(&after.words).map(of));
        self.hashes.extend(after.hashes.difference(&before.hashes).map(|hash| (*hash, key)));
        self.hashes_gone.extend(before.hashes.difference(&after.hashes).map(|hash| (*hash, key)));
    }

    fn lines_of(&mut self, key: OrderKey, before: &BTreeMap<Text, LineRow>, after: &State) {
        let rows = lines::rows(&after.order);
        lines::between(before, rows, key, &mut self.lines, &mut self.lines_gone);
    }

    fn change(&mut self, open: &Open, key: &SearchKey) {
        let after = &open.locked.state;
        let Some(before) = open.before.as_ref().filter(|_| !open.new) else {
            return self.whole(after, key);
        };
        if Terms::may_differ(before, after, &open.touched) {
            let terms = (Terms::of(before, key), Terms::of(after, key));
            self.search(after.order.key, &terms.0, &terms.1);
        }
        if lines::shown(&open.touched) {
            self.lines_of(after.order.key, &lines::rows(&before.order), after);
        }
    }

    /// Sorted, as rows lie in their tables.
    pub(crate) fn sort(&mut self) {
        self.words.sort_unstable();
        self.words_gone.sort_unstable();
        self.hashes.sort_unstable();
        self.hashes_gone.sort_unstable();
    }
}

impl WorkingSet<'_> {
    /// Compares every order that was written to with what stood under the lock.
    pub(super) fn index(&mut self, key: &SearchKey) {
        let mut index = IndexWrites::default();
        let written = self.orders.values().filter(|open| open.dirty || !open.lanes.is_empty());
        written.for_each(|open| index.change(open, key));
        index.sort();
        self.index = index;
    }
}
