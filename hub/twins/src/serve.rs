//! Serves a twin's router, on connections that can be cut without a word.
//!
//! A gateway that dies after the system behind it has acted sends no answer at all. A handler cannot
//! say that in HTTP; so each connection carries a [`Wire`], and a cut wire fails every write: the
//! client sees the connection close before the first byte of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The connection that a request came on.
#[derive(Clone, Debug, Default)]
pub struct Wire(Arc<AtomicBool>);

impl Wire {
    /// From now on nothing more is written: the client gets no answer.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was cut.
    pub fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl<S: Sync> FromRequestParts<S> for Wire {
    type Rejection = std::convert::Infallible;

    /// A router called without a connection (in a test) gets a wire of its own.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let wire = parts.extensions.get::<ConnectInfo<Wire>>();
        Ok(wire.map(|ConnectInfo(wire)| wire.clone()).unwrap_or_default())
    }
}

impl Connected<IncomingStream<'_, Wired>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Wired>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A twin that is being served; it stops when this is dropped.
#[derive(Debug)]
pub struct Served {
    addr: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Served {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops taking connections and waits until open ones have ended: at most the one second that
    /// hanging requests get.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let abort = task.abort_handle();
            if tokio::time::timeout(std::time::Duration::from_secs(1), task).await.is_err() {
                abort.abort();
            }
        }
    }

    /// Waits until it has stopped by itself: never, unless its listener fails.
    pub async fn wait(mut self) {
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "a twin stopped");
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Serves a router on a listener.
///
/// # Errors
///
/// The listener has no address.
pub fn serve(listener: TcpListener, router: Router) -> io::Result<Served> {
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    let service = router.into_make_service_with_connect_info::<Wire>();
    let until = stop.clone().cancelled_owned();
    let serving = axum::serve(Wired(listener), service).with_graceful_shutdown(until);
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "a twin cannot be served");
        }
    });
    Ok(Served { addr, stop, task: Some(task) })
}

/// Serves a router on a free loopback port.
///
/// # Errors
///
/// No port can be bound.
pub async fn serve_anywhere(router: Router) -> io::Result<Served> {
    serve(TcpListener::bind("127.0.0.1:0").await?, router)
}

/// A listener whose connections carry a wire.
struct Wired(TcpListener);

impl Listener for Wired {
    type Io = Cuttable;
    type Addr = Wire;

    async fn accept(&mut self) -> (Cuttable, Wire) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
                    }
                    let wire = Wire::default();
                    return (Cuttable { stream, wire: wire.clone() }, wire);
                }
                // Out of descriptors, or the peer was gone before we looked: the next one may do.
                Err(error) => {
                    tracing::warn!(%error, "a twin cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Wire> {
        Ok(Wire::default())
    }
}

struct Cuttable {
    stream: TcpStream,
    wire: Wire,
}

impl Cuttable {
    fn check(&self) -> io::Result<()> {
        if self.wire.is_cut() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the wire was cut"));
        }
        Ok(())
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::faults::{Acts, Fault, Rule};
    use crate::sink::Sink;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A real connection: what the client reads is what matters.
    async fn answer_to(addr: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A cut connection may also end with a reset.
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_connection_cut_after_the_effect_gives_no_byte_of_an_answer() {
        let sink = Sink::new("sink", Clock::started_before(1.0, std::time::Duration::ZERO));
        let served = serve_anywhere(sink.router()).await.unwrap();
        let cut = Rule::all(Fault::Close).acting(Acts::Before).times(1);
        sink.frame.faults.set(vec![cut]);
        let body = r#"{"order":"o_1","version":1}"#;
        let request = format!(
            "POST /events HTTP/1.1\r\nhost: sink\r\nidempotency-key: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(answer_to(served.addr(), &request).await, "");
        assert_eq!(sink.frame.ledger.counts().effects["order.changed"], 1);
        let again = answer_to(served.addr(), &request).await;
        assert!(again.starts_with("HTTP/1.1 200"), "{again}");
        assert_eq!(sink.frame.ledger.counts().repeated, 1);
        served.stop().await;
    }
}
