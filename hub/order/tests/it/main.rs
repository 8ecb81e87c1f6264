//! The order crate from outside: cases as data, one runner.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end here"
)]

mod anew;
mod cases;
mod decision;
mod down;
mod full;
mod given_up;
mod gone;
mod heirs;
mod known_fields;
mod laws;
mod looked;
mod nothing;
mod resend;
mod route;
mod unfit;
mod world;
