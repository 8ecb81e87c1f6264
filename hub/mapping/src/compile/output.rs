//! One rule on the way out: what is read of the hub, and where its value stands in the template.

use orderhub_lang::path::{Root, Segment};
use orderhub_order::catalogue::FieldType;
use orderhub_order::ids::Collection;

use super::Compiler;
use super::scope::Scope;
use super::target::{HubSide, in_target};
use super::template::node_at;
use super::typing::RawTimes;
use crate::ast::{Direction, Each, Key, Rule, Side};
use crate::codes;
use crate::conversions::{Shape, Type};
use crate::hub_path::{HubPath, Leaf as HubLeaf, Part, Step};
use crate::program::{OutElement, OutGiven, OutItem, OutSource};

/// Why a rule that is no field of the hub does not come in.
const NO_HUB_SIDE: &str = "it has no hub side";
/// Why a second rule of a field does not go out.
pub(super) const EARLIER: &str = "an earlier rule writes this field";

/// Where the rules of an object write: below a path, while the object is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Below {
    pub(super) prefix: Vec<Segment>,
    pub(super) guard: Option<usize>,
}

impl Compiler<'_> {
    /// `{ system, value }` and `{ system, with, expr }`: constants and computed values.
    pub(super) fn out_without_hub(
        &mut self,
        rule: &Rule,
        scope: &Scope,
        stack: &[Collection],
        out: &mut OutElement,
    ) {
        if !Self::ways(rule).1 {
            let hint = "a rule without a hub side goes out: remove `direction`";
            self.wrong(codes::NO_WAY, rule.span, "this rule cannot go in", hint);
            return;
        }
        let input = match (&rule.value, &rule.expr) {
            (Some(value), _) => OutGiven::Constant(value.is.clone()),
            (None, Some(_)) => {
                let mut inputs = Vec::new();
                for (name, path) in &rule.with {
                    match self.hub_side(path, stack) {
                        Some(side) => inputs.push((name.clone(), self.out_source(side))),
                        None => return,
                    }
                }
                match self.expression(rule) {
                    Some(expression) => OutGiven::Expression(inputs, expression),
                    None => return,
                }
            }
            (None, None) => return,
        };
        let result = self.place_rule(rule, input, scope, &Below::default(), out);
        if let Err(why) = &result
            && !why.is_empty()
        {
            self.wrong(codes::NO_WAY, rule.span, "this rule cannot go out", why);
        }
        self.went(rule.no, Some(Err(NO_HUB_SIDE.to_owned())), Some(result));
    }

    /// A rule with a hub side. `Err` with a reason: it cannot; with an empty one: that was reported.
    pub(super) fn rule_out(
        &mut self,
        rule: &Rule,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        out: &mut OutElement,
    ) -> Result<(), String> {
        if let Some(parts) = &rule.fields {
            return self.object_out(rule, parts, hub, scope, out);
        }
        self.out_below(rule, hub, scope, stack, &Below::default(), out)
    }

    fn out_below(
        &mut self,
        rule: &Rule,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        below: &Below,
        out: &mut OutElement,
    ) -> Result<(), String> {
        if rule.value.is_some() {
            return Err("a constant of a hub field comes in only".to_owned());
        }
        if rule.expr.is_some() && rule.inverse.is_empty() {
            return Err("an expression goes one way, unless `inverse:` says the other".to_owned());
        }
        let named = matches!(rule.hub, Some(Side::Named(_)));
        let fan = hub.iter().any(|side| matches!(side, HubSide::Place(path) if path.is_fan_out()));
        for link in &rule.chain {
            let folds = link.conversion.shape() == Shape::Fold;
            let joins = named && link.conversion.joins();
            let shell = link.conversion.shell().is_some();
            if !(link.conversion.two_way() || joins || shell || folds && fan) {
                return Err(format!("`{}` has no way back", link.conversion.name()));
            }
        }
        for side in hub {
            self.readable(side)?;
        }
        self.two_inputs(rule)?;
        if !rule.inverse.is_empty() {
            return self.inverse_out(rule, hub, scope, stack, below, out);
        }
        let Some(HubSide::Place(first)) = hub.first() else {
            let sources = hub.iter().cloned().map(|side| self.out_source(side)).collect();
            return self.place_rule(rule, OutGiven::First(sources), scope, below, out);
        };
        if !named && (in_target(first, stack).is_err() || rule.direction.is_some()) {
            self.out_type(rule, first)?;
        }
        let sources: Vec<OutSource> =
            hub.iter().cloned().map(|side| self.out_source(side)).collect();
        let input = if named { OutGiven::Named(sources) } else { OutGiven::First(sources) };
        self.place_rule(rule, input, scope, below, out)
    }

    /// A text that is cut in two needs two inputs to go to.
    fn two_inputs(&mut self, rule: &Rule) -> Result<(), String> {
        let (Some(Side::Named(inputs)), Some(link)) = (&rule.system, rule.chain.first()) else {
            return Ok(());
        };
        let conversion = &link.conversion;
        if !conversion.two_way() || !conversion.joins() || conversion.parts(inputs.len()).is_some()
        {
            return Ok(());
        }
        let message = format!(
            "the way back of `{}` gives two parts, and {} inputs are named",
            conversion.name(),
            inputs.len()
        );
        let hint = "name two, or say `direction: in`";
        self.wrong(codes::PARTS, link.span, message, hint);
        Err(String::new())
    }

    /// The types of a rule that is not read in.
    fn out_type(&mut self, rule: &Rule, path: &HubPath) -> Result<(), String> {
        let before = self.findings.len();
        let named = matches!(rule.system, Some(Side::Named(_)));
        let from = if named { Type::Named } else { Type::Raw };
        let Some(ty) = self.chain_type(&rule.chain, from) else { return Err(String::new()) };
        let whole = matches!(path.leaf, HubLeaf::Field(_, None));
        let folds = rule.chain.iter().any(|link| link.conversion.shape() == Shape::Fold);
        if matches!(path.leaf, HubLeaf::Field(_, Some(Part::Entry(_)))) {
            self.fits_entry(ty, rule);
        }
        if let Some(field) = path.field()
            && whole
            && !folds
        {
            self.fits(ty, field, RawTimes::Taken, rule.span);
        }
        if self.findings.len() > before { Err(String::new()) } else { Ok(()) }
    }

    fn readable(&self, side: &HubSide) -> Result<(), String> {
        let HubSide::Place(path) = side else { return Ok(()) };
        if let HubLeaf::Collection(_) = path.leaf {
            return Err("a collection is mapped with `each:`".to_owned());
        }
        let address = path.field().is_some_and(|field| field.ty == FieldType::Address);
        if address && matches!(path.leaf, HubLeaf::Field(_, None)) {
            return Err("an address is mapped part by part with `fields:`".to_owned());
        }
        Ok(())
    }

    pub(super) fn out_source(&mut self, side: HubSide) -> OutSource {
        match side {
            HubSide::Setting(name) => OutSource::Setting(name),
            HubSide::Place(path) => {
                self.reads(&path);
                OutSource::Hub(path)
            }
        }
    }

    fn reads(&mut self, path: &HubPath) {
        if let HubLeaf::Field(id, _) = path.leaf {
            self.output.reads.insert(id);
        }
        for step in &path.steps {
            match step {
                Step::Where(_, id, _) | Step::Follow(id, _) => self.output.reads.insert(*id),
                Step::Each(_) | Step::Index(..) => {}
            }
        }
    }

    /// An address, part by part.
    fn object_out(
        &mut self,
        rule: &Rule,
        parts: &[Rule],
        hub: &[HubSide],
        scope: &Scope,
        out: &mut OutElement,
    ) -> Result<(), String> {
        let [HubSide::Place(path)] = hub else {
            return Err("`fields:` maps one address".to_owned());
        };
        let address = path.field().is_some_and(|field| field.ty == FieldType::Address);
        let HubLeaf::Field(id, None) = path.leaf else {
            return Err("`fields:` maps an address part by part".to_owned());
        };
        let Some(system) = rule.system.as_ref().and_then(Side::single).filter(|_| address) else {
            return Err("`fields:` maps an address part by part".to_owned());
        };
        self.reads(path);
        let own = Below::default();
        self.place_rule(rule, OutGiven::Object(path.clone()), scope, &own, out)?;
        let below = Below { prefix: system.is.segments.clone(), guard: Some(out.rules.len() - 1) };
        let mut written = Vec::new();
        let given = self.given.len();
        for part in parts {
            self.given.truncate(given);
            self.assume(part.where_.as_ref());
            if !Self::ways(part).1 || part.broken {
                continue;
            }
            if part.hub.is_none() {
                self.part_constant(part, scope, &below, out);
                continue;
            }
            let paths = part.hub.as_ref().map(Side::paths).unwrap_or_default();
            let names: Option<Vec<&'static str>> =
                paths.iter().map(|path| self.known_part(part, path, Direction::Out)).collect();
            let Some(names) = names else { continue };
            if names.iter().all(|name| written.contains(name))
                && part.direction.is_none()
                && self.keyed
            {
                self.went(part.no, None, Some(Err(EARLIER.to_owned())));
                continue;
            }
            let leaf = |name| HubLeaf::Field(id, Some(Part::Address(name)));
            let place =
                |name: &&'static str| HubSide::Place(HubPath { leaf: leaf(name), ..path.clone() });
            let side: Vec<HubSide> = names.iter().map(place).collect();
            let result = self.out_below(part, &side, scope, &[Collection::Root], &below, out);
            match &result {
                Ok(()) => written.extend(names),
                Err(why) if part.direction.is_some() && !why.is_empty() => {
                    self.wrong(codes::NO_WAY, part.span, "this rule cannot go out", why);
                }
                Err(_) => {}
            }
            self.went(part.no, None, Some(result));
        }
        self.given.truncate(given);
        Ok(())
    }

    fn part_constant(&mut self, part: &Rule, scope: &Scope, below: &Below, out: &mut OutElement) {
        let Some(value) = &part.value else {
            // Neither way would take it.
            if part.expr.is_some() {
                let message = "an expression gives no part of an address on its way out";
                let hint = "a rule beside the address's can: `{ system: address.full, with: { a: addresses.ship_to.line1 }, expr: … }`";
                self.wrong(codes::NO_WAY, part.span, message, hint);
            }
            return;
        };
        let input = OutGiven::Constant(value.is.clone());
        let result = self.place_rule(part, input, scope, below, out);
        if let Err(why) = &result
            && !why.is_empty()
        {
            self.wrong(codes::NO_WAY, part.span, "this rule cannot go out", why);
        }
        self.went(part.no, Some(Err(NO_HUB_SIDE.to_owned())), Some(result));
    }

    /// A collection: one element of the array for each hub element.
    pub(super) fn each_out(
        &mut self,
        rule: &Rule,
        each: &Each,
        path: &HubPath,
        scope: &Scope,
        mut inner: OutElement,
        out: &mut OutElement,
    ) -> Result<(), String> {
        let Some(system) = rule.system.as_ref().and_then(Side::single) else {
            return Err(String::new());
        };
        if let Some(Key::Rule(key)) = &each.key {
            self.identity(key, OutGiven::Key, scope, &mut inner);
        }
        if let Some(ours) = &each.ours {
            self.identity(ours, OutGiven::Ours, scope, &mut inner);
        }
        if inner.rules.is_empty() {
            return Err("no rule of its elements goes out".to_owned());
        }
        let mut segments = system.is.segments.clone();
        if segments.last() == Some(&Segment::Each) {
            segments.pop();
        }
        if system.is.root != Root::Here || segments.contains(&Segment::Each) {
            return Err("the path of the document names many places for one list".to_owned());
        }
        if let Some(node) = node_at(&mut out.node, &segments) {
            // Of several rules for one collection the first writes.
            let known = |item: &OutItem| matches!(item, OutItem::Each(known, ..) if known == path);
            if node.items.iter().any(known) {
                return Err("an earlier rule writes these elements".to_owned());
            }
            let shell = rule.chain.first().and_then(|link| link.conversion.shell());
            node.items.push(OutItem::Each(path.clone(), inner, shell.cloned()));
            self.output.any = true;
        }
        Ok(())
    }

    fn identity(&mut self, rule: &Rule, given: OutGiven, scope: &Scope, out: &mut OutElement) {
        let two_way = rule.chain.iter().all(|link| link.conversion.two_way());
        if two_way && rule.system.as_ref().and_then(Side::single).is_some() {
            let own = Below::default();
            // A key that cannot be written is one that only comes in.
            let written = self.place_rule(rule, given, scope, &own, out);
            self.went(rule.no, Some(Ok(())), Some(written));
        }
    }
}
