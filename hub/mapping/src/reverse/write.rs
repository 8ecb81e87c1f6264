//! Writes the template: objects and arrays only where something in them is there.

use std::borrow::Cow;

use orderhub_order::ids::At;

use super::hub::look_places;
use super::json::{separate, write};
use super::{Computed, Out};
use crate::ReverseError;
use crate::cell::{Cell, Trouble};
use crate::conversions::shell::Commands;
use crate::hub_path::HubPath;
use crate::program::{Leaf, LeafPart, OutElement, OutItem, OutKey, OutNode};
use crate::written::text;

impl<'o> Out<'o> {
    /// Writes what stands at a node; false if nothing does.
    pub(super) fn node(
        &mut self,
        node: &'o OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        // Nearly all places hold a value, and nothing below.
        if node.keys.is_empty() && node.items.is_empty() {
            return Ok(leaves(node, computed, row, bytes));
        }
        self.nested(node, computed, row, at, bytes)
    }

    /// The same where an object or a list may stand.
    fn nested(
        &mut self,
        node: &'o OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let nested = !node.keys.is_empty() && self.object(node, computed, row, at, bytes)?
            || !node.items.is_empty() && self.array(node, computed, row, at, bytes)?;
        if nested {
            return self.alone(node, computed, row).map(|()| true);
        }
        Ok(leaves(node, computed, row, bytes))
    }

    /// `Err`: a value stands where an object or a list was written, and would be lost.
    fn alone(
        &self,
        node: &OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
    ) -> Result<(), ReverseError> {
        let stands = |leaf: &&Leaf| {
            let value = value(computed, **leaf, row);
            leaf.part != LeafPart::Emptied && value.is_some_and(|value| value.is_value())
        };
        let lost = node.leaves.iter().find(stands).and_then(|leaf| computed.get(leaf.rule));
        let Some(lost) = lost else { return Ok(()) };
        let why = "another rule writes an object or a list at this place, and one of the two would be lost";
        Err(self.failed(lost.rule, Trouble::new("format", why), None))
    }

    fn object(
        &mut self,
        node: &'o OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let start = bytes.len();
        let any = self.keys(node, None, computed, row, at, bytes)?;
        if !any {
            bytes.truncate(start);
        }
        Ok(any)
    }

    /// The keys of an object, all but one, in its braces; false if there are none.
    fn keys(
        &mut self,
        node: &'o OutNode,
        without: Option<usize>,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        bytes.push(b'{');
        let mut any = false;
        for (place, (key, child)) in node.keys.iter().enumerate() {
            if without == Some(place) {
                continue;
            }
            let before = bytes.len();
            if any {
                bytes.push(b',');
            }
            match key {
                OutKey::Name(name) => bytes.extend_from_slice(&name.written),
                OutKey::Setting(name) => {
                    let Some(name) = self.context.settings.get(name) else {
                        bytes.truncate(before);
                        continue;
                    };
                    text(name, bytes);
                    bytes.push(b':');
                }
            }
            if self.node(child, computed, row, at, bytes)? {
                any = true;
            } else {
                bytes.truncate(before);
            }
        }
        bytes.push(b'}');
        Ok(any)
    }

    fn array(
        &mut self,
        node: &'o OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let start = bytes.len();
        bytes.push(b'[');
        let first = bytes.len();
        // How many elements stand before the next place: places come first, and in order.
        let (mut any, mut count) = (false, 0);
        for item in &node.items {
            match item {
                OutItem::Each(path, element, None) => {
                    any |= self.each(path, element, at, first, bytes)?;
                }
                OutItem::Each(path, element, Some(commands)) => {
                    any |= self.commands(path, element, commands, at, first, bytes)?;
                }
                OutItem::Place(place, child) => {
                    let before = bytes.len();
                    for _ in count..*place {
                        separate(first, bytes);
                        bytes.extend_from_slice(b"null");
                    }
                    separate(first, bytes);
                    if self.node(child, computed, row, at, bytes)? {
                        (any, count) = (true, *place + 1);
                    } else {
                        bytes.truncate(before);
                    }
                }
                OutItem::Where(key, wanted, child) => {
                    let comma = separate(first, bytes);
                    if self.chosen(key, wanted, child, computed, row, at, bytes)? {
                        any = true;
                    } else {
                        bytes.truncate(comma);
                    }
                }
                OutItem::Rows(child) => {
                    let Some(count) = rows_below(child, computed) else { continue };
                    any = true;
                    let rule = computed.first().map(|computed| computed.rule);
                    for row in 0..count {
                        let comma = separate(first, bytes);
                        if !self.node(child, computed, Some(row), at, bytes)? {
                            bytes.truncate(comma);
                        }
                        self.written(rule, bytes.len())?;
                    }
                }
            }
        }
        if any {
            bytes.push(b']');
        } else {
            bytes.truncate(start);
        }
        Ok(any)
    }

    /// The element of an array where a key has a text or a number.
    #[expect(clippy::too_many_arguments, reason = "an item and what surrounds it")]
    fn chosen(
        &mut self,
        key: &str,
        wanted: &Cell<'_>,
        child: &'o OutNode,
        computed: &[Computed<'o>],
        row: Option<usize>,
        at: &At,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let start = bytes.len();
        if !self.object(child, computed, row, at, bytes)? {
            return Ok(false);
        }
        // The object was written with its brace: the key goes right behind it. A rule that writes the key
        // too says no more than that the element is there.
        let own =
            |(known, _): &&(OutKey, OutNode)| matches!(known, OutKey::Name(name) if **name == *key);
        let rest = match child.keys.iter().position(|entry| own(&entry)) {
            None => bytes.split_off(start + 1),
            Some(place) => {
                bytes.truncate(start);
                self.keys(child, Some(place), computed, row, at, bytes)?;
                bytes.split_off(start + 1)
            }
        };
        text(key, bytes);
        bytes.push(b':');
        write(wanted, bytes);
        if rest != b"}" {
            bytes.push(b',');
        }
        bytes.extend(rest);
        Ok(true)
    }

    /// One element for each hub element, within the commands of the target.
    fn commands(
        &mut self,
        path: &HubPath,
        element: &'o OutElement,
        commands: &Commands,
        at: &At,
        first: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let Some(places) = look_places(self.hub.subject, at, path) else { return Ok(false) };
        let (mut items, mut size) = (Vec::with_capacity(places.len()), bytes.len());
        for place in places {
            let mut item = Vec::new();
            if self.element(element, &place, &mut item)? {
                size = size.saturating_add(item.len());
                self.written(element.rules.first(), size)?;
                items.push(String::from_utf8_lossy(&item).into_owned());
            }
        }
        for command in commands.around(&items) {
            separate(first, bytes);
            bytes.extend_from_slice(command.as_bytes());
        }
        Ok(true)
    }

    fn each(
        &mut self,
        path: &HubPath,
        element: &'o OutElement,
        at: &At,
        first: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let Some(places) = look_places(self.hub.subject, at, path) else { return Ok(false) };
        for place in places {
            let comma = separate(first, bytes);
            if !self.element(element, &place, bytes)? {
                bytes.truncate(comma);
            }
        }
        Ok(true)
    }
}

/// Writes the first of the values that may stand at a node; false if none does.
fn leaves(
    node: &OutNode,
    computed: &[Computed<'_>],
    row: Option<usize>,
    bytes: &mut Vec<u8>,
) -> bool {
    let (mut null, mut emptied) = (false, None);
    for leaf in &node.leaves {
        let Some(rule) = computed.get(leaf.rule) else { continue };
        let Some(own) = part(rule, leaf.part) else { continue };
        if leaf.part == LeafPart::Emptied {
            emptied = emptied.or(Some(own));
            continue;
        }
        let mut cell = own;
        let one;
        if let Some(row) = row.filter(|_| rule.rule.rows) {
            one = of_row(cell, row);
            match &one {
                Some(one) => cell = one,
                None => continue,
            }
        }
        if cell.is_value() {
            write(cell, bytes);
            return true;
        }
        null |= matches!(cell, Cell::Null);
    }
    if null {
        bytes.extend_from_slice(b"null");
    } else if let Some(cell) = emptied {
        write(cell, bytes);
    }
    null || emptied.is_some()
}

/// The value of a leaf; of a row where the rule's values stand one by one.
#[inline]
fn value<'c, 'o>(
    computed: &'c [Computed<'o>],
    leaf: Leaf,
    row: Option<usize>,
) -> Option<Cow<'c, Cell<'o>>> {
    let rule = computed.get(leaf.rule)?;
    let cell = part(rule, leaf.part)?;
    match row {
        Some(row) if rule.rule.rows => of_row(cell, row),
        Some(_) | None => Some(Cow::Borrowed(cell)),
    }
}

#[inline]
fn part<'c, 'o>(rule: &'c Computed<'o>, part: LeafPart) -> Option<&'c Cell<'o>> {
    match part {
        LeafPart::Main => match &rule.main {
            // Named values stand at their own places.
            Cell::Named(_) => None,
            main => Some(main),
        },
        LeafPart::Beside(number) => rule.beside.get(number),
        LeafPart::Emptied => {
            let empty = rule.main == Cell::Null || rule.main == rule.rule.null;
            Some(&rule.main).filter(|_| empty)
        }
        LeafPart::Named(number) => match &rule.main {
            Cell::Named(cells) => cells.get(number),
            Cell::Absent => None,
            // Null, or the word for it, stands at all places.
            main => Some(main),
        },
    }
}

#[inline(never)]
fn of_row<'c, 'o>(cell: &'c Cell<'o>, row: usize) -> Option<Cow<'c, Cell<'o>>> {
    match cell {
        Cell::Many(cells) => cells.get(row).map(Cow::Borrowed),
        Cell::List(items) => items.get(row).map(|item| Cow::Owned(Cell::Text(item.clone()))),
        cell => Some(Cow::Borrowed(cell)),
    }
}

/// How many rows the rules below a node have; `None`: none of them is there.
fn rows_below(node: &OutNode, computed: &[Computed<'_>]) -> Option<usize> {
    let own = node.leaves.iter().filter_map(|leaf| {
        let rule = computed.get(leaf.rule)?;
        match &rule.main {
            Cell::Many(cells) => Some(cells.len()),
            Cell::List(items) => Some(items.len()),
            _ => match rule.beside.first() {
                Some(Cell::Many(cells)) => Some(cells.len()),
                _ => None,
            },
        }
    });
    let keys = node.keys.iter().filter_map(|(_, child)| rows_below(child, computed));
    own.chain(keys).max()
}
