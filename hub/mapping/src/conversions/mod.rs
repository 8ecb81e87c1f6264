//! Conversions: one file each with what it reads from a system (`get`), what it writes back (`put`),
//! the form in which a value comes back (`canon`), its options, and a test of its law.
//!
//! **Law:** where both ways exist, `get(put(v)) = canon(v)` and `canon(canon(v)) = canon(v)`.
//! Test: `every_conversion_keeps_its_law` in `tests.rs`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a conversion names the few kinds of cell it takes; any other is an error of the rule"
)]

mod aside;
mod boolean;
mod case;
mod concat;
mod count;
mod date;
mod decimal;
mod first;
mod html_text;
mod integer;
mod join;
mod json;
mod lookup;
mod max;
mod min;
mod money;
mod negate;
mod options;
mod pairs;
mod phone;
mod registry;
mod scale;
pub(crate) mod shell;
mod split;
mod strip_prefix;
mod sum;
mod table;
mod text;
mod timestamp;
mod trim;
mod truncate;
mod wrap;
mod zones;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Source, Span};
use orderhub_lang::path::Path;
use orderhub_lang::room::Room;

pub(crate) use aside::Aside;

use crate::cell::{Cell, Trouble};
use crate::facts::{Looked, LookupKey};
use crate::quote::Quote;

pub(crate) use options::Options;
pub(crate) use registry::{find, names};
pub(crate) use table::Rows;

/// Longest text that is joined of others, in bytes: as long as the largest body that is taken.
const LONGEST_JOINED: usize = 16 << 20;

/// Texts with another between them, counted before one is made of them.
#[derive(Debug)]
struct Joined<'b> {
    by: &'b str,
    room: Room,
}

impl<'b> Joined<'b> {
    fn by(by: &'b str) -> Self {
        Self { by, room: Room::of(LONGEST_JOINED) }
    }

    /// Counts one more.
    fn count(&self, text: &str) -> Result<(), Trouble> {
        self.room.take(self.by.len().saturating_add(text.len())).map_err(Trouble::large)
    }
}

/// The type of a value in a chain, where it is known before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A scalar, an object or an array of a document: nothing is known.
    Raw,
    /// A text, or an element, of a document that knows no other values: CSV, XML, a form.
    Texts,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A decimal.
    Decimal,
    /// An amount.
    Money,
    /// A moment.
    Timestamp,
    /// A time whose zone is not known.
    Local,
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// A list of texts.
    List,
    /// Names and texts.
    Map,
    /// Named inputs.
    Named,
}

impl Type {
    /// In the user's words.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Type::Raw => "a value as it stands in the document",
            Type::Texts => "a text of a document that knows texts only",
            Type::Text => "a text",
            Type::Integer => "a whole number",
            Type::Decimal => "a decimal",
            Type::Money => "an amount with its currency",
            Type::Timestamp => "a timestamp",
            Type::Local => "a time without its zone",
            Type::Date => "a date",
            Type::Boolean => "a boolean",
            Type::List => "a list of texts",
            Type::Map => "names and texts",
            Type::Named => "named inputs",
        }
    }
}

/// A value beside the main one that a conversion reads and writes: the currency of an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    /// From the value's place, or absolute.
    pub(crate) path: Path,
}

/// How a conversion treats a fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value at a time.
    Single,
    /// Makes one value of many.
    Fold,
}

/// Hub words that a conversion can give, in the same order every time.
pub(crate) type Words<'w> = Box<dyn Iterator<Item = &'w str> + 'w>;

/// What a conversion puts: the main value, and values at its [`Beside`] paths in their order.
#[derive(Debug, PartialEq)]
pub(crate) struct Put<'a> {
    /// At the rule's path; absent where only the paths beside are written.
    pub(crate) main: Cell<'a>,
    /// At the paths beside.
    pub(crate) beside: Aside<'a>,
}

impl<'a> Put<'a> {
    /// Only the main value.
    pub(crate) fn main(main: Cell<'a>) -> Self {
        Self { main, beside: Aside::None }
    }
}

/// Limits of the hub field at the end of the chain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    /// Most digits after the point of an amount, where the field has more than its currency.
    pub(crate) money_digits: Option<u32>,
    /// The field's words are those of an enum.
    pub(crate) is_enum: bool,
    /// It is a state: the fold holds an order for an unknown word.
    pub(crate) is_state: bool,
    /// It orders documents.
    pub(crate) is_revision: bool,
    /// The words of the enum.
    pub(crate) words: &'static [&'static str],
}

/// What a conversion with its options promises of `get(put(v))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    /// `v`, for every value that can be written.
    Exact,
    /// A form of `v` that does not change any more; what becomes of it, in the user's words.
    Canonical(&'static str),
    /// There is no way back.
    None,
}

/// One conversion with its options. `get` and `put` are never called with absent, and with null only
/// where [`Conversion::takes_null`] says so.
pub(crate) trait Conversion: Debug + Send + Sync {
    /// Its name in files.
    fn name(&self) -> &'static str;

    /// Single value or fold.
    fn shape(&self) -> Shape {
        Shape::Single
    }

    /// The type it gives for a type it is given.
    ///
    /// # Errors
    ///
    /// What it needs instead, in the user's words.
    fn gives(&self, from: Type) -> Result<Type, String>;

    /// Whether it has a way back.
    fn two_way(&self) -> bool {
        true
    }

    /// What it promises of a value that goes out and comes back. Stated apart from `canon`, so that the laws
    /// of files notice a conversion that does not keep it.
    fn law(&self) -> Law {
        if self.two_way() { Law::Exact } else { Law::None }
    }

    /// Whether it makes one text of named hub fields on the way out.
    fn joins(&self) -> bool {
        false
    }

    /// What it cuts a text at to make a list.
    fn cuts_at(&self) -> Option<&str> {
        None
    }

    /// Whether it asks what stands outside of document and files.
    fn looks_up(&self) -> bool {
        false
    }

    /// What it asks for a value; `None`: nothing, and `get` answers.
    fn asks(&self, _cell: &Cell<'_>) -> Option<LookupKey> {
        None
    }

    /// The kind of the references that it looks up; `None`: it looks up none.
    fn reference(&self) -> Option<&str> {
        None
    }

    /// What it makes of the answer.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: there is none, or none that will do.
    fn answered<'a>(&self, cell: Cell<'a>, _: Looked, target: Target) -> Result<Cell<'a>, Trouble> {
        self.get(cell, &[], target)
    }

    /// The same conversion for so many named hub fields on the way in: it gives as many parts of one text.
    /// `None`: it has none.
    fn parts(&self, _count: usize) -> Option<Box<dyn Conversion>> {
        None
    }

    /// The commands around the elements of a list that it only writes.
    fn shell(&self) -> Option<&shell::Commands> {
        None
    }

    /// Whether null means something to it.
    fn takes_null(&self) -> bool {
        false
    }

    /// The hub words that it can give, where they are known.
    fn words(&self) -> Words<'_> {
        Box::new(std::iter::empty())
    }

    /// The rows of a table that the rule holds itself: the system's word and the hub's. What counts how far cases
    /// reach asks for them; a table in a file of its own is data of many systems, and has none.
    fn rows(&self) -> Vec<(&str, Option<&str>)> {
        Vec::new()
    }

    /// Whether the file says what becomes of a word that stands in no row.
    fn says_unknown(&self) -> bool {
        false
    }

    /// The same with two rows swapped, each such pair in words: what tries whether cases notice asks for them.
    fn swapped(&self) -> Vec<(String, Arc<dyn Conversion>)> {
        Vec::new()
    }

    /// Where a hub word stands: in the rule, in the file that names its conversions, or in a table's own.
    fn word_at(&self, _word: &str) -> Option<(&Arc<Source>, Span)> {
        None
    }

    /// What a message may show of a value that it cannot read or write.
    fn quote(&self) -> Quote {
        Quote::Described
    }

    /// Paths of values beside the main one.
    fn beside(&self) -> &[Beside] {
        &[]
    }

    /// The value is an object, and the paths beside lead into it; else it is one text or number, with nothing
    /// below.
    fn of_object(&self) -> bool {
        false
    }

    /// From the system's form. `beside` are the values at [`Conversion::beside`], in order.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: the value is not what the conversion needs.
    fn get<'a>(
        &self,
        cell: Cell<'a>,
        beside: &[Cell<'a>],
        target: Target,
    ) -> Result<Cell<'a>, Trouble>;

    /// To the system's form.
    ///
    /// # Errors
    ///
    /// [`Trouble`]: the value cannot be written, or there is no way back.
    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble>;

    /// The form in which a value comes back from the system; by default what `get` makes of `put`.
    fn canon<'a>(&self, cell: Cell<'a>) -> Cell<'a> {
        let Ok(put) = self.put(cell.clone(), Target::default()) else { return cell };
        let main = if put.main == Cell::Absent { cell.clone() } else { put.main };
        if main == Cell::Null && !self.takes_null() {
            return Cell::Null;
        }
        self.get(main, &put.beside, Target::default()).unwrap_or(cell)
    }
}

/// The error of a conversion without a way back.
pub(crate) fn one_way(name: &str) -> Trouble {
    Trouble::new("one_way", format!("`{name}` has no way back"))
}
