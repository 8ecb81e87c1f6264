//! An order as a shop's queue carries it, 3.6 KB: the vendor's shape, own values, sums that add up.

use std::sync::LazyLock;

/// The template without the blanks that no sender would send.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../../data/bench/order.json");
    let lines: String = text.lines().map(str::trim).collect();
    lines.replace("\": ", "\":").replace(", \"", ",\"").replace("{ \"", "{\"").replace(" }", "}")
});

/// The body of order `number` at its `change`, from 1: the first finds it unpaid, later ones paid; each
/// is a minute newer and has another note.
pub fn body(number: u64, change: u64) -> String {
    let payment = if change == 1 { "pending" } else { "paid" };
    let (hour, minute) = (10 + change / 60, change % 60);
    let marks = [
        ("@ID@", (450_000_000_000 + number).to_string()),
        ("@CUSTOMER@", (7_000_000_000 + number).to_string()),
        ("@NUMBER@", number.to_string()),
        ("@PAYMENT@", payment.to_owned()),
        ("@NOTE@", format!("please ring twice, change {change}")),
        ("@UPDATED@", format!("2026-03-02T{hour:02}:{minute:02}:00+01:00")),
    ];
    marks.iter().fold(TEMPLATE.clone(), |body, (mark, value)| body.replace(mark, value))
}

/// The id that the shop gives to the message of that change.
pub fn message_id(number: u64, change: u64) -> String {
    format!("{number}-{change}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_body_has_the_size_that_the_bars_speak_of_and_its_sums_add_up() {
        let body = body(100_001, 2);
        assert!((3_500..3_700).contains(&body.len()), "{} bytes", body.len());
        let order: Value = serde_json::from_str(&body).expect("a body is JSON");
        let cents = |name: &str| {
            let text = order[name].as_str().expect("amounts are texts").replace('.', "");
            text.parse::<u64>().expect("amounts are numbers")
        };
        let items = cents("current_subtotal_price") + cents("current_total_discounts");
        assert_eq!(items, 2 * 2_490 + 1_250);
        assert_eq!(cents("current_total_price"), items - cents("current_total_discounts") + 490);
        assert_eq!(order["id"], 450_000_100_001_u64);
        assert_eq!(order["customer"]["email"], "buyer100001@example.com");
    }
}
