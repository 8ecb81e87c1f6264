//! Whether somebody answers at an address, as the hub would call it: one `HEAD`, no credentials.

use std::sync::Arc;

use super::egress::Egress;
use super::{BuildError, Http, judge};

/// What answered.
#[derive(Clone, Debug)]
pub struct Found {
    /// The certificate, DER; `None`: no TLS.
    pub certificate: Option<Vec<u8>>,
    /// It is a loopback or private address.
    pub inner: bool,
}

/// Why nobody did.
#[derive(Clone, Debug)]
pub enum Probe {
    /// The settings do not allow it.
    Refused(String),
    /// No name, no connection, no TLS.
    Unreachable(String),
}

/// Asks. Whatever the status, an answer is an answer.
///
/// # Errors
///
/// [`Probe`].
pub async fn probe(egress: Egress, url: &str) -> Result<Found, Probe> {
    let parsed = reqwest::Url::parse(url).map_err(|error| Probe::Unreachable(error.to_string()))?;
    let egress = Arc::new(egress);
    let client = Http::builder(&egress).tls_info(true).build().map_err(BuildError::from);
    let client = client.map_err(|error| Probe::Unreachable(error.to_string()))?;
    let http = Http { client, egress, largest_answer: 0 };
    http.check(&parsed).map_err(|refused| Probe::Refused(refused.to_string()))?;
    let sending = http.client.head(parsed).timeout(super::CONNECT * 2).send().await;
    match sending {
        Ok(answer) => {
            let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
            let certificate = info.and_then(|info| info.peer_certificate()).map(<[u8]>::to_vec);
            let inner = answer
                .remote_addr()
                .is_some_and(|address| Egress::default().check(address.ip()).is_err());
            Ok(Found { certificate, inner })
        }
        Err(error) => {
            let why = judge(&error).to_string();
            // What the resolver refuses comes as a failed connection.
            let refused = why.contains("allow_private");
            Err(if refused { Probe::Refused(why) } else { Probe::Unreachable(why) })
        }
    }
}
