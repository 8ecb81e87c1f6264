//! An order as the vendor's GraphQL Admin API shows it (schema of 2026-10): the whole tree, of which a document selects.

use serde_json::{Value, json};

use super::order::{FIRST_NAME, Fulfilment, Line, Order, Part, Payment, Place};
use super::render::money;
use crate::clock::stamp;

impl Place {
    pub(super) const ALL: [Self; 2] = [Self::Main, Self::Second];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Main => "gid://shopify/Location/1",
            Self::Second => "gid://shopify/Location/2",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Main => "Main",
            Self::Second => "Second",
        }
    }
}

impl Part {
    pub(super) const ALL: [Self; 2] = [Self::First, Self::Second];

    /// Ids of things have smaller numbers.
    const SECOND: u64 = 1_000_000_000_000_000;

    /// The number of a part of a thing.
    fn number(self, of: u64) -> u64 {
        match self {
            Self::First => of,
            Self::Second => Self::SECOND + of,
        }
    }

    /// The part that an id names, and of what.
    pub(super) fn of(id: &Value) -> Option<(Self, u64)> {
        let number = number(id)?;
        let second = number.checked_sub(Self::SECOND).map(|of| (Self::Second, of));
        Some(second.unwrap_or((Self::First, number)))
    }
}

pub(super) fn gid(kind: &str, id: impl std::fmt::Display) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// The number in an id: `gid://shopify/Order/7`.
pub(super) fn number(gid: &Value) -> Option<u64> {
    gid.as_str()?.rsplit('/').next()?.parse().ok()
}

/// An order; its webhook is the same one in the REST shape.
pub(super) fn order(order: &Order, shop: &str) -> Value {
    let current = order.sums(Line::current);
    let set = |minor| set(minor, order);
    let (first, last) = (FIRST_NAME, order.number.to_string());
    let email = format!("customer{last}@{shop}.example");
    let address = address(order);
    json!({
        "id": gid("Order", order.id),
        "legacyResourceId": order.id.to_string(),
        "name": format!("#{}", order.number),
        "test": false,
        "createdAt": stamp(order.created_at),
        "processedAt": stamp(order.created_at),
        "updatedAt": stamp(order.updated_at),
        "cancelledAt": order.cancelled.map(|(_, at)| stamp(at)),
        "cancelReason": order.cancelled.map(|(why, _)| why.to_uppercase()),
        "closedAt": null,
        "sourceName": "web",
        "customerLocale": "en",
        "poNumber": null,
        "note": order.note,
        "tags": order.tags,
        "email": email,
        "phone": null,
        "taxesIncluded": order.taxes_included,
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.currency,
        "displayFinancialStatus": financial_status(order.payment),
        "returnStatus": "NO_RETURN",
        "currentSubtotalPriceSet": set(current.gross - current.discount),
        "currentTotalDiscountsSet": set(current.discount),
        "totalShippingPriceSet": set(order.shipping),
        "currentTotalTaxSet": set(current.tax),
        "currentTotalPriceSet": set(order.total(current)),
        "totalTipReceivedSet": set(0),
        "customAttributes": [{ "key": "change", "value": order.sequence.to_string() }],
        "customer": {
            "id": gid("Customer", 200_000_000 + order.number), "firstName": first, "lastName": last,
            "defaultEmailAddress": { "emailAddress": email }, "defaultPhoneNumber": null,
        },
        "shippingAddress": address,
        "billingAddress": address,
        "lineItems": nodes(order.lines.iter().map(|it| line(it, order))),
        "fulfillmentOrders": nodes(fulfilment_orders(order)),
        "fulfillments": order.fulfilments.iter().map(|it| fulfilment(it, order)).collect::<Value>(),
        "transactions": transactions(order),
        "returns": nodes(std::iter::empty()),
    })
}

/// A connection that holds all.
pub(super) fn nodes(all: impl Iterator<Item = Value>) -> Value {
    json!({ "nodes": all.collect::<Value>(), "pageInfo": { "hasNextPage": false, "endCursor": null } })
}

fn address(order: &Order) -> Value {
    json!({
        "name": order.recipient(),
        "company": null,
        "address1": order.street(),
        "address2": null,
        "city": order.country.city,
        "province": order.country.region,
        "provinceCode": order.country.region,
        "zip": order.country.postal_code,
        "countryCodeV2": order.country.code,
        "phone": null,
    })
}

fn line(line: &Line, order: &Order) -> Value {
    let sums = line.sums(line.quantity, order);
    let tax = match order.tax_permille {
        0 => json!([]),
        _ => json!([{ "priceSet": set(sums.tax, order) }]),
    };
    json!({
        "id": gid("LineItem", line.id),
        "sku": line.sku,
        "name": line.title,
        "variantTitle": null,
        "quantity": line.quantity,
        "currentQuantity": line.current(),
        "nonFulfillableQuantity": line.removed,
        "requiresShipping": line.ships,
        "originalUnitPriceSet": set(line.price, order),
        "totalDiscountSet": set(line.discount, order),
        "customAttributes": [],
        "taxLines": tax,
    })
}

/// What the shop's locations still have to send.
fn fulfilment_orders(order: &Order) -> impl Iterator<Item = Value> {
    let apart = order.lines.iter().any(|line| line.apart > 0);
    let parts = Part::ALL.into_iter().filter(move |part| apart || *part == Part::First);
    parts.map(|part| fulfilment_order(order, part))
}

fn fulfilment_order(order: &Order, part: Part) -> Value {
    let left = order.lines.iter().map(|line| line.open_in(part)).sum::<u64>();
    let status = match (order.cancelled.is_some(), left == 0) {
        (true, _) => "CANCELLED",
        (false, true) => "CLOSED",
        (false, false) if order.fulfilments.is_empty() => "OPEN",
        (false, false) => "IN_PROGRESS",
    };
    let place = order.place(part);
    let lines = order.lines.iter().filter(|line| line.ships).map(|line| {
        json!({
            "id": gid("FulfillmentOrderLineItem", part.number(line.id)),
            "remainingQuantity": line.open_in(part),
            "lineItem": { "id": gid("LineItem", line.id) },
        })
    });
    json!({
        "id": gid("FulfillmentOrder", part.number(order.id)),
        "status": status,
        "assignedLocation": { "name": place.name(), "location": { "id": place.id() } },
        "fulfillmentHolds": [],
        "lineItems": nodes(lines),
    })
}

pub(super) fn fulfilment(fulfilment: &Fulfilment, order: &Order) -> Value {
    let lines =
        fulfilment.lines.iter().filter(|(id, _)| order.lines.iter().any(|line| line.id == *id));
    let lines = lines.map(
        |(id, pieces)| json!({ "quantity": pieces, "lineItem": { "id": gid("LineItem", id) } }),
    );
    let info = fulfilment.numbers().map(|number| {
        json!({ "company": fulfilment.company, "number": number, "url": fulfilment.tracking_url })
    });
    json!({
        "id": gid("Fulfillment", fulfilment.id),
        "status": "SUCCESS",
        "displayStatus": "FULFILLED",
        "createdAt": stamp(fulfilment.created_at),
        "trackingInfo": info.collect::<Value>(),
        "fulfillmentLineItems": nodes(lines),
    })
}

fn transactions(order: &Order) -> Value {
    let one = |refund: &super::order::Refund| {
        let at = stamp(refund.at);
        json!({
            "id": gid("OrderTransaction", refund.id + 50), "kind": "REFUND", "status": "SUCCESS",
            "gateway": "test_gateway", "processedAt": at, "createdAt": at, "test": false,
            "amountSet": set(refund.amount, order),
        })
    };
    order.refunds.iter().map(one).collect()
}

fn financial_status(payment: Payment) -> &'static str {
    match payment {
        Payment::Pending => "PENDING",
        Payment::Paid => "PAID",
        Payment::Voided => "VOIDED",
        Payment::Refunded => "REFUNDED",
        Payment::PartiallyRefunded => "PARTIALLY_REFUNDED",
    }
}

fn set(minor: u64, order: &Order) -> Value {
    let money = json!({ "amount": money(minor, order.scale), "currencyCode": order.currency });
    json!({ "shopMoney": money, "presentmentMoney": money })
}
