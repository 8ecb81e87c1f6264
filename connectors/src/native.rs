//! Native steps: what is worked out of an answer that the language of connector files has no words for.
//!
//! `native: NAME` of a step names one of [`ALL`]. It is run once the step's answer is judged well and what it saves is
//! kept, and what it gives is kept beside: later steps read it as `memo.x`, like anything that was saved.
//!
//! **Invariants:** it is pure, as the whole connector is: the same document, answer and memo give the same. It sends
//! nothing and sees no secret. Every name that it may give stands in [`Native::gives`], so that a file that reads
//! another one is refused (C0021). Test: `what_native_steps_give_is_what_they_declare`.

use std::collections::BTreeMap;

use orderhub_lang::value::Value;

use crate::error::CallError;
use crate::shopify;

/// A native step.
#[derive(Debug)]
pub(crate) struct Native {
    /// Its name in files: `shopify_fulfillment`.
    pub(crate) name: &'static str,
    /// What it may give.
    pub(crate) gives: &'static [&'static str],
    pub(crate) work: Work,
    /// For those who try a connector without its system ([`crate::invent`]).
    pub(crate) example: Example,
}

/// A document, and what the system answers for it.
#[derive(Debug)]
pub(crate) struct Example {
    /// What of a mapped-out document it reads, JSON.
    pub(crate) document: &'static str,
    /// Answers, JSON: the first says that nothing is there yet, another one that it is.
    pub(crate) bodies: &'static [&'static str],
}

/// Works out what a step gives beside what it saves.
///
/// # Errors
///
/// The classified [`CallError`], as of the answer itself.
pub(crate) type Work = fn(&Given<'_>) -> Result<Vec<(&'static str, Value)>, CallError>;

/// What a native step is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// The mapped-out document.
    pub(crate) doc: &'a Value,
    /// The answer's body.
    pub(crate) body: &'a Value,
    /// The answer's status.
    pub(crate) status: u16,
    /// What was saved so far.
    pub(crate) memo: &'a BTreeMap<String, Value>,
}

/// All of them, by name.
pub(crate) const ALL: &[Native] = &[shopify::FULFILLMENT];

/// The one of this name.
pub(crate) fn named(name: &str) -> Option<&'static Native> {
    ALL.iter().find(|native| native.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_native_steps_give_is_what_they_declare() {
        let read = |json: &str| Value::from_json(json.as_bytes()).unwrap();
        let memo = BTreeMap::new();
        for native in ALL {
            let doc = read(native.example.document);
            let mut given = Vec::new();
            for body in native.example.bodies {
                let body = read(body);
                let with = Given { doc: &doc, body: &body, status: 200, memo: &memo };
                let gives = (native.work)(&with).unwrap();
                given.extend(gives.into_iter().map(|(name, _)| name));
            }
            given.sort_unstable();
            given.dedup();
            assert_eq!(given, native.gives, "{}", native.name);
        }
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name), "in order, each once");
    }
}
