//! Totals from payments, and whether the order's sums add up. Sums are flagged, never repaired.

use rust_decimal::Decimal;

use crate::catalogue::{FieldId, FieldType, catalogue, known};
use crate::ids::{At, Collection};
use crate::model::{Element, Order, Record};
use crate::value::{Currency, Money, Value};

/// Writes paid, refunded and due. Without payment facts all three are absent.
pub(super) fn write(order: &mut Order) {
    let totals = sums(order);
    let fields =
        [known::order::TOTALS_PAID, known::order::TOTALS_REFUNDED, known::order::TOTALS_DUE];
    for (field, value) in fields.into_iter().zip(totals) {
        match value {
            Some(money) if order.fields.money(field) != Some(&money) => {
                order.fields.set(field, Some(Value::Money(money)));
            }
            None => {
                order.fields.remove(field);
            }
            Some(_) => {}
        }
    }
}

fn sums(order: &Order) -> [Option<Money>; 3] {
    let total = order.fields.money(known::order::TOTALS_TOTAL);
    let stated = order.fields.text(known::order::CURRENCY).and_then(Currency::parse);
    let Some(currency) = stated.or(total.map(|total| total.currency)) else {
        return [None, None, None];
    };
    let facts: Vec<&Element> = order
        .elements(Collection::Payments)
        .filter(|fact| fact.fields.money(known::payment::AMOUNT).is_some())
        .collect();
    if facts.is_empty() {
        return [None, None, None];
    }
    let sum = |kinds: &[&str]| {
        let of_kind = facts.iter().filter(|fact| {
            let kind = fact.fields.text(known::payment::KIND);
            let status = fact.fields.text(known::payment::STATUS);
            status == Some("succeeded") && kind.is_some_and(|kind| kinds.contains(&kind))
        });
        of_kind
            .filter_map(|fact| fact.fields.money(known::payment::AMOUNT))
            // Another currency is a mismatch, which its hold shows; it cannot be summed.
            .try_fold(Money::zero(currency), |sum, amount| match sum.add(amount) {
                Ok(sum) => Some(sum),
                Err(_) if amount.currency != currency => Some(sum),
                Err(_) => None,
            })
    };
    let (paid, refunded) = (sum(&["capture", "sale"]), sum(&["refund", "chargeback"]));
    // What was paid and given back is not due again: a refund lowers what was owed as well.
    let due = total.zip(paid.as_ref()).and_then(|(total, paid)| total.sub(paid).ok());
    let due = due.map(|due| if due.amount < Decimal::ZERO { Money::zero(currency) } else { due });
    [paid, refunded, due]
}

/// What is wrong with the amounts, as the values that are wrong; `None` when nothing is.
pub(super) fn mismatch(order: &Order) -> Option<String> {
    foreign(order).or_else(|| unbalanced(order))
}

/// Amounts in another currency than the order's. What a carrier bills for a shipment is not part of
/// the order's money and may be in another.
fn foreign(order: &Order) -> Option<String> {
    let currency = Currency::parse(order.fields.text(known::order::CURRENCY)?)?;
    let mut found = Vec::new();
    let mut look = |at: &At, record: &Record| {
        for (field, value) in record.iter() {
            let amount = value.as_ref().and_then(Value::as_money);
            if let Some(amount) = amount.filter(|amount| amount.currency != currency) {
                found.push(format!("{} {amount}", at.path_of(field)));
            }
        }
    };
    look(&At::ROOT, &order.fields);
    for collection in
        [Collection::Lines, Collection::Payments, Collection::Returns, Collection::Invoices]
    {
        for (at, element) in order.elements_at(&At::ROOT, collection) {
            look(&at, &element.fields);
        }
    }
    if found.is_empty() {
        return None;
    }
    let count = found.len();
    found.truncate(3);
    Some(format!("order {currency}, {count} amounts in another: {}", found.join(", ")))
}

/// `total = items - discount + shipping + fees + (tax_included ? 0 : tax)`, within one minor unit per
/// line; unchecked when a part is absent.
fn unbalanced(order: &Order) -> Option<String> {
    use known::order as field;
    let amount = |id: FieldId| {
        debug_assert!(catalogue().field(id).is_some_and(|field| field.ty == FieldType::Money));
        order.fields.money(id)
    };
    let total = amount(field::TOTALS_TOTAL)?;
    let discount = amount(field::TOTALS_DISCOUNT)?;
    let mut sum = amount(field::TOTALS_ITEMS)?.sub(discount).ok()?;
    sum = sum.add(amount(field::TOTALS_SHIPPING)?).ok()?;
    sum = sum.add(amount(field::TOTALS_FEES)?).ok()?;
    let Value::Boolean(tax_included) = order.fields.value(field::TOTALS_TAX_INCLUDED)? else {
        return None;
    };
    if !tax_included {
        sum = sum.add(amount(field::TOTALS_TAX)?).ok()?;
    }
    let lines = Decimal::from(order.elements(Collection::Lines).count());
    let tolerance = Money::minor_unit(total.currency).checked_mul(lines)?;
    let off = total.sub(&sum).ok()?.amount.abs();
    (off > tolerance).then(|| format!("total {total}, its parts make {sum}"))
}
