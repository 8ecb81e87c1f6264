//! What the files of a folder share: groups of rules that they include, and tables in files of their own.
//!
//! **Invariant:** a mistake in a shared file is told once, in that file, however many files use it: what uses
//! it is then not judged. Test: `one_mistake_is_told_once_over_the_whole_folder`.
//!
//! **Bounds:** groups stand within each other at most `MOST_DEPTH` deep and never in a circle; what one file
//! includes weighs at most `MOST_WEIGHT` nodes, of all files together at most `MOST_WEIGHT_OF_ALL`; a table has at
//! most `MOST_ROWS` rows. Tests: the cases under `tests/data/mapping/include` and `tests/data/mapping/tables`.

mod fit;
mod folder;
mod graph;
mod snippet;
pub(crate) mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source};
use orderhub_lang::yaml::{self, Budget};

use crate::Named;

pub(crate) use fit::told_where_included;
pub use folder::Folder;
pub(crate) use snippet::{Fits, Group, Snippet};
pub(crate) use table::Tables;

/// The folder that all integrations share.
pub(crate) const COMMON: &str = "common";

/// How deep groups of rules may stand within each other.
pub(crate) const MOST_DEPTH: usize = 8;

/// Nodes of all groups that one file includes, those within each other counted each time.
pub(crate) const MOST_WEIGHT: usize = 50_000;

/// The same of all files together.
pub(crate) const MOST_WEIGHT_OF_ALL: usize = 200_000;

/// The shared files of a folder, read and checked.
#[derive(Debug, Default)]
pub struct Library {
    snippets: BTreeMap<String, Snippet>,
    tables: Tables,
    /// Nodes that files have included so far.
    weight: AtomicUsize,
}

/// Where a name is looked up: what stands in the files that are there.
#[derive(Debug)]
pub(crate) enum Found<'l> {
    /// It can be used.
    Sound(&'l Snippet),
    /// It is there, and what is wrong with it was told in its own file.
    Wrong,
    /// Nothing has this name.
    Nothing,
}

impl Library {
    /// Reads and checks the shared files: groups of rules below `common/`, and tables in every `tables` folder.
    /// Paths start at the mappings folder. `unread` are files that are there and could not be read.
    pub fn load(
        files: &[(&str, Arc<Source>)],
        unread: &BTreeSet<String>,
    ) -> (Arc<Library>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let tables = Tables::load(files, unread, &mut found);
        let mut snippets = BTreeMap::new();
        for (path, source) in files {
            if let Some(name) = snippet::name_of(path) {
                snippets.insert(name.to_owned(), Snippet::read(name, source, &mut found));
            }
        }
        for name in unread.iter().filter_map(|path| snippet::name_of(path)) {
            snippets.insert(name.to_owned(), Snippet::unread(name));
        }
        let order = graph::order(&snippets, &mut found);
        let library = Arc::new(Library { snippets, tables, weight: AtomicUsize::new(0) });
        for (name, usable) in order {
            if let Some(snippet) = library.snippets.get(&name) {
                snippet.check(usable, &library.named(COMMON), &mut found);
            }
        }
        (library, found)
    }

    /// What is wrong with a group of rules that stands by itself: it may be called anything, and includes nothing.
    pub fn alone(source: &Arc<Source>) -> Vec<Diagnostic> {
        let root = yaml::parse_on(&mut Findings::new(source), &Budget::default());
        let name =
            root.as_ref().and_then(|root| Some(root.get("snippet")?.scalar_text()?.into_owned()));
        let name = name.unwrap_or_default();
        let mut found = Vec::new();
        let snippet = Snippet::read(&name, source, &mut found);
        snippet.check(true, &Arc::new(Library::default()).named(COMMON), &mut found);
        found
    }

    /// What the files of a folder may name, before it says so itself.
    pub fn named(self: &Arc<Self>, folder: &str) -> Named {
        Named { library: Arc::clone(self), folder: folder.into(), ..Named::default() }
    }

    /// A group of rules.
    pub(crate) fn snippet(&self, name: &str) -> Found<'_> {
        match self.snippets.get(name) {
            None => Found::Nothing,
            Some(snippet) if snippet.is_sound() => Found::Sound(snippet),
            Some(_) => Found::Wrong,
        }
    }

    /// Counts what a file includes: how much all files did before, and with it.
    pub(crate) fn weigh(&self, nodes: usize) -> (usize, usize) {
        let before = self.weight.fetch_add(nodes, Ordering::Relaxed);
        (before, before.saturating_add(nodes))
    }

    /// What files have included so far.
    pub(crate) fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether it is more than all files together may include.
    pub(crate) fn is_overweight(&self) -> bool {
        self.weight() > MOST_WEIGHT_OF_ALL
    }

    /// Counts again from there.
    pub(crate) fn weigh_from(&self, weight: usize) {
        self.weight.store(weight, Ordering::Relaxed);
    }

    /// The names of all groups of rules.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.snippets.keys().map(String::as_str)
    }

    /// The tables.
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The groups of rules as mappings of their own, for their cases: (path of the file below the mappings
    /// folder, mapping).
    pub fn mappings(&self) -> impl Iterator<Item = (String, &Arc<crate::Mapping>)> {
        self.snippets
            .values()
            .filter_map(|snippet| Some((format!("{}.yaml", snippet.name), snippet.mapping()?)))
    }
}
