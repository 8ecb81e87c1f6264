//! Tests of templates.

use super::place::base_url;
use super::*;

fn scope() -> Value {
    Value::from_json(
        br#"{"doc":{"ref":"A/1 ?&#","n":7,"list":[1,2],"empty":"","dots":"..","line":"a\r\nX: y","q":"it's"},
             "base_url":"https://shop.example.com/","memo":{"id":12},"settings":{"shop":"my-shop","evil":"evil.com/","token_url":"https://login.example.com/o2/","bad_url":"https://u:p@x"}}"#,
    )
    .unwrap()
}

const ROOTS: &[&str] = &["doc", "memo", "base_url", "settings"];

fn render(text: &str, place: Place) -> Result<String, RenderError> {
    Template::parse(text, ROOTS).unwrap().render(&scope(), place)
}

#[test]
fn exactly_one_expression_keeps_its_type() {
    let value = |text: &str| Template::parse(text, ROOTS).unwrap().value(&scope()).unwrap();
    assert_eq!(value("{memo.id}"), Value::Int(12));
    assert_eq!(value("{doc.list}"), Value::List(vec![Value::Int(1), Value::Int(2)]));
    assert_eq!(value("{doc.none}"), Value::Null);
    assert_eq!(value("#{memo.id}"), Value::text("#12"));
    assert_eq!(value("{{memo.id}} }"), Value::text("{memo.id} }"));
    assert_eq!(value("{doc.none ?? '}'}"), Value::text("}"));
    assert_eq!(value(""), Value::text(""));
}

#[test]
fn a_value_cannot_break_out_of_its_place() {
    assert_eq!(render("/o/{doc.ref}/x", Place::Path).unwrap(), "/o/A%2F1%20%3F%26%23/x");
    assert_eq!(render("{doc.ref}", Place::Query).unwrap(), "A%2F1%20%3F%26%23");
    assert_eq!(render("n {doc.n}", Place::Header).unwrap(), "n 7");
    assert_eq!(
        render("{base_url}/api/{settings.shop}", Place::Base).unwrap(),
        "https://shop.example.com/api/my-shop"
    );
    let other = render("{settings.token_url}/token", Place::Base).unwrap();
    assert_eq!(
        other, "https://login.example.com/o2/token",
        "a setting that says that it is an address"
    );
    assert_eq!(render("{quote(doc.q, \"'\")}", Place::Text).unwrap(), "'it''s'");
    let refused = [
        ("/o/{doc.dots}", Place::Path),
        ("/o/{doc.empty}", Place::Path),
        ("{doc.line}", Place::Header),
        ("https://{settings.evil}.example.com", Place::Base),
        ("https://x/{base_url}", Place::Base),
        ("{settings.bad_url}", Place::Base),
        ("https://x/{settings.token_url}", Place::Base),
        ("{doc.list}x", Place::Text),
    ];
    for (text, place) in refused {
        assert!(matches!(render(text, place), Err(RenderError::Place { .. })), "{text}");
    }
}

#[test]
fn an_address_is_http_without_user_query_and_fragment() {
    for wrong in [
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x?y",
        "https://x#y",
        "x",
        "http://a b",
        "https://x\\y",
    ] {
        assert_eq!(base_url(wrong), None, "{wrong}");
    }
    assert_eq!(base_url("http://127.0.0.1:80/a/"), Some("http://127.0.0.1:80/a"));
}

#[test]
fn a_missing_value_inside_a_text_is_named() {
    assert_eq!(
        render("/o/{doc.none}", Place::Path),
        Err(RenderError::Missing("doc.none".to_owned()))
    );
}

#[test]
fn mistakes_are_placed_within_the_text() {
    let cases = [
        ("ab {memo.id", 3),
        ("{nope.x}", 1),
        ("a {len(}", 7),
        ("{memo.id as gid}", 12),
        ("x{}", 2),
    ];
    for (text, at) in cases {
        let error = Template::parse(text, ROOTS).unwrap_err();
        assert_eq!(error.span.start, at, "{text}: {error:?}");
    }
}

#[test]
fn a_brace_that_was_not_meant_is_to_be_doubled() {
    for text in ["query($id: ID!) { order(id: $id) { id } }", "{ \"a\": 1 }", "{$x}"] {
        let error = Template::parse(text, ROOTS).unwrap_err();
        assert!(
            error.hint.as_ref().is_some_and(|hint| hint.ends_with("doubled: `{{`")),
            "{text}: {error:?}"
        );
    }
}

#[test]
fn trees_are_bodies_and_report_every_mistake() {
    use crate::diagnostic::Source;
    use crate::yaml::{Budget, parse};
    let tree = |text: &str| {
        let source = Source::new("c.yaml", text);
        let node = parse(&source, &Budget::default()).unwrap();
        let mut findings = Findings::new(&source);
        let tree = Tree::parse(&node, ROOTS, &mut findings);
        (tree, findings.into_vec())
    };
    let (body, found) =
        tree("{ a: [[create, ['{doc.n}', 'x{doc.n}']]], b: 1.50, c: NO, d: '{doc.none}', e: ~ }");
    assert!(found.is_empty());
    assert_eq!(
        body.unwrap().value(&scope()).unwrap().to_json_text(),
        r#"{"a":[["create",[7,"x7"]]],"b":1.50,"c":"NO","d":null,"e":null}"#
    );
    let (body, found) = tree("a: '{x.y}'\nb: ['{doc.n', '{len(1'] \n");
    assert!(body.is_none());
    assert_eq!(found.len(), 3);
}

/// A scope with room of its own, as a request has.
struct Small(Value, Room);

impl Scope for Small {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Scope::get(&self.0, name)
    }

    fn room(&self) -> Option<&Room> {
        Some(&self.1)
    }
}

#[test]
fn what_is_made_is_bounded() {
    let large = Value::Map(vec![("ref".to_owned(), Value::text("x".repeat(1 << 20)))]);
    let large = Value::Map(vec![("doc".to_owned(), large)]);
    let parse = |text: &str| Template::parse(text, ROOTS).unwrap();
    let made = |result: Result<Value, RenderError>| match result {
        Ok(value) => value.size(),
        Err(RenderError::Large { text, full }) => {
            assert_eq!(text, "doc.ref");
            assert!(full.size > full.most, "{full}");
            0
        }
        Err(other) => panic!("{other}"),
    };
    let one = parse("{doc.ref}").value(&large).map(|value| value.size()).unwrap();
    let (few, many) = ("{doc.ref}".repeat(3), "{doc.ref}".repeat(100));
    assert!(made(parse(&few).value(&large)) > 3 << 20);
    assert_eq!(made(parse(&many).value(&large)), 0);
    let list = |count| Tree::List(vec![Tree::Template(parse("{doc.ref}")); count]);
    assert!(made(list(3).value(&large)) > 3 << 20);
    assert_eq!(made(list(100).value(&large)), 0);
    // A scope with room of its own has it for all that is made with it.
    let small = Small(large, Room::of(one * 2));
    assert_eq!(made(parse("{doc.ref}").value(&small)), one);
    assert_eq!(made(parse("{doc.ref}").value(&small)), one);
    assert_eq!(made(parse("{doc.ref}").value(&small)), 0);
    assert!(parse("#{doc.ref}").render(&small, Place::Text).is_err());
}
