//! Named hub fields on the way in: one text of the document gives each of them a part.

use std::sync::Arc;

use super::scope::Scope;
use super::target::{HubSide, in_target};
use super::{Compiler, each};
use crate::ast::{Link, Rule};
use crate::cell::{Cell, Trouble};
use crate::conversions::{Conversion, Put, Target, Type};
use crate::program::Element;
use orderhub_order::ids::Collection;

impl Compiler<'_> {
    /// `{ hub: { a: line1, b: line2 }, system: street, as: { split: ", " } }`. `Err`: why it goes out only.
    pub(super) fn named_in(
        &mut self,
        rule: &Rule,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        element: &mut Element,
    ) -> Result<(), String> {
        let Some(parted) = parted(rule, hub.len()) else {
            let why =
                "named hub fields come in of one text: `split`, or `concat` with `back` for two";
            return Err(why.to_owned());
        };
        let mut targets = Vec::new();
        for side in hub {
            let HubSide::Place(path) = side else {
                return Err("a setting goes out only".to_owned());
            };
            targets.push(in_target(path, stack)?);
        }
        let before = self.findings.len();
        for (place, target) in targets.into_iter().enumerate() {
            let mut rule = parted.clone();
            let span = rule.chain.last().map_or(rule.span, |link| link.span);
            rule.chain.push(Link { span, conversion: Arc::new(Part { place }) });
            let compiled = self.in_rule(&rule, scope);
            let Some((compiled, ty, count)) = compiled else { return Err(String::new()) };
            self.fits_target(&rule, &target, ty, count);
            if self.findings.len() == before {
                each::add(element, target, compiled);
            }
        }
        Ok(())
    }
}

/// The rule with its last conversion made for so many parts.
fn parted(rule: &Rule, count: usize) -> Option<Rule> {
    let mut rule = rule.clone();
    let last = rule.chain.last_mut()?;
    last.conversion = last.conversion.parts(count)?.into();
    Some(rule)
}

/// One of several named parts.
#[derive(Debug)]
struct Part {
    place: usize,
}

impl Conversion for Part {
    fn name(&self) -> &'static str {
        "part"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        if from == Type::Named { Ok(Type::Text) } else { Err("named parts".to_owned()) }
    }

    fn two_way(&self) -> bool {
        false
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        match cell {
            Cell::Named(mut parts) if self.place < parts.len() => Ok(parts.swap_remove(self.place)),
            other => Err(Trouble::wrong_type(&other, "named parts")),
        }
    }

    fn put<'a>(&self, _: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        Err(crate::conversions::one_way(self.name()))
    }
}
