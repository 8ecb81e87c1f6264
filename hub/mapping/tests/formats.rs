//! Bodies in the letters of old systems, which a case cannot write down.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::{given, out};
use orderhub_mapping::{Context, Mapped, Mapping, Named, ReverseError};
use orderhub_order::catalogue::catalogue;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::model::{Order, Subject};
use orderhub_order::value::Value;
use proptest::prelude::*;

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
        (
            "{ csv: { encoding: utf-8 } }",
            b"id,note\n1,\xdf\n",
            "it has bytes that are no UTF-8 (line 2, column 3)",
        ),
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

/// What a hub says comes in again as it went out.
fn comes_in_again(format: &str, rows: &str, hub: &serde_json::Value) -> Result<(), TestCaseError> {
    let text = format!(
        "orderhub: 1\nmapping: t.order\nformat: {format}\n{rows}fields:\n  \
         - {{ hub: order_no, system: PRE.id }}\n  - {{ hub: notes.customer, system: PRE.note }}\n  \
         - {{ hub: totals.total, system: PRE.total, as: {{ money: {{ currency: EUR, mark: \",\" }} }} }}\n  \
         - {{ hub: lines, system: LINES, each: {{ key: pos, fields: [{{ hub: sku, system: sku }}, \
         {{ hub: qty.ordered, system: qty, as: decimal }}] }} }}\n"
    );
    let (before, lines) =
        if rows.contains("by:") { ("rows.0", "rows") } else { ("a", "a.lines.line") };
    let text = text.replace("PRE", before).replace("LINES", lines);
    let mapping = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
    let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
    let (system, settings, args) = (SystemName::new("t"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let written = out(&mapping, hub, &context).unwrap();
    let Some(body) = written.as_str() else { panic!("it was not written: {written}") };
    let found = given(&mapping, body.as_bytes(), &context);
    prop_assert_eq!(&found, hub, "{}", body);
    Ok(())
}

proptest! {
    #[test]
    fn what_goes_out_in_a_format_comes_in_again(
        texts in proptest::collection::vec("[ -~é中\n\t'\"=+@;,<>&\\[\\]-]{1,8}", 3),
        cents in -10_000_i64..10_000,
    ) {
        prop_assume!(texts.iter().all(|text| !text.trim().is_empty()));
        let line = |key: &str, sku: &str| serde_json::json!({ "$key": key, "sku": sku, "qty": { "ordered": "1.50" } });
        let hub = serde_json::json!({
            "$key": texts[0],
            "order_no": texts[0],
            "notes": { "customer": texts[1] },
            "totals": { "total": { "amount": format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100), "currency": "EUR" } },
            "lines": [line("1", &texts[2]), line("2", "MUG")],
        });
        let hub = if cents > -100 && cents < 0 { return Ok(()) } else { hub };
        comes_in_again("xml", "key: a.id\ndocuments: { at: order }\n", &hub)?;
        comes_in_again("form", "key: a.id\n", &hub)?;
        let table = "key: rows.0.id\ndocuments: { by: id }\n";
        for csv in ["csv", "{ csv: { delimiter: \";\", quote: \"'\", bom: true } }", "{ csv: { raw: true } }"] {
            comes_in_again(csv, table, &hub)?;
        }
    }
}

#[test]
fn letters_are_written_as_the_file_says() {
    for (format, note, expected) in [
        ("{ csv: { encoding: windows-1252 } }", "Straße €", Ok(&b"id,note\r\n1,Stra\xdfe \x80\r\n"[..])),
        ("{ csv: { encoding: gb18030, header: true } }", "中", Ok(b"id,note\r\n1,\xd6\xd0\r\n")),
        ("{ csv: { bom: true } }", "中", Ok(b"\xef\xbb\xbfid,note\r\n1,\xe4\xb8\xad\r\n")),
        ("{ csv: { encoding: windows-1252 } }", "中", Err("it has letters that windows-1252 does not have")),
        (
            "{ xml: { encoding: gb18030 } }",
            "中",
            Ok(b"<?xml version=\"1.0\" encoding=\"gb18030\"?><o><id>1</id><note>\xd6\xd0</note></o>"),
        ),
    ] {
        let text = format!(
            "orderhub: 1\nmapping: t.order\nformat: {format}\n{}fields:\n  \
             - {{ hub: order_no, system: id }}\n  - {{ hub: notes.customer, system: note }}\n",
            if format.contains("xml") { "documents: { at: o }\n" } else { "" },
        );
        let mapping = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
        let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
        let mut order = Order::new(OrderKey(1), "R".into(), SystemName::new("t"), "default".into());
        for (path, value) in [("order_no", "1"), ("notes.customer", note)] {
            let field = catalogue().find_full(path).unwrap();
            order.set(&At::ROOT, field.id, Some(Value::text(value)));
        }
        let subject = Subject { order: &order, at: &At::ROOT, lane: None };
        let (system, settings, args) = (SystemName::new("t"), BTreeMap::new(), BTreeMap::new());
        let context = Context { system: &system, settings: &settings, args: &args, hub: None };
        let written = mapping.reverse(subject, &context);
        match (written, expected) {
            (Ok(written), Ok(bytes)) => assert_eq!(written.bytes, bytes, "{format}"),
            (Err(ReverseError::Failed(error)), Err(why)) => {
                assert_eq!((error.cause, error.why.as_str()), ("letters", why));
            }
            (other, _) => panic!("{format}: {other:?}"),
        }
    }
}
