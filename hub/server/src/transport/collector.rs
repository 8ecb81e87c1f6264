//! The way to the receiver of traces: an address of the operator's own, in his own network, so the rules for
//! calls to systems ([`super::egress`]) do not count. Redirects are not followed, answers are bounded.

use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Longest time of a request: spans wait meanwhile, and are dropped when too many do.
const WITHIN: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MOST_BYTES: usize = 64 * 1_024;

/// Sends what the exporter made. Its own thread has no runtime, so the hub's does it.
#[derive(Debug)]
pub(crate) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

impl Collector {
    /// A client on the runtime of the caller.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // reqwest panics without a provider; a second installation changes nothing.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent(concat!("orderhub/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(WITHIN)
            .build()?;
        Ok(Self { client, runtime: Handle::current() })
    }
}

impl HttpClient for Collector {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { send(&client, request).await });
        Box::pin(async move { sent.await? })
    }
}

async fn send(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let mut answer =
        client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(format!("the answer is larger than {MOST_BYTES} bytes").into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.into())?)
}
