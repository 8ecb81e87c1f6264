//! The router: API, webhooks, health, metrics; problem documents.
