//! The outgoing template: where the value of each rule stands.

use std::sync::Arc;

use orderhub_lang::path::{Path, Root, Segment};
use orderhub_order::catalogue::{FieldType, Personal};

use super::Compiler;
use super::output::Below;
use super::scope::Scope;
use super::target::limits;
use crate::ast::{Rule, Side};
use crate::cell::Cell;
use crate::conversions::Target;
use crate::format::EVERY;
use crate::program::{
    Leaf, LeafPart, OutElement, OutGiven, OutItem, OutKey, OutNode, OutRule, OutSource, Source,
    TestRead,
};
use crate::scan::trie::Trie;

/// The last place of a list that a rule may write: those before it are filled with null.
const FARTHEST: u32 = 100;

impl Compiler<'_> {
    /// Gives a rule its place in the template.
    pub(super) fn place_rule(
        &mut self,
        rule: &Rule,
        input: OutGiven,
        scope: &Scope,
        below: &Below,
        out: &mut OutElement,
    ) -> Result<(), String> {
        let where_ = self.settings_only(rule, scope)?;
        let (paths, named): (Vec<&crate::ast::PathAt>, bool) = match &rule.system {
            Some(Side::Paths(paths)) => (paths.first().into_iter().collect(), false),
            Some(Side::Named(named)) => (named.iter().map(|(_, path)| path).collect(), true),
            None => return Err("nothing says where it is written".to_owned()),
        };
        let (mut places, mut text) = (Vec::new(), None);
        for (number, path) in paths.iter().enumerate() {
            let mut segments = segments(&path.is, &below.prefix)?;
            text.get_or_insert_with(|| main_text(&segments));
            if self.rows && scope.node == Trie::DOCUMENT {
                segments = in_every_row(segments);
            }
            let part = if named { LeafPart::Named(number) } else { LeafPart::Main };
            places.push((segments, part));
        }
        let main = places.first().map(|(segments, _)| segments.clone()).unwrap_or_default();
        let rows = main.contains(&Segment::Each);
        if rows && !self.spreads(&input) {
            return Err("the path of the document names many places for one value".to_owned());
        }
        if self.open && !rows {
            let emptied = emptied(rule, &below.prefix).filter(|path| !path.starts_with(&main));
            places.extend(emptied.map(|path| (path, LeafPart::Emptied)));
        }
        // Values beside named inputs and computed ones stand beside them in the element.
        let one = !named && rule.expr.is_none();
        let around = below.prefix.as_slice();
        let from = if one { main.as_slice() } else { around };
        let above = Some(around).filter(|_| one && !rows);
        let beside = rule.chain.iter().rev().flat_map(|link| link.conversion.beside());
        for (number, beside) in beside.enumerate() {
            if let Some(place) = beside_place(&beside.path, from, above, scope) {
                places.push((place, LeafPart::Beside(number)));
            }
        }
        self.note_settings(&places, rule);
        let (personal, target) = (self.personal(&input), Self::out_target(&input));
        out.rules.push(OutRule {
            span: rule.span,
            no: rule.no,
            where_,
            input,
            null: self.null_of(rule),
            inverse: None,
            chain: rule.chain.iter().rev().map(|link| Arc::clone(&link.conversion)).collect(),
            target,
            rows,
            personal,
            text: text.unwrap_or_default().into(),
            own_none: !rule.none.is_empty(),
            stands_in: super::expression::stands_in(rule),
            guard: below.guard,
        });
        self.output.any = true;
        let number = out.rules.len() - 1;
        for (segments, part) in places {
            let node = node_at(&mut out.node, &segments);
            node.ok_or("`$xref` is of the hub side")?.leaves.push(Leaf { rule: number, part });
        }
        Ok(())
    }

    /// What null is written as. Of an amount that is an object a word of the file's stands nowhere: the rule's own may.
    fn null_of(&self, rule: &Rule) -> Cell<'static> {
        let object = rule.chain.iter().any(|link| link.conversion.of_object());
        let file = self.none.first().filter(|_| !object);
        rule.none.first().or(file).cloned().unwrap_or(Cell::Null)
    }

    /// What the field that goes out sets to conversions; of a part of one, and of what is computed, nothing.
    fn out_target(input: &OutGiven) -> Target {
        let OutGiven::First(sources) = input else { return Target::default() };
        match sources.as_slice() {
            [OutSource::Hub(path)] if path.leaf_is_whole() => {
                path.field().map_or(Target::default(), limits)
            }
            _ => Target::default(),
        }
    }

    /// The values of one rule that stand at many places.
    fn spreads(&self, input: &OutGiven) -> bool {
        let OutGiven::First(sources) = input else { return false };
        sources.iter().any(|source| match source {
            OutSource::Hub(path) => {
                let list = path.field().is_some_and(|field| field.ty == FieldType::List);
                path.is_fan_out() || list
            }
            OutSource::Setting(_) => false,
        })
    }

    fn personal(&self, input: &OutGiven) -> bool {
        let personal = |source: &OutSource| match source {
            OutSource::Hub(path) => {
                path.field().is_some_and(|field| field.personal != Personal::None)
            }
            OutSource::Setting(_) => false,
        };
        match input {
            OutGiven::First(sources) | OutGiven::Named(sources) => sources.iter().any(personal),
            OutGiven::Expression(inputs, _) => inputs.iter().any(|(_, source)| personal(source)),
            OutGiven::Object(_) => true,
            OutGiven::Constant(_) | OutGiven::Key | OutGiven::Ours => false,
        }
    }

    /// Going out there is no document to look at: `where:` may look at settings.
    fn settings_only(&mut self, rule: &Rule, scope: &Scope) -> Result<Vec<TestRead>, String> {
        let Some(condition) = &rule.where_ else { return Ok(Vec::new()) };
        if condition.tests.iter().any(|test| test.path.root != Root::Settings) {
            return Err("`where:` looks at the document".to_owned());
        }
        let tests = self.tests(Some(condition), &rule.none, scope);
        let known = tests.iter().all(|test| matches!(test.source, Source::Setting(_)));
        if known { Ok(tests) } else { Err(String::new()) }
    }

    fn note_settings(&mut self, places: &[(Vec<Segment>, LeafPart)], rule: &Rule) {
        for (segments, _) in places {
            for segment in segments {
                if let Segment::Setting(name) = segment {
                    self.setting(name, rule.span);
                }
            }
        }
    }
}

/// What is written to the first of the rows that make one document stands in each of them.
fn in_every_row(segments: Vec<Segment>) -> Vec<Segment> {
    match segments.as_slice() {
        [Segment::Key(rows), Segment::Index(0), column @ ..] if rows == "rows" => {
            let every = Segment::Key(EVERY.to_owned());
            std::iter::once(every).chain(column.iter().cloned()).collect()
        }
        _ => segments,
    }
}

/// The segments of a path from the element on.
fn segments(path: &Path, prefix: &[Segment]) -> Result<Vec<Segment>, String> {
    let far = |segment: &Segment| matches!(segment, Segment::Index(place) if *place > FARTHEST);
    match path.root {
        Root::Here if path.segments.iter().any(far) => {
            Err(format!("a list is written up to its place {FARTHEST}"))
        }
        Root::Here => Ok(prefix.iter().chain(&path.segments).cloned().collect()),
        Root::Up(_)
        | Root::Document
        | Root::Settings
        | Root::Args
        | Root::Hub
        | Root::Xref(_)
        | Root::Index
        | Root::Position
        | Root::Ordinal => Err("it would be written outside its element".to_owned()),
    }
}

/// The further places that a rule reads, as far as it can write them: one outside the element, or in a list, is left as
/// it is.
fn emptied<'r>(rule: &'r Rule, prefix: &'r [Segment]) -> impl Iterator<Item = Vec<Segment>> + 'r {
    let further = match &rule.system {
        Some(Side::Paths(paths)) => paths.get(1..).unwrap_or_default(),
        Some(Side::Named(_)) | None => &[],
    };
    let places = further.iter().filter_map(|path| segments(&path.is, prefix).ok());
    let in_list =
        |part: &Segment| matches!(part, Segment::Each | Segment::Index(_) | Segment::Where { .. });
    places.filter(move |place| !place.iter().any(in_list))
}

/// Where a value beside the main one is written; `None` where it lies outside the element: another
/// rule writes it there, or nothing does.
fn beside_place(
    path: &Path,
    main: &[Segment],
    around: Option<&[Segment]>,
    scope: &Scope,
) -> Option<Vec<Segment>> {
    match path.root {
        Root::Here => Some(main.iter().chain(&path.segments).cloned().collect()),
        // Beside a value that has a place, in the element that surrounds it.
        Root::Up(1) => around.map(|around| around.iter().chain(&path.segments).cloned().collect()),
        Root::Document if scope.node == Trie::DOCUMENT => Some(path.segments.clone()),
        Root::Document
        | Root::Up(_)
        | Root::Settings
        | Root::Args
        | Root::Hub
        | Root::Xref(_)
        | Root::Index
        | Root::Position
        | Root::Ordinal => None,
    }
}

fn main_text(segments: &[Segment]) -> String {
    Path { root: Root::Here, segments: segments.to_vec() }.to_string()
}

/// The node at a path, made where it is not there yet; `None` for `$xref`.
pub(super) fn node_at<'n>(node: &'n mut OutNode, segments: &[Segment]) -> Option<&'n mut OutNode> {
    let Some((segment, rest)) = segments.split_first() else { return Some(node) };
    let next = match segment {
        Segment::Key(name) => key_node(node, OutKey::Name(name.as_str().into()))?,
        Segment::Setting(name) => key_node(node, OutKey::Setting(name.clone()))?,
        Segment::Index(place) => {
            let known = |item: &OutItem| matches!(item, OutItem::Place(known, _) if known == place);
            if !node.items.iter().any(known) {
                // Places are written from the first on, whatever the order of the rules.
                let after = |item: &OutItem| !matches!(item, OutItem::Place(at, _) if at < place);
                let at = node.items.iter().position(after).unwrap_or(node.items.len());
                node.items.insert(at, OutItem::Place(*place, OutNode::default()));
            }
            item_node(node, known, || OutItem::Place(*place, OutNode::default()))?
        }
        Segment::Where { key, value, number } => {
            let same = |cell: &Cell<'_>| cell.scalar().is_some_and(|text| text == value.as_str());
            let known =
                |item: &OutItem| matches!(item, OutItem::Where(k, v, _) if **k == **key && same(v));
            let (key, text) = (key.as_str().into(), value.clone().into());
            let value = if *number { Cell::Number(text) } else { Cell::Text(text) };
            item_node(node, known, || OutItem::Where(key, value, OutNode::default()))?
        }
        Segment::Each => {
            let known = |item: &OutItem| matches!(item, OutItem::Rows(_));
            item_node(node, known, || OutItem::Rows(OutNode::default()))?
        }
        Segment::Xref(_) => return None,
    };
    node_at(next, rest)
}

fn key_node(node: &mut OutNode, key: OutKey) -> Option<&mut OutNode> {
    if !node.keys.iter().any(|(known, _)| *known == key) {
        node.keys.push((key.clone(), OutNode::default()));
    }
    node.keys.iter_mut().find(|(known, _)| *known == key).map(|(_, node)| node)
}

fn item_node(
    node: &mut OutNode,
    known: impl Fn(&OutItem) -> bool,
    make: impl FnOnce() -> OutItem,
) -> Option<&mut OutNode> {
    if !node.items.iter().any(&known) {
        node.items.push(make());
    }
    node.items.iter_mut().find(|item| known(item)).and_then(|item| match item {
        OutItem::Place(_, node) | OutItem::Where(_, _, node) | OutItem::Rows(node) => Some(node),
        OutItem::Each(..) => None,
    })
}
