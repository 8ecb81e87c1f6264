//! The canonical order: what it is, what systems say of it, how that is merged, and who is told.
//!
//! Pure: no clock, no I/O, no environment. Time and whatever else is not in a document comes in as
//! an argument, so that every message can be replayed to the byte.

pub mod catalogue;
pub mod causes;
pub mod codes;
pub mod condition;
pub mod contribution;
pub mod derive;
pub mod flow;
pub mod fold;
pub mod hash;
pub mod history;
pub mod holds;
pub mod identify;
pub mod ids;
pub mod json;
pub mod lane;
pub mod model;
pub mod route;
pub mod rules;
pub mod settle;
pub mod value;
