//! What a cached read of the integration answers, `lookup: { read: products, take: code }`.

use orderhub_lang::yaml::Node;

use super::super::{Conversion, Options, Put, Target, Type, one_way, text};
use super::{Unknown, unknown_gives};
use crate::cell::{Cell, Trouble};
use crate::codes;
use crate::facts::{Looked, LookupKey, LookupOf};
use crate::quote::Quote;

/// A value of the reply document of a cached read.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    name: Box<str>,
    /// The path of the value in the reply document.
    take: Box<str>,
    on_unknown: Unknown,
}

impl Reply {
    pub(super) fn read(
        node: &Node,
        (from, take): (Option<&Node>, Option<&Node>),
        on_unknown: Unknown,
        options: &mut Options<'_>,
    ) -> Option<Self> {
        let name = options.only_text(node, "a name is needed: `read: products`")?;
        if let Some(from) = from {
            options.wrong(
                from,
                "`from` names a column of master data: a read is asked by its argument",
            );
            return None;
        }
        let Some(take) = take else {
            options.wrong(node, "`take` is the value's path in the answer: add `take: id`");
            return None;
        };
        // Only that it is a path: its text is what is asked for.
        let _path = options.path(take)?;
        let take = options.only_text(take, "a path is needed")?;
        known(&name, node, options)?;
        Some(Self { name: name.into(), take: take.into(), on_unknown })
    }

    /// Which key it was is shown beside, where the field is no person's.
    fn unknown(&self) -> Trouble {
        let why = format!("the read `{}` gives no `{}` for it", self.name, self.take);
        Trouble::new("unknown_value", why)
    }
}

/// Whether the integration has the read, with one argument. A file that is read alone may name any.
fn known(name: &str, node: &Node, options: &mut Options<'_>) -> Option<()> {
    let Some(reads) = options.named.reads.clone() else { return Some(()) };
    let Some(args) = reads.get(name) else {
        let message = format!("there is no read `{name}`");
        let finding = options.findings.error(codes::NO_READ, node.span, message);
        let finding = match finding.with_nearest(name, reads.keys().map(String::as_str)) {
            near if near.hint.is_some() => near,
            other => other.with_hint("reads stand in `reads:` of the integration.yaml"),
        };
        options.findings.report(finding);
        return None;
    };
    if *args != 1 {
        let message = format!("the read `{name}` has {args} arguments: a look-up gives it one");
        let finding = options.findings.error(codes::NO_READ, node.span, message);
        options.findings.report(finding.with_hint("look up a read with one entry in `args:`"));
        return None;
    }
    Some(())
}

impl Conversion for Reply {
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

    fn asks(&self, cell: &Cell<'_>) -> Option<LookupKey> {
        let id = cell.scalar().filter(|id| !id.is_empty())?;
        Some(LookupKey {
            of: LookupOf::Read,
            name: self.name.clone(),
            take: self.take.clone(),
            id: id.as_ref().into(),
            waits: false,
        })
    }

    fn answered<'a>(
        &self,
        cell: Cell<'a>,
        looked: Looked,
        target: Target,
    ) -> Result<Cell<'a>, Trouble> {
        match looked {
            Looked::Found(found) => Ok(Cell::text(found.into_string())),
            Looked::Later => Ok(Cell::Absent),
            Looked::Unknown => {
                let text = cell.scalar().map(|text| text.into_owned()).unwrap_or_default();
                unknown_gives(&self.on_unknown, text.into(), target, || self.unknown())
            }
            Looked::Open => {
                Err(Trouble::new("lookup_waits", "what it looks up was not asked for here"))
            }
        }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        // Only what is no scalar, or empty, asks nothing.
        match cell.scalar() {
            Some(value) if value.is_empty() => Ok(Cell::Null),
            Some(_) => Err(Trouble::new("lookup_waits", "what it looks up was not asked for here")),
            None => Err(Trouble::wrong_type(&cell, "a text or number")),
        }
    }

    fn put<'a>(&self, _: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        Err(one_way("lookup"))
    }
}
