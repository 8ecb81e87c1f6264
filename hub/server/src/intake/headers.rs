//! Which headers of a message are kept with it: bounded, and never a credential.

/// Headers kept of one message.
const MOST: usize = 32;
/// Longest value kept, in bytes.
pub const LONGEST: usize = 1_024;

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

/// How names begin that the hub itself keeps something under: a sender's own are not kept.
const OWN: &str = "orderhub-";

/// Names in a query that mean a credential, besides those of [`SECRET`].
const SECRET_WORDS: [&str; 8] = ["sig", "sign", "key", "code", "auth", "pass", "pwd", "hash"];

/// The pairs of a query that may be kept, as they came.
pub fn keep_query(query: &str) -> String {
    let secret = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default().to_lowercase();
        // What is escaped in a name is not looked into.
        name.contains('%')
            || SECRET_WORDS.contains(&name.as_str())
            || SECRET.iter().any(|part| name.contains(part))
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !secret(pair)).collect();
    kept.join("&")
}

/// Keeps what may be kept; names in lower case, the first ones when there are too many.
pub fn keep<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let lower = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
    let kept = lower.filter(|(name, value)| {
        let secret = SECRET.iter().any(|part| name.contains(part));
        value.len() <= LONGEST && !secret && !name.starts_with(OWN)
    });
    kept.take(MOST).map(|(name, value)| (name, value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::{keep, keep_query};

    #[test]
    fn credentials_and_signatures_are_not_kept() {
        let headers = [
            ("X-Shopify-Topic", "orders/create"),
            ("Authorization", "Bearer 1"),
            ("X-Shopify-Hmac-Sha256", "abc"),
            ("X-Api-Key", "abc"),
            ("Orderhub-Unread", "[0]"),
        ];
        assert_eq!(keep(headers), [("x-shopify-topic".to_owned(), "orders/create".to_owned())]);
    }

    #[test]
    fn credentials_in_a_query_are_not_kept() {
        let query = "topic=order&token=1&Sig=2&to%6ben=3&api_key&page=4&key=5&=6";
        assert_eq!(keep_query(query), "topic=order&api_key&page=4&=6");
    }
}
