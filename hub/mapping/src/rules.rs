//! The rules of a mapping by number: what each is called, where it stands, and which ways it goes.
//!
//! **Invariant:** the id of a rule does not change when other rules are added, removed or moved; only
//! rules of one id are told apart by their order. Test: `rule_ids_do_not_move_when_others_do`.

use std::collections::HashMap;

use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::{Path, Root, Segment};

use crate::ast::{File, Key, Rule, Side};

/// A rule of a mapping, by its place in [`crate::Mapping::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleNo(pub u16);

impl RuleNo {
    /// Of what is no rule of the file: a part of a key's template.
    pub const NONE: RuleNo = RuleNo(u16::MAX);
}

impl Default for RuleNo {
    fn default() -> Self {
        RuleNo::NONE
    }
}

/// Which ways a rule goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// In and out.
    Both,
    /// In only, and why not out; `asked`: the file says so (`direction: in`).
    In {
        /// What stands in the way of the other.
        why: Box<str>,
        /// The file asks for it.
        asked: bool,
    },
    /// Out only, and why not in; `asked`: the file says so (`direction: out`).
    Out {
        /// What stands in the way of the other.
        why: Box<str>,
        /// The file asks for it.
        asked: bool,
    },
}

/// What a rule is, for tools and messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its hub path from the document's subject on, `lines.qty.ordered`; without a hub side `> ` and its
    /// system path; `lines.$key`, `lines.$ours`, `$revision`, `$parent`; the n-th of equal ones ends in `#n`.
    pub id: Box<str>,
    /// Its place in the file.
    pub span: Span,
    /// The hub side from the document's subject on; empty where there is none.
    pub hub: Box<str>,
    /// The system side from the document on, `*` for rows: the first of several paths.
    pub system: Box<str>,
    /// The names of its conversions, in their order: `trim, upper`.
    pub chain: Box<str>,
    /// Which ways it goes.
    pub way: Way,
    /// It gives a constant, or identifies: nothing to be read back.
    pub plain: bool,
}

/// Which ways a rule went while it was compiled; `Err`: why it did not, empty where that was reported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Went {
    pub(crate) inward: Option<Result<(), String>>,
    pub(crate) outward: Option<Result<(), String>>,
}

/// Why a key is one way.
const IDENTIFIES: &str = "it says which one is meant, and nothing else";

/// Gives every rule of a file its number, and says what it is. The ways are found by compiling.
pub(crate) fn number(file: &mut File) -> Vec<RuleInfo> {
    let mut numbers = Numbers { rules: Vec::new(), seen: HashMap::new() };
    let top = Above { hub: String::new(), system: String::new() };
    if let Some(key) = &mut file.key {
        numbers.key(key, &top, "$key");
    }
    for parent in &mut file.parents {
        numbers.named(&mut parent.rule, &top, "$parent");
    }
    if let Some(revision) = &mut file.revision {
        numbers.named(revision, &top, "$revision");
    }
    numbers.rules(&mut file.fields, &top);
    numbers.rules
}

/// The paths of what surrounds a rule.
struct Above {
    hub: String,
    system: String,
}

struct Numbers {
    rules: Vec<RuleInfo>,
    /// How often each id was asked for so far.
    seen: HashMap<String, usize>,
}

impl Numbers {
    fn rules(&mut self, rules: &mut [Rule], above: &Above) {
        for rule in rules {
            let hub = side(rule.hub.as_ref(), &above.hub);
            let system = side(rule.system.as_ref(), &above.system);
            let id = if rule.hub.is_none() { format!("> {system}") } else { hub.clone() };
            let plain = rule.value.is_some();
            self.add(rule, id, &hub, &system, plain);
            let rows = if rule.each.is_some() { rows(&system) } else { system };
            let inner = Above { hub, system: rows };
            if let Some(parts) = &mut rule.fields {
                self.rules(parts, &inner);
            }
            if let Some(each) = &mut rule.each {
                if let Some(key) = &mut each.key {
                    self.key(key, &inner, "$key");
                }
                if let Some(ours) = &mut each.ours {
                    self.named(ours, &inner, "$ours");
                }
                self.rules(&mut each.fields, &inner);
            }
        }
    }

    fn key(&mut self, key: &mut Key, above: &Above, name: &str) {
        if let Key::Rule(rule) = key {
            self.named(rule, above, name);
        }
    }

    /// A rule that is known by what it is for.
    fn named(&mut self, rule: &mut Rule, above: &Above, name: &str) {
        let id = below(&above.hub, name);
        let system = side(rule.system.as_ref(), &above.system);
        self.add(rule, id, "", &system, true);
    }

    /// The id, or the next of its kind.
    fn unique(&mut self, id: String) -> String {
        let nth = self.seen.entry(id.clone()).or_default();
        *nth += 1;
        if *nth == 1 {
            return id;
        }
        let next = format!("{id}#{nth}");
        self.unique(next)
    }

    fn add(&mut self, rule: &mut Rule, id: String, hub: &str, system: &str, plain: bool) {
        rule.no = u16::try_from(self.rules.len()).map_or(RuleNo::NONE, RuleNo);
        let id = self.unique(id);
        let names: Vec<&str> = rule.chain.iter().map(|link| link.conversion.name()).collect();
        self.rules.push(RuleInfo {
            id: id.into(),
            span: rule.span,
            hub: hub.into(),
            system: system.into(),
            chain: names.join(", ").into(),
            way: Way::Both,
            plain,
        });
    }
}

/// What stands around rules of a file: for each, in the order of their numbers, the rule that it stands in, and
/// whether the file says `direction:` for it or for one around it.
pub(crate) type Around = HashMap<RuleNo, (Option<RuleNo>, bool)>;

/// The ways that were found, beside what the file asks for.
pub(crate) fn settle(rules: &mut [RuleInfo], went: &[Went], around: &Around) {
    for (number, (rule, went)) in rules.iter_mut().zip(went).enumerate() {
        let no = u16::try_from(number).map_or(RuleNo::NONE, RuleNo);
        let asked = around.get(&no).is_some_and(|(_, asked)| *asked);
        let why = |way: &Option<Result<(), String>>| -> Box<str> {
            match way {
                Some(Err(why)) if !why.is_empty() => why.as_str().into(),
                _ if asked => "`direction:` says so".into(),
                _ => IDENTIFIES.into(),
            }
        };
        rule.way = match (&went.inward, &went.outward) {
            (Some(Ok(())), Some(Ok(()))) => Way::Both,
            (_, Some(Ok(()))) => Way::Out { why: why(&went.inward), asked },
            _ => Way::In { why: why(&went.outward), asked },
        };
    }
    for number in 0..rules.len() {
        let no = u16::try_from(number).map_or(RuleNo::NONE, RuleNo);
        let surrounding =
            around.get(&no).and_then(|(parent, _)| rules.get(usize::from((*parent)?.0)));
        let of_parent = surrounding.map(|parent| parent.way.clone());
        if let (Some(of_parent), Some(rule)) = (of_parent, rules.get_mut(number)) {
            inherit(&mut rule.way, &of_parent);
        }
    }
}

/// What keeps the rule around it from going the other way keeps a rule, too, that has no reason of its own.
fn inherit(way: &mut Way, parent: &Way) {
    let known = match (&mut *way, parent) {
        (Way::In { why, .. }, Way::In { why: parent, .. })
        | (Way::Out { why, .. }, Way::Out { why: parent, .. }) => Some((why, parent)),
        (Way::Both | Way::In { .. } | Way::Out { .. }, _) => None,
    };
    if let Some((why, parent)) = known.filter(|(why, _)| &***why == IDENTIFIES) {
        *why = parent.clone();
    }
}

/// What stands around each rule of a file.
pub(crate) fn around(file: &File) -> Around {
    fn walk(rules: &[Rule], parent: Option<RuleNo>, asked: bool, found: &mut Around) {
        for rule in rules {
            let asked = asked || rule.direction.is_some();
            found.insert(rule.no, (parent, asked));
            walk(rule.fields.as_deref().unwrap_or_default(), Some(rule.no), asked, found);
            if let Some(each) = &rule.each {
                walk(&each.fields, Some(rule.no), asked, found);
            }
        }
    }
    let mut found = Around::new();
    walk(&file.fields, None, false, &mut found);
    found
}

/// A side below what surrounds it: the first of several paths, all of named ones.
fn side(side: Option<&Side>, above: &str) -> String {
    match side {
        None => String::new(),
        Some(Side::Paths(paths)) => {
            paths.first().map(|path| at(&path.is, above)).unwrap_or_default()
        }
        Some(Side::Named(named)) => {
            named.iter().map(|(_, path)| at(&path.is, above)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A path below what surrounds it; one with a root of its own stands as it is written.
fn at(path: &Path, above: &str) -> String {
    match path.root {
        Root::Here if path.segments.is_empty() => above.to_owned(),
        Root::Here => below(above, &path.to_string()),
        Root::Up(_)
        | Root::Document
        | Root::Settings
        | Root::Args
        | Root::Hub
        | Root::Xref(_)
        | Root::Index
        | Root::Position
        | Root::Ordinal => path.to_string(),
    }
}

fn below(above: &str, path: &str) -> String {
    if above.is_empty() { path.to_owned() } else { format!("{above}.{path}") }
}

/// The rows of a list: `items.*`, also where the file writes `items` alone.
fn rows(system: &str) -> String {
    if system.is_empty() || system.ends_with('*') {
        return system.to_owned();
    }
    below(system, &Path { root: Root::Here, segments: vec![Segment::Each] }.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orderhub_lang::diagnostic::{Source, render};

    use super::*;
    use crate::{Mapping, Named};

    #[test]
    fn parts_of_what_goes_one_way_say_why_it_does() {
        let text = "orderhub: 1\nmapping: t.case\nentity: fulfilment\nkey: id\nfields:\n  - { hub: /addresses.ship_to, system: to, fields: [{ hub: city, system: town }] }\n";
        let mapping = Mapping::compile(&Source::new("case.yaml", text), &Named::default());
        let mapping = mapping.unwrap_or_else(|findings| panic!("{}", render(&findings)));
        let last = mapping.rules().last().unwrap();
        let Way::Out { why, .. } = &last.way else { panic!("{last:?}") };
        assert!(why.contains("own element only"), "{why}");
    }

    fn mapping(rules: &[&str]) -> Mapping {
        let rules: String = rules.iter().map(|rule| format!("  - {rule}\n")).collect();
        let text = format!("orderhub: 1\nmapping: t.case\nkey: id\nfields:\n{rules}");
        Mapping::compile(&Arc::clone(&Source::new("case.yaml", text)), &Named::default())
            .unwrap_or_else(|findings| panic!("{}", render(&findings)))
    }

    fn ids(mapping: &Mapping) -> Vec<String> {
        mapping.rules().iter().map(|rule| rule.id.to_string()).collect()
    }

    const LINES: &str = "{ hub: lines, system: items, each: { key: id, fields: [{ hub: qty.ordered, system: n, as: decimal }] } }";

    #[test]
    fn rule_ids_do_not_move_when_others_do() {
        let first = mapping(&["{ hub: order_no, system: [name, no] }", LINES]);
        let wanted = ["$key", "order_no", "lines", "lines.$key", "lines.qty.ordered"];
        assert_eq!(ids(&first), wanted);
        let moved =
            mapping(&["{ system: kind, value: B2C }", LINES, "{ hub: order_no, system: name }"]);
        let wanted = ["$key", "> kind", "lines", "lines.$key", "lines.qty.ordered", "order_no"];
        assert_eq!(ids(&moved), wanted);
        let twice = mapping(&[
            "{ hub: state.lifecycle, value: closed, where: { done: present } }",
            "{ hub: order_no, system: name }",
            "{ hub: state.lifecycle, value: open }",
        ]);
        assert_eq!(ids(&twice), ["$key", "state.lifecycle", "order_no", "state.lifecycle#2"]);
    }

    #[test]
    fn a_rule_says_which_ways_it_goes_and_why() {
        let mapping = mapping(&[
            "{ hub: order_no, system: name }",
            "{ hub: customer.name, system: { f: first, l: last }, as: { concat: \" \" } }",
            "{ hub: region, system: area, direction: in }",
            "{ hub: addresses.ship_to, system: to, fields: [{ hub: city, system: town }, { hub: line1, value: x }] }",
            "{ hub: state.fulfilment, system: done }",
            LINES,
            "{ hub: payments, system: paid, direction: in, each: { key: id, fields: [{ hub: method, expr: a, with: { a: by } }] } }",
        ]);
        let shown: Vec<String> = mapping
            .rules()
            .iter()
            .map(|rule| match &rule.way {
                Way::Both => format!("{} both {}", rule.id, rule.system),
                Way::In { why, asked } => format!("{} in {asked}: {why}", rule.id),
                Way::Out { why, asked } => format!("{} out {asked}: {why}", rule.id),
            })
            .collect();
        let wanted = [
            "$key in false: it says which one is meant, and nothing else",
            "order_no both name",
            "customer.name in false: `concat` has no way back",
            "region in true: `direction:` says so",
            "addresses.ship_to both to",
            "addresses.ship_to.city both to.town",
            "addresses.ship_to.line1 in false: a constant of a hub field comes in only",
            "state.fulfilment out false: `state.fulfilment` is computed by the hub: it goes out only, or nowhere",
            "lines both items",
            "lines.$key both items.*.id",
            "lines.qty.ordered both items.*.n",
            "payments in true: `direction:` says so",
            "payments.$key in false: it says which one is meant, and nothing else",
            "payments.method in true: an expression goes one way, unless `inverse:` says the other",
        ];
        assert_eq!(shown, wanted);
    }
}
