//! Tests of exact JSON values.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Value, JsonError> {
    Value::from_json(text.as_bytes())
}

#[test]
fn numbers_keep_their_exact_value() {
    let cases = [
        ("1", "1"),
        ("-0", "0"),
        ("0.10", "0.10"),
        ("19.99", "19.99"),
        ("1e2", "100"),
        ("1.50e1", "15.0"),
        ("25e-3", "0.025"),
        ("0e99", "0"),
        ("18446744073709551615", "18446744073709551615"),
        ("9223372036854775807", "9223372036854775807"),
    ];
    for (text, written) in cases {
        assert_eq!(read(text).unwrap().to_json_text(), written, "{text}");
    }
}

#[test]
fn a_number_that_cannot_be_kept_exactly_is_refused() {
    for text in
        ["0.12345678901234567890123456789012", "1e40", "1e99999", "123456789012345678901234567890"]
    {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_at_its_byte() {
    let cases = [
        ("", 0),
        ("{", 1),
        ("[1,]", 3),
        ("{\"a\":1,\"a\":2}", 7),
        ("01", 1),
        ("1 2", 2),
        ("\"a\nb\"", 2),
        ("\"\\ud800\"", 7),
        ("nul", 0),
        ("{a:1}", 1),
        ("[1", 2),
        ("\"\\x\"", 3),
        ("+1", 0),
        ("1.", 2),
        ("NaN", 0),
    ];
    for (text, at) in cases {
        assert_eq!(read(text).unwrap_err().at, at, "{text}");
    }
    assert!(Value::from_json(b"\"\xff\"").is_err());
}

#[test]
fn a_key_twice_is_refused_in_large_objects_too() {
    let mut keys: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    assert!(read(&format!("{{{}}}", keys.join(","))).is_ok());
    keys.push("\"k3\":0".to_owned());
    assert!(read(&format!("{{{}}}", keys.join(","))).is_err());
    keys.swap(3, 99);
    assert!(read(&format!("{{{}}}", keys.join(","))).is_err());
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(DEPTH)).is_ok());
    assert!(read(&nested(DEPTH + 1)).is_err());
    assert!(read(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn escapes_are_read_and_only_the_needed_ones_are_written() {
    let value = read(r#""a\/\u00e9\ud83d\ude00\n\"\\""#).unwrap();
    assert_eq!(value, Value::text("a/é😀\n\"\\"));
    assert_eq!(value.to_json_text(), "\"a/é😀\\n\\\"\\\\\"");
    assert_eq!(Value::text("\u{1}").to_json_text(), "\"\\u0001\"");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (any::<i32>(), 1_u32..20).prop_map(|(n, s)| Value::Decimal(Decimal::new(n.into(), s))),
        ".*".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(".{0,4}", inner, 0..6)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_written_the_same(value in values()) {
        let bytes = value.to_json();
        let again = Value::from_json(&bytes).unwrap();
        prop_assert_eq!(again.to_json(), bytes);
    }

    #[test]
    fn any_bytes_end_with_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _either = Value::from_json(&bytes);
    }
}
