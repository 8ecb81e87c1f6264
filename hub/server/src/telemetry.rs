//! Logs, metrics: set up once.
