//! An order as the vendor's GraphQL Admin API shows it (schema of 2026-10): the whole tree, of which a document selects.

use serde_json::{Value, json};

use super::order::{FIRST_NAME, Fulfilment, Line, Order, Payment};
use super::render::money;
use crate::clock::stamp;

/// The only location of a shop.
pub(super) const LOCATION: &str = "gid://shopify/Location/1";

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
        "fulfillmentOrders": nodes(std::iter::once(fulfilment_order(order))),
        "fulfillments": order.fulfilments.iter().map(|it| fulfilment(it, order)).collect::<Value>(),
        "transactions": transactions(order),
        "refunds": refunds(order),
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
        "fulfillmentStatus": match (line.fulfilled, line.open()) {
            (0, _) => "unfulfilled",
            (_, 0) => "fulfilled",
            _ => "partial",
        },
        "requiresShipping": line.ships,
        "originalUnitPriceSet": set(line.price, order),
        "totalDiscountSet": set(line.discount, order),
        "customAttributes": [],
        "taxLines": tax,
    })
}

/// What the shop's one location still has to send.
fn fulfilment_order(order: &Order) -> Value {
    let status = match (order.cancelled.is_some(), order.is_fulfilled()) {
        (true, _) => "CANCELLED",
        (false, true) => "CLOSED",
        (false, false) if order.fulfilments.is_empty() => "OPEN",
        (false, false) => "IN_PROGRESS",
    };
    let lines = order.lines.iter().filter(|line| line.ships).map(|line| {
        json!({
            "id": gid("FulfillmentOrderLineItem", line.id),
            "remainingQuantity": line.open(),
            "lineItem": { "id": gid("LineItem", line.id) },
        })
    });
    json!({
        "id": gid("FulfillmentOrder", order.id),
        "status": status,
        "assignedLocation": { "name": "Main", "location": { "id": LOCATION } },
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

fn refunds(order: &Order) -> Value {
    let one = |refund: &super::order::Refund| {
        let lines = refund.lines.iter().map(|(line, pieces)| {
            json!({ "quantity": pieces, "restockType": "CANCEL", "lineItem": { "id": gid("LineItem", line) } })
        });
        json!({ "id": gid("Refund", refund.id), "createdAt": stamp(refund.at), "refundLineItems": nodes(lines) })
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
