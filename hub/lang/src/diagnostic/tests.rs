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
    let source = Source::new("a.yaml", "x: \u{1b}[31mred");
    let report = render(&[Diagnostic::error("Y0001", &source, Span::new(0, 1), "x")]);
    assert!(!report.contains('\u{1b}'));
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
    assert_eq!(findings.len(), MOST_FINDINGS);
    let mut both = vec![
        Diagnostic::error("Y0001", &source, Span::new(2, 3), "late"),
        Diagnostic::error("Y0001", &source, Span::new(0, 1), "early"),
    ];
    sort(&mut both);
    assert_eq!(both[0].message, "early");
}
