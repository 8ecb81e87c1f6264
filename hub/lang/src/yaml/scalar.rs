//! What a plain scalar is in the core schema of YAML 1.2: `no`, `on` and `0777` are no booleans and
//! no octals.

use rust_decimal::Decimal;

use super::NodeValue;
use crate::value::Value;

/// Reads a plain (unquoted) scalar.
pub(super) fn plain(text: &str) -> NodeValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ if is_number(text) => NodeValue::Number(text.to_owned()),
        _ => NodeValue::Text(text.to_owned()),
    }
}

/// Whole, decimal, with exponent, `0o…`, `0x…`. Infinities and not-a-number are texts here: no value of
/// the hub can hold them.
fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fine = !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && mantissa.bytes().next() != Some(b'+');
    let exponent_fine = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    mantissa_fine && exponent_fine
}

/// The exact value of a number as written; its text where it does not fit.
pub(super) fn number(text: &str) -> Value {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let whole = if let Some(digits) = unsigned.strip_prefix("0x") {
        i64::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = unsigned.strip_prefix("0o") {
        i64::from_str_radix(digits, 8).ok()
    } else {
        unsigned.parse().ok()
    };
    if let Some(whole) = whole {
        return Value::Int(whole);
    }
    let decimal = if unsigned.contains(['e', 'E']) {
        Decimal::from_scientific(unsigned).ok()
    } else {
        Decimal::from_str_exact(unsigned).ok()
    };
    decimal.map_or_else(|| Value::Text(text.to_owned()), Value::Decimal)
}
