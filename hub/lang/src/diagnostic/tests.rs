//! Tests of the report of diagnostics.

use super::*;

#[test]
fn a_finding_reads_like_a_good_compilers_error() {
    let text = "fields:\n  - { hub: customer.e_mail, system: email }\n";
    let source = Source::new("mappings/shopify/order_rest.yaml", text);
    let start = text.find("customer").unwrap();
    let finding = Diagnostic::error(
        "M0107",
        &source,
        Span::new(start, start + 15),
        "unknown hub field `customer.e_mail`",
    )
    .with_label("no such field in order v1")
    .with_nearest("customer.e_mail", ["customer.name", "customer.email"]);
    let expected = "\
error[M0107]: unknown hub field `customer.e_mail`
 --> mappings/shopify/order_rest.yaml:2:12
  |
2 |   - { hub: customer.e_mail, system: email }
  |            ^^^^^^^^^^^^^^^ no such field in order v1
  = hint: did you mean `customer.email`?
  = more: orderhub explain M0107
";
    assert_eq!(render(&[finding]), expected);
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let source = Source::new("a.yaml", "名: 订单\r\nx: y\r\n");
    let byte = u32::try_from(source.text.find('订').unwrap()).unwrap();
    assert_eq!(source.position(byte), Position { line: 1, column: 4 });
    assert_eq!(source.position(9_999).line, 3);
    assert!(!render(&[Diagnostic::error("Y0001", &source, Span::new(6, 9), "x")]).contains('\r'));
}

#[test]
fn a_very_long_line_is_cut_around_the_place() {
    let text = format!("{}HERE{}", "a".repeat(5_000), "b".repeat(5_000));
    let source = Source::new("a.yaml", text);
    let report = render(&[Diagnostic::error("Y0001", &source, Span::new(5_000, 5_004), "x")]);
    assert!(report.lines().all(|line| line.chars().count() < 200), "{report}");
    let lines: Vec<&str> = report.lines().collect();
    let at = lines[3].chars().position(|c| c == 'H').unwrap();
    assert_eq!(lines[4].chars().position(|c| c == '^').unwrap(), at);
}

#[test]
fn a_file_cannot_steer_the_terminal() {
    let text = "x: \u{1b}[31mred \u{202e}der\u{200b}\u{a0}\u{e0041}";
    let source = Source::new("a\u{202e}.yaml", text);
    let finding = Diagnostic::error("Y0001", &source, Span::new(0, 1), text).with_hint(text);
    let finding = finding.with_note(&Source::new("b\u{202e}.yaml", "x"), Span::new(0, 1), text);
    let report = render(&[finding.with_label(text)]);
    assert!(!report.contains(|c: char| c != '\n' && (c.is_control() || !c.is_ascii())), "{report}");
    assert!(
        report.contains("1 | x: \\u{1B}[31mred \\u{202E}der\\u{200B}\\u{A0}\\u{E0041}"),
        "{report}"
    );
}

#[test]
fn every_character_without_a_look_of_its_own_is_hidden() {
    // Default_Ignorable_Code_Point of Unicode 16, without what joins letters.
    let ranges = [
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x61c, 0x61c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200b),
        (0x200e, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe0fff),
    ];
    for letter in ranges.into_iter().flat_map(|(from, to)| from..=to).filter_map(char::from_u32) {
        assert!(is_hidden(letter), "U+{:04X}", u32::from(letter));
    }
    for (text, stands) in [
        ("n\u{fe0f}o", false),
        ("⚠\u{fe0f}", true),
        ("葛\u{e0100}", true),
        ("1\u{fe0f}\u{20e3}", true),
    ] {
        let mut letters = text.chars();
        let (before, letter) = (letters.next(), letters.next().unwrap());
        assert_eq!(chooses_form(letter, before, letters.next()), stands, "{text}");
    }
}

#[test]
fn carets_are_as_wide_as_what_they_stand_under() {
    let text = "名称: 订单\u{200b}号 x\te\u{301}nd";
    let source = Source::new("a.yaml", text);
    let lines = |part: &str| -> (usize, usize) {
        let start = text.find(part).unwrap();
        let span = Span::new(start, start + part.len());
        let report = render(&[Diagnostic::error("Y0001", &source, span, "x")]);
        let under = report.lines().nth(4).unwrap().strip_prefix("  | ").unwrap();
        (under.find('^').unwrap(), under.matches('^').count())
    };
    // `名称: ` takes 6 columns, `订单` 4, the hidden character 8 as `\u{200B}`.
    assert_eq!(lines("订单"), (6, 4));
    assert_eq!(lines("号"), (18, 2));
    assert_eq!(lines("\u{200b}"), (10, 8));
    assert_eq!(lines("x"), (21, 1));
    assert_eq!(lines("e\u{301}nd"), (23, 3));
}

#[test]
fn a_wide_line_is_cut_around_the_place_too() {
    let text = format!("{}这里{}", "订".repeat(5_000), "\u{202e}".repeat(5_000));
    let source = Source::new("a.yaml", text);
    let report = render(&[Diagnostic::error("Y0001", &source, Span::new(15_000, 15_006), "x")]);
    let lines: Vec<&str> = report.lines().collect();
    let shown = lines[3].split("这里").next().unwrap();
    assert_eq!(
        unicode_width::UnicodeWidthStr::width(shown),
        lines[4].find('^').unwrap(),
        "{report}"
    );
    assert!(report.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) < 200));
}

#[test]
fn places_are_those_of_counting_from_the_start() {
    let text = "a\r\n名称: x\n\n\nlast é";
    let source = Source::new("a.yaml", text);
    for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
        let before = text.get(..byte).unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        let byte = u32::try_from(byte).unwrap();
        assert_eq!(source.position(byte), Position { line, column }, "{byte}");
        assert_eq!(source.line(byte), line);
    }
}

#[test]
fn a_word_that_looks_like_a_name_and_is_not_is_told_by_its_letter() {
    let found = looks_like("h\u{57d}b", ["system", "hub"]).unwrap();
    assert_eq!((found.name, found.how.as_str()), ("hub", "letter 2 is U+057D, not `u`"));
    assert_eq!(looks_like("\u{ff48}ub", ["hub"]).unwrap().how, "letter 1 is U+FF48, not `h`");
    assert_eq!(looks_like("hub", ["hub"]), None);
    assert_eq!(looks_like("1ine", ["line"]), None);
    assert_eq!(looks_like("\u{4e2d}\u{6587}", ["hub"]), None);
    let source = Source::new("a.yaml", "x");
    let finding = Diagnostic::error("M0107", &source, Span::new(0, 1), "x");
    let finding = finding.with_nearest("\u{441}ustomer.name", ["customer.name"]);
    let hint = "it only looks like `customer.name`: letter 1 is U+0441, not `c`";
    assert_eq!(finding.hint.as_deref(), Some(hint));
}

#[test]
fn the_nearest_name_differs_by_at_most_a_third() {
    assert_eq!(nearest("custmer", ["customer", "currency"]), Some("customer"));
    assert_eq!(nearest("hbu", ["hub", "system"]), Some("hub"));
    assert_eq!(nearest("zzz", ["hub", "system"]), None);
    assert_eq!(nearest("", ["hub"]), None);
}

#[test]
fn findings_are_bounded_and_ordered() {
    let source = Source::new("a.yaml", "abc");
    let mut findings = Findings::new(&source);
    for _ in 0..MOST_FINDINGS * 2 {
        findings.report(findings.error("Y0001", Span::new(2, 3), "late"));
    }
    assert_eq!(findings.len(), MOST_FINDINGS * 2);
    let found = findings.into_vec();
    assert_eq!(found.len(), MOST_FINDINGS + 1);
    let more = found.last().unwrap();
    assert_eq!((more.code, more.message.as_str()), ("Y0015", "... and 100 more in this file"));
    let mut late = Findings::new(&source);
    late.extend(found.clone());
    assert!(late.has_errors());
    let mut both = vec![
        Diagnostic::error("Y0001", &source, Span::new(2, 3), "late"),
        Diagnostic::error("Y0001", &source, Span::new(0, 1), "early"),
    ];
    sort(&mut both);
    assert_eq!(both[0].message, "early");
}

#[test]
fn files_are_named_as_they_were_asked_for() {
    let mut main = Source::new("mappings/a.yaml", "one\ninclude b\n");
    let inner = Source::new("mappings/b.yaml", "wrong\n");
    let base = Arc::make_mut(&mut main).include(&inner, Span::new(4, 13)).unwrap();
    let place = Span::new(0, 5).shifted(base);
    let found = Diagnostic::error("Y0001", &main, place, "`mappings/b.yaml` is wrong")
        .with_label("in `mappings/b.yaml`")
        .with_hint("`mappings/b.yaml`");
    let before = render(std::slice::from_ref(&found));
    let other = |text: &str| text.replace("mappings/", "n2/");
    let twice = renamed(vec![found.clone(), found], &other, &other);
    assert!(Arc::ptr_eq(&twice[0].source, &twice[1].source), "its text is there once");
    assert_eq!(render(&twice[..1]), before.replace("mappings/", "n2/"));
    assert_eq!(twice[0].to_json().related[0].file, "n2/a.yaml");
}

#[test]
fn a_byte_of_any_document_has_a_line_and_a_column() {
    let place = |text: &[u8], byte| Position::of(text, byte).to_string();
    assert_eq!(place("{\n \"ä\": tru }".as_bytes(), 9), "line 2, column 7");
    assert_eq!(place("\u{feff}x".as_bytes(), 3), "line 1, column 1");
    assert_eq!(place(b"a\r\nb", 99), "line 2, column 2");
    assert_eq!(place(b"", 0), "line 1, column 1");
    assert_eq!(place(b"a\xff\xffb", 3), "line 1, column 4");
}
