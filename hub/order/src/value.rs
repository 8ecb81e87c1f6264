//! Values of hub fields: exact, closed, without floats.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A decimal amount with its ISO 4217 currency.
///
/// **Invariant:** the scale is at most the currency's minor digits (unit prices: at most 6), kept as
/// given, never rounded in silence; no float ever touches it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in major units.
    pub amount: Decimal,
    /// ISO 4217, upper case.
    pub currency: Currency,
}

/// An ISO 4217 code, three upper-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

/// One value of a hub field. Text, enums, country, currency, language and uom are all `Text`: the
/// catalogue knows which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Text, enum names and codes; an unknown enum value is kept raw.
    Text(Box<str>),
    /// A whole number.
    Integer(i64),
    /// A quantity or weight.
    Decimal(Decimal),
    /// An amount with its currency.
    Money(Money),
    /// A moment, UTC.
    Timestamp(jiff::Timestamp),
    /// A day.
    Date(jiff::civil::Date),
    /// Yes or no.
    Boolean(bool),
    /// A postal address, merged as one unit.
    Address(Box<Address>),
    /// A list of texts (tags, flags).
    List(Vec<Box<str>>),
    /// Free names and texts (`ext`, `properties`, `bound`).
    Map(BTreeMap<Box<str>, Option<Box<str>>>),
    /// A reference to another element, resolved in the fold: how the document named it.
    Ref(Reference),
}

/// How a document names an order line or a fulfilment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// That system's own id of it.
    Theirs(Box<str>),
    /// Our id as it was sent.
    Ours(Box<str>),
    /// The one open line with this sku.
    Sku(Box<str>),
}

/// A postal address. Absent parts are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Who receives.
    pub name: Option<Box<str>>,
    /// Company.
    pub company: Option<Box<str>>,
    /// First street line.
    pub line1: Option<Box<str>>,
    /// Second street line.
    pub line2: Option<Box<str>>,
    /// District, quarter.
    pub district: Option<Box<str>>,
    /// Town.
    pub city: Option<Box<str>>,
    /// State, province.
    pub region: Option<Box<str>>,
    /// Postal code.
    pub postal_code: Option<Box<str>>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Box<str>>,
    /// Phone.
    pub phone: Option<Box<str>>,
    /// E-mail.
    pub email: Option<Box<str>>,
}
