//! The only client that calls systems. It sends what a connector built and brings back what came, nothing else.
//!
//! **Invariant:** no byte goes to an address that [`egress`] refuses; redirects are never followed (the
//! connector sees the 3xx); an answer is bounded; proxies of the environment are ignored. Tests:
//! `a_private_target_is_refused_by_address_and_by_name_and_sees_nothing`,
//! `a_redirect_is_an_answer_and_is_not_followed`, `an_answer_beyond_the_bound_may_have_acted`.

#![expect(clippy::disallowed_types, reason = "the one HTTP client of the hub")]

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use orderhub_connectors::contract::{Answer, Request};
use orderhub_connectors::error::CallError;

pub(crate) mod collector;
pub mod egress;
pub mod probe;

use crate::config;
use egress::{Checked, Egress, Refused};

/// What sends a request. The tests' faults are another one.
pub trait Transport: Debug + Send + Sync {
    /// Sends and waits for the whole answer. Whatever the status, an answer is no error here: what it
    /// means is the connector's.
    ///
    /// # Errors
    ///
    /// [`CallError::NotActed`] if no byte of the request left; [`CallError::MayHaveActed`] after that.
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, CallError>>;
}

/// Longest time to a connection: what takes longer never saw the request.
const CONNECT: Duration = Duration::from_secs(3);
/// An idle connection is closed after so long, before most servers do.
const IDLE: Duration = Duration::from_secs(25);
/// Idle connections kept per address.
const MOST_IDLE: usize = 16;

/// HTTP over reqwest.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    egress: Arc<Egress>,
    largest_answer: usize,
}

/// The client cannot be built: TLS roots or settings of the machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client: {0}")]
pub struct BuildError(#[from] reqwest::Error);

impl Http {
    /// The client that the settings allow.
    ///
    /// # Errors
    ///
    /// [`BuildError`].
    pub fn of(egress: &config::Egress) -> Result<Self, BuildError> {
        Self::new(Egress::new(egress.allow_private.clone()), Self::LARGEST_ANSWER)
    }

    /// The largest answer by default, after decompression.
    pub const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

    /// A client that obeys `egress`.
    ///
    /// # Errors
    ///
    /// [`BuildError`].
    pub fn new(egress: Egress, largest_answer: usize) -> Result<Self, BuildError> {
        let egress = Arc::new(egress);
        let client = Self::builder(&egress).build()?;
        Ok(Self { client, egress, largest_answer })
    }

    /// A client that follows nothing and connects only where `egress` lets it.
    fn builder(egress: &Arc<Egress>) -> reqwest::ClientBuilder {
        Self::resolving(Checked::new(Arc::clone(egress)))
    }

    /// The same with this resolver.
    fn resolving(resolver: Checked) -> reqwest::ClientBuilder {
        // reqwest panics without a provider; a second installation changes nothing.
        drop(rustls::crypto::ring::default_provider().install_default());
        reqwest::Client::builder()
            .user_agent(concat!("orderhub/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .tcp_nodelay(true)
            .dns_resolver(Arc::new(resolver))
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, CallError> {
        let response = self.client.execute(self.build(request)?).await.map_err(|e| judge(&e))?;
        let status = response.status().as_u16();
        let header =
            |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
        let headers = response.headers().iter().map(header).collect();
        let body = self.body(response).await?;
        Ok(Answer { status, headers, body })
    }

    fn build(&self, request: &Request) -> Result<reqwest::Request, CallError> {
        let url =
            reqwest::Url::parse(&request.url).map_err(|error| not_sent(&error.to_string()))?;
        self.check(&url).map_err(|refused| not_sent(&refused.to_string()))?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|error| not_sent(&error.to_string()))?;
        let mut builder = self.client.request(method, url).timeout(request.timeout);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        // The error may hold a header's value, which may be a secret.
        builder.build().map_err(|_| not_sent("a header of the request cannot be sent"))
    }

    /// Names are checked where they are resolved; an address in the URL never is, so here.
    fn check(&self, url: &reqwest::Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => self.egress.check(address),
            Err(_) => Ok(()),
        }
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Bytes, CallError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| judge(&error))? {
            if body.len() + chunk.len() > self.largest_answer {
                let why = format!("the answer is larger than {} bytes", self.largest_answer);
                return Err(CallError::MayHaveActed { why });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Transport for Http {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(self.exchange(request))
    }
}

fn not_sent(why: &str) -> CallError {
    CallError::NotActed { why: why.to_owned(), retry_after: None }
}

/// What the client's own errors mean. Only before a connection stands is it sure that nothing left.
fn judge(error: &reqwest::Error) -> CallError {
    // The cause without the URL: URLs may hold keys.
    let mut why = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = source {
        why = cause.to_string();
        source = cause.source();
    }
    if error.is_connect() || error.is_builder() {
        return not_sent(&format!("no connection: {why}"));
    }
    if error.is_timeout() {
        return CallError::MayHaveActed { why: "no answer in time".to_owned() };
    }
    CallError::MayHaveActed { why: format!("the connection ended early: {why}") }
}

#[cfg(test)]
mod tests;
