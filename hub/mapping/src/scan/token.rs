//! JSON tokens over validated UTF-8: strict, without allocation, bounded in depth.
//!
//! Accepts exactly RFC 8259: no comments, no trailing commas, no lone surrogates, one value.

use std::borrow::Cow;

/// Deepest nesting that is read, the same as that of trees; deeper documents are refused as malformed.
pub(crate) const DEPTH: u32 = orderhub_lang::value::DEPTH as u32;

/// Where and why a text is not the JSON that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScanError {
    /// Byte offset.
    pub(crate) at: usize,
    /// A stable cause.
    pub(crate) cause: &'static str,
    /// What is wrong.
    pub(crate) why: String,
}

/// The same, boxed: results of tokens are moved about, and nearly all are good.
pub(crate) type Refused = Box<ScanError>;

/// What kind of value starts here, with its bytes where it is a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, as written.
    Number,
    /// A text without escapes; the span is without its quotes.
    Text,
    /// A text with escapes; the span is without its quotes.
    Escaped,
    /// `{`
    Object,
    /// `[`
    Array,
}

/// A cursor over one text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    /// The whole text.
    pub(crate) text: &'a str,
    bytes: &'a [u8],
    /// The next byte.
    pub(crate) at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    /// At the start of a text, behind its byte-order mark: some senders begin with one, and RFC 8259
    /// lets a reader ignore it.
    pub(crate) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, bytes: text.as_bytes(), at, depth: 0 }
    }

    /// An error here.
    #[cold]
    pub(crate) fn wrong(&self, why: &str) -> Refused {
        let why = if self.at >= self.bytes.len() { "the document ends too early" } else { why };
        Box::new(ScanError { at: self.at, cause: "malformed", why: why.to_owned() })
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at).copied() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Consumes one expected byte after white space.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, why: &str) -> Result<(), Refused> {
        if self.bytes.get(self.at) == Some(&byte) || self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.wrong(why))
    }

    /// Consumes one byte after white space if it is there.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Refused> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("something follows the document: one body holds one")),
        }
    }

    /// Reads a scalar whole, or the opening bracket of an object or array. The span of a text is
    /// without its quotes.
    pub(crate) fn value(&mut self) -> Result<(Token, usize, usize), Refused> {
        let Some(byte) = self.peek() else { return Err(self.wrong("a value is missing")) };
        let start = self.at;
        let token = match byte {
            b'"' => {
                self.at += 1;
                return self.rest_of_string();
            }
            b'{' => {
                self.at += 1;
                self.enter()?;
                Token::Object
            }
            b'[' => {
                self.at += 1;
                self.enter()?;
                Token::Array
            }
            b't' => self.word("true", Token::True)?,
            b'f' => self.word("false", Token::False)?,
            b'n' => self.word("null", Token::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.wrong("a value is expected")),
        };
        Ok((token, start, self.at))
    }

    fn word(&mut self, word: &str, token: Token) -> Result<Token, Refused> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word.as_bytes()) {
            return Err(self.wrong("a value is expected"));
        }
        self.at = end;
        Ok(token)
    }

    fn enter(&mut self) -> Result<(), Refused> {
        self.depth += 1;
        if self.depth > DEPTH {
            let why = format!("nested deeper than {DEPTH} levels");
            return Err(Box::new(ScanError { at: self.at, cause: "too_deep", why }));
        }
        Ok(())
    }

    /// After the closing bracket of an object or array.
    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Token, Refused> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let leading_zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.wrong("not a number"));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.wrong("digits are missing after the point"));
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.wrong("digits are missing after the exponent"));
            }
        }
        Ok(Token::Number)
    }

    /// Reads a string whose opening quote is next.
    pub(crate) fn string(&mut self) -> Result<(Token, usize, usize), Refused> {
        self.expect(b'"', "a text is expected")?;
        self.rest_of_string()
    }

    /// Reads a string behind its opening quote.
    fn rest_of_string(&mut self) -> Result<(Token, usize, usize), Refused> {
        let start = self.at;
        let mut token = Token::Text;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(ahead) = special(rest) else {
                self.at = self.bytes.len();
                return Err(self.wrong("a text is not closed"));
            };
            self.at += ahead;
            match rest.get(ahead) {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok((token, start, end));
                }
                Some(b'\\') => {
                    token = Token::Escaped;
                    self.escape()?;
                }
                Some(_) | None => return Err(self.wrong("a control character in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Refused> {
        match self.bytes.get(self.at + 1).copied() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(self.at + 2) {
                Some(0xD800..=0xDBFF) => {
                    let pair = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u".as_slice());
                    match self.unit(self.at + 8) {
                        Some(0xDC00..=0xDFFF) if pair => self.at += 12,
                        _ => return Err(self.wrong("half of a surrogate pair")),
                    }
                }
                Some(0xDC00..=0xDFFF) => return Err(self.wrong("half of a surrogate pair")),
                Some(_) => self.at += 6,
                None => return Err(self.wrong("four hexadecimal digits are missing")),
            },
            Some(_) | None => return Err(self.wrong("an unknown escape in a text")),
        }
        Ok(())
    }

    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(self.text.get(at..at + 4)?, 16).ok()
    }

    /// Reads and checks one value without keeping anything.
    pub(crate) fn skip(&mut self) -> Result<(), Refused> {
        match self.value()?.0 {
            Token::Object => self.skip_object(),
            Token::Array => self.skip_array(),
            Token::Null
            | Token::True
            | Token::False
            | Token::Number
            | Token::Text
            | Token::Escaped => Ok(()),
        }
    }

    /// Behind the opening bracket of an object.
    pub(super) fn skip_object(&mut self) -> Result<(), Refused> {
        if !self.take(b'}') {
            loop {
                self.string()?;
                self.expect(b':', "`:` is expected")?;
                self.skip()?;
                if self.take(b'}') {
                    break;
                }
                self.expect(b',', "`,` or `}` is expected")?;
            }
        }
        self.leave();
        Ok(())
    }

    /// Behind the opening bracket of an array.
    pub(super) fn skip_array(&mut self) -> Result<(), Refused> {
        if !self.take(b']') {
            loop {
                self.skip()?;
                if self.take(b']') {
                    break;
                }
                self.expect(b',', "`,` or `]` is expected")?;
            }
        }
        self.leave();
        Ok(())
    }
}

/// Where a text ends, is escaped, or has what it may not have: the first quote, backslash or control
/// character. Eight bytes at a time.
pub(crate) fn special(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = flags(u64::from_le_bytes(*eight));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    // What is left is looked at together with what was looked at, so that it is one word again.
    let (four, last) = (rest.first_chunk::<4>(), rest.last_chunk::<4>());
    let word = |four: &[u8; 4]| u64::from(u32::from_le_bytes(*four));
    let clean = match (bytes.last_chunk(), four.zip(last)) {
        (Some(eight), _) => flags(u64::from_le_bytes(*eight)) == 0,
        (None, Some((first, last))) => flags(word(first) | word(last) << 32) == 0,
        (None, None) => false,
    };
    if clean {
        return None;
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    found.map(|found| at + found)
}

/// A flag at each special byte; what is flagged behind the first may be wrong.
fn flags(eight: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // A byte that is none becomes the sign of its place.
    let none = |of: u64| of.wrapping_sub(ONES) & !of;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    let quote = none(eight ^ (ONES * u64::from(b'"')));
    (quote | none(eight ^ (ONES * u64::from(b'\\'))) | control) & HIGH
}

/// A text's value from the bytes between its quotes, whose escapes were checked.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut letters = after.chars();
        let letter = letters.next().unwrap_or('\\');
        rest = letters.as_str();
        match letter {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let (unit, after) = unit(rest);
                rest = after;
                let (letter, after) = match unit {
                    0xD800..=0xDBFF => pair(unit, rest),
                    other => (char::from_u32(other), rest),
                };
                rest = after;
                out.push(letter.unwrap_or('\u{fffd}'));
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn unit(text: &str) -> (u32, &str) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or(("", text));
    (u32::from_str_radix(digits, 16).unwrap_or(0xFFFD), rest)
}

fn pair(high: u32, rest: &str) -> (Option<char>, &str) {
    let Some(rest) = rest.strip_prefix("\\u") else { return (None, rest) };
    let (low, rest) = unit(rest);
    let low = low.wrapping_sub(0xDC00) & 0x3FF;
    (char::from_u32(0x10000 + ((high - 0xD800) << 10) + low), rest)
}
