//! What a lane remembers of each statement of its system: the merge state.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::is_false;
use super::{Swing, is_zero};
use crate::catalogue::FieldId;
use crate::contribution::{Revision, Stated};
use crate::ids::{Collection, Entity};
use crate::value::Text;

/// What a system may speak of at a place of the order.
///
/// Stored as the field's number, or as a word: `?7`, `shown`, `gone`, `list:lines`, `xref:customer`, `xref:!7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// A field.
    Field(FieldId),
    /// A word on a field that cannot be, or that nobody knows: never compared with what others say of it.
    Doubt(FieldId),
    /// That the element is shown.
    Shown,
    /// The newest complete list that is without the element.
    Gone,
    /// The newest complete list of a collection.
    List(Collection),
    /// A reference of a kind, stated by a rule.
    Xref(Text),
    /// The last word on a field that did not stand and that the order's history has: see
    /// [`Heard`](crate::history::Heard). Of a map the last of each name. A program that does not know of it takes it for a
    /// reference of a kind that nobody states, and leaves it there; so it is personal in either.
    Word(FieldId),
}

/// Merge state of one field at one system.
///
/// *Never stated* (`stated` is `None`) and *agreed* (`base`) are different things and stay different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldState {
    /// What the system last showed, with its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<(Stated, Option<Revision>)>,
    /// The last value both sides agreed on. Never stated and agreed are different things.
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::contribution::maybe")]
    pub base: Option<Stated>,
    /// Values we sent that the system has not yet outrun, oldest first; at most 8, 24 h.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ring: Vec<(Stated, jiff::Timestamp)>,
    /// The entity of the document that stated it: revisions of different entities do not compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// [`Lane::heard`](super::Lane::heard) when it was last stated.
    #[serde(skip_serializing_if = "is_zero")]
    pub heard: u64,
    /// [`Lane::heard`](super::Lane::heard) when the call began by which it took another value than it had stated: what it
    /// stated until then says nothing of what it has.
    #[serde(skip_serializing_if = "is_zero")]
    pub taken: u64,
    /// The order version of the call that first told it the value in `base`, where other calls tell it of the field as
    /// well: see `route/teller.rs`. Zero: all of the system has it.
    #[serde(skip_serializing_if = "is_no_version")]
    pub told_at: u32,
    /// The same of the newest value in `ring`: what is told once the system shows that value.
    #[serde(skip_serializing_if = "is_no_version")]
    pub rung_for: u32,
    /// The order's value is this system's: it was the last to write it.
    #[serde(skip_serializing_if = "is_false")]
    pub wrote: bool,
    /// The order's value must go out again after the call that may be there: the system changed it meanwhile. Until that
    /// call is taken for done, whichever attempt shows it, or another tells what stands. Rule `owed-between-attempts`.
    #[serde(skip_serializing_if = "is_false")]
    pub owed: bool,
    /// A call that was given up may have written it, whatever the system said before, or else was known: what it has is
    /// not known until it says so, or another call tells it. Rules `given-up-over-a-word`, `given-up-and-back`.
    #[serde(skip_serializing_if = "is_false")]
    pub unsure: bool,
    /// The value is led back and forth between this system and another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swing: Option<Box<Swing>>,
}

impl FieldState {
    /// The system has said nothing of it, or that there is none, and nothing was agreed on.
    pub(crate) fn is_silent(&self) -> bool {
        self.base.is_none() && matches!(self.stated, None | Some((None, _)))
    }
}

fn is_no_version(version: &u32) -> bool {
    *version == 0
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Facet::Field(FieldId(number)) => write!(f, "{number}"),
            Facet::Doubt(FieldId(number)) => write!(f, "?{number}"),
            Facet::Shown => f.write_str("shown"),
            Facet::Gone => f.write_str("gone"),
            Facet::List(collection) => write!(f, "list:{}", collection.path()),
            Facet::Xref(kind) => write!(f, "xref:{kind}"),
            Facet::Word(FieldId(number)) => write!(f, "xref:!{number}"),
        }
    }
}

impl Facet {
    fn parse(word: &str) -> Option<Self> {
        if let Some(number) = word.strip_prefix('?') {
            return number.parse().ok().map(|number| Facet::Doubt(FieldId(number)));
        }
        match word.split_once(':') {
            Some(("list", path)) => Collection::parse(path).map(Facet::List),
            Some(("xref", kind)) => match kind.strip_prefix('!') {
                Some(number) => number.parse().ok().map(|number| Facet::Word(FieldId(number))),
                None => Some(Facet::Xref(kind.into())),
            },
            Some(_) => None,
            None if word == "shown" => Some(Facet::Shown),
            None => (word == "gone").then_some(Facet::Gone),
        }
    }
}

impl Serialize for Facet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Facet::Field(field) => field.serialize(serializer),
            Facet::Doubt(_)
            | Facet::Shown
            | Facet::Gone
            | Facet::List(_)
            | Facet::Xref(_)
            | Facet::Word(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Facet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Facet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's number, or what else a system speaks of")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Facet, E> {
                let number = u16::try_from(number).map_err(E::custom)?;
                Ok(Facet::Field(FieldId(number)))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Facet, E> {
                Facet::parse(word).ok_or_else(|| E::custom("not known here"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_is_stored_and_read_back() {
        let cases = [
            (Facet::Field(FieldId(7)), "7"),
            (Facet::Doubt(FieldId(7)), "\"?7\""),
            (Facet::Shown, "\"shown\""),
            (Facet::Gone, "\"gone\""),
            (Facet::List(Collection::ShipmentLines), "\"list:shipments.lines\""),
            (Facet::Xref("customer".into()), "\"xref:customer\""),
            (Facet::Word(FieldId(7)), "\"xref:!7\""),
        ];
        for (facet, text) in cases {
            assert_eq!(serde_json::to_string(&facet).unwrap(), text);
            assert_eq!(serde_json::from_str::<Facet>(text).unwrap(), facet);
        }
        for text in ["\"lines\"", "\"?x\"", "\"xref:!x\"", "\"list:boxes\"", "70000", "-1"] {
            assert!(serde_json::from_str::<Facet>(text).is_err(), "{text}");
        }
    }
}
