//! Tests of paths.

use super::*;

#[test]
fn every_form_of_the_language_is_read_and_written_back() {
    let forms = [
        "a.b",
        "a.0",
        "a.*.b",
        "list(k=v).b",
        "list(k='v w').b",
        "list(n=7).b",
        "list(n=-1.50).b",
        "list(n='7').b",
        "list(n='1.50').b",
        "list(n='$settings.x').b",
        "a.'odd key'",
        "a.'0'",
        "a.'it''s'",
        "a.($settings.money)",
        ".",
        "^b",
        "^^b.c",
        "^",
        "/b",
        "/",
        "$settings.x",
        "$args.id",
        "$hub./currency",
        "$xref(customer)",
        "$index",
        "$position",
        "$n",
        "line.$xref(line)",
        "headers.x-topic",
        "refunds.*.refund_line_items.*",
        "订单.编号",
        "0.id",
        "*.id",
    ];
    for form in forms {
        assert_eq!(Path::parse(form).unwrap().to_string(), form);
    }
}

#[test]
fn a_wrong_path_is_refused_at_its_place() {
    let cases = [
        ("", 0),
        ("a.", 2),
        ("a..b", 2),
        ("a b", 1),
        ("list(k)", 6),
        ("list(=v)", 5),
        ("list(k=v", 8),
        ("a.'b", 2),
        ("$nope", 0),
        ("$hub.currency", 0),
        ("$settings", 9),
        ("$index.a", 6),
        ("$xref()", 6),
        ("list(k=$settings.x).b", 7),
        ("list(k=$hub./order_no).b", 7),
        (".a", 0),
    ];
    for (text, at) in cases {
        let error = Path::parse(text).unwrap_err();
        assert_eq!(error.span.start, at, "{text}: {}", error.message);
    }
    assert!(Path::parse(&"a.".repeat(200)).is_err());
    assert!(Path::parse(&"a".repeat(LONGEST + 1)).is_err());
}

#[test]
fn looking_up_is_total() {
    let value = Value::from_json(
        br#"{"a":{"b":[{"k":"x","n":1},{"k":"y","n":2}],"0":"zero"},"n":[{"id":7}]}"#,
    )
    .unwrap();
    let all = |path: &str| -> Vec<String> {
        Path::parse(path).unwrap().values(&value).iter().map(|v| v.to_json_text()).collect()
    };
    assert_eq!(all("a.b.*.n"), ["1", "2"]);
    assert_eq!(all("a.b(k=y).n"), ["2"]);
    assert_eq!(all("n(id=7).id"), ["7"]);
    assert_eq!(all("a.b.1.n"), ["2"]);
    assert_eq!(all("a.0"), ["\"zero\""]);
    assert!(all("a.b.9.n").is_empty());
    assert!(all("x.y.z").is_empty());
    assert_eq!(Path::parse("x.y").unwrap().first(&value), &Value::Null);
}
