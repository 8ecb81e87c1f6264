//! What the programs of this folder try: the same sources as in the tests, which try what was kept.

#[path = "../../tests/src/fuzz/mod.rs"]
mod tried;

pub use tried::{TARGETS, Target, run};
