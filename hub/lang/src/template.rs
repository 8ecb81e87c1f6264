//! Placeholder: see the brief.
