//! A line between a program and a server that tests can let fall silent: no end learns of it, as when a machine is
//! cut off from its network.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Lines to one server. They end with it.
#[derive(Debug)]
pub struct Line {
    url: String,
    silent: CancellationToken,
    listening: tokio::task::JoinHandle<()>,
}

impl Line {
    /// Listens in front of the server of this URL, on loopback.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (before, authority, after) = parts(url);
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let near = authority.replace(&host, &format!("127.0.0.1:{port}"));
        let silent = CancellationToken::new();
        let hears = silent.clone();
        let listening = tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (host, hears) = (host.clone(), hears.clone());
                lines.spawn(async move {
                    if let Ok(far) = TcpStream::connect(host).await {
                        let (from_near, to_near) = near.into_split();
                        let (from_far, to_far) = far.into_split();
                        let out = pass(from_near, to_far, hears.clone());
                        let back = pass(from_far, to_near, hears);
                        // Whichever end closes, the other is closed with it.
                        tokio::select! { () = out => {}, () = back => {} }
                    }
                });
            }
        });
        Self { url: format!("{before}{near}{after}"), silent, listening }
    }

    /// The server's URL by way of the line.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Nothing passes any more, on any line, and none is closed.
    pub fn fall_silent(&self) {
        self.silent.cancel();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// `amqp://`, `guest@host:1`, `/%2f`.
fn parts(url: &str) -> (&str, &str, &str) {
    let start = url.find("://").expect("a URL") + 3;
    let end = url[start..].find(['/', '?']).map_or(url.len(), |at| at + start);
    (&url[..start], &url[start..end], &url[end..])
}

/// Passes bytes on until an end closes, or for ever holds them back.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    silent: CancellationToken,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            () = silent.cancelled() => None,
            read = from.read(&mut bytes) => Some(read.unwrap_or(0)),
        };
        let Some(read) = read else { return std::future::pending().await };
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
