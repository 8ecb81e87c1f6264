//! `confirmShipment` of Orders v0: a package of an order is known by a number of the seller's.
//!
//! The same number again is the same package, with what is new of it. Another one of an order that has all of its pieces in
//! packages is refused (amzn/selling-partner-api-models, issue 5037). A number that is no text of digits above zero is
//! refused (issue 5094).

use serde_json::{Value, json};

use super::search::moment;
use super::{Amazon, CONFIRMED, CORRECTED, text};
use crate::frame::lock;
use crate::ledger::Effect;

/// Why a confirmation is refused: code and message.
pub(super) type No = (u16, &'static str, String);

impl Amazon {
    /// Takes a package.
    pub(super) fn confirm(&self, id: &str, asked: &Value) -> Result<(), No> {
        let package = package(asked)?;
        let number = text(&package["packageReferenceId"]);
        let now = self.frame.clock.ours();
        let mut book = lock(&self.book);
        let order = book
            .orders
            .get_mut(id)
            .ok_or_else(|| (404, "NotFound", "The requested resource doesn't exist.".to_owned()))?;
        fits(&order.document, asked)?;
        let packages = order.document["packages"].as_array().cloned().unwrap_or_default();
        let known = packages
            .iter()
            .position(|known| known["packageReferenceId"] == package["packageReferenceId"]);
        let mut all = packages;
        let kind = match known {
            Some(at) if all.get(at).is_some_and(|known| same(known, &package)) => {
                self.frame.ledger.repeated();
                return Ok(());
            }
            Some(at) => {
                if let Some(known) = all.get_mut(at) {
                    *known = package.clone();
                }
                CORRECTED
            }
            None => {
                all.push(package.clone());
                CONFIRMED
            }
        };
        let items = counted(&order.document, &all).ok_or_else(|| {
            let why = "Failed to create package due to not finding a matching package or order already fulfilled.";
            (400, "InvalidInput", why.to_owned())
        })?;
        let left = items.iter().any(|item| item["fulfillment"]["quantityUnfulfilled"] != 0);
        let status = if left { "PARTIALLY_SHIPPED" } else { "SHIPPED" };
        order.document["orderItems"] = Value::Array(items);
        order.document["packages"] = Value::Array(all);
        order.document["fulfillment"]["fulfillmentStatus"] = json!(status);
        order.touch(now);
        self.notify(&order.document);
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            reference: format!("{id}/{number}"),
            subject: id.to_owned(),
            ..Effect::default()
        });
        Ok(())
    }
}

/// The package that a request asks for, as an order shows it.
fn package(asked: &Value) -> Result<Value, No> {
    let invalid = |what: &str| {
        let why = format!(
            "The input you have submitted is not valid. Please check the fields with invalid type [packageDetail.{what}]."
        );
        (400, "InvalidInput", why)
    };
    let detail = &asked["packageDetail"];
    let said = |name: &str| detail[name].as_str().filter(|text| !text.is_empty());
    let number = said("packageReferenceId").filter(|number| {
        number.bytes().all(|digit| digit.is_ascii_digit())
            && number.bytes().any(|digit| digit != b'0')
    });
    let number = number.ok_or_else(|| invalid("packageReferenceId"))?;
    let carrier = said("carrierCode").ok_or_else(|| invalid("carrierCode"))?;
    if carrier == "Other" && said("carrierName").is_none() {
        return Err(invalid("carrierName"));
    }
    let tracking = said("trackingNumber").ok_or_else(|| invalid("trackingNumber"))?;
    // What the vendor's own example is answered with.
    let at = said("shipDate").filter(|at| moment(at).is_ok());
    let at = at.ok_or_else(|| (400, "Invalid Input", "Invalid Input".to_owned()))?;
    let items = detail["orderItems"].as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| invalid("orderItems"))?;
    let fine = |item: &Value| {
        item["orderItemId"].is_string()
            && item["quantity"].as_u64().is_some_and(|pieces| pieces > 0)
    };
    if !items.iter().all(fine) {
        return Err(invalid("orderItems"));
    }
    Ok(json!({
        "packageReferenceId": number,
        "packageStatus": { "status": "SHIPPED" },
        "carrier": said("carrierName").unwrap_or(carrier),
        "shipTime": at,
        "shippingService": said("shippingMethod"),
        "trackingNumber": tracking,
        "packageItems": items,
    }))
}

/// Whether a package may be confirmed of an order at all.
fn fits(order: &Value, asked: &Value) -> Result<(), No> {
    let no = |why: &str| (400, "InvalidInput", why.to_owned());
    if asked["marketplaceId"] != order["salesChannel"]["marketplaceId"] {
        return Err(no("Invalid marketplaceId."));
    }
    let (by, status) =
        (&order["fulfillment"]["fulfilledBy"], &order["fulfillment"]["fulfillmentStatus"]);
    if by == "AMAZON" {
        return Err(no("The order is not fulfilled by the merchant."));
    }
    if ["PENDING", "PENDING_AVAILABILITY", "CANCELLED", "UNFULFILLABLE"]
        .iter()
        .any(|word| status == word)
    {
        return Err(no("The order is not in a state in which it can be shipped."));
    }
    Ok(())
}

/// Whether a confirmation says what is known already.
fn same(known: &Value, package: &Value) -> bool {
    let members = ["carrier", "shipTime", "shippingService", "trackingNumber", "packageItems"];
    members.iter().all(|member| known[member] == package[member])
}

/// The items with what is in packages; `None`: an item that the order does not have, or more of it than was ordered.
fn counted(order: &Value, packages: &[Value]) -> Option<Vec<Value>> {
    let mut items = order["orderItems"].as_array()?.clone();
    let packed = packages.iter().flat_map(|package| package["packageItems"].as_array()).flatten();
    let packed: Vec<&Value> = packed.collect();
    let is_known =
        |packed: &&&Value| items.iter().any(|item| item["orderItemId"] == packed["orderItemId"]);
    if packed.iter().filter(is_known).count() != packed.len() {
        return None;
    }
    for item in &mut items {
        let of = packed.iter().filter(|packed| packed["orderItemId"] == item["orderItemId"]);
        let sent: u64 = of.filter_map(|packed| packed["quantity"].as_u64()).sum();
        let left = item["quantityOrdered"].as_u64()?.checked_sub(sent)?;
        item["fulfillment"]["quantityFulfilled"] = json!(sent);
        item["fulfillment"]["quantityUnfulfilled"] = json!(left);
    }
    Some(items)
}
