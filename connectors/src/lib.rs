//! What the systems of this world speak.
//!
//! A connector does no I/O: it builds requests and reads answers. The server sends, times, retries,
//! limits, stores and logs; so a connector is testable as data and can always be asked what it would
//! send.

pub mod codes;
pub mod contract;
pub mod declared;
pub mod element;
pub mod error;
pub mod invent;
mod masked;
mod memo;
mod native;
mod parts;
mod put;
mod shape;
mod shopify;
pub mod sign;
