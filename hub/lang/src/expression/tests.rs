//! Tests of expressions.

use proptest::prelude::*;

use super::*;

const ROOTS: &[&str] =
    &["doc", "body", "status", "headers", "memo", "raw", "secret", "text", "a", "b"];

fn scope() -> Value {
    Value::from_json(
        br#"{"doc":{"lines":[{"qty":"2","price":1.25},{"qty":3,"price":2.5}],"ref":"R-1","o":{"z":1,"a":2}},
             "body":{"items":[{"id":7}],"many":[{"id":1},{"id":2}],"none":[],"code":"BUSY","errors":null,"addr":[11,12]},
             "status":429,"headers":{"x-signature":"abc"},"memo":{},"raw":"payload","secret":{"k":"key"},
             "text":"plain","a":1,"b":2.50}"#,
    )
    .unwrap()
}

fn eval(text: &str) -> Result<Value, EvalError> {
    compile(text, ROOTS).unwrap_or_else(|e| panic!("{text}: {e:?}")).eval(&scope())
}

/// What stands many times in a list is one thing to the engine, and is counted each time here.
#[test]
fn what_an_expression_makes_is_bounded() {
    let large = || Value::text("x".repeat(1 << 20));
    let scope = Value::Map(vec![
        ("doc".to_owned(), Value::Map(vec![("large".to_owned(), large())])),
        ("text".to_owned(), large()),
        ("body".to_owned(), Value::List(vec![Value::Null; 60_000])),
    ]);
    for (text, why) in [
        ("[doc, doc, doc]".to_owned(), None),
        (format!("[{}]", vec!["doc"; 100].join(", ")), Some("and may have 67108864")),
        (vec!["text"; 20].join(" + "), Some("a text of more than 16777216 bytes")),
        ("body + body".to_owned(), Some("a list of more than 100000 elements")),
    ] {
        let found = compile(&text, ROOTS).unwrap().eval(&scope);
        match why {
            None => assert!(found.is_ok(), "{found:?}"),
            Some(why) => {
                let error = found.expect_err(&text).to_string();
                assert!(error.contains(why), "{text}: {error}");
            }
        }
    }
}

#[test]
fn expressions_compute_as_the_language_says() {
    let cases = include_str!("../../../../tests/data/lang/expressions.txt");
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let (text, expected) = line.split_once("  =>  ").unwrap();
        let value = eval(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(value.to_json_text(), expected, "{text}");
    }
}

#[test]
fn what_has_no_value_says_why_without_the_value() {
    let cases = [
        ("body.many.one.id", "`body.many.one.id` has several elements; one was expected"),
        ("int('4111x')", "int: not a whole number of 64 bits"),
        ("div(1, 0, 2)", "div: division by zero"),
        ("md5('x')", "bytes are no text; write `hex(…)` or `base64(…)`"),
        ("hmac_sha256(secret.none, raw)", "hmac_sha256: there is nothing to work on"),
        ("sum('x')", "sum: not a list"),
        ("len(1)", "len: a number has no length"),
    ];
    for (text, expected) in cases {
        let error = eval(text).unwrap_err().to_string();
        if text.starts_with("int") {
            assert!(!error.contains("4111"));
        } else {
            assert_eq!(error, expected, "{text}");
        }
    }
    for text in ["memo.x + 1", "-memo.x", "div(a, memo.x, 2)", "md5(memo.x)", "!memo.x"] {
        assert!(matches!(eval(text), Err(EvalError::Nothing(_))), "{text}: {:?}", eval(text));
    }
    for text in ["decimal('x') + memo.x", "doc.lines * 2", "sum('x')"] {
        assert!(matches!(eval(text), Err(EvalError::Failed(_))), "{text}: {:?}", eval(text));
    }
    assert!(eval("doc.lines * 2").unwrap_err().to_string().contains("these do not go together"));
    assert!(eval("9223372036854775807 + a").is_err());
}

#[test]
fn a_mistake_is_placed_at_its_byte() {
    let cases = [
        ("", "L0006", 0),
        ("status = 1", "L0006", 7),
        ("stauts == 1", "L0007", 0),
        ("status-1", "L0007", 0),
        ("a / b", "L0006", 2),
        ("foo(1)", "L0008", 0),
        ("a + div(a, b)", "L0010", 4),
        ("part('abc', 1)", "L0010", 0),
        ("len([1, 2], 3)", "L0010", 0),
        ("has()", "L0010", 0),
        ("len(1", "L0006", 5),
        ("a b", "L0006", 2),
        ("'abc", "L0006", 0),
        ("a ; b", "L0006", 2),
        ("a.b(c)", "L0006", 3),
        ("if a { b }", "L0006", 5),
        ("body.items(ref=doc.ref).id", "L0011", 15),
        ("1 + len(body.items(ref={doc.ref}))", "L0011", 23),
        ("body.items(ref=$settings.x).id", "L0011", 15),
        ("body.items(ref='x", "L0006", 15),
        ("body.items(ref='x'.id", "L0006", 18),
        ("while a", "L0007", 0),
        ("1x", "L0006", 1),
        ("body.", "L0006", 5),
        ("len == 1", "L0007", 0),
        ("a & b", "L0006", 2),
        ("`x`", "L0006", 0),
        ("99999999999999999999", "L0006", 0),
    ];
    for (text, code, at) in cases {
        let error = compile(text, ROOTS).unwrap_err();
        assert_eq!((error.code, error.span.start), (code, at), "{text}: {error:?}");
    }
    let odd = [
        (
            "if status == 'x' { 'Y' } else { 'N' }",
            "`{` means nothing in an expression",
            "there is no `if`",
        ),
        ("a } b", "`}` means nothing in an expression", "has no braces"),
        ("`x`", "```", "straight quotes"),
        ("if a", "nothing is called `if` here", "there is no `if`"),
    ];
    for (text, message, hint) in odd {
        let error = compile(text, ROOTS).unwrap_err();
        assert!(error.message.starts_with(message), "{text}: {error:?}");
        assert!(error.hint.as_ref().is_some_and(|known| known.contains(hint)), "{text}: {error:?}");
    }
    assert_eq!(
        compile("stauts", ROOTS).unwrap_err().hint.as_deref(),
        Some("did you mean `status`?")
    );
}

#[test]
fn the_kind_of_a_result_is_known_where_its_outermost_part_tells() {
    let cases = [
        ("'a'", Kind::Text),
        ("1.50", Kind::Number),
        ("7", Kind::Integer),
        ("true", Kind::Boolean),
        ("text(a)", Kind::Text),
        ("div(a, (b), 2)", Kind::Number),
        ("a == 1", Kind::Boolean),
        ("len(body) in [1]", Kind::Boolean),
        ("text(a) + text(b)", Kind::Unknown),
        ("(a == 1)", Kind::Unknown),
        ("a == 1 ?? 2", Kind::Unknown),
        ("a", Kind::Unknown),
        ("parse(text)", Kind::Unknown),
    ];
    for (text, expected) in cases {
        assert_eq!(compile(text, ROOTS).unwrap().kind(), expected, "{text}");
    }
    let known: Vec<&str> = kind::FUNCTIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(known, FUNCTIONS, "every function says what it takes");
}

#[test]
fn the_engine_sees_no_text_of_the_file() {
    // Each would do something if it were read as code.
    for text in ["'\" + print(1) + \"'", "'${a}'", "'\\\\'", "\"'; eval('1')\""] {
        assert!(matches!(eval(text).unwrap(), Value::Text(_)), "{text}");
    }
    for text in ["eval('1')", "print(1)", "Fn('x')", "call('x')", "debug(1)", "type_of(1)"] {
        assert_eq!(compile(text, ROOTS).unwrap_err().code, codes::UNKNOWN_FUNCTION, "{text}");
    }
}

#[test]
fn an_expression_lists_what_it_reads() {
    let expression = compile("memo.id == () && len(doc.lines) > 1 && memo.id != 2", ROOTS).unwrap();
    let reads: Vec<&str> = expression.reads().iter().map(Name::as_str).collect();
    assert_eq!(reads, ["memo.id", "doc.lines"]);
}

/// Answers from a value, and writes down what it was asked for.
struct Asked {
    scope: Value,
    names: std::cell::RefCell<Vec<String>>,
}

impl Scope for Asked {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        self.names.borrow_mut().push(name.as_str().to_owned());
        Scope::get(&self.scope, name)
    }
}

#[test]
fn an_expression_asks_for_what_it_lists_and_for_nothing_else() {
    let cases = include_str!("../../../../tests/data/lang/expressions.txt");
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let (text, _) = line.split_once("  =>  ").unwrap();
        let expression = compile(text, ROOTS).unwrap();
        let asked = Asked { scope: scope(), names: std::cell::RefCell::default() };
        expression.eval(&asked).unwrap();
        let listed: Vec<&str> = expression.reads().iter().map(Name::as_str).collect();
        assert_eq!(asked.names.into_inner(), listed, "{text}");
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    assert!(compile(&format!("{}1{}", "(".repeat(500), ")".repeat(500)), ROOTS).is_err());
    assert!(compile(&"!".repeat(2_000), ROOTS).is_err());
    assert!(compile(&"1+".repeat(4_000), ROOTS).is_err());
}

proptest! {
    #[test]
    fn any_text_ends_with_an_expression_or_an_error(text in "[a-c0-9 .()'\\[\\]+*/!=<>&|?,-]{0,40}") {
        if let Ok(expression) = compile(&text, ROOTS) {
            let _either = expression.eval(&scope());
        }
    }
}
