//! One twin as a process of its own: `twin sink --listen 127.0.0.1:0`.
//!
//! Prints the address that it listens on as its first line, then serves until it is killed. Tests that
//! kill the hub count here, outside of it.

use std::io::Write;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

const USAGE: &str = "usage: twin sink [--listen ADDR]   (default 127.0.0.1:0)";

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let address = match words.as_slice() {
        ["sink"] => "127.0.0.1:0",
        ["sink", "--listen", address] => address,
        _ => bail!("{USAGE}"),
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on `{address}`"))?;
    let served = orderhub_twins::serve_sink(listener)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", served.url())?;
    out.flush()?;
    served.wait().await;
    Ok(())
}
