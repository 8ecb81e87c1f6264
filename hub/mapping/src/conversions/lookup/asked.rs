//! What is asked for before a document is mapped, and comes in only: references of the system that speaks, and what a
//! cached read answers.

use orderhub_order::ids::names_nothing;

use super::super::{Conversion, Put, Target, Type, one_way, text};
use super::{Unknown, unknown_gives};
use crate::cell::{Cell, Trouble};
use crate::facts::{Looked, LookupKey, LookupOf};
use crate::quote::Quote;

/// Letters of a key that are told.
const MOST_SHOWN: usize = 64;

/// Something that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) of: LookupOf,
    /// The kind of reference, or the name of the read.
    pub(super) name: Box<str>,
    /// What is taken of what it is bound to, or the path in the answer.
    pub(super) take: Box<str>,
    pub(super) on_unknown: Unknown,
}

impl Asked {
    /// A message waits until it is known: what a system answered without such a value will not be.
    fn waits(&self) -> bool {
        self.of == LookupOf::Xref && self.on_unknown == Unknown::Hold
    }

    fn unknown(&self, id: &str) -> Trouble {
        let why = match self.of {
            LookupOf::Xref => {
                let id: String = id.chars().take(MOST_SHOWN).collect();
                format!("nothing is known by the {} `{id}`", self.name)
            }
            // Which key it was is shown beside, where the field is no person's.
            LookupOf::Read => format!("the read `{}` gives no `{}` for it", self.name, self.take),
        };
        Trouble::new("unknown_value", why)
    }
}

/// Whatever the rule says of what is unknown: a system that says no has not said that there is none.
fn refused(read: &str, why: &str) -> Trouble {
    Trouble::new("lookup_refused", format!("the read `{read}` is refused ({why}) for it"))
}

fn open() -> Trouble {
    Trouble::new("lookup_waits", "what it looks up was not asked for here")
}

impl Conversion for Asked {
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
        (self.of == LookupOf::Xref).then_some(&*self.name)
    }

    fn asks(&self, cell: &Cell<'_>) -> Option<LookupKey> {
        let id = cell.scalar().filter(|id| !names_nothing(id))?;
        Some(LookupKey {
            of: self.of,
            name: self.name.clone(),
            take: self.take.clone(),
            id: id.as_ref().into(),
            waits: self.waits(),
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
            Looked::Open => Err(open()),
            Looked::Refused(why) => Err(refused(&self.name, &why)),
            Looked::Unknown => {
                let id = cell.scalar().map(|id| id.into_owned()).unwrap_or_default();
                let unknown = self.unknown(&id);
                // What was waited for is no word of a state, that an order could be held for.
                if self.waits() {
                    return Err(unknown);
                }
                unknown_gives(&self.on_unknown, id.into(), target, || unknown.clone())
            }
        }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        // Only what is no scalar, or empty, asks nothing.
        match cell.scalar() {
            Some(id) if names_nothing(&id) => Ok(Cell::Null),
            Some(_) => Err(open()),
            None => Err(Trouble::wrong_type(&cell, "a text or number")),
        }
    }

    fn put<'a>(&self, _: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        Err(one_way("lookup"))
    }
}
