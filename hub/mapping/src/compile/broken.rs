//! A rule with a part that could not be read: what can be said of its other parts is said in the same run,
//! and nothing of how they fit, which would be about the mistake.

use orderhub_order::ids::Collection;

use super::Compiler;
use super::scope::Scope;
use super::target::{HubSide, InTarget};
use crate::ast::{Rule, Side};
use crate::program::{Element, OutElement};

impl Compiler<'_> {
    /// Looks at the paths of a rule that cannot be compiled, and at the rules below it.
    pub(super) fn broken(&mut self, rule: &Rule, scope: &Scope, stack: &[Collection]) {
        let hub = rule.hub.as_ref().map(|hub| {
            let paths = hub.paths();
            paths.into_iter().filter_map(|path| self.hub_side(path, stack)).collect::<Vec<_>>()
        });
        let (mut element, mut out) = (Element::default(), OutElement::default());
        if let (Some(each), Some(hub)) = (&rule.each, &hub) {
            // Why it cannot go a way may be the mistake.
            self.each(rule, each, hub, scope, stack, &mut element, &mut out).ok();
            return;
        }
        if let (Some(parts), Some([HubSide::Place(path), ..])) = (&rule.fields, hub.as_deref())
            && let Ok(target) = super::target::in_target(path, stack)
        {
            self.address_in(rule, parts, &target, scope, &mut element).ok();
            return;
        }
        for path in rule.system.iter().flat_map(Side::paths) {
            self.source(path, scope);
        }
        // Of a table with a wrong row the others are judged.
        if let (None, Some([HubSide::Place(path)])) = (&rule.value, hub.as_deref())
            && let Ok(InTarget::Field(field, _)) = super::target::in_target(path, stack)
        {
            self.words(rule, field);
        }
    }
}
