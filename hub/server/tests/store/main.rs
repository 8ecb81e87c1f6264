//! The contract of stores, run over each; what only a file or a server can do wrong; the loops above a
//! store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

mod apply;
mod beats;
mod contract;
mod copy;
mod cut;
mod file;
mod freed;
mod jobs;
mod partitions;
mod postgres;
mod replicas;
mod search;
mod server;
mod sqlite;
mod views;
