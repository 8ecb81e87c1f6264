//! Which headers of a message are kept with it: bounded, and never a credential.

/// Headers kept of one message.
const MOST: usize = 32;
/// Longest value kept, in bytes.
const LONGEST: usize = 1_024;

/// Parts of names that mean a credential or a signature made with one.
const SECRET: [&str; 10] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "signature",
    "hmac",
    "api-key",
    "apikey",
    "credential",
];

/// Keeps what may be kept; names in lower case, the first ones when there are too many.
pub fn keep<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let lower = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
    let kept = lower.filter(|(name, value)| {
        value.len() <= LONGEST && !SECRET.iter().any(|part| name.contains(part))
    });
    kept.take(MOST).map(|(name, value)| (name, value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::keep;

    #[test]
    fn credentials_and_signatures_are_not_kept() {
        let headers = [
            ("X-Shopify-Topic", "orders/create"),
            ("Authorization", "Bearer 1"),
            ("X-Shopify-Hmac-Sha256", "abc"),
            ("X-Api-Key", "abc"),
        ];
        assert_eq!(keep(headers), [("x-shopify-topic".to_owned(), "orders/create".to_owned())]);
    }
}
