//! The functions of expressions. All are pure; all say what they cannot do without naming the value.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, Position};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use sha2::{Digest as _, Sha256};

use super::engine::{LONGEST_TEXT, Object, OfNothing, from_dynamic, to_dynamic};
use crate::escape::percent;
use crate::value::Value;

/// Every function.
pub const NAMES: &[&str] = &[
    "int",
    "decimal",
    "text",
    "json",
    "parse",
    "base64",
    "b64url",
    "hex",
    "upper",
    "lower",
    "md5",
    "sha256",
    "hmac_sha256",
    "urlencode",
    "len",
    "sum",
    "has",
    "quote",
    "div",
    "replace",
    "part",
    "starts",
];

type Outcome = Result<Dynamic, Box<EvalAltResult>>;

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("f_has", |x: Dynamic| !x.is_unit());
    engine.register_fn("f_int", int);
    engine.register_fn("f_decimal", decimal);
    engine.register_fn("f_text", text);
    engine.register_fn("f_json", |x: Dynamic| -> Outcome {
        Ok(Dynamic::from(from_dynamic(x).map_err(fail)?.to_json_text()))
    });
    engine.register_fn("f_parse", parse);
    engine.register_fn("f_base64", |x: Dynamic| encode("base64", &x, |b| STANDARD.encode(b)));
    engine.register_fn("f_b64url", |x: Dynamic| encode("b64url", &x, |b| URL_SAFE.encode(b)));
    engine.register_fn("f_hex", |x: Dynamic| encode("hex", &x, |b| hex::encode(b)));
    engine.register_fn("f_upper", |x: Dynamic| letters("upper", &x, |s| s.to_uppercase()));
    engine.register_fn("f_lower", |x: Dynamic| letters("lower", &x, |s| s.to_lowercase()));
    engine.register_fn("f_urlencode", |x: Dynamic| letters("urlencode", &x, percent));
    engine.register_fn("f_md5", |x: Dynamic| -> Outcome {
        Ok(Dynamic::from_blob(md5::Md5::digest(bytes("md5", &x)?).to_vec()))
    });
    engine.register_fn("f_sha256", |x: Dynamic| -> Outcome {
        Ok(Dynamic::from_blob(Sha256::digest(bytes("sha256", &x)?).to_vec()))
    });
    engine.register_fn("f_hmac_sha256", hmac_sha256);
    engine.register_fn("f_len", len);
    engine.register_fn("f_sum", sum);
    engine.register_fn("f_quote", quote);
    engine.register_fn("f_div", div);
    engine.register_fn("f_replace", replace);
    engine.register_fn("f_part", part);
    engine.register_fn("f_starts", |x: Dynamic, with: Dynamic| -> Outcome {
        let Some(text) = text_of("starts", &x)? else { return Ok(Dynamic::UNIT) };
        let with = text_of("starts", &with)?.ok_or_else(|| nothing("starts"))?;
        Ok(Dynamic::from_bool(text.starts_with(&with)))
    });
}

fn fail(why: impl Into<String>) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(why.into()), Position::NONE))
}

fn nothing(function: &'static str) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(OfNothing(function)), Position::NONE))
}

/// A number, also from its text; `None` for nothing.
fn number(function: &str, x: &Dynamic) -> Result<Option<Decimal>, Box<EvalAltResult>> {
    if x.is_unit() {
        return Ok(None);
    }
    let number = if let Ok(whole) = x.as_int() {
        Some(Decimal::from(whole))
    } else if let Some(number) = x.clone().try_cast::<Decimal>() {
        Some(number)
    } else if x.is_string() {
        let text = x.to_string();
        let text = text.trim();
        if text.contains(['e', 'E']) {
            Decimal::from_scientific(text).ok()
        } else {
            Decimal::from_str_exact(text).ok()
        }
    } else {
        None
    };
    number.map(Some).ok_or_else(|| fail(format!("{function}: not a number")))
}

/// What a text says in JSON, nothing where it is none; of a list of texts each, where it stands, and one that is none as
/// it is, so that nothing of a message is lost that stands among others.
fn parse(x: Dynamic) -> Outcome {
    let said = |x: &Dynamic| -> Result<Option<Dynamic>, Box<EvalAltResult>> {
        let bytes = bytes_or_nothing("parse", x)?;
        Ok(bytes.and_then(|b| Value::from_json(&b).ok()).map(|value| to_dynamic(&value)))
    };
    let each = |x: &Dynamic| said(x).map(|found| found.unwrap_or_else(|| x.clone()));
    match x.read_lock::<Array>() {
        Some(list) => Ok(Dynamic::from_array(list.iter().map(each).collect::<Result<_, _>>()?)),
        None => said(&x).map(|found| found.unwrap_or(Dynamic::UNIT)),
    }
}

/// A whole number; of a yes or no 1 or 0, so that an amount can be counted or left out; nothing stays nothing.
fn int(x: Dynamic) -> Outcome {
    if let Ok(yes) = x.as_bool() {
        return Ok(Dynamic::from_int(yes.into()));
    }
    let Some(number) = number("int", &x)? else { return Ok(Dynamic::UNIT) };
    let whole = number.fract().is_zero().then(|| number.to_i64()).flatten();
    whole.map(Dynamic::from_int).ok_or_else(|| fail("int: not a whole number of 64 bits"))
}

/// An exact decimal; nothing stays nothing.
fn decimal(x: Dynamic) -> Outcome {
    Ok(number("decimal", &x)?.map_or(Dynamic::UNIT, Dynamic::from_decimal))
}

/// The text of a scalar; nothing stays nothing.
fn text(x: Dynamic) -> Outcome {
    if x.is_unit() {
        return Ok(x);
    }
    let value = from_dynamic(x).map_err(fail)?;
    let text = value.scalar_text().map(std::borrow::Cow::into_owned);
    text.map(Dynamic::from).ok_or_else(|| fail(format!("text: {} has no text", value.kind())))
}

/// The bytes of a text, of bytes, or of a number's text.
fn bytes_or_nothing(function: &str, x: &Dynamic) -> Result<Option<Vec<u8>>, Box<EvalAltResult>> {
    if x.is_unit() {
        return Ok(None);
    }
    if let Some(blob) = x.clone().try_cast::<Blob>() {
        return Ok(Some(blob));
    }
    let value = from_dynamic(x.clone()).map_err(fail)?;
    match value.scalar_text() {
        Some(text) => Ok(Some(text.into_owned().into_bytes())),
        None => Err(fail(format!("{function}: {} has no bytes", value.kind()))),
    }
}

/// The same where nothing is an error: a signature over nothing would only fail elsewhere.
fn bytes(function: &'static str, x: &Dynamic) -> Result<Vec<u8>, Box<EvalAltResult>> {
    bytes_or_nothing(function, x)?.ok_or_else(|| nothing(function))
}

fn encode(function: &'static str, x: &Dynamic, encode: impl Fn(&[u8]) -> String) -> Outcome {
    Ok(Dynamic::from(encode(&bytes(function, x)?)))
}

/// Changes a text; nothing stays nothing.
fn letters(function: &str, x: &Dynamic, change: impl Fn(&str) -> String) -> Outcome {
    let Some(bytes) = bytes_or_nothing(function, x)? else { return Ok(Dynamic::UNIT) };
    let text = String::from_utf8(bytes).map_err(|_| fail(format!("{function}: not a text")))?;
    Ok(Dynamic::from(change(&text)))
}

/// Key first, as in the vendors' own formulas.
fn hmac_sha256(key: Dynamic, data: Dynamic) -> Outcome {
    let key = bytes("hmac_sha256", &key)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|_| fail("hmac_sha256: the key cannot be used"))?;
    mac.update(&bytes("hmac_sha256", &data)?);
    Ok(Dynamic::from_blob(mac.finalize().into_bytes().to_vec()))
}

/// Characters of a text, elements of a list, keys of an object; 0 of nothing.
fn len(x: Dynamic) -> Outcome {
    let count = if x.is_unit() {
        0
    } else if let Some(list) = x.clone().try_cast::<Array>() {
        list.len()
    } else if let Some(object) = x.clone().try_cast::<Object>() {
        object.0.as_map().map_or(0, <[_]>::len)
    } else if x.is_string() {
        x.to_string().chars().count()
    } else {
        return Err(fail("len: a number has no length"));
    };
    i64::try_from(count).map(Dynamic::from_int).map_err(|_| fail("len: too long"))
}

/// The exact sum of numbers and number texts; nothing counts as none.
fn sum(x: Dynamic) -> Outcome {
    let mut total = Decimal::ZERO;
    if !x.is_unit() {
        let list = x.try_cast::<Array>().ok_or_else(|| fail("sum: not a list"))?;
        for item in &list {
            if let Some(number) = number("sum", item)? {
                total = total.checked_add(number).ok_or_else(|| fail("sum: too large"))?;
            }
        }
    }
    let whole = (total.scale() == 0).then(|| total.to_i64()).flatten();
    Ok(whole.map_or(Dynamic::from_decimal(total), Dynamic::from_int))
}

/// A text as a literal of another language: `'` is doubled (SQL and its kin), `"` is escaped as in JSON.
fn quote(x: Dynamic, with: Dynamic) -> Outcome {
    let text = String::from_utf8(bytes("quote", &x)?).map_err(|_| fail("quote: not a text"))?;
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
        return Err(fail("quote: the text has control characters"));
    }
    match with.to_string().as_str() {
        "'" => {
            let mut out = String::new();
            // Writing to a String does not fail.
            let _fine = write!(out, "'{}'", text.replace('\'', "''"));
            Ok(Dynamic::from(out))
        }
        "\"" => Ok(Dynamic::from(Value::Text(text).to_json_text())),
        _ => Err(fail("quote: the second argument is \"'\" or '\"'")),
    }
}

/// `a / b` with `scale` decimals, halves away from zero.
fn div(a: Dynamic, b: Dynamic, scale: i64) -> Outcome {
    let missing = || nothing("div");
    let a = number("div", &a)?.ok_or_else(missing)?;
    let b = number("div", &b)?.ok_or_else(missing)?;
    let scale = u32::try_from(scale).ok().filter(|scale| *scale <= Decimal::MAX_SCALE);
    let scale = scale.ok_or_else(|| fail("div: the scale is 0 to 28"))?;
    let quotient = a.checked_div(b).ok_or_else(|| fail("div: division by zero"))?;
    let mut rounded =
        quotient.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(scale);
    Ok(Dynamic::from_decimal(rounded))
}

/// The text of a scalar; `None` of nothing.
fn text_of(function: &'static str, x: &Dynamic) -> Result<Option<String>, Box<EvalAltResult>> {
    let Some(bytes) = bytes_or_nothing(function, x)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| fail(format!("{function}: not a text")))
}

/// The text with every `what` replaced; nothing stays nothing.
fn replace(x: Dynamic, what: Dynamic, with: Dynamic) -> Outcome {
    let Some(text) = text_of("replace", &x)? else { return Ok(Dynamic::UNIT) };
    let what = text_of("replace", &what)?.filter(|what| !what.is_empty());
    let what = what.ok_or_else(|| fail("replace: what is replaced is empty"))?;
    let with = text_of("replace", &with)?.unwrap_or_default();
    let longer = with.len().saturating_sub(what.len()).saturating_mul(text.matches(&what).count());
    if text.len().saturating_add(longer) > LONGEST_TEXT {
        return Err(fail("replace: the text is too large"));
    }
    Ok(Dynamic::from(text.replace(&what, &with)))
}

/// So many characters of a text from a place on, the first is 0; what there is of them. Nothing stays nothing.
fn part(x: Dynamic, from: i64, length: i64) -> Outcome {
    let Some(text) = text_of("part", &x)? else { return Ok(Dynamic::UNIT) };
    let count = |number: i64| usize::try_from(number).map_err(|_| fail("part: a place below 0"));
    let part: String = text.chars().skip(count(from)?).take(count(length)?).collect();
    Ok(Dynamic::from(part))
}
