//! What conversions look for beside a value: the currency of an amount, the country of a telephone number.
//!
//! **Invariant:** what can only stand below a text or a number is found when the file is read, with what to write.
//! Test: the case `tests/data/mapping/findings/below-a-value.yaml`.

use orderhub_lang::path::Root;
use orderhub_order::value::Currency;

use super::Reader;
use crate::ast::{Link, Rule, Side};
use crate::codes;
use crate::conversions::Type;

impl Reader<'_> {
    /// Paths of a rule's conversions that lead below what is no object.
    pub(super) fn beside(&mut self, rule: &Rule) {
        // Beside named inputs and computed values they start at the element.
        if !matches!(rule.system, Some(Side::Paths(_))) || rule.expr.is_some() {
            return;
        }
        for (number, link) in rule.chain.iter().enumerate() {
            // What takes an object itself (`wrap`) may leave the others of its keys to this one.
            let before = rule.chain.get(..number).unwrap_or_default();
            let one = before.iter().all(|link| link.conversion.gives(Type::Text).is_ok());
            if link.conversion.of_object() || !one {
                continue;
            }
            self.below(link);
        }
    }

    fn below(&mut self, link: &Link) {
        for beside in link.conversion.beside() {
            let path = &beside.path;
            if path.root == Root::Here {
                let name = link.conversion.name();
                let message = format!(
                    "`{name}` looks for `{path}` below the value, which is one text or number"
                );
                let hint = format!(
                    "write `/{path}` for the document's, or `^{path}` for what stands beside the value"
                );
                let code = path.to_string().to_ascii_uppercase();
                let hint = match Currency::parse(&code).filter(|_| name == "money") {
                    Some(_) => format!("write `{code}` for that currency; {hint}"),
                    None => hint,
                };
                self.error(codes::OPTION, link.span, message, &hint);
            }
        }
    }
}
