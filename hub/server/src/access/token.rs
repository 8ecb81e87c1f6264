//! Tokens: made once, shown once, kept as a hash.
//!
//! A token is `orderhub_`, 256 random bits and a checksum, so that one that was cut short is told from one
//! that is not known, and so that scanners for secrets find it. Because it cannot be guessed, a plain
//! SHA-256 is enough to keep.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What every token begins with.
const PREFIX: &str = "orderhub_";
/// Hex digits of the random part.
const RANDOM: usize = 64;
/// Hex digits of the checksum behind it.
const CHECK: usize = 8;

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A new token, for the caller, and its hash, for the settings.
pub fn create() -> (SecretString, TokenHash) {
    let random = hex::encode(rand::random::<[u8; 32]>());
    let token = format!("{PREFIX}{random}{}", check(&random));
    let hash = hash(&token);
    (token.into(), hash)
}

/// The hash of a token.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// Whether a text is a whole token, known or not.
pub fn is_whole(token: &SecretString) -> bool {
    let Some(rest) = token.expose_secret().strip_prefix(PREFIX) else { return false };
    let Some((random, sum)) = rest.split_at_checked(RANDOM) else { return false };
    random.bytes().all(|byte| byte.is_ascii_hexdigit()) && sum == check(random)
}

fn check(random: &str) -> String {
    let mut sum = hex::encode(Sha256::digest(random.as_bytes()));
    sum.truncate(CHECK);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_whole_and_a_cut_one_is_not() {
        let (token, kept) = create();
        let text = token.expose_secret().to_owned();
        assert_eq!(text.len(), PREFIX.len() + RANDOM + CHECK);
        assert_eq!(hash(&text), kept);
        assert!(is_whole(&token));
        assert_ne!(create().1, kept);
        for wrong in [
            text.get(1..).unwrap(),
            text.get(..80).unwrap(),
            "",
            "orderhub_",
            "hunter2",
            &text.to_uppercase(),
        ] {
            assert!(!is_whole(&wrong.to_owned().into()), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(&text));
    }

    #[test]
    fn a_hash_is_64_hex_digits() {
        let (_, hash) = create();
        assert_eq!(TokenHash::parse(&hash.to_string()), Some(hash));
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(66)] {
            assert_eq!(TokenHash::parse(wrong), None, "{wrong}");
        }
    }
}
