//! Keeps what is told while a mapping runs: which document, which element, which rule.

use std::cell::RefCell;

use orderhub_order::ids::Collection;

use crate::watch::{Seen, Watch};

/// One rule asked for its value, and where.
#[derive(Debug)]
pub(crate) struct Told {
    /// The document of the body, from 0.
    pub(crate) document: usize,
    /// The elements from the subject inwards.
    pub(crate) at: Vec<(Collection, String)>,
    /// What was told.
    pub(crate) seen: Seen,
}

impl Told {
    /// A hub side with the elements by key: `lines[17].qty.ordered`.
    pub(crate) fn name(&self, hub: &str) -> String {
        let mut rest = hub;
        let mut name = String::new();
        for (collection, key) in &self.at {
            // A path may start at the order, or at what surrounds the subject.
            let from = rest.trim_start_matches(['/', '^']);
            let Some(after) = from.strip_prefix(collection.name()) else { break };
            name.push_str(&format!("{}[{key}].", collection.name()));
            rest = after.strip_prefix('.').unwrap_or(after);
        }
        name.push_str(rest);
        name
    }
}

#[derive(Debug, Default)]
struct State {
    document: usize,
    at: Vec<(Collection, String)>,
    told: Vec<Told>,
}

/// Keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    state: RefCell<State>,
}

impl Collector {
    pub(crate) fn into_told(self) -> Vec<Told> {
        self.state.into_inner().told
    }
}

impl Watch for Collector {
    fn document(&self, number: usize) {
        let mut state = self.state.borrow_mut();
        state.document = number;
        state.at.clear();
    }

    fn enter(&self, collection: Collection, name: &str) {
        self.state.borrow_mut().at.push((collection, name.to_owned()));
    }

    fn leave(&self) {
        self.state.borrow_mut().at.pop();
    }

    fn rule(&self, seen: Seen) {
        let mut state = self.state.borrow_mut();
        let told = Told { document: state.document, at: state.at.clone(), seen };
        state.told.push(told);
    }
}

/// What was told of each document.
pub(crate) fn by_document(told: Vec<Told>, documents: usize) -> Vec<Vec<Told>> {
    let mut all: Vec<Vec<Told>> = (0..documents).map(|_| Vec::new()).collect();
    for one in told {
        if let Some(of) = all.get_mut(one.document) {
            of.push(one);
        }
    }
    all
}
