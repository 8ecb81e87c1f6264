//! Behavioural twins of the systems around the hub: shops, Amazon, an ERP, a WMS, a TMS and a sink.
//!
//! They are the outside world: they know nothing of the hub's code, only its webhooks and their own
//! APIs. Each is an axum router, served on a loopback port, on a [`clock`] that can be scaled and says
//! so, with a script of [`faults`] and a [`ledger`] of what took effect (`GET /_twin/ledger`). The
//! [`account`] over all ledgers is what a demonstration and the fault tests are judged by.
//!
//! Webhooks are sent as real systems send them: signed, some twice, out of order, and again until they
//! are taken ([`outbox`]).

pub mod account;
pub mod amazon;
pub mod clock;
pub mod erp;
pub mod faults;
pub mod frame;
mod graphql;
pub mod ledger;
pub mod outbox;
pub mod serve;
pub mod shop;
pub mod sign;
pub mod single;
pub mod sink;
pub mod tms;
pub mod webhooks;
pub mod wms;
pub mod world;

pub use clock::Clock;
pub use sink::serve_sink;
