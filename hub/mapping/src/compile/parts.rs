//! Named hub fields on the way in: one text of the document gives each of them a part.

use std::sync::Arc;

use orderhub_order::catalogue::Field;
use orderhub_order::ids::Collection;

use super::scope::Scope;
use super::target::{HubSide, InTarget, in_target};
use super::{Compiler, add};
use crate::ast::{Direction, Link, Rule, Side};
use crate::cell::{Cell, Trouble};
use crate::codes;
use crate::conversions::{Conversion, Put, Target, Type};
use crate::program::{Element, InRule};

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
            return Err(PARTS.to_owned());
        };
        let mut targets = Vec::new();
        for side in hub {
            let HubSide::Place(path) = side else {
                return Err("a setting goes out only".to_owned());
            };
            targets.push(in_target(path, stack)?);
        }
        for (place, target) in targets.into_iter().enumerate() {
            let Some(compiled) = self.part_in(&parted, place, &target, scope) else {
                return Err(String::new());
            };
            add::add(element, target, compiled);
        }
        Ok(())
    }

    /// The same for parts of an address, under its `fields:`.
    pub(super) fn named_parts_in(
        &mut self,
        rule: &Rule,
        field: &'static Field,
        scope: &Scope,
        read: &mut Vec<(&'static str, Vec<InRule>)>,
    ) {
        let paths = rule.hub.as_ref().map(Side::paths).unwrap_or_default();
        let Some(parted) = parted(rule, paths.len()) else {
            let asked = rule.direction.as_ref().filter(|direction| direction.is == Direction::In);
            if let Some(direction) = asked {
                self.wrong(codes::NO_WAY, direction.span, "this rule cannot go in", PARTS);
            }
            self.went(rule.no, Some(Err(PARTS.to_owned())), None);
            return;
        };
        for (place, path) in paths.into_iter().enumerate() {
            let Some(name) = self.known_part(rule, path, Direction::In) else { return };
            let target = InTarget::AddressPart(field, name);
            let Some(compiled) = self.part_in(&parted, place, &target, scope) else { return };
            match read.iter_mut().find(|(known, _)| *known == name) {
                Some((_, rules)) => rules.push(compiled),
                None => read.push((name, vec![compiled])),
            }
        }
        self.went(rule.no, Some(Ok(())), None);
    }

    /// The rule that gives one of the parts.
    fn part_in(
        &mut self,
        parted: &Rule,
        place: usize,
        target: &InTarget,
        scope: &Scope,
    ) -> Option<InRule> {
        let before = self.findings.len();
        let mut rule = parted.clone();
        let span = rule.chain.last().map_or(rule.span, |link| link.span);
        rule.chain.push(Link { span, conversion: Arc::new(Part { place }) });
        let (compiled, ty, count) = self.in_rule(&rule, scope)?;
        self.fits_target(&rule, target, ty, count);
        (self.findings.len() == before).then_some(compiled)
    }
}

/// What named hub fields need to come in.
const PARTS: &str =
    "named hub fields come in of one text: `split`, or `concat` with `back` for two";

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
        if let Cell::Named(parts) = &cell
            && let Some(part) = parts.get(self.place)
        {
            return Ok(part.clone());
        }
        Err(Trouble::wrong_type(&cell, "named parts"))
    }

    fn put<'a>(&self, _: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        Err(crate::conversions::one_way(self.name()))
    }
}
