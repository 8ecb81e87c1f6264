//! Where a request goes: to the exchange, or by HTTP.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_connectors::contract::{Answer, Request};
use orderhub_connectors::error::CallError;

use super::Publisher;
use super::connector::PUBLISH;
use crate::transport::Transport;

/// The ways out of the hub.
#[derive(Debug)]
pub(crate) struct Routed {
    http: Arc<dyn Transport>,
    publisher: Option<Publisher>,
}

impl Routed {
    /// Both ways, or HTTP alone.
    pub(crate) fn new(http: Arc<dyn Transport>, publisher: Option<Publisher>) -> Self {
        Self { http, publisher }
    }
}

impl Transport for Routed {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, CallError>> {
        match &self.publisher {
            Some(publisher) if request.method == PUBLISH => Box::pin(publisher.publish(request)),
            Some(_) | None => self.http.send(request),
        }
    }
}
