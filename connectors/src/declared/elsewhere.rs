//! `url:` of a step: what an earlier answer gave the address of, on whatever host.
//!
//! **Invariant:** nothing of what proves us to the system goes there, and nothing but a question: the request has the
//! headers of its own step, and no body. Whoever sends it refuses addresses of a private network, as with any other.
//! Tests: the cases `tests/data/connectors/elsewhere.yaml` and those beside it.
//!
//! Such an address may be a credential by itself (a signed one is): no error repeats it.

use std::sync::Arc;

use crate::sign::Signer;

/// Longest address, in bytes.
const LONGEST: usize = 8_192;

/// The address, if it is one that is asked: `https`, or `http` where the system itself is (`base`).
///
/// # Errors
///
/// Why it is none, without it.
pub(super) fn checked(address: &str, base: &str) -> Result<(), &'static str> {
    if address.len() > LONGEST {
        return Err("the address is longer than 8192 bytes");
    }
    if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the address has characters that no address has");
    }
    let rest = match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if base.starts_with("http://") => rest,
        (None, Some(_)) => return Err("the address is not `https`, and that of the system is"),
        (None, None) => return Err("what was given is no address: it begins with no `https://`"),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host {
        "" => Err("the address has no host"),
        host if host.contains(['@', '\\']) => Err("the address has a user in it"),
        _ => Ok(()),
    }
}

/// What proves us there: nothing.
pub(super) fn nobody() -> Option<Arc<Signer>> {
    Some(Arc::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_may_be_asked() {
        let (secure, plain) = ("https://system.example", "http://127.0.0.1:9000/api");
        for good in
            ["https://files.example/a?b=c%2F&d", "https://files.example:8443", "https://f?x"]
        {
            assert_eq!(checked(good, secure), Ok(()), "{good}");
        }
        assert_eq!(checked("http://files.example/a", plain), Ok(()));
        let long = format!("https://files.example/{}", "x".repeat(LONGEST));
        for bad in [
            "http://files.example/a",
            "HTTP://files.example/a",
            "//files.example/a",
            "/a",
            "",
            "ftp://files.example/a",
            "https:///a",
            "https://?a",
            "https://user:word@files.example/a",
            "https://system.example\\@files.example/a",
            "https://files.example/a b",
            "https://files.example/ä",
            &long,
        ] {
            assert!(checked(bad, secure).is_err(), "{bad}");
        }
    }
}
