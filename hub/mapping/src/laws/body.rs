//! The body that a document comes in with, made of what went out: what no rule writes, and what a document must
//! have to be taken, is put where nothing stands.

use std::collections::BTreeMap;

use orderhub_lang::condition::{Condition, Test};
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::value::Value;

use crate::Mapping;
use crate::ast::{Key, Piece, Rule, Side};
use crate::format::{Format, Shape};

/// The farthest place of a list that is filled.
const FARTHEST: u32 = 100;

/// What a document must have to be taken.
#[derive(Debug, Default)]
pub(super) struct Wanted<'m> {
    /// What `where:` of the file looks at, with what holds there.
    tests: Vec<(&'m Path, &'m str)>,
    /// What its key is made of.
    key: Vec<&'m Path>,
    /// What its revision is made of.
    revision: Vec<&'m Path>,
    /// In rows, what says that they belong together.
    by: Option<&'m Path>,
}

impl<'m> Wanted<'m> {
    pub(super) fn of(mapping: &'m Mapping) -> Self {
        let file = &mapping.file;
        Self {
            tests: file.where_.as_ref().map(held).unwrap_or_default(),
            key: file.key.as_ref().map(parts).unwrap_or_default(),
            revision: file.revision.as_ref().map(inputs).unwrap_or_default(),
            by: mapping.grouping.as_ref().map(|grouping| &grouping.by),
        }
    }

    /// Every place, with what is put there for a key and a revision.
    fn places(&self, key: &Value, revision: &Value) -> Vec<(&'m Path, Value)> {
        let tests = self.tests.iter().map(|(path, text)| (*path, Value::text(*text)));
        let key = self.key.iter().map(|path| (*path, key.clone()));
        let revision = self.revision.iter().map(|path| (*path, revision.clone()));
        tests.chain(key).chain(revision).collect()
    }

    /// The arguments of the operation that are looked at.
    pub(super) fn arguments(&self, key: &Value, revision: &Value) -> BTreeMap<String, Value> {
        let mut all = Value::Map(Vec::new());
        for (path, leaf) in self.places(key, revision) {
            if path.root == Root::Args {
                fill(&mut all, &path.segments, &leaf, &Filled::default());
            }
        }
        match all {
            Value::Map(all) => all.into_iter().collect(),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::List(_) => BTreeMap::new(),
        }
    }
}

/// What a key is made of.
fn parts(key: &Key) -> Vec<&Path> {
    match key {
        Key::Rule(rule) => inputs(rule),
        Key::Template(_, pieces) => pieces.iter().filter_map(path).collect(),
    }
}

fn path(piece: &Piece) -> Option<&Path> {
    match piece {
        Piece::Text(_) => None,
        Piece::Path(path) => Some(&path.is),
    }
}

/// What a rule reads: of several paths the first.
fn inputs(rule: &Rule) -> Vec<&Path> {
    let own: Vec<&Path> = match &rule.system {
        Some(Side::Paths(paths)) => paths.iter().take(1).map(|path| &path.is).collect(),
        Some(Side::Named(named)) => named.iter().map(|(_, path)| &path.is).collect(),
        None => Vec::new(),
    };
    own.into_iter().chain(rule.with.iter().map(|(_, path)| &path.is)).collect()
}

fn held(condition: &Condition) -> Vec<(&Path, &str)> {
    let held = condition.tests.iter().filter_map(|test| match &test.test {
        // What begins with a text is that text, too.
        Test::AnyOf(texts) | Test::Starts(texts) => Some((&test.path, texts.first()?.as_str())),
        Test::Present => Some((&test.path, "x")),
        Test::NotAnyOf(_) | Test::Absent | Test::None | Test::From(_) => None,
    });
    held.collect()
}

/// What is known while places are filled.
#[derive(Clone, Copy, Debug, Default)]
struct Filled<'f> {
    settings: Option<&'f BTreeMap<String, String>>,
    /// An empty text is nothing: the format has no null.
    blank: bool,
}

/// The body of a document, as the system would send it; `Err`: why there is none.
pub(super) fn body(
    mapping: &Mapping,
    sent: &[u8],
    (wanted, settings): (&Wanted<'_>, &BTreeMap<String, String>),
    (key, revision): (&Value, &Value),
) -> Result<Vec<u8>, String> {
    let root = mapping.file.documents.first().map(|path| path.is.segments.as_slice());
    let root = root.unwrap_or_default();
    let mut body = tree(mapping, sent, root)?;
    let known = Filled { settings: Some(settings), blank: mapping.format.has_no_null() };
    for (path, leaf) in wanted.places(key, revision) {
        if let Some(place) = from_body(mapping, path, root) {
            fill(&mut body, &place, &leaf, &known);
        }
    }
    if let (Some(by), Some(rows)) = (wanted.by, rows(mapping)) {
        let place: Vec<Segment> =
            rows.iter().chain([&Segment::Each]).chain(&by.segments).cloned().collect();
        fill(&mut body, &place, key, &known);
    }
    match rows(mapping) {
        Some(rows) => {
            for path in mapping.file.fields.iter().filter(|rule| of_rows(rule)).flat_map(own_key) {
                let place: Vec<Segment> =
                    rows.iter().chain([&Segment::Each]).chain(&path.segments).cloned().collect();
                fill(&mut body, &place, key, &known);
            }
        }
        None => {
            for document in reached(&mut body, root) {
                elements(document, &mapping.file.fields, key, &known);
            }
        }
    }
    written(mapping, body)
}

/// What each element of a rule is known by, in itself.
fn own_key(rule: &Rule) -> Vec<&Path> {
    let key = rule.each.as_ref().and_then(|each| each.key.as_ref());
    let mut paths = key.map(parts).unwrap_or_default();
    paths.retain(|path| path.root == Root::Here);
    paths
}

/// Whether a rule is about the rows of a document that is made of rows.
fn of_rows(rule: &Rule) -> bool {
    let path = rule.system.as_ref().and_then(Side::single);
    let first = path.and_then(|path| path.is.segments.first());
    matches!(first, Some(Segment::Key(name)) if name == "rows")
}

/// Gives the elements that went out without a key one.
fn elements(element: &mut Value, rules: &[Rule], key: &Value, known: &Filled<'_>) {
    for rule in rules {
        let Some(each) = &rule.each else { continue };
        let Some(path) = rule.system.as_ref().and_then(Side::single) else { continue };
        for place in reached(element, &path.is.segments) {
            let rows: Vec<&mut Value> =
                if place.as_list().is_some() { step(place, &Segment::Each) } else { vec![place] };
            for row in rows {
                for path in own_key(rule) {
                    fill(row, &path.segments, key, known);
                }
                elements(row, &each.fields, key, known);
            }
        }
    }
}

/// The places that stand at a path: nothing is put there.
fn reached<'v>(start: &'v mut Value, segments: &[Segment]) -> Vec<&'v mut Value> {
    let mut reached = vec![start];
    for segment in segments {
        reached = reached.into_iter().flat_map(|value| step(value, segment)).collect();
    }
    reached.retain(|value| !value.is_null());
    reached
}

fn step<'v>(value: &'v mut Value, segment: &Segment) -> Vec<&'v mut Value> {
    match (segment, value) {
        (Segment::Key(name), value) => value.get_mut(name).into_iter().collect(),
        (Segment::Each, Value::List(list)) => list.iter_mut().collect(),
        (Segment::Index(at), Value::List(list)) => list.get_mut(*at as usize).into_iter().collect(),
        (Segment::Where { key, value, .. }, Value::List(list)) => {
            list.iter_mut().filter(|item| is(item, key, value)).collect()
        }
        _ => Vec::new(),
    }
}

/// What went out as the body that comes in. A document of XML has its surroundings, and rows are a list; the
/// others go out without what stands around them.
fn tree(mapping: &Mapping, sent: &[u8], root: &[Segment]) -> Result<Value, String> {
    if sent.is_empty() && mapping.format.is_xml() {
        return Ok(Value::Null);
    }
    let read = mapping.format.read(sent, &mapping.compiled.input.trie, None);
    let read = read.map_err(|unreadable| unreadable.0)?;
    let tree = Value::from_json(&read.json).map_err(|error| error.to_string())?;
    if mapping.format.is_xml() || matches!(mapping.format, Format::Csv(_)) {
        return Ok(tree);
    }
    let mut body = Value::Null;
    match rows(mapping) {
        Some(rows) => {
            let list = tree.get("rows").cloned().unwrap_or_else(|| Value::List(vec![tree.clone()]));
            fill(&mut body, &rows, &list, &Filled::default());
        }
        None => fill(&mut body, root, &tree, &Filled::default()),
    }
    Ok(body)
}

/// Where rows that are put together stand in the body.
fn rows(mapping: &Mapping) -> Option<Vec<Segment>> {
    let at = mapping.grouping.as_ref()?.at.first().map(|path| path.segments.as_slice());
    let at = at.unwrap_or_default();
    Some(at.strip_suffix(&[Segment::Each]).unwrap_or(at).to_vec())
}

/// A path of a document from the body on; none: it leads to no place there.
fn from_body(mapping: &Mapping, path: &Path, root: &[Segment]) -> Option<Vec<Segment>> {
    match &path.root {
        Root::Here | Root::Document => {}
        Root::Up(1) => return Some(path.segments.clone()),
        Root::Up(_)
        | Root::Settings
        | Root::Args
        | Root::Hub
        | Root::Xref(_)
        | Root::Index
        | Root::Position
        | Root::Ordinal => return None,
    }
    let Some(rows) = rows(mapping) else {
        return Some(root.iter().chain(&path.segments).cloned().collect());
    };
    // What is said of one row holds for all of a document.
    let [Segment::Key(name), Segment::Index(_) | Segment::Each, rest @ ..] =
        path.segments.as_slice()
    else {
        return None;
    };
    let place = rows.iter().chain([&Segment::Each]).chain(rest).cloned().collect();
    (name == "rows").then_some(place)
}

fn written(mapping: &Mapping, body: Value) -> Result<Vec<u8>, String> {
    let mut shape = Shape::default();
    let body = match (&mapping.format, body) {
        (Format::Csv(_), Value::List(rows)) => {
            for (name, _) in rows.iter().filter_map(Value::as_map).flatten() {
                if !shape.columns.iter().any(|known| known == name) {
                    shape.columns.push(name.clone().into());
                }
            }
            shape.grouped = true;
            Value::Map(vec![("rows".to_owned(), Value::List(rows))])
        }
        (_, body) => body,
    };
    mapping.format.write(body.to_json(), &shape).map_err(|unwritable| unwritable.why)
}

/// Puts a value at a place where nothing stands.
fn fill(place: &mut Value, segments: &[Segment], leaf: &Value, known: &Filled<'_>) {
    let Some((first, rest)) = segments.split_first() else {
        if place.is_null() || known.blank && place.as_text() == Some("") {
            *place = leaf.clone();
        }
        return;
    };
    let name = match first {
        Segment::Key(name) => Some(name),
        Segment::Setting(name) => known.settings.and_then(|settings| settings.get(name)),
        Segment::Index(_) | Segment::Each | Segment::Where { .. } | Segment::Xref(_) => None,
    };
    if let Some(name) = name {
        if place.is_null() {
            *place = Value::Map(Vec::new());
        }
        if place.get(name).is_none() {
            place.set(name, Value::Null);
        }
        if let Some(inner) = place.get_mut(name) {
            fill(inner, rest, leaf, known);
        }
        return;
    }
    if place.is_null() {
        *place = Value::List(Vec::new());
    }
    let Value::List(list) = place else { return };
    match first {
        Segment::Each if list.is_empty() => list.push(Value::Null),
        Segment::Index(at) if *at <= FARTHEST && list.len() <= *at as usize => {
            list.resize(*at as usize + 1, Value::Null);
        }
        Segment::Where { key, value, number } if !list.iter().any(|item| is(item, key, value)) => {
            let own = number.then(|| Value::from_json(value.as_bytes()).ok()).flatten();
            list.push(Value::Map(vec![(key.clone(), own.unwrap_or_else(|| Value::text(value)))]));
        }
        Segment::Each
        | Segment::Index(_)
        | Segment::Where { .. }
        | Segment::Key(_)
        | Segment::Setting(_)
        | Segment::Xref(_) => {}
    }
    for (number, item) in list.iter_mut().enumerate() {
        let meant = match first {
            Segment::Each => true,
            Segment::Index(at) => number == *at as usize,
            Segment::Where { key, value, .. } => is(item, key, value),
            Segment::Key(_) | Segment::Setting(_) | Segment::Xref(_) => false,
        };
        if meant {
            fill(item, rest, leaf, known);
        }
    }
}

/// Whether an element has a text at a key.
fn is(item: &Value, key: &str, value: &str) -> bool {
    item.get(key).and_then(Value::scalar_text).as_deref() == Some(value)
}
