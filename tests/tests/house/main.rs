//! House rules that a machine can check: who may use whom, what is pure, how long a file may be, and that
//! what the README and the comments name exists.

mod cases;
mod code;
mod crates;
mod files;
mod invariants;
mod readme;
mod sources;

/// Crates without I/O, with their folders.
const PURE: &[(&str, &str)] = &[
    ("orderhub-lang", "hub/lang"),
    ("orderhub-order", "hub/order"),
    ("orderhub-mapping", "hub/mapping"),
    ("orderhub-connectors", "connectors"),
];
