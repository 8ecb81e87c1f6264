//! The scan beside a strict reader of JSON, on generated documents.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::trie::{Step, Trie};
use super::*;

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("é\"\\".to_owned()),
        "[a-c\u{0}\n😀]{0,3}"
    ]
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1000_i32..1000).prop_map(|n| Json::from(f64::from(n) / 8.0)),
        key().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Json::from),
            vec((key(), inner), 0..5)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// Reads `a`, `b`, `a.b`, `a.*`, `a.*.b` and `a.1` of a document, all at once.
struct Reader {
    trie: Trie,
    nodes: [NodeId; 6],
}

impl Reader {
    fn new() -> Self {
        let mut trie = Trie::new();
        trie.mark_document(Trie::BODY, 0);
        let key = |name: &str| Step::Key(name.to_owned());
        let a = trie.step(Trie::DOCUMENT, &key("a"));
        let b = trie.step(Trie::DOCUMENT, &key("b"));
        let ab = trie.step(a, &key("b"));
        let each = trie.step(a, &Step::Each);
        let each_b = trie.step(each, &key("b"));
        let second = trie.step(a, &Step::Index(1));
        Self { trie, nodes: [a, b, ab, each, each_b, second] }
    }
}

/// The text that a slot holds, as JSON; `None` for nothing.
fn shown(scanned: &Scanned<'_>, slot: Slot) -> Option<Json> {
    let text = scanned.text.get(slot.start as usize..slot.end as usize).unwrap_or_default();
    match slot.kind {
        Kind::Absent | Kind::Blocked | Kind::Rows => None,
        Kind::Null => Some(Json::Null),
        Kind::True => Some(Json::Bool(true)),
        Kind::False => Some(Json::Bool(false)),
        Kind::Text => Some(Json::from(text)),
        Kind::Escaped => Some(Json::from(&*unescape(text))),
        Kind::Number | Kind::Object | Kind::Array => Some(serde_json::from_str(text).unwrap()),
    }
}

/// Escapes everything beyond ASCII, to see escapes in keys and texts.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn the_scan_finds_what_a_reader_of_the_whole_document_finds(document in json(), spaced: bool) {
        let reader = Reader::new();
        let text = if spaced { format!(" {document:#}\n") } else { document.to_string() };
        for text in [escaped(&text), text] {
            let scanned = scan(&reader.trie, &[], text.as_bytes()).unwrap();
            let (_, frame) = scanned.documents[0];
            let at = |node: NodeId| scanned.slot(frame, reader.trie.address(node).slot);
            let [a, b, ab, each, each_b, second] = reader.nodes;
            prop_assert_eq!(shown(&scanned, scanned.slot(frame, 1)), Some(document.clone()));
            prop_assert_eq!(shown(&scanned, at(a)), document.get("a").cloned().or(below(&document)));
            prop_assert_eq!(shown(&scanned, at(b)), document.get("b").cloned().or(below(&document)));
            let inner = document.get("a").cloned().or(below(&document)).unwrap_or_default();
            if document.get("a").is_some() {
                prop_assert_eq!(shown(&scanned, at(ab)), inner.get("b").cloned().or(below(&inner)));
                prop_assert_eq!(shown(&scanned, at(second)), inner.get(1).cloned().or(below(&inner)));
            }
            let rows = reader.trie.node(a).unwrap().rows.unwrap();
            let found: Vec<u32> = scanned.rows(scanned.slot(frame, rows.slot)).collect();
            let items = document.get("a").and_then(Json::as_array).cloned().unwrap_or_default();
            prop_assert_eq!(found.len(), items.len());
            for (row, item) in found.into_iter().zip(items) {
                let at = |node: NodeId| scanned.slot(row, reader.trie.address(node).slot);
                prop_assert_eq!(shown(&scanned, at(each)), Some(item.clone()));
                prop_assert_eq!(shown(&scanned, at(each_b)), item.get("b").cloned().or(below(&item)));
            }
        }
    }

    #[test]
    fn the_scan_accepts_what_a_strict_reader_accepts(document in json(), at in 0_usize..400, byte: u8, cut: bool) {
        let reader = Reader::new();
        let mut bytes = document.to_string().into_bytes();
        let at = at % (bytes.len() + 1);
        if cut {
            bytes.truncate(at);
        } else if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let strict = serde_json::from_slice::<Json>(&bytes);
        match scan(&reader.trie, &[], &bytes) {
            Ok(_) => prop_assert!(accepted(&strict, &bytes), "{}", String::from_utf8_lossy(&bytes)),
            Err(error) => prop_assert!(
                strict.is_err() || error.cause == "duplicate_key",
                "{error:?}: {}", String::from_utf8_lossy(&bytes)
            ),
        }
    }
}

/// Null passes on: what lies below it is null too.
fn below(value: &Json) -> Option<Json> {
    value.is_null().then_some(Json::Null)
}

/// The other reader refuses numbers that no float holds; the scan keeps them as written.
fn accepted(strict: &Result<Json, serde_json::Error>, bytes: &[u8]) -> bool {
    let range = |error: &serde_json::Error| error.to_string().contains("number out of range");
    strict.is_ok() || strict.as_ref().is_err_and(range) || bytes.starts_with("\u{feff}".as_bytes())
}

#[test]
fn depth_is_bounded_where_values_are_read_and_where_they_are_skipped() {
    let reader = Reader::new();
    for key in ["a", "other"] {
        let deep =
            |levels: usize| format!("{{\"{key}\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(scan(&reader.trie, &[], deep(token::DEPTH as usize - 1).as_bytes()).is_ok());
        let error = scan(&reader.trie, &[], deep(token::DEPTH as usize).as_bytes()).unwrap_err();
        assert_eq!(error.cause, "too_deep");
    }
}

#[test]
fn the_number_of_slots_is_bounded() {
    let reader = Reader::new();
    let rows = MAX_SLOTS / 3 + 1;
    let many = format!("{{\"a\":[{}1]}}", "1,".repeat(rows));
    assert_eq!(scan(&reader.trie, &[], many.as_bytes()).unwrap_err().cause, "too_large");
}

#[test]
fn the_first_element_with_the_text_is_the_one() {
    let mut trie = Trie::new();
    trie.mark_document(Trie::BODY, 0);
    let list = trie.step(Trie::DOCUMENT, &Step::Key("l".to_owned()));
    let chosen = trie.step(list, &Step::Where("k".to_owned(), "v".to_owned()));
    let value = trie.step(chosen, &Step::Key("x".to_owned()));
    let text = r#"{"l":[{"x":1},{"x":2,"k":"v"},{"k":"v","x":3},{"k":5}]}"#;
    let scanned = scan(&trie, &[], text.as_bytes()).unwrap();
    let slot = scanned.slot(scanned.documents[0].1, trie.address(value).slot);
    assert_eq!(shown(&scanned, slot), Some(Json::from(2)));
}

#[test]
fn a_text_ends_at_its_first_special_byte_wherever_it_stands() {
    let special =
        |bytes: &[u8]| bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    for length in 0..20 {
        for place in 0..length {
            for byte in 0..=u8::MAX {
                // What stands behind may be special too, and what stands before may look like it.
                for around in [b'a', 0x20, 0x23, 0xa2, 0xdc, 0xff] {
                    let mut bytes = vec![around; length];
                    bytes[place] = byte;
                    assert_eq!(token::special(&bytes), special(&bytes), "{bytes:?}");
                    bytes[place + 1..].fill(b'"');
                    assert_eq!(token::special(&bytes), special(&bytes), "{bytes:?}");
                }
            }
        }
    }
}
