//! What the end-to-end tests stand on: a broker, the hub as a process, and bounded waiting.

pub mod api;
pub mod broker;
pub mod http;
pub mod hub;
pub mod measure;
pub mod orders;
pub mod settings;
pub mod stories;
pub mod wait;
