//! Reads JSON exactly: numbers never pass a float, a key twice is an error, nesting is bounded.

use std::collections::HashSet;

use rust_decimal::Decimal;
use thiserror::Error;

use super::Value;
use crate::diagnostic::Position;

/// Deepest nesting of a document.
pub const DEPTH: usize = 64;

/// Most digits of an exponent that is looked at; a decimal holds 28 digits in all.
const EXPONENT_DIGITS: usize = 3;

/// Objects with more keys are checked for repeated keys by a set, smaller ones by looking.
const FEW_KEYS: usize = 16;

/// Why a text is not readable as JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why} ({place})")]
pub struct JsonError {
    /// Byte of the text, from 0.
    pub at: usize,
    /// The same as people say it.
    pub place: Position,
    /// What is wrong.
    pub why: String,
}

impl JsonError {
    fn new(bytes: &[u8], at: usize, why: &str) -> Self {
        Self { at, place: Position::of(bytes, at), why: why.to_owned() }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::new(bytes, error.valid_up_to(), "not UTF-8"))?;
    // Some senders begin with a byte-order mark; RFC 8259 lets a reader ignore it.
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { text, bytes: text.as_bytes(), at: skipped };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < bytes.len() {
        return Err(reader.error("something stands behind the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, why: &str) -> JsonError {
        JsonError::new(self.bytes, self.at, why)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.blanks();
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH => Err(self.error("nested too deeply")),
            None => Err(self.error("the document ends too early")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        let words =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("not JSON"))
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut list = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Value::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(Value::List(list));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut map: Vec<(String, Value)> = Vec::new();
        let mut names: HashSet<String> = HashSet::new();
        self.blanks();
        if self.take(b'}') {
            return Ok(Value::Map(map));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in quotes"));
            }
            let key = self.string()?;
            if map.len() == FEW_KEYS {
                names.extend(map.iter().map(|(name, _)| name.clone()));
            }
            let twice = if map.len() < FEW_KEYS {
                map.iter().any(|(name, _)| *name == key)
            } else {
                !names.insert(key.clone())
            };
            if twice {
                return Err(JsonError::new(self.bytes, start, "a key is given twice"));
            }
            self.blanks();
            if !self.take(b':') {
                return Err(self.error("expected `:`"));
            }
            let value = self.value(depth + 1)?;
            map.push((key, value));
            self.blanks();
            if self.take(b'}') {
                return Ok(Value::Map(map));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let escaped = self.escape()?;
                    out.push(escaped);
                }
                Some(_) => return Err(self.error("a control character stands in a text")),
                None => return Err(self.error("a text is not closed")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = self.peek().ok_or_else(|| self.error("a text is not closed"))?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.error("an unknown escape")),
        })
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !(self.take(b'\\') && self.take(b'u')) {
                return Err(self.error("half of a surrogate pair"));
            }
            let second = self.hex4()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.error("half of a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair"))
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || digits.is_empty() {
            return Err(self.error("expected four hexadecimal digits"));
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.error("expected four hexadecimal digits"))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("a number begins with 0"));
            }
        } else if self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            if self.digits() == 0 {
                return Err(self.error("expected a digit behind the point"));
            }
        }
        if self.take(b'e') || self.take(b'E') {
            whole = false;
            if !self.take(b'-') {
                self.take(b'+');
            }
            match self.digits() {
                0 => return Err(self.error("expected a digit in the exponent")),
                count if count > EXPONENT_DIGITS => {
                    return Err(JsonError::new(self.bytes, start, TOO_LONG));
                }
                _ => {}
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if whole && let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        decimal(text).map(Value::Decimal).ok_or_else(|| JsonError::new(self.bytes, start, TOO_LONG))
    }
}

const TOO_LONG: &str = "a number has more digits than can be kept exactly";

/// The exact decimal, or none.
fn decimal(text: &str) -> Option<Decimal> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let exponent: i32 = exponent.parse().ok()?;
    let mantissa = Decimal::from_str_exact(mantissa).ok()?;
    if mantissa.is_zero() {
        return Some(Decimal::ZERO);
    }
    let scale = i32::try_from(mantissa.scale()).ok()?.checked_sub(exponent)?;
    if scale >= 0 {
        let scale = u32::try_from(scale).ok()?;
        return Decimal::try_from_i128_with_scale(mantissa.mantissa(), scale).ok();
    }
    let power = 10_i128.checked_pow(scale.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(mantissa.mantissa().checked_mul(power)?, 0).ok()
}
