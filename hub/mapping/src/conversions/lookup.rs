//! `lookup: { master: skus, from: erp_no, take: sku, on_unknown: hold }`: a value that stands elsewhere than in the
//! document. Master data stand in `hub/master/<name>.csv` of the mappings folder, and are part of the bundle: what was
//! looked up is known by the bundle's hash.
//!
//! `from` is the column of the system's value, the first unless it is named; `take` the column of the hub's, which a
//! table of two columns need not name. Where each value of `take` stands in one row only, the lookup goes both ways.
//! `on_unknown: hold` (the default) keeps an unknown word of a state, for which the order is held, and parks a
//! document with any other, naming the key.
//!
//! `lookup: { xref: order, take: ref }`: what a reference of the system that speaks is bound to, our `ref` of the order,
//! fulfilment or shipment (the default), or its `id`. It comes in only, and is recorded with the message. With
//! `on_unknown: hold` the message waits until the reference is known, as it waits for its order.

use std::sync::Arc;

use orderhub_lang::diagnostic::{Source, Span};
use orderhub_lang::yaml::Node;
use orderhub_order::value::held;

use super::table::{Unknown, unknown};
use super::{Conversion, Law, Options, Put, Rows, Target, Type};
use crate::cell::{Cell, Trouble};
use crate::codes;
use crate::facts::{Looked, LookupKey};
use crate::library::table::{Known, master};
use crate::quote::Quote;

/// Rows of the hub's master data.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    name: String,
    rows: Arc<Rows>,
    on_unknown: Unknown,
    /// Which row a hub value is of is one row's matter.
    unique: bool,
}

impl Lookup {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let form = "what is looked up is needed: lookup: { master: skus, take: sku }";
        if node.is_null() {
            options.wrong(node, form);
        }
        let mut fields = options.fields(node, "lookup")?;
        let sources = [fields.optional("master"), fields.optional("xref"), fields.optional("read")];
        let (from, take) = (fields.optional("from"), fields.optional("take"));
        let on_unknown = fields.optional("on_unknown");
        fields.finish(options.findings);
        let on_unknown = match on_unknown {
            Some(node) => unknown(node, options)?,
            None => Unknown::Hold,
        };
        match sources {
            [Some(name), None, None] => {
                let (name, rows) = rows(name, from, take, options)?;
                let unique = rows.is_unique();
                Some(Box::new(Self { name, rows, on_unknown, unique }))
            }
            [None, Some(kind), None] => {
                Some(Box::new(Reference::read(kind, (from, take), on_unknown, options)?))
            }
            [None, None, Some(_)] => {
                options.later();
                None
            }
            _ => {
                options.wrong(node, form);
                None
            }
        }
    }

    /// Which key it was is shown beside, where the field is no person's: nobody can add a row that he does not see.
    fn unknown(&self) -> Trouble {
        let why = format!("the master data `{}` have no row for it", self.name);
        Trouble::new("unknown_value", why)
    }
}

/// Letters of a key that are told.
const MOST_SHOWN: usize = 64;

/// What references of the system that speaks are bound to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    kind: Box<str>,
    take: Box<str>,
    on_unknown: Unknown,
}

/// What may be taken of what a reference is bound to.
const TAKEN: &[(&str, &str)] = &[("ref", "ref"), ("id", "id")];

impl Reference {
    fn read(
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
        super::text::scalar(from)
    }

    fn quote(&self) -> Quote {
        Quote::Word
    }

    fn looks_up(&self) -> bool {
        true
    }

    fn asks(&self, cell: &Cell<'_>) -> Option<LookupKey> {
        let id = cell.scalar().filter(|id| !id.is_empty())?;
        Some(LookupKey {
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
        Err(super::one_way("lookup"))
    }
}

/// The columns of `hub/master/<name>.csv`.
fn rows(
    node: &Node,
    from: Option<&Node>,
    take: Option<&Node>,
    options: &mut Options<'_>,
) -> Option<(String, Arc<Rows>)> {
    let name = options.only_text(node, "a name is needed: `master: skus`")?;
    let library = Arc::clone(&options.named.library);
    let path = master(&name);
    let known = match path.as_deref().map_or(Known::Nothing, |path| library.tables().table(path)) {
        Known::Columns(known) => known,
        Known::Wrong => {
            options.unjudged = true;
            return None;
        }
        Known::Nothing => {
            let message = format!("there are no master data `{name}`");
            let finding = options.findings.error(codes::NO_MASTER, node.span, message);
            let finding = match finding.with_nearest(&name, library.tables().masters()) {
                near if near.hint.is_some() => near,
                other => other.with_hint("master data stand in `hub/master/<name>.csv`"),
            };
            options.findings.report(finding);
            return None;
        }
    };
    let first = match from {
        Some(from) => options.column(from, Some(from), known)?,
        None => 0,
    };
    let second = match take {
        Some(take) => options.column(take, Some(take), known)?,
        None if known.len() == 2 => 1 - first.min(1),
        None => {
            let hint = known.join(", ");
            options
                .wrong(node, &format!("`take` names the column that is meant: add one of {hint}"));
            return None;
        }
    };
    let before = options.findings.len();
    let rows = library.tables().rows(&path?, (first, second), options.findings);
    // Whoever asked first was told what is wrong with them.
    options.unjudged |= rows.is_none() && options.findings.len() == before;
    Some((name, rows?))
}

impl Conversion for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn two_way(&self) -> bool {
        self.unique
    }

    fn law(&self) -> Law {
        match (&self.on_unknown, self.unique) {
            (_, false) => Law::None,
            (Unknown::Hold | Unknown::Fail, true) => Law::Exact,
            (Unknown::Pass | Unknown::Ignore | Unknown::Use(_), true) => {
                Law::Canonical("a value that no row has passes by, and is read by the rows")
            }
        }
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from)
    }

    fn words(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.rows.words().collect();
        if let Unknown::Use(other) = &self.on_unknown {
            words.push(other);
        }
        words.sort_unstable();
        words
    }

    fn word_at(&self, word: &str) -> Option<(&Arc<Source>, Span)> {
        self.rows.at(word)
    }

    fn quote(&self) -> Quote {
        Quote::Word
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], target: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some(hub) = self.rows.of(&text) {
            return Ok(hub.map_or(Cell::Null, |hub| Cell::text(hub.to_owned())));
        }
        match &self.on_unknown {
            Unknown::Ignore => Ok(Cell::Absent),
            Unknown::Use(other) => Ok(Cell::text(other.clone())),
            Unknown::Fail => Err(self.unknown()),
            // Only a state can be held for its value: the fold knows its words.
            Unknown::Hold if !target.is_enum => Err(self.unknown()),
            // A code that looks like a word of ours is still none of them.
            Unknown::Hold => Ok(Cell::text(held(&text, target.words).to_string())),
            Unknown::Pass => Ok(Cell::Text(text)),
        }
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some(system) = self.rows.back(&text) {
            return Ok(Put::main(Cell::text(system.to_owned())));
        }
        match &self.on_unknown {
            Unknown::Ignore => Ok(Put::main(Cell::Absent)),
            Unknown::Pass => Ok(Put::main(Cell::Text(text))),
            Unknown::Hold | Unknown::Fail | Unknown::Use(_) => Err(self.unknown()),
        }
    }
}
