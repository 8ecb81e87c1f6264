//! The hub's JSON as structs: what a program written for this one shape would write, straight from what it
//! read, with the same checks and to the same bytes as `orderhub_mapping::view::bytes`.

use std::borrow::Cow;

use orderhub_order::value::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::hub_shape::{
    Address, Addresses, Buyer, Cancel, Channel, Hub, HubLine, Names, Notes, Quantity, State,
    Totals, Xref,
};
use super::shape::{Amount, Customer, Line, Maybe, Order, Pair, Place, Set, Tax, Text};
use super::value::{currency, decimal, fits, known, money, origin_name, payment_name, time};
use super::{Refused, refused};

impl<T: Serialize> Serialize for Maybe<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.is().serialize(to)
    }
}

impl<T> Maybe<T> {
    pub(super) fn absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same, read; absent and null stay.
    fn read<'m, U>(
        &'m self,
        read: impl FnOnce(&'m T) -> Result<U, Refused>,
    ) -> Result<Maybe<U>, Refused> {
        Ok(match self {
            Self::Absent => Maybe::Absent,
            Self::Null => Maybe::Null,
            Self::Is(value) => Maybe::Is(read(value)?),
        })
    }
}

fn plain<'m>(text: &'m Maybe<Text<'_>>) -> Maybe<&'m str> {
    match text {
        Maybe::Absent => Maybe::Absent,
        Maybe::Null => Maybe::Null,
        Maybe::Is(text) => Maybe::Is(&text.0),
    }
}

/// An order that was read, as the hub's JSON.
pub(super) fn write(said: &Order<'_>) -> Result<Vec<u8>, Refused> {
    let currency = currency(&said.currency)?;
    let xref = said.customer.is().and_then(|customer| customer.id.is());
    let hub = Hub {
        key: said.id.to_string(),
        revision: said.updated_at.is().map(time).transpose()?,
        xref: xref.map(|id| Xref { customer: id.to_string() }),
        order_no: said.name.read(|name| Ok(name.0.strip_prefix('#').unwrap_or(&name.0)))?,
        channel: some(plain(&said.source_name)).map(|name| Channel { name }),
        origin: said.source_name.read(origin_name)?,
        placed_at: said.processed_at.or(&said.created_at).read(time)?,
        currency: said.currency.read(|_| Ok(currency))?,
        language: plain(&said.customer_locale),
        state: State {
            lifecycle: lifecycle(said),
            payment: said.financial_status.read(payment_name)?,
        },
        customer: buyer(said),
        addresses: addresses(said)?,
        totals: totals(said, currency)?,
        notes: some(plain(&said.note)).map(|customer| Notes { customer }),
        tags: said.tags.read(|tags| Ok(words(&tags.0)))?,
        cancel: cancel(said)?,
        ext: said.note_attributes.read(|pairs| Ok(names(pairs, "attributes.")))?,
        complete: ["lines"],
        lines: said.line_items.iter().map(line).collect::<Result<_, _>>()?,
        payments: [],
        shipments: [],
    };
    let mut bytes = Vec::with_capacity(2048);
    serde_json::to_writer(&mut bytes, &hub)?;
    Ok(bytes)
}

fn some<T>(maybe: Maybe<T>) -> Option<Maybe<T>> {
    (!maybe.absent()).then_some(maybe)
}

fn lifecycle(said: &Order<'_>) -> &'static str {
    match (&said.cancelled_at, &said.closed_at) {
        (Maybe::Is(_), _) => "cancelled",
        (_, Maybe::Is(_)) => "closed",
        _ => "open",
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(", ").map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn buyer<'m>(said: &'m Order<'_>) -> Option<Buyer<'m>> {
    let company = said.billing_address.is().map_or(Maybe::Absent, |place| plain(&place.company));
    let Some(customer) = said.customer.is() else {
        let none = |company| Buyer {
            name: Maybe::Absent,
            email: Maybe::Absent,
            phone: Maybe::Absent,
            company,
        };
        return some(company).map(none);
    };
    Some(Buyer {
        name: full_name(customer),
        email: plain(said.email.or(&said.contact_email).or(&customer.email)),
        phone: plain(said.phone.or(&customer.phone)),
        company,
    })
}

fn full_name(customer: &Customer<'_>) -> Maybe<String> {
    let parts = [customer.first_name.is(), customer.last_name.is()];
    let mut name = String::new();
    for part in parts.into_iter().flatten().filter(|part| !part.0.is_empty()) {
        name.push_str(if name.is_empty() { "" } else { " " });
        name.push_str(&part.0);
    }
    if name.is_empty() { Maybe::Null } else { Maybe::Is(name) }
}

fn addresses<'m>(said: &'m Order<'_>) -> Result<Option<Addresses<'m>>, Refused> {
    let (ship_to, bill_to) =
        (said.shipping_address.read(address)?, said.billing_address.read(address)?);
    let any = !ship_to.absent() || !bill_to.absent();
    Ok(any.then_some(Addresses { ship_to, bill_to }))
}

fn address<'m>(place: &'m Place<'_>) -> Result<Address<'m>, Refused> {
    fn part<'m>(part: &'m Maybe<Text<'_>>) -> Option<&'m str> {
        part.is().map(|text| &*text.0)
    }
    let country = match part(&place.country_code) {
        Some(code) if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()) => {
            return refused("not a country");
        }
        Some(code) if code.bytes().all(|b| b.is_ascii_uppercase()) => Some(Cow::Borrowed(code)),
        code => code.map(|code| Cow::Owned(code.to_ascii_uppercase())),
    };
    Ok(Address {
        name: part(&place.name),
        company: part(&place.company),
        line1: part(&place.address1),
        line2: part(&place.address2),
        city: part(&place.city),
        region: part(place.province_code.or(&place.province)),
        postal_code: part(&place.zip),
        country,
        phone: part(&place.phone),
    })
}

fn totals(said: &Order<'_>, currency: Currency) -> Result<Option<Totals>, Refused> {
    let amount = |text: &Text<'_>| money(&text.0, currency);
    let discount = said.current_total_discounts.or(&said.total_discounts);
    let items = match (said.current_subtotal_price.is(), discount.is()) {
        (Some(items), Some(off)) => {
            Maybe::Is(fits(decimal(&items.0)? + decimal(&off.0)?, currency)?)
        }
        _ => Maybe::Absent,
    };
    let totals = Totals {
        items,
        discount: discount.read(amount)?,
        shipping: said.total_shipping_price_set.read(set)?,
        tax: said.current_total_tax.or(&said.total_tax).read(amount)?,
        fees: said.total_tip_received.read(amount)?,
        total: said.current_total_price_set.read(set)?,
        tax_included: said.taxes_included.read(|yes| Ok(*yes))?,
    };
    Ok(totals.any().then_some(totals))
}

fn set(set: &Set<'_>) -> Result<Money, Refused> {
    let Amount { amount, currency_code } = &set.shop_money;
    money(&amount.0, known(&currency_code.0)?)
}

fn taxes(lines: &[Tax<'_>]) -> Result<Option<Money>, Refused> {
    let mut sum: Option<Money> = None;
    for line in lines {
        let one = set(&line.price_set)?;
        sum = Some(match sum {
            None => one,
            Some(sum) if sum.currency == one.currency => {
                fits(sum.amount + one.amount, sum.currency)?
            }
            Some(_) => return refused("two currencies in one sum"),
        });
    }
    Ok(sum)
}

fn cancel<'m>(said: &'m Order<'_>) -> Result<Option<Cancel<'m>>, Refused> {
    let (reason, at) = (plain(&said.cancel_reason), said.cancelled_at.read(time)?);
    Ok((!reason.absent() || !at.absent()).then_some(Cancel { reason, at }))
}

fn names<'m>(pairs: &'m [Pair<'_>], before: &str) -> Names<'m> {
    let pair = |pair: &'m Pair<'_>| {
        let name = &*pair.name.0;
        let name = if before.is_empty() { name.into() } else { format!("{before}{name}").into() };
        (name, pair.value.is().map(|text| &*text.0))
    };
    pairs.iter().map(pair).collect()
}

fn line<'m>(said: &'m Line<'_>) -> Result<HubLine<'m>, Refused> {
    if said.id == 0 {
        return refused("a line without a key");
    }
    let sku = match plain(&said.sku) {
        Maybe::Is("") => Maybe::Null,
        sku => sku,
    };
    let ordered = said.quantity.read(|n| Ok(Decimal::from(*n)))?;
    Ok(HubLine {
        key: said.id.to_string(),
        sku,
        name: plain(said.name.or(&said.title)),
        variant: plain(&said.variant_title),
        unit_price: said.price_set.read(set)?,
        discount: said.total_discount_set.read(set)?,
        tax: taxes(&said.tax_lines)?,
        requires_shipping: said.requires_shipping.read(|yes| Ok(*yes))?,
        properties: said.properties.read(|pairs| Ok(names(pairs, "")))?,
        qty: some(ordered).map(|ordered| Quantity { ordered }),
    })
}
