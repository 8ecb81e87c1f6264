//! How twins prove that a webhook is theirs, each in the manner of its kind of system.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A proof that goes along as a header. Does not print its secret.
#[derive(Clone)]
pub enum Sign {
    /// A static token.
    Token {
        /// The header.
        header: &'static str,
        /// The token.
        token: String,
    },
    /// HMAC-SHA256 over the raw bytes, base64.
    HmacBase64 {
        /// The header.
        header: &'static str,
        /// The key.
        secret: String,
    },
    /// HMAC-SHA256 over the raw bytes, lower-case hex.
    HmacHex {
        /// The header.
        header: &'static str,
        /// The key.
        secret: String,
    },
}

impl std::fmt::Debug for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sign(..)")
    }
}

impl Sign {
    /// The header for a body.
    pub fn header(&self, body: &[u8]) -> (String, String) {
        match self {
            Sign::Token { header, token } => ((*header).to_owned(), token.clone()),
            Sign::HmacBase64 { header, secret } => {
                ((*header).to_owned(), STANDARD.encode(digest(secret, body)))
            }
            Sign::HmacHex { header, secret } => {
                ((*header).to_owned(), hex::encode(digest(secret, body)))
            }
        }
    }
}

fn digest(secret: &str, body: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length: the error cannot happen, and an empty proof would be refused.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector was computed with an independent implementation of the vendor's rule.
    #[test]
    fn the_shop_signs_raw_bytes_as_its_vendor_documents() {
        let sign = Sign::HmacBase64 { header: "X-Shopify-Hmac-Sha256", secret: "hush".to_owned() };
        let (_, value) = sign.header(br##"{"id":820982911946154508,"name":"#9999"}"##);
        assert_eq!(value, "YBwnJ9vsibq7srObgXybmGHWuwos+jDEL//7749XS78=");
    }

    #[test]
    fn a_proof_does_not_print_its_secret() {
        let sign = Sign::Token { header: "x", token: "hush".to_owned() };
        assert!(!format!("{sign:?}").contains("hush"));
    }
}
