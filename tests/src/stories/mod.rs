//! Stories: steps in order, and what must hold after each, as data; run against the fold in memory,
//! later against a store.

pub mod memory;
pub mod read;
pub mod shapes;
pub mod world;
