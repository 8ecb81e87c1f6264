//! A group of rules in a file of its own, `common/<name>.yaml`, that mappings include.

use std::sync::{Arc, OnceLock};

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source, Span};
use orderhub_lang::path::Path;
use orderhub_lang::yaml::{self, Budget, Node};
use orderhub_order::ids::{Collection, Entity};

use super::COMMON;
use crate::ast::{Each, File, Key, PathAt, Placed, Rule, Side};
use crate::cases::Case;
use crate::format::Format;
use crate::{Mapping, Named, parse, paths};

/// What a group of rules is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    /// The fields of an entity.
    Entity(Entity),
    /// The parts of an address.
    Address,
    /// The elements of a collection of an entity.
    Elements(Entity, Collection),
}

/// A group as its file says it.
pub(crate) struct Group {
    pub(crate) fits: Fits,
    pub(crate) fields: Vec<Rule>,
    pub(crate) cases: Vec<Case>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Snippet {
    /// `common/address_cn`
    pub(crate) name: String,
    pub(crate) source: Arc<Source>,
    /// `None`: the file cannot be read.
    root: Option<Node>,
    /// Nodes of its rules.
    pub(crate) weight: usize,
    /// Set once it was checked and is right: what it is for, and itself as a mapping where it has cases.
    sound: OnceLock<(Fits, Option<Arc<Mapping>>)>,
    /// Nothing was found while it was read.
    readable: bool,
}

/// The name of the group that a file holds: `common/address_cn` for `common/address_cn.yaml`.
pub(super) fn name_of(path: &str) -> Option<&str> {
    let name = path.strip_suffix(".yaml")?;
    name.strip_prefix(COMMON).filter(|rest| rest.starts_with('/')).map(|_| name)
}

impl Snippet {
    /// Reads a file.
    pub(super) fn read(name: &str, source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Self {
        let mut findings = Findings::new(source);
        let root = yaml::parse_on(&mut findings, &Budget::default());
        let readable = !findings.has_errors();
        found.extend(findings.into_vec());
        let weight = root.as_ref().and_then(|root| root.get("fields")).map_or(0, Node::weight);
        let (name, source) = (name.to_owned(), Arc::clone(source));
        Self { name, source, root, weight, sound: OnceLock::new(), readable }
    }

    /// A file that is there and could not be read.
    pub(super) fn unread(name: &str) -> Self {
        let source = Source::new(format!("mappings/{name}.yaml"), "");
        let (name, sound) = (name.to_owned(), OnceLock::new());
        Self { name, source, root: None, weight: 0, sound, readable: false }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.sound.get().is_some()
    }

    /// What it is written for; of one that is not right, an order.
    pub(crate) fn fits(&self) -> Fits {
        self.sound.get().map_or(Fits::Entity(Entity::Order), |(fits, _)| *fits)
    }

    /// Itself as a mapping, where it has cases.
    pub(super) fn mapping(&self) -> Option<&Arc<Mapping>> {
        self.sound.get().and_then(|(_, mapping)| mapping.as_ref())
    }

    /// Its rules and the chains that they name, with their places moved.
    pub(crate) fn shifted(&self, base: u32) -> (Option<Node>, Option<Node>) {
        let part = |key| self.root.as_ref().and_then(|root| root.get(key));
        (part("use").map(|node| node.shifted(base)), part("fields").map(|node| node.shifted(base)))
    }

    /// Its rules as they stand.
    pub(super) fn fields(&self) -> Option<&Node> {
        self.root.as_ref()?.get("fields")
    }

    /// Checks it by itself, as what it says that it is written for. Those that it includes were checked.
    /// `usable`: it stands in no circle.
    pub(super) fn check(&self, usable: bool, named: &Named, found: &mut Vec<Diagnostic>) {
        let Some(root) = &self.root else { return };
        let mut findings = Findings::new(&self.source);
        let mut reader = parse::Reader::new(&mut findings, named.clone());
        let group = reader.group(root, &self.name);
        let judged = reader.unjudged == 0;
        let fits = group.as_ref().map(|group| group.fits);
        let file = group.map(|group| file(group, &self.name, root.span));
        let mapping = file.and_then(|file| Mapping::of(file, &mut findings));
        match findings.into_result(mapping) {
            Ok((mapping, warnings)) if usable && judged && self.readable => {
                found.extend(super::told_where_included(warnings));
                if let Some(fits) = fits {
                    // It is checked once: a second time would give the same.
                    let cases = !mapping.cases().is_empty();
                    self.sound.set((fits, cases.then(|| Arc::new(mapping)))).ok();
                }
            }
            Ok(_) => {}
            Err(mistakes) => found.extend(super::told_where_included(mistakes)),
        }
    }
}

/// The group as a mapping of what it is written for.
fn file(group: Group, name: &str, span: Span) -> File {
    let (entity, fields) = match group.fits {
        Fits::Entity(entity) => (entity, group.fields),
        Fits::Address => {
            let rule = Rule {
                span,
                hub: Some(side("addresses.ship_to", span)),
                system: Some(side("address", span)),
                fields: Some(group.fields),
                ..Rule::default()
            };
            (Entity::Order, vec![rule])
        }
        Fits::Elements(entity, collection) => {
            let key = Rule { span, system: Some(side("id", span)), ..Rule::default() };
            let each = Each {
                span,
                key: Some(Key::Rule(Box::new(key))),
                broken: false,
                ours: None,
                complete: false,
                adds: true,
                fields: group.fields,
            };
            let rule = Rule {
                span,
                hub: Some(side(collection.name(), span)),
                system: Some(side("elements", span)),
                each: Some(each),
                ..Rule::default()
            };
            (entity, vec![rule])
        }
    };
    File {
        name: Some(Placed { span, is: name.to_owned() }),
        entity,
        known_entity: true,
        documents: vec![PathAt { span, is: paths::here() }],
        where_: None,
        key: None,
        keyed: false,
        parents: Vec::new(),
        creates: None,
        revision: None,
        none: Vec::new(),
        fields,
        cases: group.cases,
        format: Format::default(),
        grouping: None,
    }
}

/// A path of this file's own; they can all be read.
fn side(text: &str, span: Span) -> Side {
    let is = Path::parse(text).unwrap_or_else(|_| paths::here());
    Side::Paths(vec![PathAt { span, is }])
}
