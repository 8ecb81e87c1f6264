//! Webhooks: verified over their raw bytes, read into notices, stored, then answered.
