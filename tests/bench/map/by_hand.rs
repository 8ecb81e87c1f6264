//! The yardstick: the shop's order mapped in by structs written by hand for this one shape, to the same
//! contribution, with the same checks: amounts exact and of their currency's scale, currencies known,
//! times parsed, words by table, keys that stand twice refused, depth bound, absent and null apart.
//!
//! It knows less than the mapping: one place for each amount (the shop's money), no refunds, no
//! shipments, no wrapped documents, and no words for an operator when something is wrong.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::catalogue::FieldId;
use orderhub_order::catalogue::known::{line, order};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, Revision, Stated,
};
use orderhub_order::ids::{Collection, Entity, SystemName};
use orderhub_order::value::{Address, Currency, Money, Value};
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};

/// Why a document is refused.
#[derive(Debug)]
pub(crate) struct Refused(#[expect(dead_code, reason = "shown when the bench stops")] String);

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

fn refused<T>(why: &str) -> Result<T, Refused> {
    Err(Refused(why.to_owned()))
}

/// Absent, null and value apart.
#[derive(Debug, Default)]
enum Maybe<T> {
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
    fn is(&self) -> Option<&T> {
        if let Self::Is(value) = self { Some(value) } else { None }
    }

    /// The first that is not null; null before absent.
    fn or<'m>(&'m self, other: &'m Maybe<T>) -> &'m Maybe<T> {
        match (self, other) {
            (Self::Is(_), _) | (Self::Null, Self::Absent) => self,
            (Self::Null | Self::Absent, _) => other,
        }
    }

    /// As a field states it; `None` where it is absent.
    fn stated(
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
struct Text<'a>(Cow<'a, str>);

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

type MaybeText<'a> = Maybe<Text<'a>>;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Order<'a> {
    id: u64,
    test: bool,
    taxes_included: Maybe<bool>,
    #[serde(borrow)]
    name: MaybeText<'a>,
    #[serde(borrow)]
    source_name: MaybeText<'a>,
    #[serde(borrow)]
    processed_at: MaybeText<'a>,
    #[serde(borrow)]
    created_at: MaybeText<'a>,
    #[serde(borrow)]
    updated_at: MaybeText<'a>,
    #[serde(borrow)]
    cancelled_at: MaybeText<'a>,
    #[serde(borrow)]
    closed_at: MaybeText<'a>,
    #[serde(borrow)]
    cancel_reason: MaybeText<'a>,
    #[serde(borrow)]
    currency: MaybeText<'a>,
    #[serde(borrow)]
    customer_locale: MaybeText<'a>,
    #[serde(borrow)]
    financial_status: MaybeText<'a>,
    #[serde(borrow)]
    email: MaybeText<'a>,
    #[serde(borrow)]
    contact_email: MaybeText<'a>,
    #[serde(borrow)]
    phone: MaybeText<'a>,
    #[serde(borrow)]
    note: MaybeText<'a>,
    #[serde(borrow)]
    tags: MaybeText<'a>,
    #[serde(borrow)]
    current_subtotal_price: MaybeText<'a>,
    #[serde(borrow)]
    current_total_discounts: MaybeText<'a>,
    #[serde(borrow)]
    total_discounts: MaybeText<'a>,
    #[serde(borrow)]
    current_total_tax: MaybeText<'a>,
    #[serde(borrow)]
    total_tax: MaybeText<'a>,
    #[serde(borrow)]
    total_tip_received: MaybeText<'a>,
    #[serde(borrow)]
    current_total_price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    total_shipping_price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    note_attributes: Maybe<Vec<Pair<'a>>>,
    #[serde(borrow)]
    customer: Maybe<Customer<'a>>,
    #[serde(borrow)]
    shipping_address: Maybe<Place<'a>>,
    #[serde(borrow)]
    billing_address: Maybe<Place<'a>>,
    #[serde(borrow)]
    line_items: Vec<Line<'a>>,
    refunds: Vec<IgnoredAny>,
    fulfillments: Vec<IgnoredAny>,
}

#[derive(Debug, serde::Deserialize)]
struct Set<'a> {
    #[serde(borrow)]
    shop_money: Amount<'a>,
}

#[derive(Debug, serde::Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    amount: Text<'a>,
    #[serde(borrow)]
    currency_code: Text<'a>,
}

#[derive(Debug, serde::Deserialize)]
struct Pair<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Customer<'a> {
    id: Maybe<u64>,
    #[serde(borrow)]
    first_name: MaybeText<'a>,
    #[serde(borrow)]
    last_name: MaybeText<'a>,
    #[serde(borrow)]
    email: MaybeText<'a>,
    #[serde(borrow)]
    phone: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Place<'a> {
    #[serde(borrow)]
    name: MaybeText<'a>,
    #[serde(borrow)]
    company: MaybeText<'a>,
    #[serde(borrow)]
    address1: MaybeText<'a>,
    #[serde(borrow)]
    address2: MaybeText<'a>,
    #[serde(borrow)]
    city: MaybeText<'a>,
    #[serde(borrow)]
    province: MaybeText<'a>,
    #[serde(borrow)]
    province_code: MaybeText<'a>,
    #[serde(borrow)]
    zip: MaybeText<'a>,
    #[serde(borrow)]
    country_code: MaybeText<'a>,
    #[serde(borrow)]
    phone: MaybeText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Line<'a> {
    id: u64,
    requires_shipping: Maybe<bool>,
    quantity: Maybe<u64>,
    #[serde(borrow)]
    sku: MaybeText<'a>,
    #[serde(borrow)]
    name: MaybeText<'a>,
    #[serde(borrow)]
    title: MaybeText<'a>,
    #[serde(borrow)]
    variant_title: MaybeText<'a>,
    #[serde(borrow)]
    price_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    total_discount_set: Maybe<Set<'a>>,
    #[serde(borrow)]
    tax_lines: Vec<Tax<'a>>,
    #[serde(borrow)]
    properties: Maybe<Vec<Pair<'a>>>,
}

#[derive(Debug, serde::Deserialize)]
struct Tax<'a> {
    #[serde(borrow)]
    price_set: Set<'a>,
}

/// Maps one body in.
pub(crate) fn map(
    body: &[u8],
    system: &SystemName,
    document: &Arc<str>,
) -> Result<Contribution, Refused> {
    let said: Order<'_> = serde_json::from_slice(body)?;
    if said.test || said.id == 0 {
        return refused("a test order, or no key");
    }
    if !said.refunds.is_empty() || !said.fulfillments.is_empty() {
        return refused("the yardstick knows no refunds and no shipments");
    }
    let revision = said.updated_at.is().map(time).transpose()?;
    let mut body = ElementStatement { adds: true, ..ElementStatement::default() };
    fields(&said, &mut body.fields)?;
    if let Some(id) = said.customer.is().and_then(|customer| customer.id.is()) {
        body.xrefs.push(("customer".into(), id.to_string().into()));
    }
    let elements = said.line_items.iter().map(line_item).collect::<Result<_, _>>()?;
    body.collections = collections(elements);
    Ok(Contribution {
        system: system.clone(),
        document: Arc::clone(document),
        entity: Entity::Order,
        key: said.id.to_string().into(),
        parents: Vec::new(),
        creates: true,
        revision: revision.map(Revision::Timestamp),
        body,
    })
}

fn collections(lines: Vec<ElementStatement>) -> Vec<CollectionStatement> {
    let of =
        |collection, complete, elements| CollectionStatement { collection, complete, elements };
    vec![
        of(Collection::Lines, true, lines),
        of(Collection::Payments, false, Vec::new()),
        of(Collection::Shipments, false, Vec::new()),
    ]
}

fn fields(said: &Order<'_>, to: &mut Vec<(FieldId, Stated)>) -> Result<(), Refused> {
    to.reserve_exact(27);
    let currency = currency(&said.currency)?;
    let mut put = |field, stated: Result<Option<Stated>, Refused>| -> Result<(), Refused> {
        to.extend(stated?.map(|stated| (field, stated)));
        Ok(())
    };
    let amount = |text: &Text<'_>| money(&text.0, currency).map(Value::Money);
    put(
        order::ORDER_NO,
        said.name.stated(|name| Ok(Value::text(name.0.strip_prefix('#').unwrap_or(&name.0)))),
    )?;
    put(order::CHANNEL_NAME, plain(&said.source_name))?;
    put(
        order::ORIGIN,
        said.source_name.stated(|name| match &*name.0 {
            "web" | "pos" => Ok(Value::text("checkout")),
            "shopify_draft_order" => Ok(Value::text("draft")),
            _ => refused("an unknown origin"),
        }),
    )?;
    put(order::PLACED_AT, moment(said.processed_at.or(&said.created_at)))?;
    put(order::CURRENCY, said.currency.stated(|_| Ok(Value::text(currency.as_str()))))?;
    put(order::LANGUAGE, plain(&said.customer_locale))?;
    let lifecycle = match (&said.cancelled_at, &said.closed_at) {
        (Maybe::Is(_), _) => "cancelled",
        (_, Maybe::Is(_)) => "closed",
        _ => "open",
    };
    put(order::STATE_LIFECYCLE, Ok(Some(Some(Value::text(lifecycle)))))?;
    put(order::STATE_PAYMENT, said.financial_status.stated(payment))?;
    if let Some(customer) = said.customer.is() {
        put(order::CUSTOMER_NAME, Ok(Some(full_name(customer))))?;
        put(order::CUSTOMER_EMAIL, plain(said.email.or(&said.contact_email).or(&customer.email)))?;
        put(order::CUSTOMER_PHONE, plain(said.phone.or(&customer.phone)))?;
    }
    if let Some(place) = said.billing_address.is() {
        put(order::CUSTOMER_COMPANY, plain(&place.company))?;
    }
    put(order::ADDRESSES_SHIP_TO, said.shipping_address.stated(address))?;
    put(order::ADDRESSES_BILL_TO, said.billing_address.stated(address))?;
    let discount = said.current_total_discounts.or(&said.total_discounts);
    if let (Some(items), Some(off)) = (said.current_subtotal_price.is(), discount.is()) {
        let items = decimal(&items.0)? + decimal(&off.0)?;
        put(order::TOTALS_ITEMS, Ok(Some(Some(Value::Money(fits(items, currency)?)))))?;
    }
    put(order::TOTALS_DISCOUNT, discount.stated(amount))?;
    put(order::TOTALS_SHIPPING, said.total_shipping_price_set.stated(set))?;
    put(order::TOTALS_TAX, said.current_total_tax.or(&said.total_tax).stated(amount))?;
    put(order::TOTALS_FEES, said.total_tip_received.stated(amount))?;
    put(order::TOTALS_TOTAL, said.current_total_price_set.stated(set))?;
    put(order::TOTALS_TAX_INCLUDED, said.taxes_included.stated(|yes| Ok(Value::Boolean(*yes))))?;
    put(order::NOTES_CUSTOMER, plain(&said.note))?;
    put(
        order::TAGS,
        said.tags.stated(|tags| {
            let tags = tags.0.split(", ").map(str::trim).filter(|tag| !tag.is_empty());
            Ok(Value::List(tags.map(Box::from).collect()))
        }),
    )?;
    put(order::CANCEL_REASON, plain(&said.cancel_reason))?;
    put(order::CANCEL_AT, moment(&said.cancelled_at))?;
    put(order::EXT, said.note_attributes.stated(attributes))
}

fn line_item(said: &Line<'_>) -> Result<ElementStatement, Refused> {
    if said.id == 0 {
        return refused("a line without a key");
    }
    let mut fields = Vec::with_capacity(9);
    let mut put = |field, stated: Result<Option<Stated>, Refused>| -> Result<(), Refused> {
        fields.extend(stated?.map(|stated| (field, stated)));
        Ok(())
    };
    let sku = match &said.sku {
        Maybe::Is(sku) if sku.0.is_empty() => Ok(Some(None)),
        sku => plain(sku),
    };
    put(line::SKU, sku)?;
    put(line::NAME, plain(said.name.or(&said.title)))?;
    put(line::VARIANT, plain(&said.variant_title))?;
    put(line::UNIT_PRICE, said.price_set.stated(set))?;
    put(line::DISCOUNT, said.total_discount_set.stated(set))?;
    put(line::TAX, taxes(&said.tax_lines))?;
    put(line::REQUIRES_SHIPPING, said.requires_shipping.stated(|yes| Ok(Value::Boolean(*yes))))?;
    put(line::PROPERTIES, said.properties.stated(pairs))?;
    put(line::QTY_ORDERED, said.quantity.stated(|n| Ok(Value::Decimal(Decimal::from(*n)))))?;
    Ok(ElementStatement {
        key: Some(said.id.to_string().into()),
        adds: true,
        fields,
        ..ElementStatement::default()
    })
}

fn plain(text: &MaybeText<'_>) -> Result<Option<Stated>, Refused> {
    text.stated(|text| Ok(Value::text(&*text.0)))
}

fn moment(text: &MaybeText<'_>) -> Result<Option<Stated>, Refused> {
    text.stated(|text| time(text).map(Value::Timestamp))
}

fn time(text: &Text<'_>) -> Result<Timestamp, Refused> {
    text.0.parse().or_else(|_| refused("not a time"))
}

fn payment(status: &Text<'_>) -> Result<Value, Refused> {
    Ok(Value::text(match &*status.0 {
        "pending" => "pending",
        "authorized" => "authorized",
        "paid" => "captured",
        "partially_paid" => "partially_captured",
        "partially_refunded" => "partially_refunded",
        "refunded" => "refunded",
        "voided" => "voided",
        "expired" => "failed",
        _ => return refused("an unknown payment state"),
    }))
}

fn full_name(customer: &Customer<'_>) -> Stated {
    let parts = [customer.first_name.is(), customer.last_name.is()];
    let parts = parts.into_iter().flatten().map(|part| &*part.0).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then(|| Value::text(name))
}

fn address(place: &Place<'_>) -> Result<Value, Refused> {
    let part = |part: &MaybeText<'_>| part.is().map(|text| Box::from(&*text.0));
    let country = match place.country_code.is() {
        None => None,
        Some(code) if code.0.len() == 2 && code.0.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Some(code.0.to_ascii_uppercase().into())
        }
        Some(_) => return refused("not a country"),
    };
    Ok(Value::Address(Box::new(Address {
        name: part(&place.name),
        company: part(&place.company),
        line1: part(&place.address1),
        line2: part(&place.address2),
        city: part(&place.city),
        region: part(place.province_code.or(&place.province)),
        postal_code: part(&place.zip),
        country,
        phone: part(&place.phone),
        ..Address::default()
    })))
}

fn pairs(pairs: &Vec<Pair<'_>>) -> Result<Value, Refused> {
    let pair = |pair: &Pair<'_>| {
        (Box::from(&*pair.name.0), pair.value.is().map(|text| Box::from(&*text.0)))
    };
    Ok(Value::Map(pairs.iter().map(pair).collect()))
}

/// The shop's free names, below one name of the hub's.
fn attributes(list: &Vec<Pair<'_>>) -> Result<Value, Refused> {
    let pair = |pair: &Pair<'_>| {
        let name = format!("attributes.{}", pair.name.0);
        (Box::from(name), pair.value.is().map(|text| Box::from(&*text.0)))
    };
    Ok(Value::Map(list.iter().map(pair).collect()))
}

fn set(set: &Set<'_>) -> Result<Value, Refused> {
    let Amount { amount, currency_code } = &set.shop_money;
    Ok(Value::Money(money(&amount.0, known(&currency_code.0)?)?))
}

fn taxes(lines: &[Tax<'_>]) -> Result<Option<Stated>, Refused> {
    let mut sum: Option<Money> = None;
    for line in lines {
        let Amount { amount, currency_code } = &line.price_set.shop_money;
        let one = money(&amount.0, known(&currency_code.0)?)?;
        sum = Some(match sum {
            None => one,
            Some(sum) if sum.currency == one.currency => {
                fits(sum.amount + one.amount, sum.currency)?
            }
            Some(_) => return refused("two currencies in one sum"),
        });
    }
    Ok(sum.map(|sum| Some(Value::Money(sum))))
}

fn currency(code: &MaybeText<'_>) -> Result<Currency, Refused> {
    match code.is() {
        Some(code) => known(&code.0),
        None => refused("no currency"),
    }
}

fn known(code: &str) -> Result<Currency, Refused> {
    match (code.as_bytes().try_into().map(Currency), digits(code)) {
        (Ok(currency), Some(_)) => Ok(currency),
        _ => refused("not a currency"),
    }
}

fn money(text: &str, currency: Currency) -> Result<Money, Refused> {
    fits(decimal(text)?, currency)
}

fn fits(amount: Decimal, currency: Currency) -> Result<Money, Refused> {
    let digits = digits(currency.as_str()).unwrap_or(0);
    if amount.scale() > digits || amount.abs() >= Decimal::from(1_000_000_000_000_000_000_u64) {
        return refused("an amount that its currency does not have");
    }
    Ok(Money { amount, currency })
}

fn decimal(text: &str) -> Result<Decimal, Refused> {
    Decimal::from_str_exact(text).or_else(|_| refused("not an exact number"))
}

/// Digits after the point. Enough codes for a shop; a `match` of three bytes is as fast as it gets.
fn digits(code: &str) -> Option<u32> {
    Some(match code {
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "XAF" | "XOF" | "XPF" => 0,
        "AED" | "AUD" | "BRL" | "CAD" | "CHF" | "CNY" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP"
        | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "MXN" | "MYR" | "NOK" | "NZD" | "PHP" | "PLN"
        | "RON" | "SAR" | "SEK" | "SGD" | "THB" | "TRY" | "TWD" | "UAH" | "USD" | "ZAR" => 2,
        _ => return None,
    })
}
