//! Rules that cannot be written, told at their places; and lists whose texts stand at places of their own.

use super::Out;
use crate::cell::{Cell, Trouble};
use crate::facts::Lacks;
use crate::program::OutRule;
use crate::quote::Shown;
use crate::{MapError, ReverseError, Unwritten};

impl Out<'_> {
    // No part of the way of a document that goes out well.
    #[cold]
    pub(super) fn failed(
        &self,
        rule: &OutRule,
        trouble: Trouble,
        shown: Option<Shown>,
    ) -> ReverseError {
        let why = match shown {
            Some(shown) => shown.behind(&trouble.why),
            None => trouble.why,
        };
        let error = MapError {
            cause: trouble.cause,
            rule: Some(self.mapping.source.place(rule.span.start)),
            place: None,
            path: rule.text.to_string(),
            why,
            key: None,
            digest: None,
            lacks: Lacks::default(),
        };
        let field = self.mapping.rule(rule.no).map(|rule| rule.hub.clone()).unwrap_or_default();
        ReverseError::Failed(Box::new(Unwritten { field, error }))
    }
}

/// The texts of a list that stand at places of their own are converted one by one, as they come in.
pub(super) fn one_by_one(cell: &mut Cell<'_>) {
    if let Cell::List(items) = cell {
        *cell = Cell::Many(std::mem::take(items).into_iter().map(Cell::Text).collect());
    }
}
