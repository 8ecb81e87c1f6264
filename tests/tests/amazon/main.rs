//! Amazon's Selling Partner API by the declared connector: the vendor's own examples, against the connector and against
//! the twin, and orders that come in and are confirmed while the twin keeps the vendor's rates.

mod orders;
mod pairs;
