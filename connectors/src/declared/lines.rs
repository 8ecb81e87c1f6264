//! `format: jsonl` of a step: an answer of one JSON value a line, which is read as the list of them.
//!
//! **Invariant:** an answer of which one line cannot be read is none, and so is one without any line: a file that was cut
//! off is never taken for the whole. Tests: the cases `tests/data/connectors/lines.yaml` and `elsewhere.yaml`.
//! Bound: [`MOST_LINES`]; the bytes are bounded by whoever receives the answer.

use bytes::Bytes;
use orderhub_lang::value::Value;

use crate::contract::Answer;
use crate::error::CallError;

/// Most lines of an answer.
const MOST_LINES: usize = 1_000_000;

/// The answer with its lines as a JSON list. One that is no success stays as it came, and so does one without any line.
///
/// # Errors
///
/// [`CallError::MayHaveActed`]: a line is no JSON, or there are too many.
pub(super) fn listed(answer: &Answer) -> Result<Answer, CallError> {
    let Answer { status, headers, body } = answer;
    if !(200..300).contains(status) {
        return Ok(answer.clone());
    }
    let none = |why: String| CallError::MayHaveActed { why: format!("status {status}: {why}") };
    let mut list: Vec<u8> = Vec::with_capacity(body.len().saturating_add(2));
    let mut count = 0;
    for (line, number) in body.split(|byte| *byte == b'\n').zip(1_usize..) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if Value::from_json(line).is_err() {
            return Err(none(format!(
                "line {number} of the answer is no JSON, so it does not say what happened"
            )));
        }
        count += 1;
        if count > MOST_LINES {
            return Err(none(format!("the answer has more than {MOST_LINES} lines")));
        }
        list.push(if list.is_empty() { b'[' } else { b',' });
        list.extend_from_slice(line);
    }
    if !list.is_empty() {
        list.push(b']');
    }
    let (status, headers, body) = (*status, headers.clone(), Bytes::from(list));
    Ok(Answer { status, headers, body })
}
