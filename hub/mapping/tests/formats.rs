//! Bodies in the letters of old systems, which a case cannot write down.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::{Context, Mapped, Mapping, Named};
use orderhub_order::ids::SystemName;

fn run(format: &str, body: &[u8]) -> String {
    let text = format!(
        "orderhub: 1\nmapping: t.order\nformat: {format}\nkey: id\n\
         fields:\n  - {{ hub: notes.customer, system: note }}\n"
    );
    let text = if format == "xml" {
        text.replace("key: id", "documents: { at: o }\nkey: id")
    } else {
        text
    };
    let mapping = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
    let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
    assert_eq!(mapping.is_utf8(), format.ends_with("utf-8 } }"), "{format}");
    let (system, settings, args) = (SystemName::new("t"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    match mapping.run(body, &context).remove(0) {
        Mapped::Document(said) => {
            let field = said.body.fields.first().unwrap();
            field.1.as_ref().unwrap().as_str().unwrap().to_owned()
        }
        Mapped::Failed(error) => error.why,
        Mapped::Skipped => panic!("it was skipped"),
    }
}

#[test]
fn letters_are_read_as_the_file_says() {
    let cases: [(&str, &[u8], &str); 7] = [
        ("{ csv: { encoding: windows-1252 } }", b"id,note\n1,Stra\xdfe \x80\n", "Straße €"),
        ("{ csv: { encoding: gb18030 } }", b"id,note\n1,\xd6\xd0\n", "中"),
        ("{ csv: { encoding: utf-8 } }", b"\xef\xbb\xbfid,note\n1,\xe4\xb8\xad\n", "中"),
        ("{ csv: { encoding: utf-8 } }", b"id,note\n1,\xdf\n", "it has bytes that are no UTF-8"),
        ("{ csv: { delimiter: \"\\t\", encoding: shift_jis } }", b"id\tnote\n1\t\x93\xfa\n", "日"),
        (
            "xml",
            b"<?xml version='1.0' encoding='ISO-8859-1'?><o><id>1</id><note>\xdf</note></o>",
            "ß",
        ),
        (
            "xml",
            b"<?xml version='1.0' encoding='nothing'?><o/>",
            "its encoding is none that is known",
        ),
    ];
    for (format, body, expected) in cases {
        assert_eq!(run(format, body), expected, "{format}");
    }
}

#[test]
fn a_quote_that_swallows_rows_is_refused_at_its_line() {
    for (body, why) in [
        ("id,note\n1,\"open\n2,b\n", "line 2 opens a quote that nothing closes"),
        ("id,note\n1,\"x\"y\n", "line 2 has letters behind the quote"),
        ("id,note\n1,\"say \"\"hi\"\", then\nmore\"\n", "say \"hi\", then\nmore"),
        ("id,note\r\n1,\"\"\"a\"\r\n", "\"a"),
        ("id,note\n1,5\" wide\n", "5\" wide"),
    ] {
        let found = run("{ csv: { encoding: utf-8 } }", body.as_bytes());
        assert!(found.contains(why), "{body:?}: {found}");
    }
}
