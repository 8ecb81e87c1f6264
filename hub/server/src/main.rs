//! The program `orderhub`: arguments in, exit code out.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The HTTP client and the broker's take the provider that stands here; the first wins.
    drop(rustls::crypto::ring::default_provider().install_default());
    orderhub::cli::main()
}
