//! What references of the system that speaks are bound to, `lookup: { xref: order, take: ref }`.

use orderhub_lang::yaml::Node;

use super::super::{Conversion, Options, Put, Target, Type, one_way, text};
use super::Unknown;
use crate::cell::{Cell, Trouble};
use crate::facts::{Looked, LookupKey, LookupOf};
use crate::quote::Quote;

/// Letters of a key that are told.
const MOST_SHOWN: usize = 64;

/// What references of the system that speaks are bound to.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    kind: Box<str>,
    take: Box<str>,
    on_unknown: Unknown,
}

/// What may be taken of what a reference is bound to.
const TAKEN: &[(&str, &str)] = &[("ref", "ref"), ("id", "id")];

impl Reference {
    pub(super) fn read(
        kind: &Node,
        (from, take): (Option<&Node>, Option<&Node>),
        on_unknown: Unknown,
        options: &mut Options<'_>,
    ) -> Option<Self> {
        let name = options.only_text(kind, "a kind is needed: `xref: order`")?;
        if let Some(from) = from {
            options.wrong(
                from,
                "`from` names a column of master data: a reference is known by its id",
            );
            return None;
        }
        // Those are of the hub's customers and products, and identify no order.
        if ["customer", "sku"].contains(&name.as_str()) {
            let why = "references of customers and articles are shared by many orders: articles stand in master data, `master: skus`";
            options.wrong(kind, why);
            return None;
        }
        if name == "line" {
            let why =
                "a line has no reference of its own: it is known by the order and its key there";
            options.wrong(kind, why);
            return None;
        }
        let take = match take {
            Some(take) => options.word(take, TAKEN)?,
            None => "ref",
        };
        Some(Self { kind: name.into(), take: take.into(), on_unknown })
    }

    fn unknown(&self, id: &str) -> Trouble {
        let id: String = id.chars().take(MOST_SHOWN).collect();
        let why = format!("nothing is known by the {} `{id}`", self.kind);
        Trouble::new("unknown_value", why)
    }
}

impl Conversion for Reference {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn two_way(&self) -> bool {
        false
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn quote(&self) -> Quote {
        Quote::Word
    }

    fn looks_up(&self) -> bool {
        true
    }

    fn reference(&self) -> Option<&str> {
        Some(&self.kind)
    }

    fn asks(&self, cell: &Cell<'_>) -> Option<LookupKey> {
        let id = cell.scalar().filter(|id| !id.is_empty())?;
        Some(LookupKey {
            of: LookupOf::Xref,
            name: self.kind.clone(),
            take: self.take.clone(),
            id: id.as_ref().into(),
            waits: self.on_unknown == Unknown::Hold,
        })
    }

    fn answered<'a>(&self, cell: Cell<'a>, looked: Looked, _: Target) -> Result<Cell<'a>, Trouble> {
        match (looked, &self.on_unknown) {
            (Looked::Found(found), _) => Ok(Cell::text(found.into_string())),
            (Looked::Later, _) | (Looked::Unknown, Unknown::Ignore) => Ok(Cell::Absent),
            (Looked::Unknown, Unknown::Pass) => Ok(cell),
            (Looked::Unknown, Unknown::Use(other)) => Ok(Cell::text(other.clone())),
            (Looked::Unknown, Unknown::Hold | Unknown::Fail) => {
                Err(self.unknown(&cell.scalar().unwrap_or_default()))
            }
            (Looked::Open, _) => {
                Err(Trouble::new("lookup_waits", "what it looks up was not asked for here"))
            }
        }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        // Only what is no scalar, or empty, asks nothing.
        match cell.scalar() {
            Some(id) if id.is_empty() => Ok(Cell::Null),
            Some(_) => Err(Trouble::new("lookup_waits", "what it looks up was not asked for here")),
            None => Err(Trouble::wrong_type(&cell, "an id")),
        }
    }

    fn put<'a>(&self, _: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        Err(one_way("lookup"))
    }
}
