//! The way back by hand: the order as it stands, written as the shop's JSON, with the values that went out;
//! the same bytes and values as the mapping gives, with the same checks: amounts are amounts, times are
//! times, a reference that is missing stops it, absent and null apart.

use std::collections::HashMap;

use orderhub_order::catalogue::FieldId;
use orderhub_order::catalogue::known::{line, order};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::{Lane, Xref};
use orderhub_order::model::{Element, Order, Record};
use orderhub_order::value::{Address, Value};
use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::shape::Maybe;
use super::shop_shape::{Amount, Billing, Customer, Line, Pair, Place, Set, Shop};
use super::{Refused, refused};

/// The values that went out, each with its place.
pub(crate) type Sent = Vec<(At, FieldId, Stated)>;

/// An exact number, without a float on the way.
pub(super) fn number<S: Serializer>(exact: &Maybe<Decimal>, to: S) -> Result<S::Ok, S::Error> {
    let text = exact.is().map(Decimal::to_string);
    let raw = text.map(RawValue::from_string).transpose();
    raw.map_err(S::Error::custom)?.serialize(to)
}

/// Reads the fields of one record and notes what was read.
struct Reader<'r, 'o> {
    at: &'r At,
    record: &'o Record,
    sent: &'r mut Sent,
}

impl<'o> Reader<'_, 'o> {
    fn field<T>(
        &mut self,
        id: FieldId,
        read: impl FnOnce(&'o Value) -> Option<T>,
    ) -> Result<Maybe<T>, Refused> {
        let Some(stated) = self.record.get(id) else { return Ok(Maybe::Absent) };
        self.sent.push((self.at.clone(), id, stated.clone()));
        match stated {
            None => Ok(Maybe::Null),
            Some(value) => match read(value) {
                Some(value) => Ok(Maybe::Is(value)),
                None => refused("a value of another type"),
            },
        }
    }

    fn text(&mut self, id: FieldId) -> Result<Maybe<&'o str>, Refused> {
        self.field(id, Value::as_str)
    }

    fn amount(&mut self, id: FieldId) -> Result<Maybe<Decimal>, Refused> {
        self.field(id, |value| Some(value.as_money()?.amount))
    }

    fn set(&mut self, id: FieldId) -> Result<Option<Set<'o>>, Refused> {
        let set = self.field(id, |value| {
            let money = value.as_money()?;
            Some(Set {
                shop_money: Amount { amount: &money.amount, currency_code: money.currency },
            })
        });
        Ok(match set? {
            Maybe::Is(set) => Some(set),
            Maybe::Null | Maybe::Absent => None,
        })
    }

    fn time(&mut self, id: FieldId) -> Result<Maybe<jiff::Timestamp>, Refused> {
        self.field(id, |value| if let Value::Timestamp(at) = value { Some(*at) } else { None })
    }

    fn yes(&mut self, id: FieldId) -> Result<Maybe<bool>, Refused> {
        self.field(id, |value| if let Value::Boolean(yes) = value { Some(*yes) } else { None })
    }

    fn address(&mut self, id: FieldId) -> Result<Maybe<&'o Address>, Refused> {
        self.field(
            id,
            |value| if let Value::Address(place) = value { Some(&**place) } else { None },
        )
    }

    fn pairs(&mut self, id: FieldId, below: &str) -> Result<Maybe<Vec<Pair<'o>>>, Refused> {
        self.field(id, |value| {
            let Value::Map(map) = value else { return None };
            let mut pairs = Vec::with_capacity(map.len());
            for (name, text) in &**map {
                let Some(name) = name.strip_prefix(below) else { continue };
                let Some(text) = text else {
                    pairs.push(Pair { name, value: None });
                    continue;
                };
                // A repeated name was read as a list of its texts.
                match text.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(text)) {
                    Some(Ok(texts)) if texts.len() > 1 => {
                        let texts = texts.into_iter().map(|text| Some(text.into()));
                        pairs.extend(texts.map(|value| Pair { name, value }));
                    }
                    _ => pairs.push(Pair { name, value: Some((&**text).into()) }),
                }
            }
            Some(pairs)
        })
    }
}

/// Maps an order back: the shop's bytes, and the values that went out.
pub(crate) fn map(order: &Order, lane: &Lane) -> Result<(Vec<u8>, Sent), Refused> {
    let lines = order.elements(Collection::Lines).count();
    let mut sent = Vec::with_capacity(22 + 8 * lines);
    let shop = shop(order, lane, &mut sent)?;
    let mut bytes = Vec::with_capacity(1024);
    serde_json::to_writer(&mut bytes, &shop)?;
    let key = |(at, id, _): &(At, FieldId, Stated)| (at.clone(), *id);
    // Ten lines and more: `L10` stands before `L2`.
    if lines > 9 {
        sent.sort_by_cached_key(key);
    }
    Ok((bytes, sent))
}

fn shop<'o>(order: &'o Order, lane: &'o Lane, sent: &mut Sent) -> Result<Shop<'o>, Refused> {
    let at = At::ROOT;
    let mut read = Reader { at: &at, record: &order.fields, sent };
    let to = &mut read;
    let name = to.field(order::ORDER_NO, |value| Some(format!("#{}", value.as_str()?)))?;
    let source_name = to.text(order::CHANNEL_NAME)?;
    let origin = to.field(order::ORIGIN, |value| Some(!value.as_str()?.is_empty()))?;
    if matches!((&source_name, &origin), (Maybe::Absent, Maybe::Is(_))) {
        return refused("the yardstick writes the channel's own name only");
    }
    let processed_at = to.time(order::PLACED_AT)?;
    let currency = to.text(order::CURRENCY)?;
    let customer_locale = to.text(order::LANGUAGE)?;
    let email = to.text(order::CUSTOMER_EMAIL)?;
    let phone = to.text(order::CUSTOMER_PHONE)?;
    let customer = customer(lane, &phone)?;
    let company = to.text(order::CUSTOMER_COMPANY)?;
    let ship_to = to.address(order::ADDRESSES_SHIP_TO)?;
    let bill_to = to.address(order::ADDRESSES_BILL_TO)?;
    let current_total_discounts = to.amount(order::TOTALS_DISCOUNT)?;
    let total_shipping_price_set = to.set(order::TOTALS_SHIPPING)?;
    let current_total_tax = to.amount(order::TOTALS_TAX)?;
    let total_tip_received = to.amount(order::TOTALS_FEES)?;
    let current_total_price_set = to.set(order::TOTALS_TOTAL)?;
    let taxes_included = to.yes(order::TOTALS_TAX_INCLUDED)?;
    let note = to.text(order::NOTES_CUSTOMER)?;
    let tags = to.field(order::TAGS, |value| {
        if let Value::List(items) = value { Some(items.join(", ")) } else { None }
    })?;
    let cancel_reason = to.text(order::CANCEL_REASON)?;
    let cancelled_at = to.time(order::CANCEL_AT)?;
    let note_attributes = to.pairs(order::EXT, "attributes.")?;
    let links = Links::of(lane);
    let line = |element| line_item(element, &links, sent);
    let line_items = order.elements(Collection::Lines).map(line).collect::<Result<_, _>>()?;
    Ok(Shop {
        name,
        source_name,
        processed_at,
        currency,
        customer_locale,
        cancel_reason,
        cancelled_at,
        customer,
        email,
        phone,
        billing_address: billing(bill_to, company)?,
        shipping_address: shipping(ship_to),
        current_total_price_set,
        current_total_discounts,
        total_shipping_price_set,
        current_total_tax,
        total_tip_received,
        taxes_included,
        note,
        tags,
        note_attributes,
        line_items,
    })
}

/// The telephone is the order's; where there is none it is told here, too.
fn customer<'o>(lane: &'o Lane, phone: &Maybe<&str>) -> Result<Customer<'o>, Refused> {
    let phone = if matches!(phone, Maybe::Null) { Maybe::Null } else { Maybe::Absent };
    let own = |xref: &&Xref| &*xref.kind == "customer" && xref.at == At::ROOT;
    match lane.xrefs.iter().find(own) {
        Some(xref) => Ok(Customer { id: &xref.ext_id, phone }),
        None => refused("not linked: customer"),
    }
}

/// The other place of a region that there is not.
fn emptied<'o>(place: &Address) -> Maybe<&'o str> {
    if place.region.is_some() { Maybe::Absent } else { Maybe::Null }
}

fn shipping(place: Maybe<&Address>) -> Maybe<Place<'_>> {
    let place = match place {
        Maybe::Absent => return Maybe::Absent,
        Maybe::Null => return Maybe::Null,
        Maybe::Is(place) => place,
    };
    Maybe::Is(Place {
        name: place.name.as_deref(),
        company: place.company.as_deref(),
        address1: place.line1.as_deref(),
        address2: place.line2.as_deref(),
        city: place.city.as_deref(),
        province_code: place.region.as_deref(),
        province: emptied(place),
        zip: place.postal_code.as_deref(),
        country_code: place.country.as_deref(),
        phone: place.phone.as_deref(),
    })
}

/// The company of the bill is the customer's.
fn billing<'o>(
    place: Maybe<&'o Address>,
    company: Maybe<&'o str>,
) -> Result<Maybe<Billing<'o>>, Refused> {
    Ok(match (place, company) {
        (Maybe::Is(place), company) => Maybe::Is(Billing {
            company,
            name: place.name.as_deref(),
            address1: place.line1.as_deref(),
            address2: place.line2.as_deref(),
            city: place.city.as_deref(),
            province_code: place.region.as_deref(),
            province: emptied(place),
            zip: place.postal_code.as_deref(),
            country_code: place.country.as_deref(),
            phone: place.phone.as_deref(),
        }),
        (_, Maybe::Is(_)) => {
            return refused("the yardstick writes a company with its address only");
        }
        (Maybe::Null, _) => Maybe::Null,
        (Maybe::Absent, _) => Maybe::Absent,
    })
}

fn line_item<'o>(
    element: &'o Element,
    links: &Links<'o>,
    sent: &mut Sent,
) -> Result<Line<'o>, Refused> {
    let at = At::of(Collection::Lines, element.id.clone());
    let mut read = Reader { at: &at, record: &element.fields, sent };
    let line = Line {
        sku: read.text(line::SKU)?,
        name: read.text(line::NAME)?,
        variant_title: read.text(line::VARIANT)?,
        price_set: read.set(line::UNIT_PRICE)?,
        total_discount_set: read.set(line::DISCOUNT)?,
        requires_shipping: read.yes(line::REQUIRES_SHIPPING)?,
        properties: read.pairs(line::PROPERTIES, "")?,
        quantity: read.field(line::QTY_ORDERED, Value::as_decimal)?,
        id: None,
    };
    Ok(Line { id: links.line(&at), ..line })
}

/// The shop's ids of lines: few are looked through, many are hashed.
enum Links<'o> {
    Few(&'o [Xref]),
    Many(HashMap<&'o At, &'o str>),
}

impl<'o> Links<'o> {
    fn of(lane: &'o Lane) -> Self {
        if lane.xrefs.len() <= 16 {
            return Self::Few(&lane.xrefs);
        }
        let lines = lane.xrefs.iter().filter(|xref| &*xref.kind == "line");
        Self::Many(lines.map(|xref| (&xref.at, &*xref.ext_id)).collect())
    }

    fn line(&self, at: &At) -> Option<&'o str> {
        match self {
            Self::Few(xrefs) => {
                let known = xrefs.iter().find(|xref| &*xref.kind == "line" && xref.at == *at);
                known.map(|xref| &*xref.ext_id)
            }
            Self::Many(known) => known.get(at).copied(),
        }
    }
}
