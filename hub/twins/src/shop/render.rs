//! An order as the vendor's REST resource, which its webhooks carry (read 2026-11 in the vendor's
//! reference, "Order" and "Webhook payloads"). Members that nobody could read differently are left out.

use serde_json::{Value, json};

use super::order::{FIRST_NAME, Fulfilment, Line, Order, Payment, Refund};
use crate::clock::stamp;

/// The body of a webhook about an order.
pub(super) fn order(order: &Order, shop: &str) -> Value {
    let ordered = order.sums(|line| line.quantity);
    let current = order.sums(Line::current);
    let sum = |minor| money(minor, order.scale);
    let set = |minor| money_set(minor, order);
    let mut body = json!({
        "id": order.id,
        "admin_graphql_api_id": format!("gid://shopify/Order/{}", order.id),
        "name": format!("#{}", order.number),
        "number": order.number.saturating_sub(1_000),
        "order_number": order.number,
        "created_at": stamp(order.created_at),
        "processed_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
        "cancelled_at": order.cancelled.map(|(_, at)| stamp(at)),
        "cancel_reason": order.cancelled.map(|(why, _)| why),
        "closed_at": null,
        "confirmed": true,
        "test": false,
        "source_name": "web",
        "currency": order.currency,
        "presentment_currency": order.currency,
        "customer_locale": "en",
        "financial_status": financial_status(order.payment),
        "fulfillment_status": fulfillment_status(order),
        "note": order.note,
        "note_attributes": [{ "name": "change", "value": order.sequence.to_string() }],
        "tags": order.tags.join(", "),
        "taxes_included": order.taxes_included,
        "total_line_items_price": sum(ordered.gross),
        "total_tip_received": sum(0),
        "shipping_lines": shipping_lines(order),
        "line_items": order.lines.iter().map(|it| line(it, it.quantity, order)).collect::<Value>(),
        "fulfillments": fulfilments(order),
        "refunds": order.refunds.iter().map(|it| refund(it, order)).collect::<Value>(),
    });
    let sums = json!({
        "subtotal_price": sum(ordered.gross - ordered.discount),
        "total_discounts": sum(ordered.discount),
        "total_tax": sum(ordered.tax),
        "total_price": sum(order.total(ordered)),
        "total_price_set": set(order.total(ordered)),
        "total_shipping_price_set": set(order.shipping),
        "current_subtotal_price": sum(current.gross - current.discount),
        "current_total_discounts": sum(current.discount),
        "current_total_tax": sum(current.tax),
        "current_total_price": sum(order.total(current)),
        "current_total_price_set": set(order.total(current)),
    });
    merge(&mut body, sums);
    merge(&mut body, people(order, shop));
    body
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// Who ordered, and where it goes: nobody real.
fn people(order: &Order, shop: &str) -> Value {
    let (first, last) = (FIRST_NAME, order.number.to_string());
    let email = format!("customer{last}@{shop}.example");
    let address = json!({
        "first_name": first,
        "last_name": last,
        "name": order.recipient(),
        "company": null,
        "address1": order.street(),
        "address2": null,
        "city": order.country.city,
        "zip": order.country.postal_code,
        "province": order.country.region,
        "province_code": order.country.region,
        "country": order.country.name,
        "country_code": order.country.code,
        "phone": null,
    });
    json!({
        "email": email,
        "contact_email": email,
        "phone": null,
        "customer": {
            "id": 200_000_000 + order.number, "email": email, "first_name": first, "last_name": last,
        },
        "billing_address": address,
        "shipping_address": address,
    })
}

/// The body of the webhook about an edit that took a piece off a line: none of the order's own.
pub(super) fn edit(order: &Order, line: u64) -> Value {
    json!({ "order_edit": {
        "id": order.id + order.sequence,
        "order_id": order.id,
        "created_at": stamp(order.updated_at),
        "committed_at": stamp(order.updated_at),
        "notify_customer": false,
        "reason": "",
        "line_items": { "additions": [], "removals": [{ "id": line, "delta": 1 }] },
    } })
}

pub(super) fn line(line: &Line, pieces: u64, order: &Order) -> Value {
    let sums = line.sums(line.quantity, order);
    let tax = if order.tax_permille == 0 {
        json!([])
    } else {
        // A decimal fraction, written from its digits: no float comes near an amount.
        let rate = format!("0.{:03}", order.tax_permille);
        json!([{ "title": "Tax", "rate": rate, "price": money(sums.tax, order.scale),
            "price_set": money_set(sums.tax, order) }])
    };
    json!({
        "id": line.id,
        "admin_graphql_api_id": format!("gid://shopify/LineItem/{}", line.id),
        "sku": line.sku,
        "title": line.title,
        "name": line.title,
        "variant_title": null,
        "quantity": pieces,
        "current_quantity": line.current(),
        "fulfillable_quantity": line.open(),
        "fulfillment_status": match (line.fulfilled, line.open()) {
            (0, _) => Value::Null,
            (_, 0) => json!("fulfilled"),
            _ => json!("partial"),
        },
        "requires_shipping": line.ships,
        "taxable": order.tax_permille > 0,
        "price": money(line.price, order.scale),
        "price_set": money_set(line.price, order),
        "total_discount": money(line.discount, order.scale),
        "total_discount_set": money_set(line.discount, order),
        "tax_lines": tax,
        "properties": [],
    })
}

pub(super) fn fulfilments(order: &Order) -> Value {
    order.fulfilments.iter().enumerate().map(|(at, it)| fulfilment(it, at, order)).collect()
}

pub(super) fn fulfilment(fulfilment: &Fulfilment, at: usize, order: &Order) -> Value {
    let find = |id: &u64| order.lines.iter().find(|line| line.id == *id);
    let lines = fulfilment.lines.iter();
    let lines = lines.filter_map(|(id, pieces)| find(id).map(|it| line(it, *pieces, order)));
    json!({
        "id": fulfilment.id,
        "order_id": order.id,
        "name": format!("#{}.{}", order.number, at + 1),
        "status": "success",
        "service": "manual",
        "shipment_status": null,
        "created_at": stamp(fulfilment.created_at),
        "updated_at": stamp(fulfilment.updated_at),
        "tracking_company": fulfilment.company,
        "tracking_number": fulfilment.tracking_no,
        "tracking_numbers": fulfilment.numbers().collect::<Vec<_>>(),
        "tracking_url": fulfilment.tracking_url,
        "tracking_urls": fulfilment.tracking_url.iter().collect::<Vec<_>>(),
        "line_items": lines.collect::<Value>(),
    })
}

fn refund(refund: &Refund, order: &Order) -> Value {
    let at = stamp(refund.at);
    let lines: Vec<Value> = refund
        .lines
        .iter()
        .enumerate()
        .map(|(n, (line, pieces))| {
            json!({ "id": refund.id + n as u64, "line_item_id": line, "quantity": pieces,
                "restock_type": "cancel" })
        })
        .collect();
    json!({
        "id": refund.id,
        "order_id": order.id,
        "created_at": at,
        "processed_at": at,
        "note": "not in stock",
        "refund_line_items": lines,
        "transactions": [{
            "id": refund.id + 50, "order_id": order.id, "kind": "refund", "gateway": "test_gateway",
            "status": "success", "amount": money(refund.amount, order.scale), "currency": order.currency,
            "created_at": at, "processed_at": at,
        }],
    })
}

fn shipping_lines(order: &Order) -> Value {
    json!([{
        "id": order.id + 1, "title": "Standard", "code": "Standard", "source": "shopify",
        "price": money(order.shipping, order.scale), "price_set": money_set(order.shipping, order),
        "tax_lines": [],
    }])
}

fn financial_status(payment: Payment) -> &'static str {
    match payment {
        Payment::Pending => "pending",
        Payment::Paid => "paid",
        Payment::Voided => "voided",
        Payment::Refunded => "refunded",
        Payment::PartiallyRefunded => "partially_refunded",
    }
}

fn fulfillment_status(order: &Order) -> Option<&'static str> {
    if order.fulfilments.is_empty() {
        return None;
    }
    Some(if order.is_fulfilled() { "fulfilled" } else { "partial" })
}

fn money_set(minor: u64, order: &Order) -> Value {
    let money = json!({ "amount": money(minor, order.scale), "currency_code": order.currency });
    json!({ "shop_money": money, "presentment_money": money })
}

/// `1999` with two digits is `19.99`.
pub(super) fn money(minor: u64, scale: u32) -> String {
    let unit = 10_u64.pow(scale);
    match usize::try_from(scale) {
        Ok(0) | Err(_) => minor.to_string(),
        Ok(width) => format!("{}.{:0width$}", minor / unit, minor % unit),
    }
}
