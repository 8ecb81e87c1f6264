//! The yardstick: the shop's order mapped in by structs written by hand for this one shape, to the same
//! contribution and to the hub's JSON ([`hub`]), and mapped back ([`back`]), with the same checks: amounts exact and of their currency's scale, currencies known,
//! times parsed, words by table, keys that stand twice refused, depth bound, absent and null apart.
//!
//! It knows less than the mapping: one place for each amount (the shop's money), no refunds, no
//! shipments, no wrapped documents, and no words for an operator when something is wrong.

pub(crate) mod back;
mod hub;
mod hub_shape;
mod shape;
mod shop_shape;
mod value;

use std::sync::Arc;

use orderhub_order::catalogue::FieldId;
use orderhub_order::catalogue::known::{line, order};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, Revision, Stated,
};
use orderhub_order::ids::{Collection, Entity, SystemName};
use orderhub_order::value::{Currency, Value};
use rust_decimal::Decimal;

use shape::{Line, Maybe, Order, Text};
use value::{
    address, attributes, currency, decimal, fits, full_name, moment, money, origin, pairs, payment,
    plain, set, taxes, time, words,
};

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

/// Maps one body in, to the hub's JSON: no contribution stands in between.
pub(crate) fn hub_json(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let said: Order<'_> = serde_json::from_slice(body)?;
    accepted(&said)?;
    hub::write(&said)
}

fn accepted(said: &Order<'_>) -> Result<(), Refused> {
    if said.test || said.id == 0 {
        return refused("a test order, or no key");
    }
    if !said.refunds.is_empty() || !said.fulfillments.is_empty() {
        return refused("the yardstick knows no refunds and no shipments");
    }
    Ok(())
}

/// Maps one body in.
pub(crate) fn map(
    body: &[u8],
    system: &SystemName,
    document: &Arc<str>,
) -> Result<Contribution, Refused> {
    let said: Order<'_> = serde_json::from_slice(body)?;
    accepted(&said)?;
    let revision = said.updated_at.is().map(time).transpose()?;
    let mut body = ElementStatement { adds: true, ..ElementStatement::default() };
    let currency = currency(&said.currency)?;
    body.fields.reserve_exact(27);
    general(&said, currency, &mut body.fields)?;
    totals(&said, currency, &mut body.fields)?;
    remarks(&said, &mut body.fields)?;
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

/// A field that is absent says nothing.
type Fields = Vec<(FieldId, Stated)>;

fn put(
    to: &mut Fields,
    field: FieldId,
    stated: Result<Option<Stated>, Refused>,
) -> Result<(), Refused> {
    to.extend(stated?.map(|stated| (field, stated)));
    Ok(())
}

fn general(said: &Order<'_>, currency: Currency, to: &mut Fields) -> Result<(), Refused> {
    let number = |name: &Text<'_>| Ok(Value::text(name.0.strip_prefix('#').unwrap_or(&name.0)));
    put(to, order::ORDER_NO, said.name.stated(number))?;
    put(to, order::CHANNEL_NAME, plain(&said.source_name))?;
    put(to, order::ORIGIN, said.source_name.stated(origin))?;
    put(to, order::PLACED_AT, moment(said.processed_at.or(&said.created_at)))?;
    put(to, order::CURRENCY, said.currency.stated(|_| Ok(Value::text(currency.as_str()))))?;
    put(to, order::LANGUAGE, plain(&said.customer_locale))?;
    let lifecycle = match (&said.cancelled_at, &said.closed_at) {
        (Maybe::Is(_), _) => "cancelled",
        (_, Maybe::Is(_)) => "closed",
        _ => "open",
    };
    put(to, order::STATE_LIFECYCLE, Ok(Some(Some(Value::text(lifecycle)))))?;
    put(to, order::STATE_PAYMENT, said.financial_status.stated(payment))?;
    if let Some(customer) = said.customer.is() {
        let email = said.email.or(&said.contact_email).or(&customer.email);
        put(to, order::CUSTOMER_NAME, Ok(Some(full_name(customer))))?;
        put(to, order::CUSTOMER_EMAIL, plain(email))?;
        put(to, order::CUSTOMER_PHONE, plain(said.phone.or(&customer.phone)))?;
    }
    if let Some(place) = said.billing_address.is() {
        put(to, order::CUSTOMER_COMPANY, plain(&place.company))?;
    }
    put(to, order::ADDRESSES_SHIP_TO, said.shipping_address.stated(address))?;
    put(to, order::ADDRESSES_BILL_TO, said.billing_address.stated(address))
}

fn totals(said: &Order<'_>, currency: Currency, to: &mut Fields) -> Result<(), Refused> {
    let amount = |text: &Text<'_>| money(&text.0, currency).map(Value::Money);
    let discount = said.current_total_discounts.or(&said.total_discounts);
    if let (Some(items), Some(off)) = (said.current_subtotal_price.is(), discount.is()) {
        let items = decimal(&items.0)? + decimal(&off.0)?;
        put(to, order::TOTALS_ITEMS, Ok(Some(Some(Value::Money(fits(items, currency)?)))))?;
    }
    put(to, order::TOTALS_DISCOUNT, discount.stated(amount))?;
    put(to, order::TOTALS_SHIPPING, said.total_shipping_price_set.stated(set))?;
    put(to, order::TOTALS_TAX, said.current_total_tax.or(&said.total_tax).stated(amount))?;
    put(to, order::TOTALS_FEES, said.total_tip_received.stated(amount))?;
    put(to, order::TOTALS_TOTAL, said.current_total_price_set.stated(set))?;
    let included = said.taxes_included.stated(|yes| Ok(Value::Boolean(*yes)));
    put(to, order::TOTALS_TAX_INCLUDED, included)
}

fn remarks(said: &Order<'_>, to: &mut Fields) -> Result<(), Refused> {
    put(to, order::NOTES_CUSTOMER, plain(&said.note))?;
    put(to, order::TAGS, said.tags.stated(|tags| Ok(words(&tags.0))))?;
    put(to, order::CANCEL_REASON, plain(&said.cancel_reason))?;
    put(to, order::CANCEL_AT, moment(&said.cancelled_at))?;
    put(to, order::EXT, said.note_attributes.stated(attributes))
}

fn line_item(said: &Line<'_>) -> Result<ElementStatement, Refused> {
    if said.id == 0 {
        return refused("a line without a key");
    }
    let mut fields = Vec::with_capacity(9);
    let to = &mut fields;
    let sku = match &said.sku {
        Maybe::Is(sku) if sku.0.is_empty() => Ok(Some(None)),
        sku => plain(sku),
    };
    put(to, line::SKU, sku)?;
    put(to, line::NAME, plain(said.name.or(&said.title)))?;
    put(to, line::VARIANT, plain(&said.variant_title))?;
    put(to, line::UNIT_PRICE, said.price_set.stated(set))?;
    put(to, line::DISCOUNT, said.total_discount_set.stated(set))?;
    put(to, line::TAX, taxes(&said.tax_lines))?;
    let ships = said.requires_shipping.stated(|yes| Ok(Value::Boolean(*yes)));
    put(to, line::REQUIRES_SHIPPING, ships)?;
    put(to, line::PROPERTIES, said.properties.stated(pairs))?;
    let quantity = said.quantity.stated(|n| Ok(Value::Decimal(Decimal::from(*n))));
    put(to, line::QTY_ORDERED, quantity)?;
    Ok(ElementStatement {
        key: Some(said.id.to_string().into()),
        adds: true,
        fields,
        ..ElementStatement::default()
    })
}
