//! Evaluates the `when` grammar over an order and a subject in it.

/// A compiled `when`: `orderhub_lang`'s grammar, its paths resolved against the catalogue.
#[derive(Clone, Debug)]
pub struct Condition {}
