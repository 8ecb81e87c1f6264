//! The key of an installation, under which personal values are hashed.
//!
//! Made at the first start and kept in `meta`; or taken from the setting `store.search_key`: then who has a copy of
//! the database alone cannot try values against it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// Shortest key that is taken from settings, in bytes.
const SHORTEST: usize = 32;

/// What a personal value is: equal words of different kinds have different hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Email,
    Phone,
    Name,
    Company,
    Postal,
    TaxNo,
    Payment,
}

impl Kind {
    /// Hashed with the value, for ever.
    fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Company => "company",
            Self::Postal => "postal",
            Self::TaxNo => "tax_no",
            Self::Payment => "payment",
        }
    }
}

/// The key. Does not print.
#[derive(Clone)]
pub(crate) struct SearchKey(Hmac<Sha256>);

impl fmt::Debug for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchKey(..)")
    }
}

impl SearchKey {
    /// The key of these letters; `None`: too few to be one.
    pub(crate) fn new(text: &SecretString) -> Option<Self> {
        let bytes = text.expose_secret().trim().as_bytes();
        if bytes.len() < SHORTEST {
            return None;
        }
        // A key of any length is good for HMAC.
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// Letters for a new key: 256 bits.
    pub(crate) fn make() -> SecretString {
        hex::encode(rand::random::<[u8; 32]>()).into()
    }

    /// The first 64 bits of HMAC-SHA-256 over kind and value, the value normalised.
    pub(super) fn hash(&self, kind: Kind, value: &str) -> i64 {
        self.first(&[kind.as_str().as_bytes(), b"\0", value.as_bytes()])
    }

    /// What a store keeps to know its key again; says nothing of it.
    pub(crate) fn check(&self) -> String {
        format!("{:016x}", self.first(&[b"check"]))
    }

    fn first(&self, parts: &[&[u8]]) -> i64 {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(8).fold(0, |hash, byte| hash << 8 | i64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<SearchKey> {
        SearchKey::new(&text.to_owned().into())
    }

    #[test]
    fn a_hash_says_the_kind_and_needs_the_key() {
        let (one, other) = (key(&"k".repeat(32)).unwrap(), key(&"o".repeat(32)).unwrap());
        assert_eq!(one.hash(Kind::Name, "anna"), one.hash(Kind::Name, "anna"));
        assert_ne!(one.hash(Kind::Name, "anna"), one.hash(Kind::Company, "anna"));
        assert_ne!(one.hash(Kind::Name, "anna"), other.hash(Kind::Name, "anna"));
        assert_ne!(one.check(), other.check());
        // As it lies in stores.
        assert_eq!(one.hash(Kind::Email, "a@b.example"), 2_807_888_330_487_931_908);
        assert_eq!(format!("{one:?}"), "SearchKey(..)");
    }

    #[test]
    fn a_key_is_long_enough_or_none() {
        assert!(key(&"k".repeat(31)).is_none() && key(&format!(" {}\n", "k".repeat(31))).is_none());
        assert!(SearchKey::new(&SearchKey::make()).is_some());
    }
}
