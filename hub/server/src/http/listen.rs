//! Connections of the listener. `axum::serve` has no bound for a head that never ends, and none for how
//! many connections there are; so they are served here.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at a time; more wait until one ends.
const MOST_CONNECTIONS: usize = 1_024;
/// Longest time for a whole head to arrive; a connection that is kept open may be idle for so long.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Largest head, in bytes: beyond what calls may have, so that most hear why.
const MOST_HEAD: usize = 64 << 10;
/// Most headers of a call.
const MOST_HEADERS: usize = 100;
/// After an accept that failed (no file handles left): others may end meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then ends calls that are under way.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Small answers go at once.
        drop(stream.set_nodelay(true));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_headers(MOST_HEADERS)
            .max_header_size(MOST_HEAD)
            .max_buf_size(2 * MOST_HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn listening() -> (std::net::SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let stop = CancellationToken::new();
        (address, stop.clone(), tokio::spawn(serve(listener, router, stop)))
    }

    async fn said(address: std::net::SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // A reset is an end, too.
        let ended = tokio::time::timeout(5 * HEAD_WITHIN, stream.read_to_string(&mut answer)).await;
        assert!(ended.is_ok(), "the connection was kept open");
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_given_up() {
        let (address, _stop, _serving) = listening().await;
        let begun = tokio::time::Instant::now();
        let answer = said(address, "GET / HTTP/1.1\r\nhost: localhost\r\n").await;
        assert!(!answer.contains("here"), "{answer}");
        let waited = begun.elapsed();
        assert!(waited >= HEAD_WITHIN && waited < 2 * HEAD_WITHIN, "{waited:?}");
    }

    #[tokio::test]
    async fn a_head_beyond_its_bounds_is_refused() {
        let (address, _stop, _serving) = listening().await;
        let many = "x: y\r\n".repeat(MOST_HEADERS + 1);
        let large = format!("x: {}\r\n", "y".repeat(MOST_HEAD));
        for more in [many, large] {
            let answer = said(address, &format!("GET / HTTP/1.1\r\n{more}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        }
    }

    #[tokio::test]
    async fn it_ends_when_it_is_told_to_and_answers_until_then() {
        let (address, stop, serving) = listening().await;
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1_024];
        let read = open.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("here"));
        stop.cancel();
        // A connection that is kept open does not hold the end up.
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
