//! The language that integration files are written in: YAML with spans and budgets, diagnostics,
//! paths, conditions, templates and expressions.
//!
//! Pure: reads no files, knows no clock. Untrusted input: every parser here has a budget.

pub mod asked;
pub mod codes;
pub mod condition;
pub mod convert;
pub mod diagnostic;
pub mod escape;
pub mod expression;
pub mod form;
pub mod path;
pub mod room;
pub mod template;
pub mod units;
pub mod value;
pub mod xml;
pub mod yaml;
