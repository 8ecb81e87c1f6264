//! The laws of all conversions on sample values, and that each is in the list of names.

use orderhub_lang::diagnostic::{Findings, Source, render};
use orderhub_lang::yaml::{self, Budget, Node, NodeValue};
use orderhub_order::value::{Currency, Money};
use rust_decimal::Decimal;

use super::*;

/// A conversion as a file writes it.
fn made(text: &str) -> Box<dyn Conversion> {
    let source = Source::new("case.yaml", text);
    let node = yaml::parse(&source, &Budget::default()).unwrap();
    let nothing = Node { span: node.span, value: NodeValue::Null };
    let (name, options) = match &node.value {
        NodeValue::Text(name) => (name.clone(), &nothing),
        NodeValue::Map(entries) => (entries[0].0.name.clone(), &entries[0].1),
        _ => panic!("{text}"),
    };
    let mut findings = Findings::new(&source);
    let made = find(&name).and_then(|entry| {
        let mut reader = Options::new(&mut findings, crate::Named::default());
        (entry.read)(options, &mut reader)
    });
    made.unwrap_or_else(|| panic!("{text}:\n{}", render(&findings.into_vec())))
}

fn money(amount: &str, currency: &str) -> Cell<'static> {
    let amount = Decimal::from_str_exact(amount).unwrap();
    Cell::Money(Money { amount, currency: Currency::parse(currency).unwrap() })
}

fn decimal(text: &str) -> Cell<'static> {
    Cell::Decimal(Decimal::from_str_exact(text).unwrap())
}

fn list(items: &[&'static str]) -> Cell<'static> {
    Cell::List(items.iter().map(|item| (*item).into()).collect())
}

fn at(text: &str) -> Cell<'static> {
    Cell::Timestamp(text.parse().unwrap())
}

/// Conversions that go both ways, with hub values.
#[expect(clippy::too_many_lines, reason = "a table")]
fn two_way() -> Vec<(&'static str, Vec<Cell<'static>>)> {
    let texts =
        || vec![Cell::text("Ab c"), Cell::text(" x "), Cell::text("ß é 漢"), Cell::text("")];
    let times = || {
        vec![
            at("2026-11-20T01:15:30.123456Z"),
            at("1969-12-31T23:59:59Z"),
            at("2026-10-25T00:30:00Z"),
        ]
    };
    let amounts = || vec![money("12.50", "EUR"), money("0", "EUR"), money("-3.1", "EUR")];
    let numbers = || {
        vec![
            decimal("1.50"),
            decimal("-0.001"),
            decimal("0"),
            decimal("79228162514264337593543950335"),
        ]
    };
    let entries = [("a", Some("1")), ("b", None), ("c", Some("[\"x\",\"y\"]")), ("d", Some("[1]"))];
    let entries = entries.into_iter().map(|(name, text)| (name.into(), text.map(Into::into)));
    let map = Cell::Map(std::sync::Arc::new(entries.collect()));
    vec![
        ("text", texts()),
        ("trim", texts()),
        ("upper", texts()),
        ("lower", texts()),
        ("strip_prefix: \"#\"", vec![Cell::text("1"), Cell::text("#1"), Cell::text("")]),
        ("truncate: 3", texts()),
        ("integer", vec![Cell::Integer(0), Cell::Integer(-7), Cell::Integer(i64::MAX)]),
        ("decimal", numbers()),
        ("decimal: { mark: \",\", group: \".\" }", numbers()),
        ("scale: { by: 0.001 }", vec![decimal("1.25"), decimal("0.0004"), decimal("12345.678")]),
        ("scale: { by: 2.54, round: 2 }", vec![decimal("8.89"), decimal("1"), decimal("0.01")]),
        ("money: { currency: EUR }", amounts()),
        ("money: { currency: code }", vec![money("1.234", "KWD"), money("5", "JPY")]),
        ("money: { amount: a, currency: c }", vec![money("1.234", "KWD"), money("5", "JPY")]),
        (
            "money: { currency: c, minor: true }",
            vec![money("1.234", "KWD"), money("5", "JPY"), money("1.5", "EUR")],
        ),
        ("money: { currency: EUR, write: amount }", amounts()),
        ("money: { currency: EUR, mark: \",\", round: half_up }", amounts()),
        ("timestamp", times()),
        ("timestamp: { format: \"%Y-%m-%d %H:%M\", zone: Europe/Berlin, twice: earlier }", times()),
        ("timestamp: epoch_s", times()),
        ("timestamp: { format: epoch_ms, never: 0 }", times()),
        ("date", vec![Cell::Date("2026-02-28".parse().unwrap())]),
        ("date: \"%d.%m.%Y\"", vec![Cell::Date("2026-02-28".parse().unwrap())]),
        ("boolean", vec![Cell::Bool(true), Cell::Bool(false)]),
        ("boolean: { true: [Y, J], false: [N] }", vec![Cell::Bool(true), Cell::Bool(false)]),
        (
            "table: { rows: { a: x, b: x, c: y } }",
            vec![Cell::text("x"), Cell::text("y"), Cell::text("z")],
        ),
        ("split: \", \"", vec![list(&["a", "b"]), list(&[]), list(&["a"])]),
        (
            "concat: { by: \" \", back: last_space }",
            vec![Cell::text("Ada Mary Byron"), Cell::text("Plato")],
        ),
        (
            "concat: { by: \" \", back: first_space }",
            vec![Cell::text("Ada Mary Byron"), Cell::text("Plato")],
        ),
        (
            "concat: { by: \", \", back: house_number }",
            vec![Cell::text("Rue de Lyon, 5 bis"), Cell::text("Am Markt 7"), Cell::text("Hof")],
        ),
        (
            "html_text",
            vec![
                Cell::text(" a  b \n\n < & > &amp; <b> "),
                Cell::text("a\r\nb\u{a0}c"),
                Cell::text(""),
                Cell::text("王\u{3000}小明"),
            ],
        ),
        (
            "phone: { country: DE }",
            vec![Cell::text("030 / 123 456"), Cell::text("+12125550100"), Cell::text("ask Ada")],
        ),
        (
            "phone: { country: CN, out: national }",
            ["+8613800138000", "+861065529988", "+12125550100", "138 0013 8000", "n/a", "+8619"]
                .map(Cell::text)
                .into(),
        ),
        (
            "phone: { country: HU, out: national }",
            vec![Cell::text("+3612345678"), Cell::text("+36061234567")],
        ),
        ("phone: { country: ^cc }", vec![Cell::text("030 123 456"), Cell::text("+4930123456")]),
        ("phone", vec![Cell::text("0049 30 123456"), Cell::text("110")]),
        ("join: \", \"", vec![Cell::text("a, b"), Cell::text("a,b")]),
        ("pairs: { key: k, value: v }", vec![map]),
        ("json", vec![Cell::Json("{\"a\":[1.50,null]}".into()), Cell::text("x"), Cell::Integer(5)]),
        ("negate", vec![decimal("1.50"), decimal("0.00"), money("-2", "EUR")]),
        (
            "wrap: { __class__: date, y: $year, m: $month, d: $day }",
            vec![Cell::Date("2026-02-28".parse().unwrap())],
        ),
        (
            "wrap: { at: { day: [$year, $month, $day], h: $hour, min: $minute } }",
            vec![Cell::text("2026-02-28T23:59:58.5"), Cell::text("2026-02-28T23:59:58Z")],
        ),
        ("wrap: { __class__: D, decimal: $value }", vec![Cell::text("1.50"), Cell::Bool(true)]),
    ]
}

#[test]
fn every_conversion_keeps_its_law() {
    for (text, values) in two_way() {
        let conversion = made(text);
        assert!(conversion.two_way(), "{text}");
        for value in values {
            let canon = conversion.canon(value.clone());
            let again = conversion.canon(canon.clone());
            assert_eq!(again, canon, "{text}: canon is idempotent, {value:?}");
            let put = conversion.put(value.clone(), Target::default()).unwrap();
            let main = if put.main == Cell::Absent { Cell::text("-") } else { put.main };
            // In a chain null passes by.
            let passes = main == Cell::Null && !conversion.takes_null();
            let back = if passes {
                Ok(main)
            } else {
                conversion.get(main, &put.beside, Target::default())
            };
            let back = back.unwrap();
            assert_eq!(back, canon, "{text}: get(put(v)) is canon(v), {value:?}");
        }
    }
}

#[test]
fn a_conversion_that_promises_every_value_gives_every_value_back() {
    for (text, values) in two_way() {
        let conversion = made(text);
        if conversion.law() != Law::Exact {
            continue;
        }
        for value in values {
            assert_eq!(conversion.canon(value.clone()), value, "{text}");
        }
    }
}

#[test]
fn every_conversion_has_a_law_or_folds() {
    let one_way = ["sum", "min", "max", "first", "count", "shell"];
    // Its rows stand in a file: `tests/data/mapping/lookups` shows its ways and its law.
    let elsewhere = ["lookup"];
    assert!(names().is_sorted(), "names are in order");
    for name in names() {
        let lawful = two_way().iter().any(|(text, _)| text.split(':').next() == Some(name));
        assert!(lawful || one_way.contains(&name) || elsewhere.contains(&name), "{name}");
    }
    for name in one_way {
        let fold = made(if name == "shell" { "shell: [[0, 0, $item]]" } else { name });
        assert_eq!((fold.name(), fold.shape(), fold.two_way()), (name, Shape::Fold, false));
        assert_eq!(fold.law(), Law::None);
    }
}

#[test]
fn sums_are_exact_and_of_one_currency() {
    let sum =
        |cells: Vec<Cell<'static>>| made("sum").get(Cell::Many(cells), &[], Target::default());
    assert_eq!(sum(vec![decimal("0.1"), decimal("0.2")]).unwrap(), decimal("0.3"));
    assert_eq!(sum(vec![Cell::Null, Cell::Absent]).unwrap(), Cell::Null);
    let mixed = sum(vec![money("1", "EUR"), money("1", "USD")]).unwrap_err();
    assert_eq!(mixed.cause, "currency");
    let large = Cell::Integer(i64::MAX);
    assert_eq!(sum(vec![large.clone(), large]).unwrap_err().cause, "too_large");
}
