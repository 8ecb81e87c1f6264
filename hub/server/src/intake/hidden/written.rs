//! Secrets in another writing: with letters written by their numbers (`%2F`, `&#47;`, `&amp;`, `\u002f`), also within each
//! other, and in base64, by itself or as a part of something longer.
//!
//! **Not hidden** is what takes more than reading: a secret in base64 or in base64 within one of these in other capitals
//! than its own, in hex, compressed, encrypted, turned round, or divided among several values.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::xml::reference;
use crate::tap::mask::MASK;

/// How often a text is read again: a form within an address within a document.
const ROUNDS: usize = 3;

/// Bytes that one of a secret may be written with, and its letters' numbers again.
const WIDEST: usize = 32;

/// Bytes of a text that are looked at together: what is known of each takes some room.
const PART: usize = 64 << 10;

/// A text as it is read.
struct Read {
    bytes: Vec<u8>,
    /// Where in the text each byte was written: from, and up to.
    at: Vec<(usize, usize)>,
}

impl Read {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let at = (0..bytes.len()).map(|place| (place, place + 1)).collect();
        Self { bytes, at }
    }

    /// With the letters in place of their numbers; `None`: it has none.
    fn again(&self) -> Option<Self> {
        let mut read = Self { bytes: Vec::with_capacity(self.bytes.len()), at: Vec::new() };
        let mut place = 0;
        while let Some(rest) = self.bytes.get(place..).filter(|rest| !rest.is_empty()) {
            let (letter, length) = letter(rest);
            let first = self.at.get(place).copied().unwrap_or_default();
            let last = self.at.get(place + length - 1).copied().unwrap_or(first);
            read.at.extend(letter.as_bytes().iter().map(|_| (first.0, last.1)));
            read.bytes.extend_from_slice(letter.as_bytes());
            place += length;
        }
        (read.bytes != self.bytes).then_some(read)
    }

    /// Where a secret was written, in capitals or not.
    fn places(&self, secret: &str) -> Vec<(usize, usize)> {
        let (sought, length) = (secret.as_bytes(), secret.len());
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(window) = self.bytes.get(from..from + length) {
            if !window.eq_ignore_ascii_case(sought) {
                from += 1;
                continue;
            }
            let (first, last) = (self.at.get(from), self.at.get(from + length - 1));
            places.extend(first.zip(last).map(|(first, last)| (first.0, last.1)));
            from += length;
        }
        places
    }
}

/// A letter, one byte or several.
enum Letter {
    Byte([u8; 1]),
    Char([u8; 4], usize),
}

impl Letter {
    fn of(letter: char) -> Self {
        let mut bytes = [0; 4];
        let length = letter.encode_utf8(&mut bytes).len();
        Self::Char(bytes, length)
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Byte(byte) => byte,
            Self::Char(bytes, length) => bytes.get(..*length).unwrap_or_default(),
        }
    }
}

/// The letter that a text begins with, and how long it is written.
fn letter(rest: &[u8]) -> (Letter, usize) {
    let hex = |from: usize, to: usize| {
        let digits = rest.get(from..to).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()
    };
    let found = match rest {
        [b'%', ..] => {
            hex(1, 3).and_then(|byte| Some((Letter::Byte([u8::try_from(byte).ok()?]), 3)))
        }
        [b'\\', b'u', ..] => hex(2, 6).and_then(char::from_u32).map(|c| (Letter::of(c), 6)),
        [b'\\', c @ (b'"' | b'/' | b'\\'), ..] => Some((Letter::Byte([*c]), 2)),
        [b'&', ..] => reference(rest).map(|(c, length)| (Letter::of(c), length)),
        _ => None,
    };
    found.unwrap_or((Letter::Byte([rest.first().copied().unwrap_or_default()]), 1))
}

/// Whether a text is written with numbers of letters.
fn is_written(text: &str) -> bool {
    text.contains(['%', '&', '\\'])
}

/// Whether a text is a secret in another writing.
pub(super) fn is(text: &str, secret: &str) -> bool {
    if !is_written(text) || text.len() > secret.len().saturating_mul(WIDEST) {
        return false;
    }
    let mut read = Read::of(text);
    for _ in 0..ROUNDS {
        let Some(again) = read.again() else { return false };
        read = again;
        if read.bytes.eq_ignore_ascii_case(secret.as_bytes()) {
            return true;
        }
    }
    false
}

/// A text without the secrets that stand in it in another writing; `None`: there are none.
pub(super) fn without<'s>(
    text: &str,
    secrets: impl Iterator<Item = &'s str> + Clone,
) -> Option<String> {
    if !is_written(text) {
        return None;
    }
    let longest = secrets.clone().map(str::len).max()?;
    let (mut places, mut from) = (Vec::new(), 0);
    // One that lies across the end of a part stands whole in it, or in the next.
    while from < text.len() {
        let next = text.ceil_char_boundary(from + PART);
        let to = text.ceil_char_boundary(next.saturating_add(longest.saturating_mul(WIDEST)));
        let mut read = Read::of(text.get(from..to).unwrap_or_default());
        for _ in 0..ROUNDS {
            let Some(again) = read.again() else { break };
            read = again;
            let found = secrets.clone().flat_map(|secret| read.places(secret));
            places.extend(found.map(|(first, last)| (from + first, from + last)));
        }
        from = next;
    }
    if places.is_empty() {
        return None;
    }
    places.sort_unstable();
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (from, to) in places.into_iter().filter(|(from, to)| from < to) {
        // One that was found in a round before, or lies over it.
        if from >= done {
            out.push_str(text.get(done..from).unwrap_or_default());
            out.push_str(MASK);
        }
        done = done.max(to);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Some(out)
}

/// What stands in base64 where a secret does, wherever it begins: the characters that are of it alone, where they are
/// at least so many.
pub(super) fn in_base64(secret: &str, least: usize) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let coded = engine.encode(&bytes);
            let own = coded.get(from..to).unwrap_or_default().to_owned();
            if own.len() >= least && !all.contains(&own) {
                all.push(own);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_a_part_is_looked_through_in_time_by_its_length() {
        let secret = "a/secret&of-letters";
        let coded: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for before in [PART - 20, PART - 1, PART, PART + 1, 3 * PART - 7] {
            let text = format!("{}{coded}é%", "ü&".repeat(before / 3));
            let masked = without(&text, [secret].into_iter());
            assert_eq!(masked, Some(text.replace(&coded, MASK)), "{before}");
        }
        // Not within a day, if each were compared with all that follow.
        assert_eq!(without(&"&".repeat(4 << 20), [secret].into_iter()), None);
    }
}
