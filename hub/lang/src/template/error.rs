//! Why a template has no text or value.

use thiserror::Error;

use crate::expression::EvalError;
use crate::room::Full;

/// Why a template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RenderError {
    /// A value is missing where there must be one: its name.
    #[error("`{0}` is missing")]
    Missing(String),
    /// The expression failed.
    #[error("`{text}`: {why}")]
    Eval {
        /// The expression.
        text: String,
        /// Why.
        why: EvalError,
    },
    /// The value cannot stand in that place.
    #[error("`{text}` {why}")]
    Place {
        /// The expression.
        text: String,
        /// What is wrong with it there.
        why: &'static str,
    },
    /// More would be made than there is room for.
    #[error("`{text}`: {full}")]
    Large {
        /// The expression with which it would be too large.
        text: String,
        /// How large, and what there is room for.
        full: Full,
    },
}
