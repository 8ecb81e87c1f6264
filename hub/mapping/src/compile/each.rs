//! The rules of one element: each is compiled in and out, as far as it goes.

use std::collections::BTreeSet;

use orderhub_lang::path::Root;
use orderhub_order::catalogue::FieldType;
use orderhub_order::ids::Collection;

use super::add::{add, with_field};
use super::rule::Count;
use super::scope::Scope;
use super::target::{HubSide, InTarget, in_target};
use super::typing::{RawTimes, one_text};
use super::{Compiler, no_way};
use crate::ast::{Direction, Each, PathAt, Rule, Side};
use crate::codes;
use crate::conversions::Type;
use crate::hub_path::{Leaf, Start};
use crate::program::{Alternative, CollectionProgram, EachProgram, Element, InRule, OutElement};

impl Compiler<'_> {
    /// Compiles the rules of an element both ways.
    pub(super) fn element(
        &mut self,
        rules: &[Rule],
        scope: &Scope,
        stack: &[Collection],
        out: &mut OutElement,
    ) -> Element {
        let mut element = Element::default();
        let mut written = BTreeSet::new();
        for rule in rules {
            let before = self.assume(rule.where_.as_ref());
            self.both_ways(rule, scope, stack, &mut element, out, &mut written);
            self.given.truncate(before);
        }
        element.fields.sort_by_key(|field| field.id);
        element.xrefs.sort_by(|left, right| left.0.cmp(&right.0));
        element.collections.sort_by_key(|collection| collection.collection);
        element
    }

    /// One rule of an element, as far as it goes.
    fn both_ways(
        &mut self,
        rule: &Rule,
        scope: &Scope,
        stack: &[Collection],
        element: &mut Element,
        out: &mut OutElement,
        written: &mut BTreeSet<String>,
    ) {
        if rule.broken {
            self.broken(rule, scope, stack);
            return;
        }
        let hub = match &rule.hub {
            None => {
                self.out_without_hub(rule, scope, stack, out);
                return;
            }
            Some(hub) => self.hub_paths(hub, stack),
        };
        let Some(hub) = hub else { return };
        if let Some(each) = &rule.each {
            if let Err(why) = self.each(rule, each, &hub, scope, stack, element, out)
                && !why.is_empty()
            {
                no_way(self, rule, &why);
            }
            return;
        }
        let (may_in, may_out) = Self::ways(rule);
        let went_in = may_in.then(|| self.rule_in(rule, &hub, scope, stack, element));
        let went_in = went_in.unwrap_or_else(|| Err(String::new()));
        let first = !written.contains(&hub_text(rule));
        let only_out = rule.direction.is_some();
        let went_out = if !may_out {
            Err(String::new())
        } else if first || only_out || !self.keyed {
            self.rule_out(rule, &hub, scope, stack, out)
        } else {
            Err(super::output::EARLIER.to_owned())
        };
        if went_out.is_ok() {
            written.insert(hub_text(rule));
        }
        self.judge(rule, &went_in, &went_out);
        self.went(rule.no, Some(went_in), Some(went_out));
    }

    /// Every path of a hub side.
    fn hub_paths(&mut self, hub: &Side, stack: &[Collection]) -> Option<Vec<HubSide>> {
        let mut resolved = Vec::new();
        for path in hub.paths() {
            resolved.push(self.hub_side(path, stack)?);
        }
        (!resolved.is_empty()).then_some(resolved)
    }

    /// Reports a rule that cannot go as asked.
    fn judge(&mut self, rule: &Rule, went_in: &Result<(), String>, went_out: &Result<(), String>) {
        let why = |result: &Result<(), String>| result.as_ref().err().cloned().unwrap_or_default();
        let asked = rule.direction.as_ref();
        match (went_in, went_out, asked.map(|direction| direction.is)) {
            (Err(_), _, Some(Direction::In)) => {
                let span = asked.map_or(rule.span, |direction| direction.span);
                let why = why(went_in);
                if !why.is_empty() {
                    self.wrong(codes::NO_WAY, span, "this rule cannot go in", &why);
                }
            }
            (_, Err(_), Some(Direction::Out)) => {
                let span = asked.map_or(rule.span, |direction| direction.span);
                let why = why(went_out);
                if !why.is_empty() {
                    self.wrong(codes::NO_WAY, span, "this rule cannot go out", &why);
                }
            }
            // An empty reason: what is wrong was reported.
            (Err(inward), Err(outward), None) if !inward.is_empty() && !outward.is_empty() => {
                no_way(self, rule, inward);
            }
            _ => {}
        }
    }

    /// A rule on the way in. `Err` with a reason: it cannot; with an empty one: that was reported.
    fn rule_in(
        &mut self,
        rule: &Rule,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        element: &mut Element,
    ) -> Result<(), String> {
        let Some(HubSide::Place(path)) = hub.first() else {
            return Err("a setting goes out only".to_owned());
        };
        if matches!(rule.hub, Some(Side::Named(_))) {
            return self.named_in(rule, hub, scope, stack, element);
        }
        if rule.chain.iter().any(|link| link.conversion.shell().is_some()) {
            return Err("`shell` goes out only".to_owned());
        }
        let target = in_target(path, stack)?;
        if let Some(parts) = &rule.fields {
            return self.address_in(rule, parts, &target, scope, element);
        }
        let before = self.findings.len();
        let compiled = self.in_rule(rule, scope);
        let Some((compiled, ty, count)) = compiled else { return Err(String::new()) };
        self.fits_target(rule, &target, ty, count);
        if self.findings.len() == before {
            add(element, target, compiled);
        }
        Ok(())
    }

    pub(super) fn fits_target(&mut self, rule: &Rule, target: &InTarget, ty: Type, count: Count) {
        let many = count == Count::Many;
        match target {
            InTarget::Field(field, _) => {
                if many && !self.many(rule, &field.ty) {
                    return;
                }
                if rule.value.is_some() {
                    self.constant(rule, field);
                } else if !(many && matches!(ty, Type::Raw | Type::Texts | Type::Text)) {
                    if many && !one_text(ty) && field.ty == FieldType::List {
                        let message = format!(
                            "each of these values is one text of `{}`, not {}",
                            field.full_path(),
                            ty.shown()
                        );
                        let hint = "leave that conversion out, or name one place without `*`";
                        self.wrong(codes::FAN_OUT, rule.span, message, hint);
                        return;
                    }
                    let computed = rule.expr.is_some() && rule.chain.is_empty();
                    let raw_times = if computed { RawTimes::Taken } else { RawTimes::Refused };
                    self.fits(ty, field, raw_times, rule.span);
                }
                self.words(rule, field);
            }
            InTarget::AddressPart(..) | InTarget::Xref(_) => {
                if many || !one_text(ty) {
                    self.wrong(codes::TYPE, rule.span, "one text is needed here", "");
                }
                if let InTarget::AddressPart(field, name @ "country") = target {
                    let path = format!("{}.{name}", field.full_path());
                    self.codes(rule, &path, &FieldType::Country);
                }
            }
            InTarget::Entry(..) => {
                if many {
                    let hint = "add a fold, such as `join`";
                    self.wrong(codes::FAN_OUT, rule.span, "an entry is one text", hint);
                } else {
                    self.fits_entry(ty, rule);
                }
            }
        }
    }

    /// An object whose parts are mapped one by one.
    pub(super) fn address_in(
        &mut self,
        rule: &Rule,
        parts: &[Rule],
        target: &InTarget,
        scope: &Scope,
        element: &mut Element,
    ) -> Result<(), String> {
        let InTarget::Field(field, _) = target else {
            return Err("`fields:` maps an address part by part".to_owned());
        };
        if field.ty != FieldType::Address {
            return Err("`fields:` maps an address part by part".to_owned());
        }
        let Some(path) = rule.system.as_ref().and_then(Side::single) else {
            return Err("`fields:` needs one path under `system:`".to_owned());
        };
        let Some(inner) = self.object(path, scope) else { return Err(String::new()) };
        let presence = self.in_rule(rule, scope).map(|(compiled, _, _)| compiled);
        let Some(presence) = presence else { return Err(String::new()) };
        // The element itself is always there: what says whether there is an address are its parts.
        let apart = path.is.root != Root::Here || !path.is.segments.is_empty();
        let presence = Some(presence).filter(|_| apart);
        let mut read: Vec<(&'static str, Vec<InRule>)> = Vec::new();
        let given = self.given.len();
        for part in parts {
            self.given.truncate(given);
            self.assume(part.where_.as_ref());
            if !Self::ways(part).0 {
                continue;
            }
            if matches!(part.hub, Some(Side::Named(_))) {
                self.named_parts_in(part, field, &inner, &mut read);
                continue;
            }
            let Some(name) = self.part_name(part, Direction::In) else { continue };
            if part.broken {
                continue;
            }
            let compiled = self.in_rule(part, &inner);
            let Some((compiled, ty, count)) = compiled else { continue };
            self.fits_target(part, &InTarget::AddressPart(field, name), ty, count);
            self.went(part.no, Some(Ok(())), None);
            match read.iter_mut().find(|(known, _)| *known == name) {
                Some((_, rules)) => rules.push(compiled),
                None => read.push((name, vec![compiled])),
            }
        }
        self.given.truncate(given);
        let address = Alternative::Address(presence, read);
        with_field(element, field, |rules| rules.push(address));
        Ok(())
    }

    /// The scope of an object that is no fan-out.
    pub(super) fn object(&mut self, path: &PathAt, scope: &Scope) -> Option<Scope> {
        if path.is.is_fan_out() {
            let hint = "a list is mapped with `each:`";
            self.wrong(codes::FAN_OUT, path.span, "`fields:` maps one object", hint);
            return None;
        }
        self.walk(&path.is, path.span, scope).map(|(_, scope)| scope)
    }

    /// The part of an address that a rule under `fields:` names.
    /// An unknown one is reported once: on the way in, where the rule goes in.
    pub(super) fn part_name(&mut self, rule: &Rule, way: Direction) -> Option<&'static str> {
        self.known_part(rule, rule.hub.as_ref().and_then(Side::single)?, way)
    }

    pub(super) fn known_part(
        &mut self,
        rule: &Rule,
        path: &PathAt,
        way: Direction,
    ) -> Option<&'static str> {
        let name = path.is.to_string();
        let parts = orderhub_order::value::Address::PARTS;
        let found = parts.into_iter().find(|part| *part == name);
        if found.is_none() && (way == Direction::In || !Self::ways(rule).0) {
            let finding = self.findings.error(
                codes::HUB_FIELD,
                path.span,
                format!("an address has no `{name}`"),
            );
            let finding = match finding.with_nearest(&name, parts) {
                near if near.hint.is_some() => near,
                other => other.with_hint(format!("its parts: {}", parts.join(", "))),
            };
            self.findings.report(finding);
        }
        found
    }

    /// A collection, both ways.
    #[expect(clippy::too_many_arguments, reason = "what surrounds a rule, once")]
    pub(super) fn each(
        &mut self,
        rule: &Rule,
        each: &Each,
        hub: &[HubSide],
        scope: &Scope,
        stack: &[Collection],
        element: &mut Element,
        out: &mut OutElement,
    ) -> Result<(), String> {
        let not_one = || "`each:` maps a collection, such as `lines`".to_owned();
        let [HubSide::Place(path)] = hub else { return Err(not_one()) };
        let (Leaf::Collection(collection), true) = (&path.leaf, path.steps.is_empty()) else {
            return Err(not_one());
        };
        let Some(system) = rule.system.as_ref().and_then(Side::single) else {
            return Err("`each:` needs one path under `system:`".to_owned());
        };
        let Some((read, rows)) = self.rows(system, scope) else { return Err(String::new()) };
        let mut inner = match path.start {
            Start::Order => vec![Collection::Root],
            Start::Up(levels) => stack.iter().rev().skip(levels).rev().copied().collect(),
        };
        inner.push(*collection);
        // A document states elements of its own element; others only go out.
        let own = inner.len() == stack.len() + 1;
        let shell = rule.chain.first().and_then(|link| link.conversion.shell());
        let (may_in, may_out) = (Self::ways(rule).0 && own && shell.is_none(), Self::ways(rule).1);
        let mut inner_out = OutElement::default();
        let where_ = self.tests(rule.where_.as_ref(), &rule.none, &rows);
        let key = each.key.as_ref().and_then(|key| self.key(key, &rows));
        let ours = each.ours.as_ref().and_then(|rule| self.plain(rule, &rows));
        let keyless = each.key.is_none() && each.ours.is_none() && !each.broken;
        if keyless && may_in && self.keyed {
            let hint = "elements are matched by key, never by position: add `key: id`";
            self.wrong(codes::KEY, each.span, "`each` needs a key", hint);
        }
        let program = self.element(&each.fields, &rows, &inner, &mut inner_out);
        if shell.is_some() && rule.direction.as_ref().is_some_and(|d| d.is == Direction::In) {
            return Err("`shell` goes out only".to_owned());
        }
        let outward = if !may_out {
            Err(String::new())
        } else if rule.where_.is_some() {
            Err("`where:` looks at the document".to_owned())
        } else if !each.adds {
            Err("`adds: false` is a second source of elements".to_owned())
        } else {
            self.each_out(rule, each, path, scope, inner_out, out)
        };
        let inward =
            if own { Ok(()) } else { Err("a document states its own elements".to_owned()) };
        let inward = if may_in { inward } else { inward.and(Err(String::new())) };
        self.went(rule.no, Some(inward), Some(outward));
        if !may_in {
            return Ok(());
        }
        let source = EachProgram {
            span: rule.span,
            no: rule.no,
            read,
            where_,
            key,
            ours,
            complete: each.complete,
            adds: each.adds,
            element: program,
        };
        add_rows(element, *collection, source);
        Ok(())
    }
}

/// One more source of a collection's elements.
fn add_rows(element: &mut Element, collection: Collection, source: EachProgram) {
    match element.collections.iter_mut().find(|known| known.collection == collection) {
        Some(known) => known.sources.push(source),
        None => element.collections.push(CollectionProgram { collection, sources: vec![source] }),
    }
}

/// The text of a hub side, to tell rules of one field.
pub(crate) fn hub_text(rule: &Rule) -> String {
    match &rule.hub {
        None => String::new(),
        Some(side) => {
            side.paths().iter().map(|path| path.is.to_string()).collect::<Vec<_>>().join(", ")
        }
    }
}
