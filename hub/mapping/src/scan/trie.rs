//! The paths that a mapping reads of a document, as a trie: what the scan looks for.
//!
//! Every node owns one slot of a frame. A frame is the set of slots of one element: the body, the
//! document, or one row of an array that some path fans out over (`*`). The trie of the document is
//! shared by all places where a document may stand.
//!
//! **Invariant:** a slot belongs to exactly one node, so a slot that is filled twice in one frame
//! means that a key on a path that is read stands twice in one object. Tests:
//! `a_path_is_one_node_however_often_it_is_read`,
//! `the_scan_finds_what_a_reader_of_the_whole_document_finds`.

use std::fmt;

use super::keys::KeyIndex;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// Where a value is found while rules run: how many frames deep, and which slot there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// 0 is the body, 1 the document, 2 and more the rows of fan-outs.
    pub(crate) level: u8,
    /// The slot within that frame.
    pub(crate) slot: u16,
}

/// One step down from a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of an object.
    Key(String),
    /// A key whose name is a setting's value.
    Setting(String),
    /// A place in an array.
    Index(u32),
    /// The element of an array where a key has a text.
    Where(String, String),
    /// Every element of an array.
    Each,
}

/// Rows of an array: the slot that names the first, and what an element is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// The slot in the frame of the array's node: first row and count.
    pub(crate) slot: u16,
    /// The node of one element.
    pub(crate) element: NodeId,
}

/// One place in the documents that are read.
#[derive(Debug)]
pub(crate) struct Node {
    /// The slot for the value that stands here.
    pub(crate) slot: u16,
    /// Which frame layout the slot belongs to.
    frame: usize,
    /// How many frames deep.
    level: u8,
    keys: Vec<(Box<str>, NodeId)>,
    index: KeyIndex,
    /// Keys named by settings: (number of the setting, node).
    pub(crate) settings: Vec<(usize, NodeId)>,
    /// Places in an array.
    pub(crate) places: Vec<(u32, NodeId)>,
    /// Elements chosen by a key's text.
    pub(crate) wheres: Vec<(Box<str>, Box<str>, NodeId)>,
    /// Every element.
    pub(crate) rows: Option<Rows>,
    /// A document may stand here: number of the alternative under `documents.at`.
    pub(crate) document: Option<u8>,
    /// A document may stand here or below.
    pub(crate) holds_document: bool,
}

impl Node {
    fn new(slot: u16, frame: usize, level: u8) -> Self {
        Self {
            slot,
            frame,
            level,
            keys: Vec::new(),
            index: KeyIndex::default(),
            settings: Vec::new(),
            places: Vec::new(),
            wheres: Vec::new(),
            rows: None,
            document: None,
            holds_document: false,
        }
    }

    /// The node below a key that is named in the file.
    pub(crate) fn key(&self, name: &str) -> Option<NodeId> {
        self.index.find(name, &self.keys)
    }

    /// Something below is read if the value is an object.
    pub(crate) fn reads_object(&self) -> bool {
        !self.keys.is_empty() || !self.settings.is_empty()
    }

    /// Attributes are read, or the text beside them: a text alone would be neither.
    pub(crate) fn reads_beside_text(&self) -> bool {
        let beside = |name: &str| name.starts_with('@') || name == "#text";
        self.keys.iter().any(|(name, _)| beside(name))
    }

    /// Something below is read if the value is an array.
    pub(crate) fn reads_array(&self) -> bool {
        self.rows.is_some() || !self.places.is_empty() || !self.wheres.is_empty()
    }

    /// The nodes below in the same frame.
    pub(crate) fn below(&self) -> impl Iterator<Item = NodeId> + '_ {
        let keys = self.keys.iter().map(|(_, node)| *node);
        let settings = self.settings.iter().map(|(_, node)| *node);
        let places = self.places.iter().map(|(_, node)| *node);
        keys.chain(settings).chain(places).chain(self.wheres.iter().map(|(_, _, node)| *node))
    }
}

/// All nodes, frame sizes and names of settings.
pub(crate) struct Trie {
    nodes: Vec<Node>,
    frames: Vec<u16>,
    /// Settings whose values are keys, in the order of [`Node::settings`].
    pub(crate) settings: Vec<String>,
}

impl fmt::Debug for Trie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trie({} nodes)", self.nodes.len())
    }
}

impl Default for Trie {
    fn default() -> Self {
        Self::new()
    }
}

impl Trie {
    /// The slot that links a row to the next one of its array.
    pub(crate) const LINK: u16 = 0;
    /// The root of the body.
    pub(crate) const BODY: NodeId = NodeId(0);
    /// The root of a document.
    pub(crate) const DOCUMENT: NodeId = NodeId(1);

    /// A trie that reads nothing.
    pub(crate) fn new() -> Self {
        // Slot 0 of a frame is its link, slot 1 the element itself.
        let nodes = vec![Node::new(1, 0, 0), Node::new(1, 1, 1)];
        Self { nodes, frames: vec![2, 2], settings: Vec::new() }
    }

    /// A node; numbers come from this trie only, so one is always there.
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    /// How many slots a frame of this node's kind has.
    pub(crate) fn frame_size(&self, id: NodeId) -> u16 {
        let frame = self.node(id).map_or(0, |node| node.frame);
        self.frames.get(frame).copied().unwrap_or(2)
    }

    /// Where the value of a node is found.
    pub(crate) fn address(&self, id: NodeId) -> Address {
        self.node(id).map_or(Address { level: 0, slot: 1 }, |node| Address {
            level: node.level,
            slot: node.slot,
        })
    }

    /// Marks a node as a place where a document may stand.
    pub(crate) fn mark_document(&mut self, id: NodeId, alternative: u8) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.document.get_or_insert(alternative);
        }
        let holds: Vec<bool> = self.nodes.iter().map(|node| self.holds_document(node)).collect();
        for (node, holds) in self.nodes.iter_mut().zip(holds) {
            node.holds_document = holds;
        }
    }

    fn holds_document(&self, node: &Node) -> bool {
        let rows = node.rows.map(|rows| rows.element);
        let mut below = rows.into_iter().chain(node.below()).filter_map(|id| self.node(id));
        node.document.is_some() || below.any(|node| self.holds_document(node))
    }

    /// The node one step below, made if it is not there yet.
    pub(crate) fn step(&mut self, from: NodeId, step: &Step) -> NodeId {
        if let Some(found) = self.find(from, step) {
            return found;
        }
        let Some((frame, level)) = self.node(from).map(|node| (node.frame, node.level)) else {
            return from;
        };
        if *step == Step::Each {
            let slot = self.take_slot(frame);
            let own = self.frames.len();
            self.frames.push(2);
            let element = self.add(Node::new(1, own, level.saturating_add(1)));
            if let Some(node) = self.nodes.get_mut(from.0 as usize) {
                node.rows = Some(Rows { slot, element });
            }
            return element;
        }
        let setting = match step {
            Step::Setting(name) => Some(self.setting(name)),
            Step::Key(_) | Step::Index(_) | Step::Where(..) | Step::Each => None,
        };
        let slot = self.take_slot(frame);
        let child = self.add(Node::new(slot, frame, level));
        let Some(node) = self.nodes.get_mut(from.0 as usize) else { return child };
        match step {
            Step::Key(name) => {
                node.keys.push((name.as_str().into(), child));
                node.index.add(&node.keys);
            }
            Step::Setting(_) => node.settings.extend(setting.map(|number| (number, child))),
            Step::Index(place) => node.places.push((*place, child)),
            Step::Where(key, value) => {
                node.wheres.push((key.as_str().into(), value.as_str().into(), child));
            }
            Step::Each => {}
        }
        child
    }

    fn find(&self, from: NodeId, step: &Step) -> Option<NodeId> {
        let node = self.node(from)?;
        match step {
            Step::Key(name) => node.key(name),
            Step::Setting(name) => {
                let number = self.settings.iter().position(|known| known == name)?;
                node.settings.iter().find(|(known, _)| *known == number).map(|(_, id)| *id)
            }
            Step::Index(place) => {
                node.places.iter().find(|(known, _)| known == place).map(|(_, id)| *id)
            }
            Step::Where(key, value) => {
                let same = |known: &&(Box<str>, Box<str>, NodeId)| {
                    *known.0 == **key && *known.1 == **value
                };
                node.wheres.iter().find(same).map(|(_, _, id)| *id)
            }
            Step::Each => node.rows.map(|rows| rows.element),
        }
    }

    fn setting(&mut self, name: &str) -> usize {
        if let Some(known) = self.settings.iter().position(|known| known == name) {
            return known;
        }
        self.settings.push(name.to_owned());
        self.settings.len() - 1
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    fn take_slot(&mut self, frame: usize) -> u16 {
        let Some(size) = self.frames.get_mut(frame) else { return Self::LINK };
        let slot = *size;
        *size = size.saturating_add(1);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_node_however_often_it_is_read() {
        let mut trie = Trie::new();
        let first = trie.step(Trie::DOCUMENT, &Step::Key("lines".to_owned()));
        let row = trie.step(first, &Step::Each);
        let again = trie.step(Trie::DOCUMENT, &Step::Key("lines".to_owned()));
        assert_eq!(first, again);
        assert_eq!(trie.step(again, &Step::Each), row);
        assert_eq!(trie.address(row), Address { level: 2, slot: 1 });
    }
}
