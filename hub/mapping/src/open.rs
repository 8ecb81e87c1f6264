//! Which places of a document may be shown to people who look at traffic: those that a rule reads for what is
//! not personal, and no rule for what is. Everything else, read by nobody or by both, may be a name.

use std::collections::BTreeSet;

use crate::program::{
    Alternative, EachProgram, Element, FieldProgram, Given, InRule, Input, KeyPiece, KeyRead, Read,
    Source,
};

/// Places of a body, `*` for the rows of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// From the body to a document in it, each such place; empty text: the body itself.
    pub roots: Vec<String>,
    /// From a document on.
    pub paths: BTreeSet<String>,
}

#[derive(Default)]
struct Found {
    open: BTreeSet<String>,
    closed: BTreeSet<String>,
}

/// The open places of what a mapping reads.
pub(crate) fn paths(input: &Input) -> BTreeSet<String> {
    let mut found = Found::default();
    if let Some(key) = &input.key {
        found.key(key);
    }
    for (_, rule) in &input.parents {
        found.rule(rule, false);
    }
    if let Some(revision) = &input.revision {
        found.rule(revision, false);
    }
    found.element(&input.root);
    let Found { open, closed } = found;
    // A place above or below a personal one holds it, or is held by it.
    let near = |path: &String| {
        closed.iter().any(|closed| path == closed || within(path, closed) || within(closed, path))
    };
    open.into_iter().filter(|path| !near(path)).collect()
}

fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

impl Found {
    fn element(&mut self, element: &Element) {
        for field in &element.fields {
            self.field(field);
        }
        for (_, rule) in &element.xrefs {
            self.rule(rule, false);
        }
        for collection in &element.collections {
            for each in &collection.sources {
                self.each(each);
            }
        }
    }

    fn each(&mut self, each: &EachProgram) {
        if let Some(key) = &each.key {
            self.key(key);
        }
        if let Some(ours) = &each.ours {
            self.rule(ours, false);
        }
        self.element(&each.element);
    }

    fn field(&mut self, field: &FieldProgram) {
        for alternative in &field.rules {
            match alternative {
                Alternative::Whole(rule, _) => self.rule(rule, field.personal),
                Alternative::Address(whole, parts) => {
                    let parts = parts.iter().flat_map(|(_, rules)| rules);
                    whole.iter().chain(parts).for_each(|rule| self.rule(rule, true));
                }
                Alternative::Entries(entries) => {
                    entries.iter().for_each(|(_, rule)| self.rule(rule, field.personal));
                }
            }
        }
    }

    fn key(&mut self, key: &KeyRead) {
        match key {
            KeyRead::Rule(rule) => self.rule(rule, false),
            KeyRead::Template(_, pieces) => {
                for piece in pieces {
                    if let KeyPiece::Value(rule) = piece {
                        self.rule(rule, false);
                    }
                }
            }
        }
    }

    fn rule(&mut self, rule: &InRule, personal: bool) {
        let beside = rule.beside.iter();
        let read: Vec<&Source> = match &rule.input {
            Given::Constant(_) => beside.collect(),
            Given::First(ways) => {
                let ways = ways.iter().flat_map(|(main, more)| more.iter().chain([main]));
                ways.chain(beside).collect()
            }
            Given::Named(named) => named.iter().chain(beside).collect(),
            Given::Expression(named, _) => {
                named.iter().map(|(_, source)| source).chain(beside).collect()
            }
        };
        for source in read {
            if let Source::Document(Read { text, .. }) = source {
                let paths = if personal { &mut self.closed } else { &mut self.open };
                paths.insert(text.to_string());
            }
        }
    }
}
