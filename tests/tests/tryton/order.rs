//! Orders as the shop's vendor writes them: prices with tax, sums that add up.

use serde_json::{Value, json};

/// A line of an order: sku, pieces, price, and the tax in all of them.
pub(crate) type Line = (&'static str, u32, &'static str, &'static str);

/// An order of the shop, prices with tax, as its vendor writes it. `total` is what lines and shipping come to.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) lines: Vec<Line>,
    /// With tax, and the tax in it.
    pub(crate) shipping: (&'static str, &'static str),
    pub(crate) tax: &'static str,
    pub(crate) total: &'static str,
    pub(crate) street: &'static str,
    pub(crate) minute: u32,
    pub(crate) cancelled: bool,
}

impl Order {
    /// Two mugs, without tax.
    pub(crate) fn plain(number: u64) -> Self {
        Self {
            number,
            lines: vec![("MUG-BLUE", 2, "12.50", "0.00")],
            shipping: ("0.00", "0.00"),
            tax: "0.00",
            total: "25.00",
            street: "Harbour Street",
            minute: 0,
            cancelled: false,
        }
    }

    pub(crate) fn reference(&self) -> String {
        format!("shop_eu-{}", self.number)
    }

    pub(crate) fn body(&self) -> String {
        let money =
            |amount: &str| json!({ "shop_money": { "amount": amount, "currency_code": "EUR" } });
        let lines = self.lines.iter().zip(1..).map(|((sku, pieces, price, tax), place)| {
            json!({
                "id": self.number * 10 + place, "sku": sku, "name": format!("The {sku}"), "quantity": pieces,
                "price": price, "price_set": money(price), "total_discount": "0.00",
                "total_discount_set": money("0.00"), "requires_shipping": true,
                "tax_lines": [{ "price": tax, "price_set": money(tax) }],
            })
        });
        let cents = |text: &str| text.replace('.', "").parse::<u64>().expect("an amount in cents");
        let items: u64 =
            self.lines.iter().map(|(_, pieces, price, _)| u64::from(*pieces) * cents(price)).sum();
        let items = format!("{}.{:02}", items / 100, items % 100);
        let at = format!("2026-11-02T09:{:02}:00Z", self.minute);
        let address = json!({
            "name": format!("Recipient {}", self.number), "company": null,
            "address1": format!("{} {}", self.number, self.street), "address2": "2nd floor", "city": "Berlin",
            "province": "Berlin", "province_code": "BE", "zip": "10115", "country_code": "DE", "phone": null,
        });
        json!({
            "id": self.number, "name": format!("#{}", self.number), "test": false, "currency": "EUR",
            "presentment_currency": "EUR", "created_at": "2026-11-02T09:00:00Z",
            "processed_at": "2026-11-02T09:00:00Z", "updated_at": at, "financial_status": "paid",
            "cancelled_at": if self.cancelled { json!(at) } else { Value::Null }, "taxes_included": true,
            "email": format!("recipient-{}@example.com", self.number), "phone": null,
            "customer": { "id": 7_000 + self.number, "first_name": "Recipient", "last_name": self.number.to_string() },
            "shipping_address": address, "billing_address": address,
            "current_total_price": self.total, "current_total_price_set": money(self.total),
            "total_price": self.total, "total_price_set": money(self.total),
            "current_subtotal_price": items, "current_total_discounts": "0.00", "total_discounts": "0.00",
            "current_total_tax": self.tax, "total_tax": self.tax, "total_tip_received": "0.00",
            "total_shipping_price_set": money(self.shipping.0),
            "shipping_lines": [{ "price": self.shipping.0 }], "line_items": lines.collect::<Vec<_>>(),
        })
        .to_string()
    }
}
