//! Layouts, before and after.

use super::*;

fn laid(text: &str) -> String {
    let source = Source::new("a.yaml", text);
    format(&source, &Budget::default()).unwrap_or_else(|why| why.to_string())
}

const CASES: &[(&str, &str, &str)] = &[
    ("blanks in braces and brackets", "a: {b: 1,c:  [ 1,2 , 3 ]}\n", "a: { b: 1, c: [1, 2, 3] }\n"),
    ("empty ones", "a: { }\nb: [ ]\n", "a: {}\nb: []\n"),
    ("a list stands two deeper than its key", "a:\n- 1\n- 2\nb: 3\n", "a:\n  - 1\n  - 2\nb: 3\n"),
    ("blocks by two", "a:\n    b:\n        c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"),
    (
        "a mapping in a list",
        "a:\n-   b: 1\n    c: 2\n-   - 1\n    - 2\n",
        "a:\n  - b: 1\n    c: 2\n  - - 1\n    - 2\n",
    ),
    ("a value on a line of its own", "a:\n      b\nc:\n   { d: 1 }\n", "a:\n  b\nc:\n  { d: 1 }\n"),
    ("line ends and a mark stay", "\u{feff}a: 1  \r\nb: 2\r\n\r\n\r\n", "\u{feff}a: 1\r\nb: 2\r\n"),
    (
        "all lines end as the first one",
        "a: 1\r\nb:  2\nc: |\r\n  x\n  y\r\n",
        "a: 1\r\nb: 2\r\nc: |\r\n  x\r\n  y\r\n",
    ),
    ("all lines end as the first one", "a:  1\nb: 2\r\n", "a: 1\nb: 2\n"),
    ("no end", "a: 1", "a: 1\n"),
    ("empty lines", "\n\na: 1\n\n\n\nb: 2\n", "a: 1\n\nb: 2\n"),
    (
        "comments stand where their line stands",
        "# top\na:\n# of the first\n- 1 # one\n# of the second\n-   2\n# of b\nb: 3\n# end\n",
        "# top\na:\n  # of the first\n  - 1 # one\n  # of the second\n  - 2\n# of b\nb: 3\n# end\n",
    ),
    (
        "a column of comments is kept",
        "a: 1      # one\nbb: {c: 2} # two\nd:   3    # three\n",
        "a: 1      # one\nbb: { c: 2 } # two\nd: 3      # three\n",
    ),
    ("quotes are kept", "a: 'x  y'\nb: \"{z}\"\n'c d': ~\n", "a: 'x  y'\nb: \"{z}\"\n'c d': ~\n"),
    (
        "lines of a block are text",
        "a:\n    b: |\n        x  {y}\n          z # no comment\n\n        w\n    c: >-\n      v\n",
        "a:\n  b: |\n      x  {y}\n        z # no comment\n\n      w\n  c: >-\n    v\n",
    ),
    (
        "braces over several lines",
        "a:\n    - { b: 1,\n        c: 2 }\n    - [1,\n       2]\n",
        "a:\n  - { b: 1,\n      c: 2 }\n  - [1,\n     2]\n",
    ),
    (
        "an anchored list",
        "a: &x\n- {b: 1}\nc:   *x\nd: { <<: {e: 1} }\n",
        "a: &x\n  - { b: 1 }\nc: *x\nd: { <<: { e: 1 } }\n",
    ),
    ("a text over several lines", "a: 'x\n     y'\nb: x\n    y\n", "a: 'x\n     y'\nb: x\n    y\n"),
    ("nothing", "", ""),
    ("only comments", "# a\n\n\n# b", "# a\n\n# b\n"),
    ("a document's mark", "---\na:   1\n", "---\na: 1\n"),
];

#[test]
fn formatting_changes_no_meaning_and_is_done_after_once() {
    let mut wrong = Vec::new();
    for (why, before, after) in CASES {
        for text in [before, after] {
            let given = laid(text);
            if given != *after {
                wrong.push(format!("{why}: {text:?}\n  gives {given:?}\n  not   {after:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_would_mean_something_else_is_left_as_it_is() {
    // The empty lines at the end are text, and the layout would drop them.
    let source = Source::new("a.yaml", "a: |+\n  x\n\n\n");
    assert!(matches!(format(&source, &Budget::default()), Err(NotFormatted::Meaning)));
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let source = Source::new("a.yaml", "a: [1\n");
    assert!(matches!(format(&source, &Budget::default()), Err(NotFormatted::Unreadable(_))));
}

proptest::proptest! {
    #[test]
    fn any_text_keeps_its_meaning_or_is_left_alone(text in "[\\[\\]{}:,&*!|>'\"#a-c0-2 \\r\\n-]{0,60}") {
        let source = Source::new("a.yaml", text);
        if let Ok(after) = format(&source, &Budget::default()) {
            let tree = |text: &str| {
                parse(&Source::new("a.yaml", text), &Budget::default()).unwrap().to_value()
            };
            assert_eq!(tree(&after), tree(&source.text));
            let again = format(&Source::new("a.yaml", after.clone()), &Budget::default());
            assert_eq!(again.unwrap(), after);
        }
    }
}
