//! The shape of the hub's JSON as structs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use orderhub_order::value::{Currency, Money};
use rust_decimal::Decimal;
use serde::Serialize;

use super::shape::Maybe;

pub(super) type Names<'m> = BTreeMap<Cow<'m, str>, Option<&'m str>>;

#[derive(Serialize)]
pub(super) struct Hub<'m> {
    #[serde(rename = "$key")]
    pub(super) key: String,
    #[serde(rename = "$revision", skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<Timestamp>,
    #[serde(rename = "$xref", skip_serializing_if = "Option::is_none")]
    pub(super) xref: Option<Xref>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) order_no: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<Channel<'m>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) origin: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) placed_at: Maybe<Timestamp>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) currency: Maybe<Currency>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) language: Maybe<&'m str>,
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer: Option<Buyer<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) addresses: Option<Addresses<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) totals: Option<Totals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notes: Option<Notes<'m>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) tags: Maybe<Vec<&'m str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancel: Option<Cancel<'m>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) ext: Maybe<Names<'m>>,
    #[serde(rename = "$complete")]
    pub(super) complete: [&'static str; 1],
    pub(super) lines: Vec<HubLine<'m>>,
    pub(super) payments: [(); 0],
    pub(super) shipments: [(); 0],
}

#[derive(Serialize)]
pub(super) struct Xref {
    pub(super) customer: String,
}

#[derive(Serialize)]
pub(super) struct Channel<'m> {
    pub(super) name: Maybe<&'m str>,
}

#[derive(Serialize)]
pub(super) struct State {
    pub(super) lifecycle: &'static str,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) payment: Maybe<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Buyer<'m> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) name: Maybe<String>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) email: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) phone: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) company: Maybe<&'m str>,
}

#[derive(Serialize)]
pub(super) struct Addresses<'m> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) ship_to: Maybe<Address<'m>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) bill_to: Maybe<Address<'m>>,
}

#[derive(Serialize)]
pub(super) struct Address<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line1: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line2: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<Cow<'m, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<&'m str>,
}

#[derive(Serialize)]
pub(super) struct Totals {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) items: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) discount: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) shipping: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) tax: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) fees: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) total: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) tax_included: Maybe<bool>,
}

impl Totals {
    pub(super) fn any(&self) -> bool {
        let Self { items, discount, shipping, tax, fees, total, tax_included } = self;
        let amounts = [items, discount, shipping, tax, fees, total];
        !tax_included.absent() || amounts.iter().any(|amount| !amount.absent())
    }
}

#[derive(Serialize)]
pub(super) struct Notes<'m> {
    pub(super) customer: Maybe<&'m str>,
}

#[derive(Serialize)]
pub(super) struct Cancel<'m> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) reason: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) at: Maybe<Timestamp>,
}

#[derive(Serialize)]
pub(super) struct HubLine<'m> {
    #[serde(rename = "$key")]
    pub(super) key: String,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) sku: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) name: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) variant: Maybe<&'m str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) unit_price: Maybe<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) discount: Maybe<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tax: Option<Money>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) requires_shipping: Maybe<bool>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) properties: Maybe<Names<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) qty: Option<Quantity>,
}

#[derive(Serialize)]
pub(super) struct Quantity {
    pub(super) ordered: Maybe<Decimal>,
}
