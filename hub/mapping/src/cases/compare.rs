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
