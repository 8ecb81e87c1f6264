//! The way back of a computed field: `inverse:` names the places that its value is written to.

use orderhub_lang::diagnostic::Findings;
use orderhub_lang::expression::compile_node;
use orderhub_lang::path::Root;
use orderhub_lang::yaml::{Node, NodeValue};
use orderhub_order::ids::Collection;

use super::Compiler;
use super::output::Below;
use super::scope::Scope;
use super::target::HubSide;
use crate::ast::{Placed, Rule, Side};
use crate::hub_path::Resolver;
use crate::program::{Inverse, OutElement, OutGiven, OutSource};

/// What an inverse calls the hub's value.
pub(crate) const VALUE: &str = "value";

impl Compiler<'_> {
    /// One outgoing rule for each place. `Err`: why it goes in only.
    pub(super) fn inverse_out(
        &mut self,
        rule: &Rule,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        below: &Below,
        out: &mut OutElement,
    ) -> Result<(), String> {
        let [HubSide::Place(path)] = hub else {
            return Err("`inverse` is of one hub field".to_owned());
        };
        if path.is_fan_out() {
            return Err("`inverse` is of one value".to_owned());
        }
        for (place, text) in &rule.inverse {
            let Some(mut inverse) = self.inverse(rule, text, stack) else {
                return Err(String::new());
            };
            let reads = rule.with.iter().enumerate().filter(|(_, (_, path))| path.is == place.is);
            inverse.reads = reads.map(|(number, _)| number).collect();
            let input = OutGiven::First(vec![self.out_source(HubSide::Place(path.clone()))]);
            let system = Some(Side::Paths(vec![place.clone()]));
            let one = Rule { system, ..rule.clone() };
            self.place_rule(&one, input, scope, below, out)?;
            if let Some(placed) = out.rules.last_mut() {
                placed.inverse = Some(inverse);
            }
        }
        Ok(())
    }

    fn inverse(
        &mut self,
        rule: &Rule,
        text: &Placed<String>,
        stack: &[Collection],
    ) -> Option<Inverse> {
        let mut inputs: Vec<(String, OutSource)> = Vec::new();
        for (name, path) in rule.with.iter().filter(|(_, path)| path.is.root == Root::Hub) {
            let mut path = path.clone();
            path.is.root = Root::Here;
            // A mistake in its path was told on the way in.
            let mut known = Findings::new(self.findings.source());
            let resolver = &mut Resolver { findings: &mut known };
            let found = resolver.resolve(&path.is, path.span, stack);
            let told = Self::ways(rule).0 || found.is_some();
            let side = if told { found.map(HubSide::Place)? } else { self.hub_side(&path, stack)? };
            inputs.push((name.clone(), self.out_source(side)));
        }
        let names = inputs.iter().map(|(name, _)| name.as_str());
        let roots: Vec<&str> = std::iter::once(VALUE).chain(names).collect();
        let node = Node { span: text.span, value: NodeValue::Text(text.is.clone()) };
        let expression = compile_node(&node, &roots, self.findings)?;
        Some(Inverse { inputs, expression, reads: Vec::new() })
    }
}
