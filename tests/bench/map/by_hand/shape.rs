//! The shape of a shop's order as structs: what is read is named, the rest is skipped.

use std::borrow::Cow;
use std::fmt;

use orderhub_order::contribution::Stated;
use orderhub_order::value::Value;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};

use super::Refused;

/// Absent, null and value apart.
#[derive(Debug, Default)]
pub(super) enum Maybe<T> {
    #[default]
    Absent,
    Null,
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Null, Self::Is))
    }
}

impl<T> Maybe<T> {
    pub(super) fn is(&self) -> Option<&T> {
        if let Self::Is(value) = self { Some(value) } else { None }
    }

    /// The first that is not null; null before absent.
    pub(super) fn or<'m>(&'m self, other: &'m Maybe<T>) -> &'m Maybe<T> {
        match (self, other) {
            (Self::Is(_), _) | (Self::Null, Self::Absent) => self,
            (Self::Null | Self::Absent, _) => other,
        }
    }

    /// As a field states it; `None` where it is absent.
    pub(super) fn stated(
        &self,
        read: impl FnOnce(&T) -> Result<Value, Refused>,
    ) -> Result<Option<Stated>, Refused> {
        Ok(match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Is(value) => Some(Some(read(value)?)),
        })
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

pub(super) type MaybeText<'a> = Maybe<Text<'a>>;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Order<'a> {
    pub(super) id: u64,
    pub(super) test: bool,
    pub(super) taxes_included: Maybe<bool>,
    #[serde(borrow)]
    pub(super) name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) source_name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) processed_at: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) created_at: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) updated_at: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) cancelled_at: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) closed_at: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) cancel_reason: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) currency: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) customer_locale: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) financial_status: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) email: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) contact_email: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) phone: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) note: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) tags: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) current_subtotal_price: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) current_total_discounts: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) total_discounts: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) current_total_tax: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) total_tax: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) total_tip_received: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) current_total_price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    pub(super) total_shipping_price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    pub(super) note_attributes: Maybe<Vec<Pair<'a>>>,
    #[serde(borrow)]
    pub(super) customer: Maybe<Customer<'a>>,
    #[serde(borrow)]
    pub(super) shipping_address: Maybe<Place<'a>>,
    #[serde(borrow)]
    pub(super) billing_address: Maybe<Place<'a>>,
    #[serde(borrow)]
    pub(super) line_items: Vec<Line<'a>>,
    pub(super) refunds: Vec<IgnoredAny>,
    pub(super) fulfillments: Vec<IgnoredAny>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Set<'a> {
    #[serde(borrow)]
    pub(super) shop_money: Amount<'a>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Amount<'a> {
    #[serde(borrow)]
    pub(super) amount: Text<'a>,
    #[serde(borrow)]
    pub(super) currency_code: Text<'a>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Pair<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) value: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Customer<'a> {
    pub(super) id: Maybe<u64>,
    #[serde(borrow)]
    pub(super) first_name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) last_name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) email: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) phone: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Place<'a> {
    #[serde(borrow)]
    pub(super) name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) company: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) address1: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) address2: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) city: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) province: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) province_code: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) zip: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) country_code: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) phone: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Line<'a> {
    pub(super) id: u64,
    pub(super) requires_shipping: Maybe<bool>,
    pub(super) quantity: Maybe<u64>,
    #[serde(borrow)]
    pub(super) sku: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) name: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) title: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) variant_title: MaybeText<'a>,
    #[serde(borrow)]
    pub(super) price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    pub(super) total_discount_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    pub(super) tax_lines: Vec<Tax<'a>>,
    #[serde(borrow)]
    pub(super) properties: Maybe<Vec<Pair<'a>>>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Tax<'a> {
    #[serde(borrow)]
    pub(super) price_set: Set<'a>,
}
