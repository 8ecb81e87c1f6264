//! What a person who reads the file does not see: characters without a width, an error wherever they stand,
//! comments too, because what is reviewed must be what is read; and, as warnings because a text may have them on
//! purpose, keys of one mapping that look the same, quotes of print and blanks that are not the ordinary one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Key, Node};
use crate::codes;
use crate::diagnostic::{
    Findings, Severity, Span, chooses_form, hidden_name, is_hidden, looks_like, skeleton,
};

/// Reports each character of the file that nobody sees; one mark at the very beginning may say that the
/// file is UTF-8.
pub(super) fn check(findings: &mut Findings) {
    let source = std::sync::Arc::clone(findings.source());
    for (at, letter) in source.text.char_indices() {
        if !is_hidden(letter) || (at == 0 && letter == '\u{feff}') {
            continue;
        }
        let span = Span::new(at, at + letter.len_utf8());
        let (before, after) = source.text.split_at(at);
        if chooses_form(letter, before.chars().next_back(), after.chars().nth(1)) {
            continue;
        }
        if findings.is_full() {
            findings.count(span, Severity::Error);
            continue;
        }
        let number = u32::from(letter);
        let message = format!("a character that nobody sees: U+{number:04X}");
        let written =
            if number > 0xffff { format!("\\U{number:08X}") } else { format!("\\u{number:04X}") };
        let hint = format!("delete it; a value that needs it says \"{written}\" in double quotes");
        let finding = findings.error(codes::HIDDEN, span, message);
        findings.report(finding.with_label(hidden_name(letter)).with_hint(hint));
    }
}

/// Quotes of print, as they open and close a text.
const QUOTES: &[(char, char)] = &[
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('”', '”'),
    ('‘', '’'),
    ('‚', '‘'),
    ('‚', '’'),
    ('’', '’'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('›', '‹'),
    ('「', '」'),
    ('『', '』'),
    ('＂', '＂'),
    ('＇', '＇'),
];

/// What stands between quotes of print that a text begins and ends with, and nowhere else has.
pub(super) fn between_quotes(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(*open)?.strip_suffix(*close)?;
        (!inner.contains([*open, *close])).then_some(inner)
    })
}

/// Warns of a plain text that stands in quotes of print, or begins or ends with a blank that is not the ordinary
/// one: to YAML they are parts of it.
pub(super) fn printed(findings: &mut Findings, text: &str, span: Span) {
    let ends = (text.chars().next(), text.chars().next_back());
    let (Some(first), Some(last)) = ends else { return };
    if first.is_ascii() && last.is_ascii() {
        return;
    }
    let quoted = |text: &str| crate::value::Value::text(text).to_json_text();
    if let Some(inner) = between_quotes(text) {
        let message =
            format!("`{first}` and `{last}` are no quotes of YAML: they belong to the text");
        let hint = format!("write `{}`; if they are meant, `{}`", quoted(inner), quoted(text));
        let finding = findings.error(codes::PRINTED, span, message).as_warning();
        return findings.report(finding.with_hint(hint));
    }
    let odd = |letter: &char| !letter.is_ascii() && letter.is_whitespace();
    let (start, end) = (span.start as usize, span.end as usize);
    let place = match (Some(first).filter(odd), Some(last).filter(odd)) {
        (Some(blank), _) => Some((blank, Span::new(start, start + blank.len_utf8()), "begins")),
        (None, Some(blank)) => {
            Some((blank, Span::new(end.saturating_sub(blank.len_utf8()), end), "ends"))
        }
        (None, None) => None,
    };
    let Some((blank, span, verb)) = place else { return };
    let number = u32::from(blank);
    let message =
        format!("this text {verb} with a blank that is not the ordinary one: U+{number:04X}");
    let hint = format!("delete it; a text that needs it says \"\\u{number:04X}\" in double quotes");
    let finding = findings.error(codes::PRINTED, span, message).as_warning();
    findings.report(finding.with_hint(hint));
}

/// Warns of keys that look like another of the same mapping.
pub(super) fn alike(findings: &mut Findings, entries: &[(Key, Node)]) {
    if entries.iter().all(|(key, _)| key.name.is_ascii()) {
        return;
    }
    let mut seen: HashMap<String, &Key> = HashMap::new();
    for (key, _) in entries {
        let first = match seen.entry(skeleton(&key.name)) {
            Entry::Vacant(free) => {
                free.insert(key);
                continue;
            }
            Entry::Occupied(first) => *first.get(),
        };
        if key.name.is_ascii() && first.name.is_ascii() {
            continue;
        }
        if findings.is_full() {
            findings.count(key.span, Severity::Warning);
            continue;
        }
        let alike = looks_like(&key.name, [first.name.as_str()]);
        let alike = alike.or_else(|| looks_like(&first.name, [key.name.as_str()]));
        if let Some(alike) = alike {
            let line = findings.source().line(first.span.start);
            let message = format!("two keys of one mapping look the same: `{}`", key.name);
            let finding = findings.error(codes::LOOK_ALIKE, key.span, message).as_warning();
            let hint =
                format!("the other stands on line {line}; leave one out unless both are meant");
            findings.report(finding.with_label(alike.how).with_hint(hint));
        }
    }
}
