//! The hub fields, from `catalogue.yaml`: path, id, type, owners, merge policy, personal-data class.

use serde::{Deserialize, Serialize};

use crate::ids::{Collection, Role};

/// A field's number in the catalogue, for ever: stored with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FieldId(pub u16);

/// A set of fields; what a mapping reads, what a change touched. At most 256 fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldSet([u64; 4]);

/// The type of a field's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A reference to an element of another collection.
    Ref(Collection),
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// Amount and currency.
    Money,
    /// A moment.
    Timestamp,
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// One of the named enum's values.
    Enum(&'static str),
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 4217.
    Currency,
    /// BCP 47.
    Language,
    /// UN/ECE Rec 20.
    Uom,
    /// A postal address.
    Address,
    /// A list of texts.
    List,
    /// Names and texts.
    Map,
}

/// How a field comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From systems or people, merged field by field.
    Given,
    /// Given, merged as one unit.
    Atomic,
    /// Append only, identified by its key.
    Fact,
    /// Computed by the hub, never mapped in.
    Derived,
    /// Written by the hub, or by people through it.
    Hub,
}

/// Who may write a field by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The bound system of this role (channel: the order's origin; crm writes as service).
    Role(Role),
    /// People and service systems.
    Service,
    /// The hub itself.
    Hub,
    /// Anyone.
    Any,
}

/// What decides when both sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The first owner in the list wins.
    OwnerWins,
    /// The newer revision time wins.
    Newest,
    /// The larger value wins.
    Max,
    /// Both, as a set.
    Union,
    /// The higher rank of the field's machine wins.
    Advance,
    /// A person decides.
    Manual,
}

/// Which kind of personal data a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personal {
    /// None.
    None,
    /// Phone, e-mail, free notes.
    Contact,
    /// A postal address.
    Address,
    /// A name, a tax number.
    Identity,
    /// Payment references.
    Payment,
}

/// One field of the catalogue.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its number.
    pub id: FieldId,
    /// The collection it stands in.
    pub collection: Collection,
    /// The path within that collection: `state.payment`, `qty.ordered`.
    pub path: &'static str,
    /// The type of its values.
    pub ty: FieldType,
    /// How it comes about.
    pub kind: Kind,
    /// Who may write it, first wins.
    pub owners: Vec<Owner>,
    /// What decides a conflict.
    pub merge: Merge,
    /// Whether it is personal data.
    pub personal: Personal,
}
