//! OrderHub, the program: all I/O of the hub is in this crate.
//!
//! The way of a change: [`intake`] ► map in ([`bundle`]) ► [`apply`] (one transaction in [`store`]) ►
//! [`deliver`] (lane, permit, map out, call through [`resilience`] and [`transport`], receipt back
//! through [`apply`]).

pub mod apply;
pub mod bundle;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod http;
pub mod intake;
pub mod jobs;
pub mod readiness;
pub mod resilience;
pub mod store;
pub mod telemetry;
pub mod transport;
