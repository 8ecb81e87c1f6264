//! Orders, as the other benches have them.

#[path = "../../../src/measure/order.rs"]
pub mod order;
