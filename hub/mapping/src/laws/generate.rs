//! Values to try a field with: those that are known to be awkward, then others that are made.
//!
//! **Invariant:** the same field is tried with the same values every time. Test: `the_same_values_every_time`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::value::{Currency, Money, Text, Value};
use rust_decimal::Decimal;

use super::ends::Key;

/// Numbers that look like chance, the same ones every time.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Of a name, so that a field's values do not depend on its neighbours.
    pub(super) fn of(name: &str) -> Self {
        // FNV-1a.
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound above 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let place = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
        from.get(place)
    }

    fn whole(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).unwrap_or_default()
    }
}

/// At most `most` values of a field, the awkward ones first.
pub(super) fn values(key: &Key, most: usize) -> Vec<Value> {
    let mut chance = Chance::of(&key.path());
    let ty = key.ty();
    let money = catalogue().field(key.id).and_then(|field| field.money_digits());
    let mut values = corners(&ty, money);
    for _ in values.len()..most {
        values.extend(made(&ty, money, &mut chance));
    }
    values.truncate(most.max(CORNERS));
    values
}

/// Awkward values are tried even where few are asked for.
const CORNERS: usize = 16;

const TEXTS: [&str; 16] = [
    "A",
    "Ab c",
    "straße ÄÖ",
    " x ",
    "0012",
    "#1",
    "a, b",
    "1,5",
    "x;y",
    "漢字 かな",
    "The quick brown fox jumps over the lazy dog, twice, and once more",
    "O'Neil \"B\"",
    "true",
    "12.50",
    "a|b-c/d",
    "two\nlines",
];
const CURRENCIES: [&str; 6] = ["EUR", "JPY", "KWD", "USD", "CNY", "GBP"];
const AMOUNTS: [&str; 9] =
    ["12.50", "0", "10.005", "-3.1", "1234567.89", "1", "0.333333", "99999999.99", "7.125"];
const TIMES: [&str; 8] = [
    "2026-11-20T01:15:30.123456Z",
    "2026-03-01T00:00:00Z",
    "2024-02-29T23:59:59.5Z",
    "1999-12-31T22:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-11-01T05:30:00Z",
    "2038-01-19T03:14:08Z",
    "2026-07-04T15:00:00Z",
];
const DAYS: [&str; 5] = ["2024-02-29", "2026-11-09", "2026-01-31", "1999-12-31", "2038-12-01"];
const NUMBERS: [&str; 10] =
    ["0", "1", "1.50", "-0.001", "10.005", "1234567.891", "0.333333333333", "7", "100", "2.5"];

fn corners(ty: &FieldType, money: Option<u32>) -> Vec<Value> {
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::text(*text)).collect();
    match ty {
        FieldType::Text => texts(&TEXTS),
        FieldType::Enum(name) => texts(catalogue().enum_values(name)),
        FieldType::Country => texts(&["DE", "US", "CN", "GB", "BR"]),
        FieldType::Currency => texts(&CURRENCIES),
        FieldType::Language => texts(&["de", "en-US", "zh-CN", "pt-BR"]),
        FieldType::Uom => texts(&["C62", "KGM", "MTR", "LTR"]),
        FieldType::Integer => {
            [0, 1, -1, 7, 42, 1_000_000, 2_147_483_648].map(Value::Integer).into()
        }
        FieldType::Decimal => {
            NUMBERS.iter().filter_map(|text| decimal(text)).map(Value::Decimal).collect()
        }
        FieldType::Money => {
            let each = |amount: &&str| {
                CURRENCIES
                    .iter()
                    .filter_map(|code| Money::parse(amount, code, money).ok())
                    .collect()
            };
            let amounts = AMOUNTS.iter().flat_map(|amount| -> Vec<Money> { each(amount) });
            amounts.map(Value::Money).collect()
        }
        FieldType::Timestamp => {
            TIMES.iter().filter_map(|text| text.parse().ok()).map(Value::Timestamp).collect()
        }
        FieldType::Date => {
            DAYS.iter().filter_map(|text| text.parse().ok()).map(Value::Date).collect()
        }
        FieldType::Boolean => [true, false].map(Value::Boolean).into(),
        FieldType::List => {
            let lists: [&[&str]; 5] =
                [&["a"], &["a", "b"], &[], &["big order", "x, y"], &["Ä", "ß", "a;b"]];
            lists
                .iter()
                .map(|items| Value::List(items.iter().map(|item| Text::from(*item)).collect()))
                .collect()
        }
        FieldType::Map => {
            let maps: [&[(&str, Option<&str>)]; 4] = [
                &[("a", Some("1"))],
                &[],
                &[("b", None), ("c d", Some("x, y"))],
                &[("n", Some("1.50"))],
            ];
            maps.iter().map(|entries| map(entries)).collect()
        }
        FieldType::Address | FieldType::Ref(_) => Vec::new(),
    }
}

fn map(entries: &[(&str, Option<&str>)]) -> Value {
    let entries = entries.iter().map(|(name, text)| (Text::from(*name), text.map(Text::from)));
    Value::Map(Arc::new(entries.collect::<BTreeMap<_, _>>()))
}

fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

/// Letters of texts: capital, small, digits, signs that systems put between things, and some beyond ASCII.
const LETTERS: [char; 24] = [
    'a', 'b', 'k', 'z', 'A', 'M', 'Z', '0', '1', '9', ' ', ' ', '-', '/', '.', ',', ';', '#', '_',
    '\'', 'ä', 'ß', 'é', '漢',
];

fn text(chance: &mut Chance) -> String {
    let length = chance.below(40) + 1;
    (0..length).filter_map(|_| chance.pick(&LETTERS).copied()).collect()
}

/// One more value; `None`: the type has no others.
fn made(ty: &FieldType, money: Option<u32>, chance: &mut Chance) -> Option<Value> {
    Some(match ty {
        FieldType::Text => Value::text(text(chance)),
        FieldType::Integer => Value::Integer(chance.whole(1_000_000_000_000) - 1_000),
        FieldType::Decimal => {
            let digits = u32::try_from(chance.below(7)).unwrap_or_default();
            Value::Decimal(Decimal::new(chance.whole(10_000_000_000), digits))
        }
        FieldType::Money => {
            let code = chance.pick(&CURRENCIES)?;
            let currency = Currency::parse(code)?;
            let digits = money.unwrap_or_default().max(currency.digits().unwrap_or_default());
            let amount = Decimal::new(chance.whole(100_000_000_000), digits);
            Value::Money(Money::with_digits(amount, currency, digits).ok()?)
        }
        FieldType::Timestamp => {
            // 2000 to 2068: what two digits of a year can say.
            let at = 946_684_800_000_000 + chance.whole(2_145_916_800_000_000);
            Value::Timestamp(Timestamp::from_microsecond(at).ok()?)
        }
        FieldType::Date => {
            let day = jiff::civil::date(2000, 1, 1);
            let days = jiff::Span::new().try_days(chance.whole(25_000)).ok()?;
            Value::Date(day.checked_add(days).ok()?)
        }
        FieldType::List => {
            let items = chance.below(4);
            Value::List(
                (0..items)
                    .map(|_| Text::from(text(chance).trim()))
                    .filter(|item| !item.is_empty())
                    .collect(),
            )
        }
        FieldType::Map => {
            let name = text(chance);
            let text = text(chance);
            map(&[(name.as_str(), Some(text.as_str()))])
        }
        FieldType::Enum(_)
        | FieldType::Country
        | FieldType::Currency
        | FieldType::Language
        | FieldType::Uom
        | FieldType::Boolean
        | FieldType::Address
        | FieldType::Ref(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_every_time() {
        for field in catalogue().fields() {
            let key = Key { id: field.id, part: None };
            let once = values(&key, 60);
            assert_eq!(once, values(&key, 60), "{}", key.path());
            assert!(once.len() <= 60, "{}", key.path());
        }
        let texts =
            |path| values(&Key { id: catalogue().find_full(path).unwrap().id, part: None }, 60);
        assert_ne!(texts("order_no"), texts("notes.customer"), "each field has values of its own");
        // In every process and on every machine.
        let last = texts("order_no").pop();
        assert_eq!(
            last.and_then(|value| value.as_str().map(str::to_owned)).as_deref(),
            Some("z0;,ß/,Z_ a19Z漢ßk,,z0 9bA0.,9_-9")
        );
    }
}
