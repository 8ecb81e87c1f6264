//! Tests of the YAML reader.

use super::*;
use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Source, render};

fn read(text: &str) -> Result<Node, Vec<Diagnostic>> {
    parse(&Source::new("a.yaml", text), &Budget::default())
}

/// The findings as `code line:column`.
fn places(found: &[Diagnostic]) -> Vec<String> {
    let place = |f: &Diagnostic| {
        let at = f.position();
        format!("{} {}:{}", f.code, at.line, at.column)
    };
    found.iter().map(place).collect()
}

fn json(text: &str) -> String {
    read(text).unwrap_or_else(|found| panic!("{}", render(&found))).to_value().to_json_text()
}

#[test]
fn scalars_follow_the_core_schema_of_yaml_1_2() {
    assert_eq!(
        json(
            "a: NO\nb: on\nc: yes\nd: true\ne: ~\nf: 0x1F\ng: 1.50\nh: '1'\ni: 2026-11-22\nj: .inf\nk:\nl: 1_000\nm: -2e3\n"
        ),
        r#"{"a":"NO","b":"on","c":"yes","d":true,"e":null,"f":31,"g":1.50,"h":"1","i":"2026-11-22","j":".inf","k":null,"l":"1_000","m":-2000}"#
    );
    assert_eq!(json(""), "null");
    assert_eq!(json("# only a comment\n"), "null");
    assert_eq!(json("1: a\ntrue: b\n1.5: c\n"), r#"{"1":"a","true":"b","1.5":"c"}"#);
    assert_eq!(json("a: !!str 12\n"), r#"{"a":"12"}"#);
    assert_eq!(json("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), r#"{"a":"x\ny\n","b":"x y"}"#);
}

#[test]
fn keys_and_values_know_their_bytes() {
    let text = "\u{feff}名: 值\r\nlist:\r\n  - { a: \"x\", b: 'y z' }\r\n  - plain\r\nempty:\r\nmap:\r\n  k: v\r\n\r\nlast: 1\r\n";
    let source = Source::new("a.yaml", text);
    let root = parse(&source, &Budget::default()).unwrap();
    let mut seen = Vec::new();
    walk(&root, &mut |span| seen.push(source.slice(span).to_owned()));
    assert_eq!(
        seen,
        [
            "名",
            "值",
            "list",
            "- { a: \"x\", b: 'y z' }\r\n  - plain",
            "{ a: \"x\", b: 'y z' }",
            "a",
            "\"x\"",
            "b",
            "'y z'",
            "plain",
            "empty",
            "",
            "map",
            "k: v",
            "k",
            "v",
            "last",
            "1"
        ]
    );
    assert_eq!(source.place(root.get("empty").unwrap().span.start), "a.yaml:5:6");
}

fn walk(node: &Node, see: &mut dyn FnMut(Span)) {
    match &node.value {
        NodeValue::List(list) => {
            for item in list {
                see(item.span);
                walk(item, see);
            }
        }
        NodeValue::Map(map) => {
            for (key, value) in map {
                see(key.span);
                see(value.span);
                walk(value, see);
            }
        }
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::Text(_) => {}
    }
}

#[test]
fn aliases_and_merges_copy_what_was_said() {
    assert_eq!(
        json("base: &b { x: 1, y: 2 }\nuse: *b\nmore: { <<: *b, y: 3, z: [*b] }\n"),
        r#"{"base":{"x":1,"y":2},"use":{"x":1,"y":2},"more":{"y":3,"z":[{"x":1,"y":2}],"x":1}}"#
    );
    assert_eq!(
        json("a: &a { x: 1 }\nb: { <<: [*a, { y: 2 }] }"),
        r#"{"a":{"x":1},"b":{"x":1,"y":2}}"#
    );
    assert_eq!(json("'<<': 1"), r#"{"<<":1}"#);
}

/// Whether a finding is at the place that a case expects, and says the parts of its message and hint that follow:
/// `Y0001 1:4 closes nothing | delete it`.
fn is_said(finding: &Diagnostic, place: &str, expected: &str) -> bool {
    let Some(said) = expected.strip_prefix(place) else { return false };
    let (message, hint) = said.split_once(" | ").unwrap_or((said, ""));
    (message.is_empty() || message.starts_with(' '))
        && finding.message.contains(message.trim())
        && finding.hint.as_deref().unwrap_or_default().contains(hint)
}

/// The cases of `tests/data/lang/yaml.yaml`: a text, how often it is repeated, and what is found.
#[test]
fn mistakes_are_reported_at_their_places() {
    let cases = include_str!("../../../../tests/data/lang/yaml.yaml");
    let cases = read(cases).unwrap_or_else(|found| panic!("{}", render(&found)));
    let mut failures = Vec::new();
    for case in cases.as_list().unwrap() {
        let text = |key: &str| case.get(key).map(|node| node.scalar_text().unwrap().into_owned());
        let times = text("times").map_or(1, |times| times.parse().unwrap());
        let expected = case.get("found").unwrap().as_list().unwrap().iter();
        let mut expected: Vec<_> = expected.map(|node| node.scalar_text().unwrap()).collect();
        let source = Source::new("a.yaml", text("text").unwrap().repeat(times));
        let mut findings = Findings::new(&source);
        let _tree = parse_on(&mut findings, &Budget::default());
        let mut found = findings.into_vec();
        // `...` leaves out what stands before the last ones.
        if let Some(rest) = expected.strip_prefix(&["...".into()]) {
            found.drain(..found.len() - rest.len());
            expected.remove(0);
        }
        let mut pairs = found.iter().zip(places(&found)).zip(&expected);
        let same = pairs.all(|((finding, place), expected)| is_said(finding, &place, expected));
        if !same || found.len() != expected.len() {
            let why = text("why").unwrap();
            failures.push(format!("{why}: expected {expected:?}\n{}", render(&found)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_at_the_byte() {
    let found = source_from_bytes("a.yaml", b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!(places(&[*found]), ["Y0012 2:4"]);
}

#[test]
fn an_alias_bomb_ends_at_the_budget() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let last = n - 1;
        let refs = vec![format!("*a{last}"); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert_eq!(read(&bomb).unwrap_err()[0].code, codes::TOO_MANY_NODES);
    // Long texts are charged by their length: few nodes, but gigabytes.
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 50_000].join(","));
    assert_eq!(read(&long).unwrap_err()[0].code, codes::TOO_MANY_NODES);
}

#[test]
fn deep_nesting_and_large_files_end_at_the_budget() {
    assert_eq!(read(&"[".repeat(100_000)).unwrap_err()[0].code, codes::TOO_DEEP);
    let blocks: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(read(&blocks).unwrap_err()[0].code, codes::TOO_DEEP);
    let nested: String = (0..60).map(|n| format!("{}k:\n", " ".repeat(n))).collect();
    let through_aliases = format!("a: &a [[[[[[[[[[1]]]]]]]]]]\n{nested}{}k: *a\n", " ".repeat(60));
    assert_eq!(read(&through_aliases).unwrap_err()[0].code, codes::TOO_DEEP);
    assert_eq!(read(&"x".repeat(2 << 20)).unwrap_err()[0].code, codes::TOO_LARGE);
    let many = format!("[{}]", vec!["1"; 300_000].join(","));
    assert_eq!(read(&many).unwrap_err()[0].code, codes::TOO_MANY_NODES);
}

#[test]
fn of_a_file_of_nothing_but_mistakes_the_first_are_shown_and_all_are_counted() {
    let twice: String = (0..50_000).map(|n| format!("k{n}: 1\nk{n}: 2\n")).collect();
    let found = read(&twice).unwrap_err();
    assert_eq!(found.len(), crate::diagnostic::MOST_FINDINGS + 1);
    let more = found.last().unwrap();
    assert_eq!(
        (more.code, more.message.as_str()),
        (codes::MORE, "... and 49900 more in this file")
    );
}

#[test]
fn unknown_keys_are_reported_with_the_nearest_name() {
    let text = "{ rate: 10/s, burts: 20, zzz: 1, b\u{443}: 2 }";
    let source = Source::new("a.yaml", text);
    let node = parse(&source, &Budget::default()).unwrap();
    let mut findings = Findings::new(&source);
    let mut fields = Fields::of(&node, "a limit", &mut findings).unwrap();
    assert_eq!(fields.required_text("rate", &mut findings).as_deref(), Some("10/s"));
    assert!(fields.optional("burst").is_none());
    assert!(fields.required("by", &mut findings).is_none());
    fields.finish(&mut findings);
    let found = findings.into_vec();
    assert_eq!(places(&found), ["L0002 1:3", "L0001 1:15", "L0001 1:26", "Y0013 1:34"]);
    assert_eq!(found[3].label, "letter 2 is U+0443, not `y`");
    assert_eq!(found[1].hint.as_deref(), Some("did you mean `burst`?"));
    assert_eq!(found[2].hint.as_deref(), Some("known keys: burst, by, rate"));
}

#[test]
fn a_text_that_a_comma_cuts_is_told_once_with_its_quotes() {
    let text = "{ why: a new job, in a hurry, with care, system: a.json, hb }";
    let source = Source::new("a.yaml", text);
    let node = parse(&source, &Budget::default()).unwrap();
    let mut findings = Findings::new(&source);
    let mut fields = Fields::of(&node, "a case", &mut findings).unwrap();
    fields.allow(&["why", "system", "hub"]);
    fields.finish(&mut findings);
    let found = findings.into_vec();
    assert_eq!(places(&found), ["L0001 1:19", "L0001 1:58"]);
    let hint = "a text with a comma stands in quotes: `why: \"a new job, in a hurry, with care\"`";
    assert_eq!(found[0].hint.as_deref(), Some(hint));
    assert_eq!(found[1].hint.as_deref(), Some("did you mean `hub`?"));
}

#[test]
fn a_key_without_its_colon_or_in_quotes_of_print_says_what_to_type() {
    let hint = |text: &str| {
        let source = Source::new("a.yaml", text);
        let node = parse(&source, &Budget::default()).unwrap();
        let mut findings = Findings::new(&source);
        if let Some(mut fields) = Fields::of(&node, "a rule", &mut findings) {
            fields.allow(&["hub", "system"]);
            fields.finish(&mut findings);
        }
        findings.into_vec().remove(0).hint.unwrap_or_default()
    };
    let equals = "between a key and its value stand a colon and a blank, not `=`: `hub: a`";
    assert_eq!(hint("{ hub= a }"), equals);
    assert_eq!(hint("hub = a"), equals);
    assert_eq!(hint("{ hub:\u{a0}a }"), "U+00A0 is no ordinary blank, type `hub: a`");
    assert_eq!(hint("{ hub:a }"), "a blank stands behind a colon: `hub: a`");
    assert_eq!(hint("{ “hub”: a }"), "write it without these quotes: `hub`");
    assert_eq!(hint("a text"), "write `key: value`, a line each, or `{ key: value }`");
}

#[test]
fn a_part_of_a_text_is_found_inside_its_quotes() {
    let source = Source::new("a.yaml", "a: 'status == 1'\nb: \"x\\ny\"\n");
    let root = parse(&source, &Budget::default()).unwrap();
    let a = root.get("a").unwrap();
    assert_eq!(source.slice(a.inner(&source, Span::new(7, 9))), "==");
    let b = root.get("b").unwrap();
    assert_eq!(b.inner(&source, Span::new(0, 1)), b.span);
}

proptest::proptest! {
    #[test]
    fn any_text_ends_with_a_tree_or_findings(text in "[\\[\\]{}:,&*!|>'\"%@#a-c0-2 \\t\\n=：，｛｝“”–\u{a0}-]{0,80}") {
        let _either = read(&text);
    }
}

/// A line with one slip, if it has what the slip needs.
fn with_slip(line: &str, slip: &str) -> Option<String> {
    let last =
        |sign: char| line.rsplit_once(sign).map(|(before, behind)| [before, behind].concat());
    match slip {
        "no }" => last('}'),
        "no ]" => last(']'),
        "no {" => line.split_once('{').map(|(before, behind)| [before, behind].concat()),
        "a } too many" => line.ends_with('}').then(|| format!("{line} }}")),
        "a tab" => line.strip_prefix("  ").map(|line| format!("\t{}", line.trim_start())),
        _ => {
            let (right, wrong) = slip.split_once(" for ")?;
            line.contains(wrong).then(|| line.replacen(wrong, right, 1))
        }
    }
}

#[test]
fn a_slip_in_any_line_is_found_on_that_line() {
    let text = include_str!("../../../../tests/data/mapping/wrong/base/till/order.yaml");
    let slips = [
        "no }",
        "no ]",
        "no {",
        "a } too many",
        "a tab",
        " for - ",
        "-\u{a0} for - ",
        "= for : ",
        "： for : ",
        ":\u{a0} for : ",
        "， for , ",
        "｝ for }",
        "｛ for {",
        "   for - ",
    ];
    let mut told = 0;
    for (at, line) in text.lines().enumerate() {
        for slip in slips {
            let Some(wrong) = with_slip(line, slip) else { continue };
            let lines = text.lines().enumerate();
            let all = lines.map(|(other, line)| if other == at { wrong.as_str() } else { line });
            let found = read(&all.collect::<Vec<_>>().join("\n")).err().unwrap_or_default();
            // It may be YAML still, and mean something else: that is for others to see.
            let Some(first) = found.first() else { continue };
            told += 1;
            assert_eq!(first.position().line, at + 1, "{slip}:\n{wrong}\n{}", render(&found));
        }
    }
    assert!(told > 100, "only {told} were told");
}
