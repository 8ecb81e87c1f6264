//! A line between a store and its server that tests can cut at a moment of their choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// When the next line is cut. Each cut happens once.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// COMMIT reaches the server, its answer does not come back.
    pub(crate) after_commit: AtomicBool,
    /// COMMIT does not reach the server.
    pub(crate) before_commit: AtomicBool,
    /// Lines that were cut.
    pub(crate) cuts: AtomicU32,
}

/// Listens; answers the port. Lines end with the runtime.
pub(crate) async fn line(server: u16, plan: Arc<Plan>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut lines = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            let plan = Arc::clone(&plan);
            lines.spawn(async move {
                let far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                // Whichever end closes, the other is closed with it.
                let _ended = pass(near, far, &plan).await;
            });
        }
    });
    port
}

/// Passes bytes on until an end closes or the plan cuts.
async fn pass(mut near: TcpStream, mut far: TcpStream, plan: &Plan) -> std::io::Result<()> {
    let (mut out, mut back) = ([0; 64 * 1024], [0; 64 * 1024]);
    let mut silent = false;
    loop {
        tokio::select! {
            read = near.read(&mut out) => {
                let sent = &out[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                let commit = sent.windows(7).any(|word| word == b"COMMIT\0");
                if commit && plan.before_commit.swap(false, Ordering::SeqCst) {
                    plan.cuts.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                silent |= commit && plan.after_commit.swap(false, Ordering::SeqCst);
                far.write_all(sent).await?;
            }
            read = far.read(&mut back) => {
                let answered = &back[..read?];
                if answered.is_empty() || silent {
                    // The server has done what it was asked; the answer is kept from the store.
                    plan.cuts.fetch_add(u32::from(silent), Ordering::SeqCst);
                    return Ok(());
                }
                near.write_all(answered).await?;
            }
        }
    }
}
