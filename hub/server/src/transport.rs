//! The only HTTP client of the hub, with the egress rules.
