//! Webhooks over HTTP: how a twin's messages reach a hub.

#![expect(clippy::disallowed_types, reason = "the outside world's own client, for its hub alone")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::outbox::{Carrier, Message, Taken};
use crate::sign::Sign;

/// Longest wait for an answer (our time): what the strictest vendors give a receiver.
const ANSWER: Duration = Duration::from_secs(5);

/// Where the hub is, once it is known: twins start first, because the hub's settings name them.
/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct HubAddress(Arc<OnceLock<String>>);

impl HubAddress {
    /// A hub that listens already: `http://127.0.0.1:8080`.
    pub fn known(url: impl Into<String>) -> Self {
        let address = Self::default();
        address.set(url);
        address
    }

    /// Says where the hub is. The first word counts.
    pub fn set(&self, url: impl Into<String>) {
        self.0.get_or_init(|| url.into());
    }

    /// Where it is.
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What several twins tell one hub with.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    client: reqwest::Client,
    hub: HubAddress,
}

impl Sender {
    pub(crate) fn new(hub: HubAddress) -> reqwest::Result<Self> {
        Ok(Self { client: client()?, hub })
    }

    pub(crate) fn to(&self, path: String, sign: Sign) -> Webhooks {
        Webhooks::to(self.client.clone(), self.hub.clone(), path, sign)
    }
}

/// Webhooks over HTTP: taken is any 2xx. Until the hub's address is known nothing is.
#[derive(Debug)]
pub struct Webhooks {
    client: reqwest::Client,
    hub: HubAddress,
    path: String,
    sign: Sign,
}

impl Webhooks {
    /// Webhooks to a path of the hub, with the sender's proof.
    pub fn to(client: reqwest::Client, hub: HubAddress, path: String, sign: Sign) -> Self {
        Self { client, hub, path, sign }
    }
}

impl Carrier for Webhooks {
    fn carry(&self, message: Message) -> Taken {
        let Some(hub) = self.hub.get() else { return Box::pin(async { false }) };
        let (name, proof) = self.sign.header(&message.body);
        let mut request = self
            .client
            .post(format!("{hub}{}", self.path))
            .timeout(ANSWER)
            .header("content-type", "application/json")
            .header(name, proof);
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        let sending = request.body(message.body).send();
        Box::pin(async move {
            match sending.await {
                Ok(answer) => answer.status().is_success(),
                Err(error) => {
                    tracing::debug!(%error, "a webhook was not taken");
                    false
                }
            }
        })
    }
}

/// The HTTP client that twins send with. Installs the TLS provider where the program has none yet.
///
/// # Errors
///
/// The client cannot be built.
pub fn client() -> reqwest::Result<reqwest::Client> {
    // An error means that the program has installed one: just as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    // A hub on this machine is no business of the environment's proxy.
    builder.no_proxy().build()
}
