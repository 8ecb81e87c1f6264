//! The way that nearly all values of a document go: one node reads them.
//!
//! **Invariant:** what one node reads stands in its slots as where several read the same value. Test:
//! `the_scan_finds_what_a_reader_of_the_whole_document_finds`.

use super::token::{Refused, ScanError, Token, unescape};
use super::trie::{Node, NodeId};
use super::{Active, Kind, Scan, Slot};

impl Scan<'_, '_> {
    /// A value that one node reads: nearly all are.
    pub(super) fn one(&mut self, id: NodeId, frame: u32) -> Result<(), Refused> {
        let trie = self.trie;
        let Some(node) = trie.node(id).filter(|node| node.document.is_none()) else {
            return self.several(&mut Active::from_slice(&[(id, frame)]));
        };
        let (token, start, end) = self.cursor.value()?;
        let (kind, end) = match token {
            Token::Object => {
                if !node.reads_object() {
                    self.cursor.skip_object()?;
                } else if node.settings.is_empty() {
                    self.keys(node, frame)?;
                } else {
                    self.object(&Active::from_slice(&[(id, frame)]))?;
                }
                (Kind::Object, self.cursor.at)
            }
            Token::Array => {
                if node.reads_array() {
                    self.array(&Active::from_slice(&[(id, frame)]))?;
                } else {
                    self.cursor.skip_array()?;
                }
                (Kind::Array, self.cursor.at)
            }
            Token::Null
            | Token::True
            | Token::False
            | Token::Number
            | Token::Text
            | Token::Escaped => (scalar_kind(token), end),
        };
        self.stands(node, frame, Slot { kind, start: narrow(start), end: narrow(end) });
        Ok(())
    }

    /// What stands at a node: its slot, and those below that it blocks.
    pub(super) fn stands(&mut self, node: &Node, frame: u32, slot: Slot) {
        self.fill(frame, node.slot, slot);
        match slot.kind {
            Kind::Object => {
                // A fan-out over an object: a rule that reads it says so.
                if let Some(rows) = node.rows {
                    self.fill(frame, rows.slot, Slot { kind: Kind::Blocked, ..slot });
                }
            }
            Kind::Array => {}
            Kind::Absent
            | Kind::Null
            | Kind::True
            | Kind::False
            | Kind::Number
            | Kind::Text
            | Kind::Escaped
            | Kind::Blocked
            | Kind::Rows => {
                if node.reads_object() || node.reads_array() {
                    self.block(node, frame, slot);
                }
            }
        }
    }

    /// The keys of an object that one node reads by their names.
    fn keys(&mut self, node: &Node, frame: u32) -> Result<(), Refused> {
        if !self.cursor.take(b'}') {
            loop {
                let (token, start, end) = self.cursor.string()?;
                let raw = self.cursor.text.get(start..end).unwrap_or_default();
                let child =
                    if token == Token::Escaped { node.key(&unescape(raw)) } else { node.key(raw) };
                if let Some(child) = child {
                    if self.filled(child, frame) {
                        return Err(twice(start, raw));
                    }
                    self.cursor.expect(b':', "`:` is expected")?;
                    self.one(child, frame)?;
                } else {
                    self.cursor.expect(b':', "`:` is expected")?;
                    self.cursor.skip()?;
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

    /// A scalar where paths go on: what lies below is null if it is null, else unreadable.
    fn block(&mut self, node: &Node, frame: u32, slot: Slot) {
        let trie = self.trie;
        let quotes = u32::from(matches!(slot.kind, Kind::Text | Kind::Escaped));
        let below = match slot.kind {
            Kind::Null | Kind::Blocked => slot,
            Kind::Absent
            | Kind::True
            | Kind::False
            | Kind::Number
            | Kind::Text
            | Kind::Escaped
            | Kind::Object
            | Kind::Array
            | Kind::Rows => {
                let (start, end) = (slot.start.saturating_sub(quotes), slot.end + quotes);
                Slot { kind: Kind::Blocked, start, end }
            }
        };
        if let Some(rows) = node.rows {
            self.fill(frame, rows.slot, below);
        }
        for child in node.below() {
            let Some(child) = trie.node(child) else { continue };
            self.fill(frame, child.slot, below);
            self.block(child, frame, below);
        }
    }
}

/// Bodies are shorter than 4 GiB.
pub(super) fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn scalar_kind(token: Token) -> Kind {
    match token {
        Token::Null => Kind::Null,
        Token::True => Kind::True,
        Token::False => Kind::False,
        Token::Number => Kind::Number,
        Token::Text => Kind::Text,
        Token::Escaped => Kind::Escaped,
        Token::Object => Kind::Object,
        Token::Array => Kind::Array,
    }
}

#[cold]
pub(super) fn twice(at: usize, raw: &str) -> Refused {
    let why = format!("the key `{}` stands twice in one object", unescape(raw));
    Box::new(ScanError { at, cause: "duplicate_key", why })
}
