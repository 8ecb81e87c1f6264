//! What the end-to-end tests stand on: a broker, a database server, the hub as a process, and bounded waiting.

#![expect(
    clippy::disallowed_types,
    reason = "who tests the hub from outside speaks HTTP by itself"
)]

pub mod api;
pub mod balanced;
pub mod broker;
pub mod database;
pub mod document;
pub mod fuzz;
pub mod gateway;
pub mod http;
pub mod hub;
pub mod karrio;
pub mod line;
pub mod mappings;
pub mod measure;
pub mod orders;
pub mod otlp;
mod part;
pub mod scene;
pub mod settings;
pub mod shelf;
pub mod stories;
pub mod system;
pub mod texts;
pub mod till;
pub mod tryton;
pub mod wait;
