//! From what is read to the hub's values, with the checks.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::contribution::Stated;
use orderhub_order::value::{Address, Currency, Money, Value};
use rust_decimal::Decimal;

use super::shape::{Amount, Customer, MaybeText, Pair, Place, Set, Tax, Text};
use super::{Refused, refused};

pub(super) fn plain(text: &MaybeText<'_>) -> Result<Option<Stated>, Refused> {
    text.stated(|text| Ok(Value::text(&*text.0)))
}

pub(super) fn moment(text: &MaybeText<'_>) -> Result<Option<Stated>, Refused> {
    text.stated(|text| time(text).map(Value::Timestamp))
}

pub(super) fn time(text: &Text<'_>) -> Result<Timestamp, Refused> {
    text.0.parse().or_else(|_| refused("not a time"))
}

pub(super) fn origin(name: &Text<'_>) -> Result<Value, Refused> {
    origin_name(name).map(Value::text)
}

pub(super) fn origin_name(name: &Text<'_>) -> Result<&'static str, Refused> {
    match &*name.0 {
        "web" | "pos" => Ok("checkout"),
        "shopify_draft_order" => Ok("draft"),
        _ => refused("an unknown origin"),
    }
}

pub(super) fn words(text: &str) -> Value {
    let words = text.split(", ").map(str::trim).filter(|word| !word.is_empty());
    Value::List(words.map(Into::into).collect())
}

pub(super) fn payment(status: &Text<'_>) -> Result<Value, Refused> {
    payment_name(status).map(Value::text)
}

pub(super) fn payment_name(status: &Text<'_>) -> Result<&'static str, Refused> {
    Ok(match &*status.0 {
        "pending" => "pending",
        "authorized" => "authorized",
        "paid" => "captured",
        "partially_paid" => "partially_captured",
        "partially_refunded" => "partially_refunded",
        "refunded" => "refunded",
        "voided" => "voided",
        "expired" => "failed",
        _ => return refused("an unknown payment state"),
    })
}

pub(super) fn full_name(customer: &Customer<'_>) -> Stated {
    let parts = [customer.first_name.is(), customer.last_name.is()];
    let parts = parts.into_iter().flatten().map(|part| &*part.0).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then(|| Value::text(name))
}

pub(super) fn address(place: &Place<'_>) -> Result<Value, Refused> {
    let part = |part: &MaybeText<'_>| part.is().map(|text| (&*text.0).into());
    let country = match place.country_code.is() {
        None => None,
        Some(code) if code.0.len() == 2 && code.0.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Some(code.0.to_ascii_uppercase().into())
        }
        Some(_) => return refused("not a country"),
    };
    Ok(Value::Address(Arc::new(Address {
        name: part(&place.name),
        company: part(&place.company),
        line1: part(&place.address1),
        line2: part(&place.address2),
        city: part(&place.city),
        region: part(place.province_code.or(&place.province)),
        postal_code: part(&place.zip),
        country,
        phone: part(&place.phone),
        ..Address::default()
    })))
}

pub(super) fn pairs(pairs: &Vec<Pair<'_>>) -> Result<Value, Refused> {
    let pair =
        |pair: &Pair<'_>| ((&*pair.name.0).into(), pair.value.is().map(|text| (&*text.0).into()));
    Ok(Value::Map(Arc::new(pairs.iter().map(pair).collect())))
}

/// The shop's free names, below one name of the hub's.
pub(super) fn attributes(list: &Vec<Pair<'_>>) -> Result<Value, Refused> {
    let pair = |pair: &Pair<'_>| {
        let name = format!("attributes.{}", pair.name.0);
        (name.into(), pair.value.is().map(|text| (&*text.0).into()))
    };
    Ok(Value::Map(Arc::new(list.iter().map(pair).collect())))
}

pub(super) fn set(set: &Set<'_>) -> Result<Value, Refused> {
    let Amount { amount, currency_code } = &set.shop_money;
    Ok(Value::Money(money(&amount.0, known(&currency_code.0)?)?))
}

pub(super) fn taxes(lines: &[Tax<'_>]) -> Result<Option<Stated>, Refused> {
    let mut sum: Option<Money> = None;
    for line in lines {
        let Amount { amount, currency_code } = &line.price_set.shop_money;
        let one = money(&amount.0, known(&currency_code.0)?)?;
        sum = Some(match sum {
            None => one,
            Some(sum) if sum.currency == one.currency => {
                fits(sum.amount + one.amount, sum.currency)?
            }
            Some(_) => return refused("two currencies in one sum"),
        });
    }
    Ok(sum.map(|sum| Some(Value::Money(sum))))
}

pub(super) fn currency(code: &MaybeText<'_>) -> Result<Currency, Refused> {
    match code.is() {
        Some(code) => known(&code.0),
        None => refused("no currency"),
    }
}

pub(super) fn known(code: &str) -> Result<Currency, Refused> {
    match (code.as_bytes().try_into().map(Currency), digits(code)) {
        (Ok(currency), Some(_)) => Ok(currency),
        _ => refused("not a currency"),
    }
}

pub(super) fn money(text: &str, currency: Currency) -> Result<Money, Refused> {
    fits(decimal(text)?, currency)
}

pub(super) fn fits(amount: Decimal, currency: Currency) -> Result<Money, Refused> {
    let digits = digits(currency.as_str()).unwrap_or(0);
    if amount.scale() > digits || amount.abs() >= Decimal::from(1_000_000_000_000_000_000_u64) {
        return refused("an amount that its currency does not have");
    }
    Ok(Money { amount, currency })
}

pub(super) fn decimal(text: &str) -> Result<Decimal, Refused> {
    Decimal::from_str_exact(text).or_else(|_| refused("not an exact number"))
}

/// Digits after the point. Enough codes for a shop; a `match` of three bytes is as fast as it gets.
pub(super) fn digits(code: &str) -> Option<u32> {
    Some(match code {
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "XAF" | "XOF" | "XPF" => 0,
        "AED" | "AUD" | "BRL" | "CAD" | "CHF" | "CNY" | "CZK" | "DKK" | "EGP" | "EUR" | "GBP"
        | "HKD" | "HUF" | "IDR" | "ILS" | "INR" | "MXN" | "MYR" | "NOK" | "NZD" | "PHP" | "PLN"
        | "RON" | "SAR" | "SEK" | "SGD" | "THB" | "TRY" | "TWD" | "UAH" | "USD" | "ZAR" => 2,
        _ => return None,
    })
}
