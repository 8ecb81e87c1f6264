//! Rules: the entries of `fields:`.

use orderhub_lang::path::{Root, Segment};
use orderhub_lang::yaml::{Fields, Node, NodeValue};

use super::Reader;
use crate::ast::{Direction, Each, PathAt, Placed, Rule, Side};
use crate::codes;
use crate::literal::literal;
use crate::rules::RuleNo;

impl Reader<'_> {
    /// A list of rules.
    pub(crate) fn rules(&mut self, node: &Node) -> Vec<Rule> {
        let Some(items) = node.as_list() else {
            let finding = self.findings.wrong_type(node, "`fields` is a list of rules");
            self.findings.report(finding);
            return Vec::new();
        };
        let (before, inside) = (self.mistakes(), self.inside);
        let mut rules = Vec::new();
        for item in items {
            match item.get("include") {
                Some(_) => rules.extend(self.include(item)),
                None => rules.extend(self.rule(item)),
            }
        }
        let now = self.mistakes();
        self.inside = (inside.0 + now.0 - before.0, inside.1 + now.1 - before.1);
        rules
    }

    /// Findings, and parts that are not judged, so far.
    fn mistakes(&self) -> (usize, usize) {
        (self.findings.len(), self.unjudged)
    }

    /// The same without those of lists of rules.
    fn own_mistakes(&self) -> (usize, usize) {
        let (found, unjudged) = self.mistakes();
        (found - self.inside.0, unjudged - self.inside.1)
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let before = self.own_mistakes();
        if node.as_map().is_none() {
            let finding = self.findings.wrong_type(node, "a rule is a mapping");
            self.findings.report(finding.with_hint("write `{ hub: order_no, system: name }`"));
            return None;
        }
        let mut fields = Fields::of(node, "a rule", self.findings)?;
        let hub = fields.optional("hub");
        let system = fields.optional("system");
        let value = fields.optional("value");
        let chain = fields.optional("as");
        let none = fields.optional("none");
        let where_ = fields.optional("where");
        let direction = fields.optional("direction");
        let parts = fields.optional("fields");
        let each = fields.optional("each");
        let with = fields.optional("with");
        let expr = fields.optional("expr");
        let inverse = fields.optional("inverse");
        fields.finish(self.findings);
        let mut rule = Rule {
            span: node.span,
            no: RuleNo::NONE,
            hub: hub.and_then(|node| self.side(node)),
            system: system.and_then(|node| self.side(node)),
            value: value.and_then(|node| self.value(node)),
            chain: chain.map(|node| self.chain(node)).unwrap_or_default(),
            none: none.map(|node| self.nones(node)).unwrap_or_default(),
            where_: where_.and_then(|node| self.condition(node)),
            direction: direction.and_then(|node| self.direction(node)),
            with: with.map(|node| self.with(node, hub.is_some())).unwrap_or_default(),
            inverse: inverse.map(|node| self.inverse(node)).unwrap_or_default(),
            expr: expr.and_then(|node| {
                let is = self.text(node, "an expression is needed")?;
                Some(Placed { span: node.span, is })
            }),
            ..Rule::default()
        };
        let mut broken = self.own_mistakes() != before;
        // Mistakes below are those of the rules there.
        rule.fields = parts.map(|node| self.rules(node));
        rule.each = each.and_then(|node| self.each(node));
        broken |= each.is_some() && rule.each.is_none();
        if !broken {
            let before = self.own_mistakes();
            self.sides(node, &rule);
            self.beside(&rule);
            broken = self.own_mistakes() != before;
        }
        rule.broken = broken;
        Some(rule)
    }

    /// What a rule must have, and what does not go together.
    fn sides(&mut self, node: &Node, rule: &Rule) {
        let sources = [rule.system.is_some(), rule.value.is_some(), rule.expr.is_some()];
        let given = sources.iter().filter(|given| **given).count();
        let wrong = match (&rule.hub, given) {
            (None, 0) => Some((
                "a rule needs a hub side and a system side",
                "write `{ hub: order_no, system: name }`",
            )),
            (Some(_), 0) => Some((
                "nothing gives this hub field a value",
                "add `system: <path in the document>`, or `value: <constant>`",
            )),
            (None, 1) => Some((
                "this rule has no hub side",
                "add `hub: <field>`; what goes out without one is `{ system: …, value: … }`",
            )),
            (Some(_), 2..) => Some((
                "`system`, `value` and `expr` do not go together on the way in",
                "leave all but one out; two rules for one field are tried in their order",
            )),
            (None, 3..) => Some(("`value` and `expr` do not go together", "leave one out")),
            _ => None,
        };
        if let Some((wrong, hint)) = wrong {
            self.error(codes::SHAPE, node.span, wrong, hint);
        }
        if !rule.with.is_empty() && rule.expr.is_none() {
            self.error(codes::SHAPE, node.span, "`with` names inputs of an `expr`", "add `expr:`");
        }
        if !rule.inverse.is_empty() && (rule.expr.is_none() || rule.hub.is_none()) {
            let hint = "write `{ hub: x, with: { a: b }, expr: a, inverse: { b: value } }`";
            self.error(codes::SHAPE, node.span, "`inverse` is of a hub field with `expr`", hint);
        }
        let nested = rule.fields.is_some() || rule.each.is_some();
        let both = rule.fields.is_some() && rule.each.is_some();
        let shelled = rule.each.is_some()
            && matches!(rule.chain.as_slice(), [only] if only.conversion.shell().is_some());
        let chain = !rule.chain.is_empty() && !shelled;
        if both || (nested && (chain || given > 1 || rule.system.is_none())) {
            let hint = "an object has `fields`, a list has `each`; conversions stand inside, but for `shell`";
            self.error(codes::SHAPE, node.span, "these keys do not go together", hint);
        }
    }

    fn value(&mut self, node: &Node) -> Option<Placed<crate::cell::Cell<'static>>> {
        let value = literal(node);
        if value.is_none() {
            let hint = "objects are written key by key: `{ system: a.b, value: 1 }`";
            self.error(codes::SHAPE, node.span, "`value` is a plain value", hint);
        }
        value.map(|is| Placed { span: node.span, is })
    }

    fn direction(&mut self, node: &Node) -> Option<Placed<Direction>> {
        let is = match node.as_text() {
            Some("in") => Direction::In,
            Some("out") => Direction::Out,
            _ => {
                let hint = "leave it out where both ways are possible";
                self.error(codes::WORD, node.span, "`direction` is `in` or `out`", hint);
                return None;
            }
        };
        Some(Placed { span: node.span, is })
    }

    /// A path, a list of paths, or named paths.
    pub(super) fn side(&mut self, node: &Node) -> Option<Side> {
        match &node.value {
            NodeValue::Map(_) => Some(Side::Named(self.inputs(node))),
            NodeValue::List(items) => {
                let paths: Vec<_> = items.iter().filter_map(|item| self.path(item)).collect();
                if items.is_empty() {
                    self.error(codes::SHAPE, node.span, "a list of no paths", "name a path");
                }
                (!paths.is_empty()).then_some(Side::Paths(paths))
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::Text(_) => {
                self.path(node).map(|path| Side::Paths(vec![path]))
            }
        }
    }

    fn inputs(&mut self, node: &Node) -> Vec<(String, crate::ast::PathAt)> {
        let Some(entries) = node.as_map() else {
            let finding = self.findings.wrong_type(node, "named inputs are a mapping");
            self.findings.report(finding);
            return Vec::new();
        };
        let mut inputs = Vec::new();
        for (key, value) in entries {
            inputs.extend(self.path(value).map(|path| (key.name.clone(), path)));
        }
        inputs
    }

    /// Inputs of an expression. A name that begins with `hub.` or `system.` says its side; the other side of a
    /// rule that comes in is the order as it stands.
    fn with(&mut self, node: &Node, comes_in: bool) -> Vec<(String, PathAt)> {
        let mut inputs = self.inputs(node);
        for (_, path) in &mut inputs {
            let (Root::Here, [Segment::Key(side), _, ..]) = (&path.is.root, &*path.is.segments)
            else {
                continue;
            };
            match (side.as_str(), comes_in) {
                ("hub", true) => path.is.root = Root::Hub,
                ("hub", false) | ("system", true) => {}
                ("system", false) => {
                    let message = "going out there is no document of the system to read";
                    self.error(codes::SHAPE, path.span, message, "name a hub field");
                }
                _ => continue,
            }
            path.is.segments.remove(0);
        }
        inputs
    }

    /// `inverse: { total: "value + 1" }`
    fn inverse(&mut self, node: &Node) -> Vec<(PathAt, Placed<String>)> {
        let Some(entries) = node.as_map().filter(|entries| !entries.is_empty()) else {
            let needs = "`inverse` names places of the document, each with an expression";
            let finding = self.findings.wrong_type(node, needs);
            self.findings.report(finding);
            return Vec::new();
        };
        let mut inverse = Vec::new();
        for (key, value) in entries {
            let name = Node { span: key.span, value: NodeValue::Text(key.name.clone()) };
            let (Some(path), Some(is)) =
                (self.path(&name), self.text(value, "an expression over `value` is needed"))
            else {
                continue;
            };
            inverse.push((path, Placed { span: value.span, is }));
        }
        inverse
    }

    /// A rule without a hub side: a path, or a mapping with `system` and `as`.
    pub(super) fn source_rule(&mut self, node: &Node, what: &str) -> Option<Rule> {
        if node.as_map().is_none() {
            let system = self.side(node)?;
            return Some(Rule { span: node.span, system: Some(system), ..Rule::default() });
        }
        let mut fields = Fields::of(node, what, self.findings)?;
        let system = fields.optional("system");
        let value = fields.optional("value");
        let chain = fields.optional("as");
        let none = fields.optional("none");
        fields.finish(self.findings);
        if system.is_none() == value.is_none() {
            let hint = "write `{ system: id, as: text }`";
            let message = match system {
                Some(_) => format!("`{what}` has either `system` or `value`"),
                None => format!("`{what}` needs a path"),
            };
            self.error(codes::SHAPE, node.span, message, hint);
            return None;
        }
        Some(Rule {
            span: node.span,
            system: system.and_then(|node| self.side(node)),
            value: value.and_then(|node| self.value(node)),
            chain: chain.map(|node| self.chain(node)).unwrap_or_default(),
            none: none.map(|node| self.nones(node)).unwrap_or_default(),
            ..Rule::default()
        })
    }

    fn each(&mut self, node: &Node) -> Option<Each> {
        let mut fields = Fields::of(node, "`each`", self.findings)?;
        let key = fields.optional("key");
        let ours = fields.optional("ours");
        let complete = fields.bool("complete", self.findings).unwrap_or(false);
        let adds = fields.bool("adds", self.findings).unwrap_or(true);
        let rules = fields.optional("fields");
        if let Some(inner) = node.get("where").and_then(|_| fields.optional("where")) {
            let hint = "write `{ hub: lines, system: rows, where: { kind: [item] }, each: { key: id } }`: its paths start at each element";
            self.error(
                codes::SHAPE,
                inner.span,
                "`where` stands beside `each`, not within it",
                hint,
            );
        }
        fields.finish(self.findings);
        let before = self.unjudged;
        let own_key = key.and_then(|node| self.key(node));
        let own_ours = ours.and_then(|node| self.source_rule(node, "ours")).map(Box::new);
        let broken = key.is_some() != own_key.is_some()
            || ours.is_some() != own_ours.is_some()
            || self.unjudged > before;
        Some(Each {
            span: node.span,
            key: own_key,
            broken,
            ours: own_ours,
            complete,
            adds,
            fields: rules.map(|node| self.rules(node)).unwrap_or_default(),
        })
    }
}
