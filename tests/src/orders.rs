//! Orders as a shop's queue carries them: the vendor's shape, own values, sums that add up.

use crate::broker::Message;

/// What one order message says.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The system it comes from, for the header `x-system`.
    pub shop: &'a str,
    /// The number; `id` is made of it.
    pub number: u64,
    /// From 1: each change of an order is one minute newer than the one before.
    pub change: u64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Unit price in the currency's own scale, as text.
    pub price: &'a str,
    /// The order's total as text; right if it is the price.
    pub total: &'a str,
    /// `financial_status`.
    pub payment: &'a str,
}

impl<'a> Order<'a> {
    /// A paid order of one piece at 19.90 EUR.
    pub fn paid(shop: &'a str, number: u64, change: u64) -> Self {
        Self {
            shop,
            number,
            change,
            currency: "EUR",
            price: "19.90",
            total: "19.90",
            payment: "paid",
        }
    }

    /// The body: what changes from one change to the next is the note and the time.
    pub fn body(&self) -> String {
        let Self { number, change, currency, price, total, payment, .. } = self;
        let zero = if price.contains('.') { "0.00" } else { "0" };
        let money = |amount: &str| {
            format!(
                r#"{{"shop_money":{{"amount":"{amount}","currency_code":"{currency}"}},"presentment_money":{{"amount":"{amount}","currency_code":"{currency}"}}}}"#
            )
        };
        let (price_set, total_set, zero_set) = (money(price), money(total), money(zero));
        let at =
            format!("2026-03-0{}T{:02}:{:02}:00Z", 1 + change / 600, 8 + change / 60, change % 60);
        format!(
            r##"{{"id":{id},"name":"#{number}","test":false,"source_name":"web","created_at":"2026-03-01T08:00:00Z","processed_at":"2026-03-01T08:00:00Z","updated_at":"{at}","cancelled_at":null,"closed_at":null,"currency":"{currency}","presentment_currency":"{currency}","customer_locale":"en","financial_status":"{payment}","fulfillment_status":null,"cancel_reason":null,"email":"customer-{number}@example.com","phone":null,"note":"change {change}","tags":"","taxes_included":true,"current_total_price":"{total}","current_total_price_set":{total_set},"total_price":"{total}","total_price_set":{total_set},"current_subtotal_price":"{price}","current_total_discounts":"{zero}","total_discounts":"{zero}","current_total_tax":"{zero}","total_tax":"{zero}","total_shipping_price_set":{zero_set},"total_tip_received":"{zero}","customer":{{"id":{customer},"first_name":"Customer","last_name":"{number}"}},"shipping_address":{{"name":"Customer {number}","company":null,"address1":"{number} Harbour Street","address2":null,"city":"Hamburg","province":null,"province_code":null,"zip":"20457","country_code":"DE","phone":null}},"billing_address":null,"note_attributes":[],"shipping_lines":[],"refunds":[],"fulfillments":[],"line_items":[{{"id":{line},"sku":"MUG-BLUE","name":"Mug, blue","title":"Mug","variant_title":"blue","quantity":1,"price":"{price}","price_set":{price_set},"total_discount":"{zero}","total_discount_set":{zero_set},"tax_lines":[],"requires_shipping":true,"properties":[]}}]}}"##,
            id = self.id(),
            customer = 7_000_000_000 + number,
            line = self.id() * 10 + 1,
        )
    }

    /// The shop's own id of the order: two shops have the same numbers and other ids.
    pub fn id(&self) -> u64 {
        let shop = self.shop.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 9_973);
        450_000_000_000 + shop * 10_000_000 + self.number
    }

    /// The message on the queue.
    pub fn message(&self) -> Message {
        Message {
            id: Some(format!("{}-{}-{}", self.shop, self.number, self.change)),
            headers: vec![("x-system", self.shop.to_owned())],
            body: self.body().into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_are_json_and_the_shops_apart() {
        let (eu, us) = (Order::paid("shop_eu", 1001, 1), Order::paid("shop_us", 1001, 1));
        serde_json::from_str::<serde_json::Value>(&eu.body()).expect("a body is JSON");
        assert_ne!(eu.id(), us.id());
    }
}
