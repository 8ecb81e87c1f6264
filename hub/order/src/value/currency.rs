//! Currencies: ISO 4217 codes and how many digits their amounts have.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 code, three upper-case letters, one of the list in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(pub [u8; 3]);

/// Active codes by the digits after the point. Source: ISO 4217 list one, 2024-06-25, without funds,
/// metals and codes for tests.
const CODES: [(u32, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN \
         BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
         GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR \
         LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
         PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
         SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR \
         ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Where each code stands in [`CODES`], counted in letters: every amount that comes in is looked up here.
static KNOWN: [u16; LETTERS * LETTERS * LETTERS] = table();
const LETTERS: usize = 26;
/// Rows are as far apart.
const ROW: usize = 1024;
const UNKNOWN: u16 = u16::MAX;

#[expect(
    clippy::indexing_slicing,
    reason = "computed by the compiler, which refuses what is out of bounds"
)]
const fn table() -> [u16; LETTERS * LETTERS * LETTERS] {
    let mut table = [UNKNOWN; LETTERS * LETTERS * LETTERS];
    let mut row = 0;
    while row < CODES.len() {
        let codes = CODES[row].1.as_bytes();
        assert!(codes.len() < ROW);
        let mut at = 0;
        while at + 2 < codes.len() {
            if let Some(place) = place([codes[at], codes[at + 1], codes[at + 2]]) {
                table[place] = (row * ROW + at) as u16;
            }
            at += 4;
        }
        row += 1;
    }
    table
}

/// Where a code stands in [`KNOWN`]; `None` if it is not three upper-case letters.
const fn place([first, second, third]: [u8; 3]) -> Option<usize> {
    if first.is_ascii_uppercase() && second.is_ascii_uppercase() && third.is_ascii_uppercase() {
        let first = (first - b'A') as usize * LETTERS * LETTERS;
        Some(first + (second - b'A') as usize * LETTERS + (third - b'A') as usize)
    } else {
        None
    }
}

impl Currency {
    /// Reads a code; lower case is forgiven, an unknown code is not.
    pub fn parse(text: &str) -> Option<Currency> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        let currency = Currency(letters.map(|letter| letter.to_ascii_uppercase()));
        currency.digits().map(|_| currency)
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the point: CNY 2, JPY 0, KWD 3. `None` for a code that is not in the list.
    pub fn digits(&self) -> Option<u32> {
        CODES.get(self.known()? / ROW).map(|(digits, _)| *digits)
    }

    /// The code as the list has it, which lives as long as the program. `None` for a code that is not in the list.
    pub fn name(&self) -> Option<&'static str> {
        let known = self.known()?;
        let (_, codes) = CODES.get(known / ROW)?;
        codes.get(known % ROW..known % ROW + 3)
    }

    fn known(&self) -> Option<usize> {
        let known = *KNOWN.get(place(self.0)?)?;
        (known != UNKNOWN).then_some(usize::from(known))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 code")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Currency, E> {
                Currency::parse(text).ok_or_else(|| E::custom("unknown currency"))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_digits() {
        for (code, digits) in [("CNY", 2), ("JPY", 0), ("KWD", 3), ("usd", 2), ("CLF", 4)] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(currency.digits(), Some(digits));
            assert_eq!(currency.name(), Some(currency.as_str()));
        }
        let listed: usize = CODES.iter().map(|(_, codes)| codes.split(' ').count()).sum();
        assert_eq!(KNOWN.iter().filter(|known| **known != UNKNOWN).count(), listed);
        for code in ["", "XXX", "EURO", "E", "\u{20ac}"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }
}
