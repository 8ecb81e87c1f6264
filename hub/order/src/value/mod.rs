//! Values of hub fields: exact, closed, without floats.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

mod currency;
mod held;
mod money;
mod read;
mod stored;

pub use currency::Currency;
pub use held::{MARK, held};
pub use money::{Money, MoneyError, UNIT_PRICE_DIGITS};
pub use read::ValueError;

/// Text of a value: 23 bytes without an allocation; longer ones are shared, not copied.
pub type Text = smol_str::SmolStr;

/// One value of a hub field, cheap to clone: it stands in the order, in lanes and in changes, and most
/// of an order stays as it is. Text, enums, country, currency, language and uom are all `Text`: the
/// catalogue knows which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text, enum names and codes; an unknown enum value is kept raw, as [`held()`] does it.
    Text(Text),
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
    Address(Arc<Address>),
    /// A list of texts (tags, flags).
    List(Arc<[Text]>),
    /// Free names and texts (`ext`, `properties`, `bound`).
    Map(Arc<BTreeMap<Text, Option<Text>>>),
    /// A reference to another element, resolved in the fold: how the document named it.
    Ref(Reference),
}

/// How a document names an order line or a fulfilment.
///
/// Within an order, once the fold has resolved it, a reference is always `Ours`: the element's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// That system's own id of it.
    Theirs(Text),
    /// Our id as it was sent.
    Ours(Text),
    /// The one open line with this sku.
    Sku(Text),
}

/// A postal address. Absent parts are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Who receives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Text>,
    /// First street line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<Text>,
    /// Second street line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<Text>,
    /// District, quarter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<Text>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Text>,
    /// State, province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Text>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Text>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Text>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Text>,
}

impl Value {
    /// Text, from anything that is text.
    pub fn text(text: impl Into<Text>) -> Value {
        Value::Text(text.into())
    }

    /// The value as one text, as conditions and tables compare it. Lists and maps have none.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Integer(number) => number.to_string().into(),
            Value::Decimal(number) => number.normalize().to_string().into(),
            Value::Money(money) => money.to_string().into(),
            Value::Timestamp(time) => time.to_string().into(),
            Value::Date(day) => day.to_string().into(),
            Value::Boolean(true) => "true".into(),
            Value::Boolean(false) => "false".into(),
            Value::Ref(Reference::Ours(text) | Reference::Theirs(text) | Reference::Sku(text)) => {
                Cow::Borrowed(text)
            }
            Value::Address(_) | Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// The text of a text value.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The number of a decimal or integer.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Value::Decimal(number) => Some(*number),
            Value::Integer(number) => Some(Decimal::from(*number)),
            Value::Text(_)
            | Value::Money(_)
            | Value::Timestamp(_)
            | Value::Date(_)
            | Value::Boolean(_)
            | Value::Address(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Ref(_) => None,
        }
    }

    /// The amount of a money value.
    pub fn as_money(&self) -> Option<&Money> {
        if let Value::Money(money) = self { Some(money) } else { None }
    }

    /// The id of a resolved reference.
    pub fn as_ours(&self) -> Option<&str> {
        if let Value::Ref(Reference::Ours(id)) = self { Some(id) } else { None }
    }
}

impl Address {
    /// The names of its parts, in the order of the catalogue.
    pub const PARTS: [&'static str; 11] = [
        "name",
        "company",
        "line1",
        "line2",
        "district",
        "city",
        "region",
        "postal_code",
        "country",
        "phone",
        "email",
    ];

    /// One part by name; `None` for a name that is none.
    pub fn part(&self, name: &str) -> Option<&Option<Text>> {
        Some(match name {
            "name" => &self.name,
            "company" => &self.company,
            "line1" => &self.line1,
            "line2" => &self.line2,
            "district" => &self.district,
            "city" => &self.city,
            "region" => &self.region,
            "postal_code" => &self.postal_code,
            "country" => &self.country,
            "phone" => &self.phone,
            "email" => &self.email,
            _ => return None,
        })
    }

    /// One part by name, to be written.
    pub fn part_mut(&mut self, name: &str) -> Option<&mut Option<Text>> {
        Some(match name {
            "name" => &mut self.name,
            "company" => &mut self.company,
            "line1" => &mut self.line1,
            "line2" => &mut self.line2,
            "district" => &mut self.district,
            "city" => &mut self.city,
            "region" => &mut self.region,
            "postal_code" => &mut self.postal_code,
            "country" => &mut self.country,
            "phone" => &mut self.phone,
            "email" => &mut self.email,
            _ => return None,
        })
    }

    /// Whether it has no part.
    pub fn is_empty(&self) -> bool {
        *self == Address::default()
    }
}
