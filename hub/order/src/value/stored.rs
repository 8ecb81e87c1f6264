//! How values are written in stored bodies and hashes: texts, whole numbers and booleans as they are, an
//! address as an object, all else as a list that begins with what it is. Most values of an order are
//! texts, and bodies are written and read with every change.
//!
//! **Invariant:** reading gives what was written, to the digit. Test: `a_value_is_stored_and_read_back`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Address, Currency, Money, Reference, Text, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => to.serialize_str(text),
            Value::Integer(number) => to.serialize_i64(*number),
            Value::Boolean(truth) => to.serialize_bool(*truth),
            Value::Address(address) => address.serialize(to),
            Value::Decimal(number) => ("decimal", number).serialize(to),
            Value::Money(Money { amount, currency }) => ("money", amount, currency).serialize(to),
            Value::Timestamp(at) => ("at", at.as_second(), at.subsec_nanosecond()).serialize(to),
            Value::Date(day) => ("day", day).serialize(to),
            Value::List(items) => {
                let mut list = to.serialize_seq(Some(items.len() + 1))?;
                list.serialize_element("list")?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Value::Map(entries) => ("map", &**entries).serialize(to),
            Value::Ref(Reference::Theirs(id)) => ("theirs", id).serialize(to),
            Value::Ref(Reference::Ours(id)) => ("ours", id).serialize(to),
            Value::Ref(Reference::Sku(sku)) => ("sku", sku).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value as it is stored")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Integer).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        let address = Address::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Value::Address(Arc::new(address)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        Ok(match next(&mut list)? {
            Tag::Decimal => Value::Decimal(next::<_, Number>(&mut list)?.0),
            Tag::Money => {
                let Number(amount) = next(&mut list)?;
                Value::Money(Money { amount, currency: next::<_, Currency>(&mut list)? })
            }
            Tag::At => {
                let (second, nanosecond) = (next(&mut list)?, next(&mut list)?);
                let at = Timestamp::new(second, nanosecond).map_err(de::Error::custom)?;
                Value::Timestamp(at)
            }
            Tag::Day => Value::Date(next(&mut list)?),
            Tag::List => {
                let mut items: Vec<Text> = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Value::List(items.into())
            }
            Tag::Map => Value::Map(Arc::new(next(&mut list)?)),
            Tag::Theirs => Value::Ref(Reference::Theirs(next(&mut list)?)),
            Tag::Ours => Value::Ref(Reference::Ours(next(&mut list)?)),
            Tag::Sku => Value::Ref(Reference::Sku(next(&mut list)?)),
        })
    }
}

/// What a list says first.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Decimal,
    Money,
    At,
    Day,
    List,
    Map,
    Theirs,
    Ours,
    Sku,
}

fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(list: &mut A) -> Result<T, A::Error> {
    let missing = || de::Error::custom("a stored value that ends early");
    list.next_element()?.ok_or_else(missing)
}

/// A decimal, read with the digits that it was written with.
struct Number(Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number as text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Decimal::from_str_exact(text).map(Number).map_err(E::custom)
            }
        }
        from.deserialize_str(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_stored_and_read_back() {
        let address = Address { city: Some("Köln".into()), ..Address::default() };
        let number = |text: &str| Decimal::from_str_exact(text).unwrap();
        let money = Money { amount: number("12.500"), currency: Currency::parse("KWD").unwrap() };
        let at = Timestamp::new(-1, -5).unwrap();
        let cases = [
            (Value::text("a \"b\""), r#""a \"b\"""#),
            (Value::text(""), r#""""#),
            (Value::text("list"), r#""list""#),
            (Value::Integer(-7), "-7"),
            (Value::Integer(i64::MAX), "9223372036854775807"),
            (Value::Boolean(true), "true"),
            (Value::Decimal(number("1.00")), r#"["decimal","1.00"]"#),
            (Value::Money(money), r#"["money","12.500","KWD"]"#),
            (Value::Timestamp(at), r#"["at",-1,-5]"#),
            (Value::Date(jiff::civil::date(2026, 2, 3)), r#"["day","2026-02-03"]"#),
            (Value::Address(address.into()), r#"{"city":"Köln"}"#),
            (Value::Address(Arc::default()), "{}"),
            (Value::List(["a".into(), "".into()].into()), r#"["list","a",""]"#),
            (Value::List([].into()), r#"["list"]"#),
            (Value::Map(Arc::new([("k".into(), None)].into())), r#"["map",{"k":null}]"#),
            (Value::Ref(Reference::Theirs("9".into())), r#"["theirs","9"]"#),
            (Value::Ref(Reference::Ours("L1".into())), r#"["ours","L1"]"#),
            (Value::Ref(Reference::Sku("A".into())), r#"["sku","A"]"#),
        ];
        for (value, text) in cases {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            let read: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read, value, "{text}");
            assert_eq!(serde_json::to_string(&read).unwrap(), text, "to the digit");
        }
        for text in ["[]", r#"["money","1"]"#, r#"["word",1]"#, "1.5", r#"{"town":"x"}"#, "null"] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }
}
