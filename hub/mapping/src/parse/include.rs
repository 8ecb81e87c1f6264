//! `{ include: common/address_cn, under: … }`: the rules of a group in place of the entry, and the file that
//! holds such a group.

use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::{Path, Root};
use orderhub_lang::yaml::{Fields, Node};
use orderhub_order::catalogue::catalogue;
use orderhub_order::ids::{Collection, Entity};

use super::Reader;
use crate::Named;
use crate::ast::{PathAt, Rule, Side};
use crate::codes;
use crate::library::{COMMON, Fits, Found, Group, MOST_WEIGHT, MOST_WEIGHT_OF_ALL, Snippet};

/// Longest name of a group.
const LONGEST: usize = 64;

/// What the paths of included rules start at.
#[derive(Debug, Default)]
struct Under {
    hub: Option<PathAt>,
    system: Option<PathAt>,
}

impl Reader<'_> {
    /// The rules of a group; none where it cannot be used.
    pub(super) fn include(&mut self, node: &Node) -> Vec<Rule> {
        let mistakes = self.findings.len();
        let Some(mut fields) = Fields::of(node, "an include", self.findings) else {
            return Vec::new();
        };
        let name = fields.optional("include");
        let under = fields.optional("under");
        fields.finish(self.findings);
        let Some(name) = name else { return Vec::new() };
        let under = under.map(|node| self.under(node)).unwrap_or_default();
        let library = std::sync::Arc::clone(&self.named.library);
        let Some(text) = self.group_name(name) else { return Vec::new() };
        if self.findings.len() > mistakes {
            // With a mistake in the entry, what it includes would seem not to fit.
            return Vec::new();
        }
        let snippet = match library.snippet(&text) {
            Found::Sound(snippet) => snippet,
            Found::Wrong => {
                self.unjudged += 1;
                return Vec::new();
            }
            Found::Nothing => {
                let message = format!("there is no `{text}.yaml`");
                let finding = self.findings.error(codes::NO_SNIPPET, name.span, message);
                let finding = match finding.with_nearest(&text, library.names()) {
                    near if near.hint.is_some() => near,
                    other => other.with_hint("groups of rules stand in `mappings/common`"),
                };
                self.findings.report(finding);
                return Vec::new();
            }
        };
        let Some(base) = self.included(snippet, name.span) else { return Vec::new() };
        let (uses, rules) = snippet.shifted(base);
        // A group names its own chains only, or it could not be checked by itself.
        let own = std::mem::replace(&mut self.named, library.named(COMMON));
        if let Some(uses) = uses {
            self.uses(&uses);
        }
        let rules = rules.map(|rules| self.rules(&rules)).unwrap_or_default();
        self.named = own;
        under.applied(rules, snippet.fits(), node.span)
    }

    /// Takes the file of a group in, within bounds; the first that is too much is told.
    fn included(&mut self, snippet: &Snippet, from: Span) -> Option<u32> {
        let nodes = snippet.weight + 1;
        let before = self.weight;
        self.weight = before.saturating_add(nodes);
        let (all_before, all) = self.named.library.weigh(nodes);
        let over = |before: usize, now: usize, most: usize| (now > most).then_some(before <= most);
        let own = over(before, self.weight, MOST_WEIGHT).map(|first| (first, MOST_WEIGHT, ""));
        let of_all = over(all_before, all, MOST_WEIGHT_OF_ALL);
        let of_all = of_all.map(|first| (first, MOST_WEIGHT_OF_ALL, " in all files together"));
        if let Some((first, most, whose)) = own.or(of_all) {
            if first {
                let message = format!("what is included{whose} has more than {most} nodes");
                let hint = "include fewer groups, or divide the file";
                self.error(codes::EXPANSION, from, message, hint);
            } else {
                self.unjudged += 1;
            }
            return None;
        }
        // A mapping has addresses for 4 GiB: the bounds of files and nodes end before.
        let base = self.findings.include(&snippet.source, from);
        self.unjudged += usize::from(base.is_none());
        base
    }

    /// `common/…`, and nothing that leads out of it.
    fn group_name(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "a group of rules is needed: `common/address_cn`")?;
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-/".contains(c);
        let inside = text.strip_prefix(COMMON).is_some_and(|rest| rest.starts_with('/'));
        if inside && text.len() <= LONGEST && text.chars().all(letters) && !text.contains("//") {
            return Some(text);
        }
        let message = "a group of rules is named by its place below `mappings/common`";
        let hint =
            "write `common/address_cn`: small letters, digits, `_`, `-` and `/`, without `.yaml`";
        self.error(codes::OUTSIDE, node.span, message, hint);
        None
    }

    fn under(&mut self, node: &Node) -> Under {
        if node.as_map().is_none() {
            return Under { hub: None, system: self.start(node) };
        }
        let Some(mut fields) = Fields::of(node, "`under`", self.findings) else {
            return Under::default();
        };
        let (hub, system) = (fields.optional("hub"), fields.optional("system"));
        fields.finish(self.findings);
        Under {
            hub: hub.and_then(|node| self.start(node)),
            system: system.and_then(|node| self.start(node)),
        }
    }

    /// A path that others may follow.
    fn start(&mut self, node: &Node) -> Option<PathAt> {
        let path = self.path(node)?;
        if path.is.root != Root::Here || path.is.is_fan_out() {
            let hint = "a group for elements is included within `each: { fields: [...] }`";
            let message = "`under` is a path from here to one object";
            self.error(codes::SHAPE, node.span, message, hint);
            return None;
        }
        Some(path)
    }

    /// A file that holds a group of rules, `common/<name>.yaml`.
    pub(crate) fn group(&mut self, root: &Node, name: &str) -> Option<Group> {
        let mut fields = Fields::of(root, "a group of rules", self.findings)?;
        self.version(&mut fields);
        let named = fields.required("snippet", self.findings);
        let entity = fields.optional("entity");
        let part = fields.optional("part");
        let uses = fields.optional("use");
        let rules = fields.required("fields", self.findings);
        let cases = fields.optional("cases");
        fields.finish(self.findings);
        if let Some(node) = named
            && node.scalar_text().as_deref() != Some(name)
        {
            let message = format!("this file holds `{name}`");
            let hint = format!("write `snippet: {name}`");
            self.error(codes::NAME, node.span, message, &hint);
        }
        if let Some(uses) = uses {
            self.uses(uses);
        }
        let (entity, known) = entity.map_or((Entity::Order, true), |node| self.entity(node));
        let entity = known.then_some(entity);
        let fits = part.map_or(entity.map(Fits::Entity), |node| self.part(node, entity));
        let rules = rules.map(|node| self.rules(node)).unwrap_or_default();
        let cases = cases.map(|node| self.cases(node)).unwrap_or_default();
        Some(Group { fits: fits?, fields: rules, cases })
    }

    /// `part: address`, or a collection of the entity.
    fn part(&mut self, node: &Node, entity: Option<Entity>) -> Option<Fits> {
        let text = self.text(node, "`address` or a collection is needed")?;
        if text == "address" {
            return Some(Fits::Address);
        }
        let around = entity?.collection().unwrap_or(Collection::Root);
        if let Some(collection) = around.child(&text) {
            return Some(Fits::Elements(entity?, collection));
        }
        let known: Vec<&str> = around.children().map(Collection::name).chain(["address"]).collect();
        let message = format!("`part` cannot be `{text}`");
        let finding = self.findings.error(codes::WORD, node.span, message);
        let finding = match finding.with_nearest(&text, known.iter().copied()) {
            near if near.hint.is_some() => near,
            other => other.with_hint(format!("one of {}", known.join(", "))),
        };
        self.findings.report(finding);
        None
    }
}

impl Under {
    fn applied(self, mut rules: Vec<Rule>, fits: Fits, span: Span) -> Vec<Rule> {
        // The parts of an address that stands at one place are an object: it is null, or missing, as a whole.
        if let (Fits::Address, Some(hub), Some(system)) = (fits, &self.hub, &self.system)
            && !holds_fields(&hub.is)
        {
            let side = |path: &PathAt| Some(Side::Paths(vec![path.clone()]));
            let (hub, system, fields) = (side(hub), side(system), Some(rules));
            return vec![Rule { span, hub, system, fields, ..Rule::default() }];
        }
        for rule in &mut rules {
            if let Some(start) = &self.hub {
                rule.hub.iter_mut().for_each(|side| follow_all(side, &start.is));
            }
            if let Some(start) = &self.system {
                rule.system.iter_mut().for_each(|side| follow_all(side, &start.is));
                rule.inverse.iter_mut().for_each(|(place, _)| follow(&mut place.is, &start.is));
                for test in rule.where_.iter_mut().flat_map(|condition| &mut condition.tests) {
                    follow(&mut test.path, &start.is);
                }
            }
            // The inputs of an expression are of the side that it reads.
            let read = if rule.hub.is_some() { &self.system } else { &self.hub };
            if let Some(start) = read {
                rule.with.iter_mut().for_each(|(_, path)| follow(&mut path.is, &start.is));
            }
        }
        rules
    }
}

/// Whether fields stand below a place of the hub (`customer`): a group for the parts of an address stands flat
/// there. An address is a field itself.
fn holds_fields(place: &Path) -> bool {
    let start = format!("{place}.");
    catalogue().fields().any(|field| field.path.starts_with(&start))
}

fn follow_all(side: &mut Side, start: &Path) {
    match side {
        Side::Paths(paths) => paths.iter_mut().for_each(|path| follow(&mut path.is, start)),
        Side::Named(named) => named.iter_mut().for_each(|(_, path)| follow(&mut path.is, start)),
    }
}

/// A path from here follows `start`; one from elsewhere stays as it is.
fn follow(path: &mut Path, start: &Path) {
    if path.root == Root::Here {
        path.segments.splice(0..0, start.segments.iter().cloned());
    }
}

impl Named {
    /// A name that stands where it was not readable, or whose chain is wrong: told there, and not judged here.
    pub(crate) fn unjudged(&self, name: &str) -> bool {
        self.unread || self.wrong.contains(name)
    }
}
