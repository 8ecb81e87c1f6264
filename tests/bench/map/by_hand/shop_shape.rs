//! The shop's document as structs, for the way back.

use orderhub_order::value::Currency;
use rust_decimal::Decimal;
use serde::Serialize;

use super::back::number;
use super::shape::Maybe;

#[derive(Serialize)]
pub(super) struct Shop<'o> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) name: Maybe<String>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) source_name: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) processed_at: Maybe<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) currency: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) customer_locale: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) cancel_reason: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) cancelled_at: Maybe<jiff::Timestamp>,
    pub(super) customer: Customer<'o>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) email: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) phone: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) billing_address: Maybe<Billing<'o>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) shipping_address: Maybe<Place<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_total_price_set: Option<Set<'o>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) current_total_discounts: Maybe<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_shipping_price_set: Option<Set<'o>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) current_total_tax: Maybe<Decimal>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) total_tip_received: Maybe<Decimal>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) taxes_included: Maybe<bool>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) note: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) tags: Maybe<String>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) note_attributes: Maybe<Vec<Pair<'o>>>,
    pub(super) line_items: Vec<Line<'o>>,
}

#[derive(Serialize)]
pub(super) struct Customer<'o> {
    pub(super) id: &'o str,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) phone: Maybe<&'o str>,
}

#[derive(Serialize)]
pub(super) struct Billing<'o> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) company: Maybe<&'o str>,
    pub(super) name: Option<&'o str>,
    pub(super) address1: Option<&'o str>,
    pub(super) address2: Option<&'o str>,
    pub(super) city: Option<&'o str>,
    pub(super) province_code: Option<&'o str>,
    /// Null where there is no region: a value goes out by its code alone, nothing by both.
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) province: Maybe<&'o str>,
    pub(super) zip: Option<&'o str>,
    pub(super) country_code: Option<&'o str>,
    pub(super) phone: Option<&'o str>,
}

#[derive(Serialize)]
pub(super) struct Place<'o> {
    pub(super) name: Option<&'o str>,
    pub(super) company: Option<&'o str>,
    pub(super) address1: Option<&'o str>,
    pub(super) address2: Option<&'o str>,
    pub(super) city: Option<&'o str>,
    pub(super) province_code: Option<&'o str>,
    /// Null where there is no region: a value goes out by its code alone, nothing by both.
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) province: Maybe<&'o str>,
    pub(super) zip: Option<&'o str>,
    pub(super) country_code: Option<&'o str>,
    pub(super) phone: Option<&'o str>,
}

#[derive(Serialize)]
pub(super) struct Set<'o> {
    pub(super) shop_money: Amount<'o>,
}

#[derive(Serialize)]
pub(super) struct Amount<'o> {
    pub(super) amount: &'o Decimal,
    pub(super) currency_code: Currency,
}

#[derive(Serialize)]
pub(super) struct Pair<'o> {
    pub(super) name: &'o str,
    pub(super) value: Option<std::borrow::Cow<'o, str>>,
}

#[derive(Serialize)]
pub(super) struct Line<'o> {
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) sku: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) name: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) variant_title: Maybe<&'o str>,
    #[serde(skip_serializing_if = "Maybe::absent", serialize_with = "number")]
    pub(super) quantity: Maybe<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price_set: Option<Set<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_discount_set: Option<Set<'o>>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) requires_shipping: Maybe<bool>,
    #[serde(skip_serializing_if = "Maybe::absent")]
    pub(super) properties: Maybe<Vec<Pair<'o>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'o str>,
}
