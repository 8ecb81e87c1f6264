//! Makes up orders in the vendor's shape: neutral customers, streets and articles, consistent sums. The same number gives
//! the same order.

use serde_json::{Value, json};

/// The marketplace of orders that are made up.
pub const MARKETPLACE: &str = "ATVPDKIKX0DER";

/// Articles: sku, name, price in cents.
const ARTICLES: [(&str, &str, u64); 5] = [
    ("MUG-BLU-L", "Mug, blue, large", 1_999),
    ("TEA-100", "Tea, 100 g", 500),
    ("LAMP-01", "Desk lamp", 4_990),
    ("NOTE-A5", "Notebook A5", 795),
    ("BAG-CAN", "Canvas bag", 1_250),
];

/// The vendor's id of the order with a number.
pub fn order_id(number: u64) -> String {
    format!("900-{:07}-{:07}", number / 10_000_000 % 10_000_000, number % 10_000_000)
}

/// Makes up the order with a number: of one or two items, ready to be shipped, by the merchant.
pub fn order(number: u64) -> Value {
    let lines = 1 + number % 2;
    let (mut items, mut sum) = (Vec::new(), 0);
    for line in 1..=lines {
        let article = usize::try_from((number + line) % 5).unwrap_or(0);
        let (sku, title, price) = ARTICLES.get(article).copied().unwrap_or(("MUG", "Mug", 100));
        let pieces = 1 + (number + line) % 3;
        sum += price * pieces;
        items.push(json!({
            "orderItemId": format!("{number}{line:02}"),
            "quantityOrdered": pieces,
            "product": { "asin": format!("B0{number:08}"), "title": title, "sellerSku": sku, "price": { "unitPrice": money(price) } },
            "proceeds": { "proceedsTotal": money(price * pieces), "breakdowns": [{ "type": "ITEM", "subtotal": money(price * pieces) }] },
            "fulfillment": { "quantityFulfilled": 0, "quantityUnfulfilled": pieces },
        }));
    }
    json!({
        "orderId": order_id(number),
        "salesChannel": { "channelName": "AMAZON", "marketplaceId": MARKETPLACE, "marketplaceName": "Amazon.com" },
        "buyer": { "buyerName": format!("Customer {number}"), "buyerEmail": format!("c{number}@marketplace.example") },
        "recipient": { "deliveryAddress": {
            "name": format!("Customer {number}"), "addressLine1": format!("{} Mill Lane", number % 98 + 1), "addressLine2": "",
            "city": "Portland", "stateOrRegion": "OR", "postalCode": "97201", "countryCode": "US", "addressType": "RESIDENTIAL",
        } },
        "proceeds": { "grandTotal": money(sum), "breakdowns": [{ "type": "ITEM", "subtotal": money(sum) }] },
        "fulfillment": { "fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT", "fulfillmentServiceLevel": "STANDARD" },
        "orderItems": items,
    })
}

fn money(cents: u64) -> Value {
    json!({ "amount": format!("{}.{:02}", cents / 100, cents % 100), "currencyCode": "USD" })
}
