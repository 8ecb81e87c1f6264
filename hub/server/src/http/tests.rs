//! The router by `oneshot`, without a listener.
