//! The codes of findings in connector files, each with what `orderhub explain` prints.

use orderhub_lang::codes::Explanation;

/// Another version of the language.
pub const VERSION: &str = "C0001";
/// Not a duration.
pub const DURATION: &str = "C0002";
/// Not a rate.
pub const RATE: &str = "C0003";
/// Unknown method or kind.
pub const CHOICE: &str = "C0004";
/// A step that writes must say its idempotency.
pub const IDEMPOTENCY: &str = "C0005";
/// `find_first` must name an earlier safe step.
pub const FIND_FIRST: &str = "C0006";
/// A step between would act again.
pub const UNGUARDED: &str = "C0007";
/// A name given twice.
pub const TWICE: &str = "C0008";
/// No such limit.
pub const LIMIT: &str = "C0009";
/// Not part of this version.
pub const NOT_YET: &str = "C0010";
/// A path that does not fit.
pub const ADDRESS: &str = "C0011";
/// A header that cannot be set.
pub const HEADER: &str = "C0012";
/// An operation that contradicts itself.
pub const OPERATION: &str = "C0013";
/// Webhooks without verification.
pub const VERIFY: &str = "C0014";
/// A place that cannot be set.
pub const PUT: &str = "C0015";
/// A value bare inside quotes.
pub const BARE: &str = "C0016";
/// No steps.
pub const STEPS: &str = "C0017";

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: VERSION,
        title: "another version of the language",
        text: "Every file says the version of the language that it is written in: `orderhub: 1`.",
    },
    Explanation {
        code: DURATION,
        title: "not a duration",
        text: "Durations are a whole number and a unit: `500ms`, `10s`, `5m`, `1h`, `7d`.",
    },
    Explanation {
        code: RATE,
        title: "not a rate",
        text: "A rate is so many calls in a time: `10/s`, `100/min`, `1/3m`.",
    },
    Explanation {
        code: CHOICE,
        title: "not one of the choices",
        text: "One of a few words is needed here; the message names them.",
    },
    Explanation {
        code: IDEMPOTENCY,
        title: "a step that writes must say its idempotency",
        text: "When an answer is lost, nobody knows whether the system acted. `safe`: the step may be sent \
               again (the system honours our key, or repeating changes nothing). `{ find_first: step, settles: \
               30s }`: look with that step first. `unsafe`: a person must look. GET and HEAD are safe.",
    },
    Explanation {
        code: FIND_FIRST,
        title: "`find_first` must name an earlier safe step",
        text: "After a lost answer the operation resumes at the named step, so it must come earlier and be \
               safe to repeat.",
    },
    Explanation {
        code: UNGUARDED,
        title: "a step between would act again",
        text: "When the operation resumes at the step that `find_first` names, every step between runs \
               again. One that is not safe needs a `when:` that is false once it is done, such as `memo.id == \
               ()`.",
    },
    Explanation {
        code: TWICE,
        title: "a name given twice",
        text: "Steps of an operation have different ids.",
    },
    Explanation {
        code: LIMIT,
        title: "no such limit",
        text: "`limit:` names one of the `limits:` of the file.",
    },
    Explanation {
        code: NOT_YET,
        title: "not part of this version",
        text: "The language knows this key, but this version of the program does not do it yet. It is refused \
               so that nothing is silently left out.",
    },
    Explanation {
        code: ADDRESS,
        title: "a path that does not fit",
        text: "A step's path begins with `/` and is relative to `base`. Parameters stand in `query:`, where they \
               are escaped; other characters than those of a path cannot stand in it.",
    },
    Explanation {
        code: HEADER,
        title: "a header that cannot be set",
        text: "A header's name has letters, digits and hyphens. Host, length and connection are the transport's.",
    },
    Explanation {
        code: OPERATION,
        title: "an operation that contradicts itself",
        text: "A read has only safe steps, and makes nothing; what `creates: true` says needs an `entity:`; \
               `document:` and `documents:` are for reads, of which there is one.",
    },
    Explanation {
        code: VERIFY,
        title: "webhooks without verification",
        text: "Anyone can send to an address. Say how the sender proves itself: `verify: { got: \
               headers.x-signature, want: \"{base64(hmac_sha256(secret.webhook, raw))}\" }`; a fixed token is `want: \
               \"{secret.token}\"`. `verify: none` accepts everybody, for networks that are closed otherwise.",
    },
    Explanation {
        code: PUT,
        title: "a place that cannot be set",
        text: "`put:` sets keys and places of lists (`a.b`, `lines.0.x`) in a body that is an object.",
    },
    Explanation {
        code: BARE,
        title: "a value bare inside quotes",
        text: "A value that is put between quotes of another language could close them. Write `{quote(x, \
               \"'\")}` without quotes around it.",
    },
    Explanation {
        code: STEPS,
        title: "no steps",
        text: "An operation is a list of at least one step, and at most 50.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once() {
        let mut codes: Vec<&str> = CODES.iter().map(|entry| entry.code).collect();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        assert!(CODES.iter().all(|entry| entry.text.ends_with('.')));
    }

    #[test]
    fn every_code_that_a_finding_can_carry_is_explained() {
        let named = include_str!("codes.rs").lines().filter(|line| line.starts_with("pub const"));
        let codes: Vec<&str> = named.filter_map(|line| line.split('"').nth(1)).collect();
        assert!(codes.len() > 10);
        for code in codes {
            assert!(CODES.iter().any(|entry| entry.code == code), "{code}");
        }
    }
}
