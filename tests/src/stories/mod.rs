//! Stories: steps in order, and what must hold after each, as data; run against the fold in memory,
//! and against a store.
//!
//! `story.rs` is the form of the files, `run.rs` plays a story: it hands documents in, plays the
//! deliverer (plan, projection, flight) and the targets (answers), lets time pass, and looks.

pub mod deliver;
pub mod expect;
pub mod memory;
pub mod read;
pub mod run;
pub mod shapes;
pub mod store;
pub mod story;
pub mod world;
