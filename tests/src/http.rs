//! The client of the tests: the harness has no program's `main` that would set up TLS.

use std::time::Duration;

use serde_json::Value;

/// A client that gives up after 10 s, for plain HTTP: the machine's certificates are not read, which takes an unoptimised
/// program longer than the request.
pub fn client() -> reqwest::Client {
    // The first wins; a second changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    builder.timeout(Duration::from_secs(10)).build().unwrap()
}

/// The text of an answer, whatever its status; `None` while nobody answers.
pub async fn text(url: &str) -> Option<String> {
    client().get(url).send().await.ok()?.text().await.ok()
}

/// The JSON of an answer, whatever its status.
pub async fn json(url: &str) -> Value {
    let answer = client().get(url).send().await.unwrap_or_else(|e| panic!("{url}: {e}"));
    answer.json().await.unwrap_or_else(|e| panic!("{url}: {e}"))
}
