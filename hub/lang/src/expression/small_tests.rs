//! Small expressions beside the engine.

use proptest::prelude::*;

use super::super::{Scope, compile, engine};
use super::*;

const ROOTS: &[&str] = &["a", "b", "c"];

fn value() -> impl Strategy<Value = Value> {
    let texts = ["", "x", "1", "-2.50", " 7 ", "1e2", "1E-3", "true", "9999999999999999999"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![-5_i64..5, any::<i64>()].prop_map(Value::Int),
        (any::<i64>(), 0_u32..20).prop_map(|(n, scale)| Value::Decimal(Decimal::new(n, scale))),
        (-50_i64..50, 0_u32..3).prop_map(|(n, scale)| Value::Decimal(Decimal::new(n, scale))),
        Just(Value::Decimal(Decimal::MAX)),
        proptest::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned())),
        proptest::collection::vec(Just(Value::Int(1)), 0..3).prop_map(Value::List),
        Just(Value::Map(vec![("k".to_owned(), Value::Null)])),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let words = ["a", "b", "c", "a.k", "1", "2.50", "'x'", "'1'", "true", "false", "()", "c.one"];
    let leaf = proptest::sample::select(words.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(5, 24, 3, |inner| {
        let signs = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "??", "+", "-", "*", "%", "in"];
        let call = ["decimal", "int", "text", "has", "len", "-", "!", "", "upper", "sum"];
        prop_oneof![
            4 => (inner.clone(), proptest::sample::select(signs.to_vec()), inner.clone())
                .prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
            3 => (proptest::sample::select(call.to_vec()), inner.clone())
                .prop_map(|(name, of)| format!("{name}({of})")),
            1 => (inner.clone(), inner.clone(), -1_i64..30)
                .prop_map(|(over, under, scale)| format!("div({over}, {under}, {scale})")),
            1 => inner.prop_map(|of| format!("[{of}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_small_expression_is_what_the_engine_makes_of_it(
        text in expression(),
        values in proptest::collection::vec(value(), 3),
    ) {
        let scope = Value::Map(ROOTS.iter().map(|r| (*r).to_owned()).zip(values).collect());
        let Ok(expression) = compile(&text, ROOTS) else { return Ok(()) };
        let engine = engine::alone(&text, ROOTS);
        prop_assert_eq!(expression.eval(&scope), engine.eval(&scope), "{}", text);
        let names: Vec<Value> =
            expression.reads().iter().filter_map(|name| Scope::get(&scope, name).ok()).collect();
        let tokens = super::super::token::tokens(&text).unwrap();
        let all = names.len() == expression.reads().len();
        if let Some(small) = read(&tokens, expression.reads()).filter(|_| all)
            && let Some(value) = small.value(&names)
        {
            prop_assert_eq!(Ok(value.into_owned()), engine.eval(&scope), "{}", text);
        }
    }
}

#[test]
fn what_most_rules_compute_is_small() {
    let names = [Value::Text("57.32".to_owned()), Value::Text("4.98".to_owned()), Value::Null];
    let cases = [
        ("decimal(a) + decimal(b)", "62.30"),
        ("decimal(a) - decimal(b) * 2", "47.36"),
        ("div(decimal(a), 3, 2)", "19.11"),
        ("decimal(c ?? '0') == 0 && !has(c) || a != 'x'", "true"),
        ("c == ()", "true"),
        ("-int('3') < len(a)", "true"),
    ];
    let roots: Vec<Name> = ROOTS
        .iter()
        .map(|root| Name::new((*root).to_owned(), Vec::new(), (*root).to_owned()))
        .collect();
    for (text, shown) in cases {
        let tokens = super::super::token::tokens(text).unwrap();
        let small = read(&tokens, &roots).unwrap_or_else(|| panic!("{text} is not small"));
        let value = small.value(&names).unwrap_or_else(|| panic!("{text} has no value"));
        assert_eq!(value.to_json_text(), shown, "{text}");
    }
}

#[test]
fn operators_bind_as_the_engine_binds_them() {
    let signs = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "??", "+", "-", "*"];
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Int(2),
        Value::Decimal(Decimal::new(35, 1)),
    ];
    let mut computed = 0;
    for (one, other) in signs.iter().flat_map(|one| signs.iter().map(move |other| (one, other))) {
        let text = format!("a {one} b {other} -c");
        let (own, engine) = (compile(&text, ROOTS).unwrap(), engine::alone(&text, ROOTS));
        for n in 0..values.len().pow(3) {
            let value = |place: u32| values[n / values.len().pow(place) % values.len()].clone();
            let given = (0..).zip(ROOTS).map(|(place, root)| ((*root).to_owned(), value(place)));
            let scope = Value::Map(given.collect());
            let (own, engine) = (own.eval(&scope), engine.eval(&scope));
            assert_eq!(own, engine, "{text}: {scope:?}");
            computed += u32::from(own.is_ok());
        }
    }
    assert!(computed > 1_000, "{computed}");
}
