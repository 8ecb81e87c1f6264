//! Compares what a case expects with what the mapping gave.

use serde_json::Value as Json;

/// What differs, by path.
pub(super) fn compare(path: &str, expected: &Json, given: &Json, failures: &mut Vec<String>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, given) {
        (Json::Object(expected), Json::Object(given)) => {
            for (name, value) in expected {
                match given.get(name) {
                    Some(given) => compare(&at(name), value, given, failures),
                    None => failures.push(format!("`{}` is missing: expected {value}", at(name))),
                }
            }
            for (name, value) in given {
                if !expected.contains_key(name) {
                    failures.push(format!("`{}` was not expected: {value}", at(name)));
                }
            }
        }
        (Json::Array(expected), Json::Array(given)) if expected.len() == given.len() => {
            for (number, (expected, given)) in expected.iter().zip(given).enumerate() {
                compare(&at(&number.to_string()), expected, given, failures);
            }
        }
        (expected, given) if expected == given => {}
        (expected, given) => {
            let path = if path.is_empty() { "." } else { path };
            failures.push(format!("`{path}` is {given}, expected {expected}"));
        }
    }
}

/// What differs between two bodies that are not JSON: their texts, or else the bytes that these were read from.
pub(super) fn bytes(
    expected: &[u8],
    given: &[u8],
    [wanted, text]: [String; 2],
    failures: &mut Vec<String>,
) {
    if expected == given {
        return;
    }
    if wanted != text {
        return compare("", &Json::String(wanted), &Json::String(text), failures);
    }
    let mark = |bytes: &[u8]| bytes.starts_with("\u{feff}".as_bytes());
    let ends = |bytes: &[u8]| bytes.windows(2).any(|pair| pair == b"\r\n");
    let said = |yes: bool, one: &'static str, other: &'static str| if yes { one } else { other };
    if mark(expected) != mark(given) {
        let has = |bytes| said(mark(bytes), "begins with a mark of byte order", "has none");
        failures.push(format!("`.` {}; what is expected {}", has(given), has(expected)));
    }
    if ends(expected) != ends(given) {
        let has = |bytes| said(ends(bytes), "CR and LF", "LF");
        failures.push(format!(
            "`.` ends its lines with {}, expected {}",
            has(given),
            has(expected)
        ));
    }
    if failures.is_empty() {
        let same = expected.iter().zip(given).take_while(|(one, other)| one == other).count();
        failures.push(format!("`.` has the same letters in other bytes, from byte {same} on"));
    }
}
