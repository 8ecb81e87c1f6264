//! The simplest value that still shows what is wrong.

use orderhub_order::catalogue::FieldType;
use orderhub_order::value::{Money, Text, Value};
use rust_decimal::Decimal;

/// Makes a value simpler as long as it still shows the same, at most `steps` times.
pub(super) fn shrink(
    value: &Value,
    ty: &FieldType,
    shows: &dyn Fn(&Value) -> bool,
    steps: usize,
) -> Value {
    let mut best = value.clone();
    // Any other word is none that such a field holds.
    let closed = matches!(
        ty,
        FieldType::Enum(_)
            | FieldType::Country
            | FieldType::Currency
            | FieldType::Language
            | FieldType::Uom
    );
    let steps = if closed { 0 } else { steps };
    for _ in 0..steps {
        let Some(simpler) = simpler(&best).into_iter().find(|simpler| shows(simpler)) else {
            break;
        };
        best = simpler;
    }
    best
}

/// Values that are simpler than one, the simplest first. Each is smaller by some measure: this ends.
fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::Text(text) => texts(text).into_iter().map(Value::text).collect(),
        Value::Integer(whole) => {
            let smaller = [0, 1, whole / 10, whole / 2, whole - whole.signum()];
            smaller
                .into_iter()
                .filter(|other| other.unsigned_abs() < whole.unsigned_abs())
                .map(Value::Integer)
                .collect()
        }
        Value::Decimal(exact) => decimals(*exact).into_iter().map(Value::Decimal).collect(),
        Value::Money(money) => decimals(money.amount)
            .into_iter()
            .map(|amount| Value::Money(Money { amount, currency: money.currency }))
            .collect(),
        Value::Timestamp(at) => {
            let whole = |seconds: i64| {
                let second = at.as_second() - at.as_second().rem_euclid(seconds);
                jiff::Timestamp::from_second(second).ok().filter(|other| other != at)
            };
            [86_400, 3_600, 60, 1].into_iter().filter_map(whole).map(Value::Timestamp).collect()
        }
        Value::List(items) => {
            let mut lists = Vec::new();
            for left_out in 0..items.len() {
                let rest = items.iter().enumerate().filter(|(place, _)| *place != left_out);
                lists.push(Value::List(rest.map(|(_, item)| item.clone()).collect()));
            }
            for (place, item) in items.iter().enumerate() {
                for text in texts(item) {
                    let mut other: Vec<Text> = items.to_vec();
                    if let Some(item) = other.get_mut(place) {
                        *item = text.into();
                    }
                    lists.push(Value::List(other.into()));
                }
            }
            lists
        }
        Value::Date(_) | Value::Boolean(_) | Value::Address(_) | Value::Map(_) | Value::Ref(_) => {
            Vec::new()
        }
    }
}

/// Shorter texts, then those with a letter `a` in the place of another.
fn texts(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let of = |letters: &[char]| letters.iter().collect::<String>();
    let mut found = Vec::new();
    let half = letters.len() / 2;
    if half > 0 {
        found.push(of(letters.get(..half).unwrap_or_default()));
        found.push(of(letters.get(half..).unwrap_or_default()));
    }
    for left_out in 0..letters.len().min(64) {
        let mut rest = letters.clone();
        rest.remove(left_out);
        found.push(of(&rest));
    }
    for place in 0..letters.len().min(64) {
        let mut plain = letters.clone();
        if let Some(letter) = plain.get_mut(place).filter(|letter| !matches!(letter, 'a' | ' ')) {
            *letter = 'a';
            found.push(of(&plain));
        }
    }
    found.retain(|other| !other.is_empty());
    found
}

/// Numbers with fewer digits.
fn decimals(exact: Decimal) -> Vec<Decimal> {
    let mut found = vec![Decimal::ZERO, Decimal::ONE];
    let fraction = exact.fract();
    if !exact.trunc().is_zero() {
        found.push(fraction);
        found.push(Decimal::from(10) + fraction);
    }
    found.push(exact.abs());
    for scale in 0..exact.scale() {
        found.push(exact.trunc_with_scale(scale));
    }
    let digits =
        |number: &Decimal| (number.is_sign_negative(), number.normalize().to_string().len());
    let own = digits(&exact);
    found.retain(|other| digits(other) < own);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Value {
        Value::Decimal(Decimal::from_str_exact(text).unwrap())
    }

    #[test]
    fn the_simplest_value_that_still_shows_it() {
        let long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > 3);
        assert_eq!(
            shrink(&Value::text("straße ÄÖ"), &FieldType::Text, &long, 200),
            Value::text("aaaa")
        );
        let fine = |value: &Value| value.as_decimal().is_some_and(|number| number.scale() > 2);
        assert_eq!(
            shrink(&decimal("-1234567.891"), &FieldType::Decimal, &fine, 200),
            decimal("0.891")
        );
        let whole = |value: &Value| matches!(value, Value::Integer(whole) if *whole > 9);
        assert_eq!(
            shrink(&Value::Integer(1_000_000), &FieldType::Integer, &whole, 200),
            Value::Integer(10)
        );
        let comma = |value: &Value| matches!(value, Value::List(items) if items.iter().any(|item| item.contains(',')));
        let list = Value::List([Text::from("big"), Text::from("x, y")].into_iter().collect());
        let small = Value::List([Text::from(",")].into_iter().collect());
        assert_eq!(shrink(&list, &FieldType::List, &comma, 200), small);
    }
}
