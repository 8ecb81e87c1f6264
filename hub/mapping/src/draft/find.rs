//! Where the documents stand in the samples, and what their key is.

use orderhub_lang::diagnostic::nearest;
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::value::Value;
use orderhub_order::ids::Entity;

use super::leaf::{Leaf, leaves};
use super::names::plain;
use super::shape::Shape;
use super::structure::{ENVELOPES, keys_of};
use super::value;
use super::{Asked, Refused};

/// What rows that are put together stand under.
const ROWS: &str = "rows";
/// How many objects may stand around a document.
const MOST_AROUND: usize = 4;
/// Candidates that a message names.
const SHOWN: usize = 5;

/// The documents of the samples.
#[derive(Debug)]
pub(super) struct Documents<'s> {
    /// Where they stand in a body; nothing: it is one.
    pub(super) at: Vec<Segment>,
    pub(super) shape: &'s Shape,
    /// The path of the key in a document.
    pub(super) key: String,
    /// It is called like a key.
    pub(super) named: bool,
    /// What could be the key as well.
    pub(super) others: Vec<String>,
}

/// Finds them. `asked` is the key that the author names.
pub(super) fn documents<'s>(
    entity: Entity,
    body: &'s Shape,
    asked: Option<&str>,
) -> Result<Documents<'s>, Refused> {
    let places = places(body);
    if let Some(path) = asked {
        return by_path(&places, path);
    }
    for depth in [1, 2] {
        for (at, shape) in &places {
            if let Some(key) = called(entity, shape, depth) {
                let at = at.clone();
                return Ok(Documents { at, shape, key, named: true, others: Vec::new() });
            }
        }
    }
    let Some((at, shape)) = places.get(outermost(&places)) else {
        return Err(Refused::new("no object stands in the samples: documents are objects"));
    };
    let mut fitting = candidates(shape, |leaf| is_key(leaf.shape, shape));
    if fitting.is_empty() {
        return Err(none(shape));
    }
    let key = fitting.remove(0);
    fitting.truncate(SHOWN);
    Ok(Documents { at: at.clone(), shape, key, named: false, others: fitting })
}

/// A column that is called like a key, or that the author names, and that several rows of one file share: its
/// rows are one document.
pub(super) fn shared(asked: &Asked<'_>, rows: &Shape) -> Option<String> {
    let named = |key: &String| Some(key.as_str()) == asked.key;
    let own = rows.keys.iter().find(|(key, shape)| named(key) && fits(shape, rows));
    let column = match (asked.key, own) {
        (Some(_), own) => own,
        (None, _) => keys_of(asked.entity).find_map(|name| {
            rows.keys.iter().find(|(key, shape)| plain(key) == name && fits(shape, rows))
        }),
    };
    column.filter(|(_, shape)| shape.twice).map(|(key, _)| key.clone())
}

/// The documents that rows with the same `by` are.
pub(super) fn by_rows<'s>(body: &'s Shape, by: &str) -> Documents<'s> {
    let shape = body.rows().unwrap_or(body);
    let segments = [ROWS, by].map(|name| Segment::Key(name.to_owned()));
    let [rows, by] = segments;
    let path = Path { root: Root::Here, segments: vec![rows, Segment::Index(0), by] };
    Documents { at: Vec::new(), shape, key: path.to_string(), named: true, others: Vec::new() }
}

/// Every object that may be a document, from the outside in.
fn places(body: &Shape) -> Vec<(Vec<Segment>, &Shape)> {
    let (mut at, mut shape, mut all) = (Vec::new(), body, Vec::new());
    while all.len() < MOST_AROUND && at.len() < 2 * MOST_AROUND {
        if let Some(rows) = shape.rows() {
            at.push(Segment::Each);
            shape = rows;
            continue;
        }
        if shape.is_object() {
            all.push((at.clone(), shape));
        }
        let Some((name, inner)) = shape.inner() else { break };
        at.push(Segment::Key(name.clone()));
        shape = inner;
    }
    all
}

/// The outermost place that is no mere envelope: what holds one thing alone, or something that is called so.
fn outermost(places: &[(Vec<Segment>, &Shape)]) -> usize {
    let envelope = |(at, shape): &&(Vec<Segment>, &Shape)| {
        let inner = shape.inner().filter(|_| at.len() < 2 * MOST_AROUND);
        inner.is_some_and(|(name, _)| {
            shape.keys.len() == 1 || ENVELOPES.contains(&plain(name).as_str())
        })
    };
    let around = places.iter().take_while(envelope).count();
    around.min(places.len().saturating_sub(1))
}

/// It is a value in every document.
fn fits(shape: &Shape, document: &Shape) -> bool {
    shape.is_scalar() && shape.scalars == shape.seen && shape.seen == document.seen
}

/// What nobody called a key, but could be one: in every document, and never twice.
fn is_key(shape: &Shape, document: &Shape) -> bool {
    let odd = |value: &Value| match value {
        Value::Text(text) => text.trim().is_empty(),
        Value::Int(_) => false,
        Value::Bool(_) | Value::Decimal(_) | Value::Null | Value::List(_) | Value::Map(_) => true,
    };
    let time = value::time(&shape.values).is_some();
    fits(shape, document) && shape.never_repeats() && !shape.values.iter().any(odd) && !time
}

/// The key by its name of so many keys: in the document itself, or in an object of it (`order.id`).
fn called(entity: Entity, document: &Shape, depth: usize) -> Option<String> {
    let leaves = leaves(document);
    let fits = |leaf: &&Leaf<'_>| fits(leaf.shape, document) && !leaf.shape.twice;
    keys_of(entity).find_map(|name| {
        let mut of = leaves.iter().filter(|leaf| leaf.keys.len() == depth);
        of.find(|leaf| leaf.name(depth) == name && fits(leaf)).map(Leaf::path)
    })
}

fn candidates(document: &Shape, fits: impl Fn(&Leaf<'_>) -> bool) -> Vec<String> {
    let mut all = leaves(document);
    all.sort_by_key(|leaf| leaf.keys.len() > 1);
    all.iter().filter(|leaf| fits(leaf)).map(Leaf::path).collect()
}

fn by_path<'s>(places: &[(Vec<Segment>, &'s Shape)], path: &str) -> Result<Documents<'s>, Refused> {
    let has = |(_, shape): &&(Vec<Segment>, &Shape)| {
        leaves(shape).iter().any(|leaf| leaf.shape.is_scalar() && leaf.path() == path)
    };
    if let Some((at, shape)) = places.iter().find(has) {
        let key = path.to_owned();
        return Ok(Documents { at: at.clone(), shape, key, named: true, others: Vec::new() });
    }
    let known: Vec<String> = places
        .iter()
        .flat_map(|(_, shape)| candidates(shape, |leaf| leaf.shape.is_scalar()))
        .collect();
    let near = nearest(path, known.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `--key {near}`?"),
        None => format!("values stand at {}", listed(&known)),
    };
    Err(Refused::new(format!("no document of the samples has a value at `{path}`")).hint(hint))
}

/// Why nothing is the key, with what could be named.
fn none(document: &Shape) -> Refused {
    let word = |leaf: &Leaf<'_>| {
        let value = |value: &Value| matches!(value, Value::Text(_) | Value::Int(_));
        leaf.shape.is_scalar() && leaf.shape.values.iter().all(value)
    };
    let all = candidates(document, word);
    let why = "no key was found: nothing is called like one (`id`, `number`, `reference`, …), and no text or whole \
               number stands in every document and never twice";
    Refused::new(why).hint(match all.first() {
        Some(first) => {
            format!("say which it is: `--key {first}`; texts and numbers stand at {}", listed(&all))
        }
        None => "the samples hold no text and no number: try with other samples".to_owned(),
    })
}

fn listed(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    let more = if paths.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
