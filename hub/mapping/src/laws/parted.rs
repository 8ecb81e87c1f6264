//! A document's own parts of one value: first name and last name that are one name in the hub, the inputs of a
//! formula. The value comes back; its parts may be cut elsewhere, and then are others at the system as soon as
//! anything else of the order changes.

use super::formula::Formula;
use super::trip::Road;
use super::{Counter, Reason};
use crate::cell::Cell;

/// Parts to try: a blank in the first, in the second, in both; a number; marks.
const PARTS: [[&str; 3]; 7] = [
    ["Ada M", "von B", "C"],
    ["Ada", "von B", "C"],
    ["Ada M", "B", "C"],
    ["Am Markt", "7 - 9", "a"],
    ["1", "2", "3"],
    ["a-b", "c-d", "e"],
    ["true", "false", "true"],
];

/// The first parts that go back as others, in words.
pub(super) fn moved(road: &Road<'_>, count: usize) -> Option<Reason> {
    if road.formula.as_ref().is_some_and(Formula::reads_more) {
        return None;
    }
    let texts =
        PARTS.iter().map(|parts| parts.iter().cycle().take(count).map(|text| Cell::text(*text)));
    let numbers = [1, 2, 3].iter().cycle().take(count).map(|number| Cell::Integer(*number));
    let flags = [true, false].iter().cycle().take(count).map(|flag| Cell::Bool(*flag));
    let mut all: Vec<Vec<Cell<'static>>> = texts.map(Iterator::collect).collect();
    all.extend([numbers.collect(), flags.collect()]);
    all.iter().find_map(|parts| {
        let value = road.of_parts(parts)?;
        let back = road.parts_of(&value).filter(|back| back.len() == parts.len())?;
        let same = |(one, other): (&Cell<'_>, &Cell<'_>)| text(one) == text(other);
        if parts.iter().zip(&back).all(same) {
            return None;
        }
        let (value, back) = (shown(parts), shown(&back));
        let sentence = format!("{value} of a document goes back as {back}");
        let conversion = if road.formula.is_some() { "inverse" } else { "concat" };
        Some(Reason {
            conversion: conversion.to_owned(),
            why: "a document's own parts may be cut elsewhere".to_owned(),
            example: Counter { value, back, sentence },
        })
    })
}

fn text(cell: &Cell<'_>) -> String {
    cell.scalar().unwrap_or_default().into_owned()
}

fn shown(parts: &[Cell<'_>]) -> String {
    let one = |part: &Cell<'_>| match part.scalar() {
        Some(text) => format!("`{text}`"),
        None => "null".to_owned(),
    };
    parts.iter().map(one).collect::<Vec<_>>().join(" + ")
}
