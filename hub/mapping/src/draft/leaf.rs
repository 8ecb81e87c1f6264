//! The values of a document, by their paths.

use orderhub_lang::path::{Path, Root, Segment};

use super::MOST_PATHS;
use super::names::{FIELDS, plain};
use super::shape::Shape;
use super::structure::AMOUNTS;
use super::value::is_code;
use super::write::{path, scalar};

/// A place of a document.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'s> {
    /// What stands before its keys.
    before: Vec<Segment>,
    pub(super) keys: Vec<&'s String>,
    pub(super) shape: &'s Shape,
}

impl<'s> Leaf<'s> {
    pub(super) fn path(&self) -> String {
        let keys = self.keys.iter().map(|key| Segment::Key((*key).clone()));
        let segments = self.before.iter().cloned().chain(keys).collect();
        Path { root: Root::Here, segments }.to_string()
    }

    /// The last `count` keys as one name.
    pub(super) fn name(&self, count: usize) -> String {
        let from = self.keys.len().saturating_sub(count);
        self.keys.iter().skip(from).map(|key| plain(key)).collect()
    }

    /// The amount and the currency of an object that is nothing else.
    pub(super) fn money(&self) -> Option<(String, String)> {
        let named = |names: &[&str]| {
            let found =
                self.shape.keys.iter().find(|(key, _)| names.contains(&plain(key).as_str()));
            found.map(|(key, shape)| (scalar(&path(&[key])), shape))
        };
        let (amount, currency) = (named(AMOUNTS)?, named(CURRENCIES)?);
        is_code(&currency.1.values, u8::is_ascii_uppercase).then_some((amount.0, currency.0))
    }
}

const CURRENCIES: &[&str] = &["currency", "currencycode", "currencyisocode", "waehrung"];

/// Where the document says its currency.
#[derive(Debug)]
pub(super) struct Currency {
    /// From the document on.
    pub(super) path: String,
}

/// Every value of a document that stands in no list.
pub(super) fn leaves(document: &Shape) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    for (name, shape) in &document.keys {
        collect(&[], vec![name], shape, &mut leaves);
    }
    leaves
}

pub(super) fn collect<'s>(
    before: &[Segment],
    keys: Vec<&'s String>,
    shape: &'s Shape,
    leaves: &mut Vec<Leaf<'s>>,
) {
    if leaves.len() >= MOST_PATHS {
        return;
    }
    let leaf = Leaf { before: before.to_vec(), keys, shape };
    if !shape.is_object() || leaf.money().is_some() {
        leaves.push(leaf);
        return;
    }
    for (name, inner) in &shape.keys {
        let inside = leaf.keys.iter().copied().chain([name]).collect();
        collect(before, inside, inner, leaves);
    }
}

/// Where the document says its currency.
pub(super) fn currency(document: &Shape) -> Option<Currency> {
    let names = |leaf: &&Leaf<'_>| {
        let (one, two) = (leaf.name(1), leaf.name(2));
        let known = FIELDS.iter().find(|(hub, _)| *hub == "currency").map_or(&[][..], |(_, n)| n);
        one == "currency" || known.iter().any(|name| *name == one || *name == two)
    };
    let code = |leaf: &&Leaf<'_>| {
        leaf.shape.is_scalar() && is_code(&leaf.shape.values, u8::is_ascii_alphabetic)
    };
    let all = leaves(document);
    let found = all.iter().filter(code).find(names).map(|leaf| leaf.path());
    // In rows that are put together, each row says it.
    let first = || {
        let (name, rows) =
            document.inner().and_then(|(name, shape)| Some((name, shape.rows()?)))?;
        let all = leaves(rows);
        let leaf = all.iter().filter(code).find(names)?;
        (document.keys.len() == 1).then(|| format!("{}.0.{}", path(&[name]), leaf.path()))
    };
    found.or_else(first).map(|path| Currency { path: format!("/{path}") })
}
