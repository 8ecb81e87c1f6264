//! One scan over a document's bytes: it checks the JSON and fills the slots of the trie with borrowed
//! spans. Rules run over the slots; what no rule reads is checked and skipped.
//!
//! **Invariant:** accepts exactly what a strict JSON reader accepts (UTF-8, no lone surrogates, nothing
//! after the document), and refuses a key that stands twice in one object where a rule reads it.
//! Bounds: [`token::DEPTH`] levels, [`MAX_SLOTS`] slots; beyond them the document is refused. Tests:
//! `the_scan_accepts_what_a_strict_reader_accepts`, the two of the bounds beside it, and the case
//! `tests/data/mapping/errors/malformed.yaml`.

mod keys;
mod one;
mod slot;
pub(crate) mod token;
pub(crate) mod trie;

#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use one::{narrow, scalar_kind, twice};
pub(crate) use slot::{Kind, Scanned, Slot};
use token::{Cursor, Refused, ScanError, Token, unescape};
use trie::{Node, NodeId, Trie};

/// Most slots one body may fill: 12 bytes each.
pub(crate) const MAX_SLOTS: usize = 4 << 20;

/// Scans one body. `settings` are the values of [`Trie::settings`].
///
/// # Errors
///
/// The first place where the body is not what is expected.
pub(crate) fn scan<'a>(
    trie: &Trie,
    settings: &[Option<&str>],
    body: &'a [u8],
) -> Result<Scanned<'a>, ScanError> {
    if u32::try_from(body.len()).is_err() {
        return Err(ScanError { at: 0, cause: "too_large", why: "larger than 4 GiB".to_owned() });
    }
    let text = std::str::from_utf8(body).map_err(|error| ScanError {
        at: error.valid_up_to(),
        cause: "malformed",
        why: "not UTF-8".to_owned(),
    })?;
    let mut scan = Scan {
        trie,
        settings,
        cursor: Cursor::new(text),
        slots: Vec::with_capacity(256),
        documents: Vec::new(),
        empty: false,
    };
    scan.whole().map_err(|refused| *refused)?;
    let Scan { cursor, slots, documents, empty, .. } = scan;
    Ok(Scanned { text: cursor.text, slots, documents, empty })
}

/// The nodes that one value is read for, each with its frame; nearly always one.
type Active = SmallVec<[(NodeId, u32); 4]>;

struct Scan<'s, 'a> {
    trie: &'s Trie,
    settings: &'s [Option<&'s str>],
    cursor: Cursor<'a>,
    slots: Vec<Slot>,
    documents: Vec<(u8, u32)>,
    empty: bool,
}

impl<'s> Scan<'s, '_> {
    fn whole(&mut self) -> Result<(), Refused> {
        let body = self.frame(Trie::BODY)?;
        self.value(&mut Active::from_slice(&[(Trie::BODY, body)]))?;
        self.cursor.end()
    }

    fn frame(&mut self, of: NodeId) -> Result<u32, Refused> {
        let base = self.slots.len();
        let end = base + usize::from(self.trie.frame_size(of));
        if end > MAX_SLOTS {
            let why = "more elements than a document may have".to_owned();
            return Err(Box::new(ScanError { at: self.cursor.at, cause: "too_large", why }));
        }
        self.slots.resize(end, Slot::default());
        Ok(u32::try_from(base).unwrap_or(u32::MAX))
    }

    fn fill(&mut self, frame: u32, slot: u16, value: Slot) {
        if let Some(place) = self.slots.get_mut(frame as usize + usize::from(slot)) {
            *place = value;
        }
    }

    fn filled(&self, node: NodeId, frame: u32) -> bool {
        let slot = self.trie.address(node).slot;
        let place = self.slots.get(frame as usize + usize::from(slot));
        place.is_some_and(|slot| slot.kind != Kind::Absent)
    }

    /// A value that several nodes may read.
    fn value(&mut self, active: &mut Active) -> Result<(), Refused> {
        if let [(node, frame)] = active.as_slice() {
            return self.one(*node, *frame);
        }
        self.several(active)
    }

    fn several(&mut self, active: &mut Active) -> Result<(), Refused> {
        let mut alternative = None;
        for (node, _) in active.iter() {
            alternative = alternative.or(self.trie.node(*node).and_then(|node| node.document));
        }
        if let Some(alternative) = alternative {
            let frame = self.frame(Trie::DOCUMENT)?;
            self.documents.push((alternative, frame));
            active.push((Trie::DOCUMENT, frame));
        }
        let (token, start, end) = self.cursor.value()?;
        let kind = match token {
            Token::Object => {
                self.object(active)?;
                Kind::Object
            }
            Token::Array => {
                self.array(active)?;
                Kind::Array
            }
            Token::Null
            | Token::True
            | Token::False
            | Token::Number
            | Token::Text
            | Token::Escaped => scalar_kind(token),
        };
        let compound = matches!(kind, Kind::Object | Kind::Array);
        let end = if compound { self.cursor.at } else { end };
        let slot = Slot { kind, start: narrow(start), end: narrow(end) };
        let trie = self.trie;
        for (id, frame) in active.iter().copied() {
            if let Some(node) = trie.node(id) {
                self.stands(node, frame, slot);
            }
        }
        Ok(())
    }

    fn object(&mut self, active: &Active) -> Result<(), Refused> {
        let read =
            active.iter().any(|(node, _)| self.trie.node(*node).is_some_and(Node::reads_object));
        if !self.cursor.take(b'}') {
            loop {
                self.cursor.peek();
                let (token, start, end) = self.cursor.string()?;
                let mut children = Active::new();
                if read {
                    self.children(active, token, start, end, &mut children)?;
                }
                self.cursor.expect(b':', "`:` is expected")?;
                if children.is_empty() {
                    self.cursor.skip()?;
                } else {
                    self.value(&mut children)?;
                }
                if self.cursor.take(b'}') {
                    break;
                }
                self.cursor.expect(b',', "`,` or `}` is expected")?;
            }
        }
        self.cursor.leave();
        Ok(())
    }

    /// The nodes below `active` that a key leads to.
    fn children(
        &self,
        active: &Active,
        token: Token,
        start: usize,
        end: usize,
        children: &mut Active,
    ) -> Result<(), Refused> {
        let raw = self.cursor.text.get(start..end).unwrap_or_default();
        let name = if token == Token::Escaped { unescape(raw) } else { raw.into() };
        for (id, frame) in active.iter().copied() {
            let Some(node) = self.trie.node(id) else { continue };
            let first = children.len();
            if let Some(child) = node.key(&name) {
                children.push((child, frame));
            }
            for (setting, child) in &node.settings {
                let value = self.settings.get(*setting).copied().flatten();
                let known = children.iter().any(|(known, _)| known == child);
                if !known && value == Some(&*name) {
                    children.push((*child, frame));
                }
            }
            let again = |(child, frame): &(NodeId, u32)| self.filled(*child, *frame);
            if children.iter().skip(first).any(again) {
                return Err(twice(start, raw));
            }
        }
        Ok(())
    }

    fn array(&mut self, active: &Active) -> Result<(), Refused> {
        let read =
            active.iter().any(|(node, _)| self.trie.node(*node).is_some_and(Node::reads_array));
        // Per active node with rows: its last row's frame and how many there are.
        let mut last: SmallVec<[Option<u32>; 4]> = SmallVec::from_elem(None, active.len());
        for (id, frame) in active.iter().copied() {
            if let Some(rows) = self.trie.node(id).and_then(|node| node.rows) {
                self.fill(frame, rows.slot, Slot { kind: Kind::Rows, start: 0, end: 0 });
            }
        }
        let mut place = 0_u32;
        if self.cursor.take(b']') {
            let rows = active.iter().filter_map(|(id, _)| self.trie.node(*id)?.rows);
            let mut elements = rows.filter_map(|rows| self.trie.node(rows.element));
            self.empty |= elements.any(|element| element.holds_document);
        } else {
            loop {
                let mut elements = Active::new();
                if read {
                    self.elements(active, place, &mut last, &mut elements)?;
                }
                if elements.is_empty() {
                    self.cursor.skip()?;
                } else {
                    self.value(&mut elements)?;
                }
                place += 1;
                if self.cursor.take(b']') {
                    break;
                }
                self.cursor.expect(b',', "`,` or `]` is expected")?;
            }
        }
        self.cursor.leave();
        Ok(())
    }

    /// The nodes that one element of an array is read for; gives it a row where paths fan out.
    fn elements(
        &mut self,
        active: &Active,
        place: u32,
        last: &mut [Option<u32>],
        elements: &mut Active,
    ) -> Result<(), Refused> {
        for ((id, frame), last) in active.iter().copied().zip(last) {
            let trie = self.trie;
            let Some(node) = trie.node(id) else { continue };
            let at = node.places.iter().filter(|(wanted, _)| *wanted == place);
            elements.extend(at.map(|(_, child)| (*child, frame)));
            for (key, value, child) in &node.wheres {
                if !self.filled(*child, frame) && self.holds(key, value)? {
                    elements.push((*child, frame));
                }
            }
            let Some(rows) = node.rows else { continue };
            let row = self.frame(rows.element)?;
            let count = place + 1;
            match *last {
                None => self.fill(frame, rows.slot, Slot { kind: Kind::Rows, start: row, end: 1 }),
                Some(before) => {
                    let link = Slot { kind: Kind::Rows, start: row, end: 0 };
                    self.fill(before, Trie::LINK, link);
                    let slot = frame as usize + usize::from(rows.slot);
                    if let Some(slot) = self.slots.get_mut(slot) {
                        slot.end = count;
                    }
                }
            }
            *last = Some(row);
            elements.push((rows.element, row));
        }
        Ok(())
    }

    /// Whether the element that comes next is an object whose key has this text.
    fn holds(&self, key: &str, value: &str) -> Result<bool, Refused> {
        let mut ahead = self.cursor.clone();
        if !ahead.take(b'{') || ahead.take(b'}') {
            return Ok(false);
        }
        loop {
            ahead.peek();
            let (_, start, end) = ahead.string()?;
            let found = unescape(ahead.text.get(start..end).unwrap_or_default()) == key;
            ahead.expect(b':', "`:` is expected")?;
            if found {
                let (_, start, end) = ahead.value()?;
                return Ok(unescape(ahead.text.get(start..end).unwrap_or_default()) == value);
            }
            ahead.skip()?;
            if !ahead.take(b',') {
                return Ok(false);
            }
        }
    }
}
