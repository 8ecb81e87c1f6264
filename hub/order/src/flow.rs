//! Flow and ownership: the hub's own side, as data (`mappings/hub/flow.yaml`, `ownership.yaml`).

/// Releases and assignment, compiled.
#[derive(Clone, Debug, Default)]
pub struct Flow {}

/// Exceptions to the catalogue's owners, compiled.
#[derive(Clone, Debug, Default)]
pub struct Ownership {}
