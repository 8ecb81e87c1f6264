//! A compiled mapping: what a run does, without names to look up.

use std::sync::Arc;

use orderhub_lang::condition::Test;
use orderhub_lang::diagnostic::Span;
use orderhub_lang::expression::Expression;
use orderhub_lang::path::Segment;
use orderhub_order::catalogue::{FieldId, FieldSet, FieldType};
use orderhub_order::ids::Collection;

use crate::cell::Cell;
use crate::conversions::shell::Commands;
use crate::conversions::{Conversion, Target};
use crate::hub_path::HubPath;
use crate::rules::RuleNo;
use crate::scan::trie::{Address, Trie};

/// The way in.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// What the scan looks for.
    pub(crate) trie: Trie,
    /// `where:` of the document.
    pub(crate) where_: Vec<TestRead>,
    /// The document's key.
    pub(crate) key: Option<KeyRead>,
    /// Other ways to the order.
    pub(crate) parents: Vec<(Option<Box<str>>, InRule)>,
    /// What orders documents.
    pub(crate) revision: Option<InRule>,
    /// The entity's own fields.
    pub(crate) root: Element,
}

/// What is read for one element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Fields, sorted by id.
    pub(crate) fields: Vec<FieldProgram>,
    /// References stated, sorted by kind.
    pub(crate) xrefs: Vec<(Box<str>, InRule)>,
    /// Collections, sorted.
    pub(crate) collections: Vec<CollectionProgram>,
}

/// One hub field and the rules that give it a value, in file order.
#[derive(Debug)]
pub(crate) struct FieldProgram {
    /// The field.
    pub(crate) id: FieldId,
    /// The type of its values.
    pub(crate) ty: FieldType,
    /// Its values never stand in messages.
    pub(crate) personal: bool,
    /// Limits for conversions.
    pub(crate) target: Target,
    /// The first that gives a value counts.
    pub(crate) rules: Vec<Alternative>,
}

/// How a document names the element that a reference field means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RefName {
    /// By that system's id.
    #[default]
    Theirs,
    /// By our id, or our `ref`.
    Ours,
    /// By sku.
    Sku,
}

/// One way to a field's value.
#[derive(Debug)]
pub(crate) enum Alternative {
    /// A rule.
    Whole(InRule, RefName),
    /// An address, part by part; `None`: of parts alone.
    Address(Option<InRule>, Vec<(&'static str, Vec<InRule>)>),
    /// Entries of a map by name.
    Entries(Vec<(Box<str>, InRule)>),
}

/// One rule on the way in.
#[derive(Debug)]
pub(crate) struct InRule {
    /// Its place in the file.
    pub(crate) span: Span,
    /// Its number in the file.
    pub(crate) no: RuleNo,
    /// Must hold, else the rule says nothing.
    pub(crate) where_: Vec<TestRead>,
    /// Where the value comes from.
    pub(crate) input: Given,
    /// Values that mean null.
    pub(crate) none: Vec<Cell<'static>>,
    /// Conversions of one value each.
    pub(crate) each: Vec<Arc<dyn Conversion>>,
    /// Makes one value of many.
    pub(crate) fold: Option<Arc<dyn Conversion>>,
    /// Conversions of the folded value.
    pub(crate) after: Vec<Arc<dyn Conversion>>,
    /// Values beside, for `after`, and for `each` where the input is not a path.
    pub(crate) beside: Vec<Source>,
}

/// Where a rule's value comes from.
#[derive(Debug)]
pub(crate) enum Given {
    /// A constant.
    Constant(Cell<'static>),
    /// The first of these that is not null, with the values beside it.
    First(Vec<(Source, Vec<Source>)>),
    /// Named inputs.
    Named(Vec<Source>),
    /// An expression over named inputs.
    Expression(Vec<(String, Source)>, Arc<dyn Expression>),
}

/// A place to read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In the document.
    Document(Read),
    /// A setting of the system.
    Setting(String),
    /// An argument of the operation that fetched the document.
    Argument(Vec<Segment>),
    /// The hub as it stands.
    Hub(HubPath),
    /// The position of the current row.
    Index,
}

/// A place in the document.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// Slots of rows, from the outside in: a fan-out.
    pub(crate) rows: Vec<Address>,
    /// The slot, in the frames of the innermost row.
    pub(crate) slot: Address,
    /// The path from the document on, `*` for rows.
    pub(crate) text: Box<str>,
}

/// A test of `where:`.
#[derive(Debug)]
pub(crate) struct TestRead {
    /// What is looked at.
    pub(crate) source: Source,
    /// What must hold.
    pub(crate) test: Test,
    /// What means null where it is asked whether there is a value.
    pub(crate) none: Vec<Cell<'static>>,
}

/// How a key is read.
#[derive(Debug)]
pub(crate) enum KeyRead {
    /// By a rule.
    Rule(InRule),
    /// By texts and rules one after another.
    Template(Span, Vec<KeyPiece>),
}

/// A part of a key.
#[derive(Debug)]
pub(crate) enum KeyPiece {
    /// As it stands.
    Text(Box<str>),
    /// A value.
    Value(InRule),
}

/// One collection and the rules that fill it, in file order.
#[derive(Debug)]
pub(crate) struct CollectionProgram {
    /// Which.
    pub(crate) collection: Collection,
    /// The rules.
    pub(crate) sources: Vec<EachProgram>,
}

/// One `each:` on the way in.
#[derive(Debug)]
pub(crate) struct EachProgram {
    /// Its place in the file.
    pub(crate) span: Span,
    /// Its number in the file.
    pub(crate) no: RuleNo,
    /// The rows.
    pub(crate) read: Read,
    /// Which rows count.
    pub(crate) where_: Vec<TestRead>,
    /// The element's key at the system.
    pub(crate) key: Option<KeyRead>,
    /// Our id as it was sent.
    pub(crate) ours: Option<InRule>,
    /// Elements missing here are gone.
    pub(crate) complete: bool,
    /// It may add elements.
    pub(crate) adds: bool,
    /// What is read for one row, or for rows of one key.
    pub(crate) element: Element,
}

/// The way out.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The whole document.
    pub(crate) root: OutElement,
    /// The hub fields that it reads.
    pub(crate) reads: FieldSet,
    /// There is something to write.
    pub(crate) any: bool,
    /// The elements around a document of XML, from the root on.
    pub(crate) around: Vec<String>,
}

/// What is written for one hub element: its rules, and the template that places their values.
#[derive(Debug, Default)]
pub(crate) struct OutElement {
    /// Computed first, each once.
    pub(crate) rules: Vec<OutRule>,
    /// Then written.
    pub(crate) node: OutNode,
}

/// One rule on the way out.
#[derive(Debug)]
pub(crate) struct OutRule {
    /// Its place in the file.
    pub(crate) span: Span,
    /// Its number in the file.
    pub(crate) no: RuleNo,
    /// Settings that must hold.
    pub(crate) where_: Vec<TestRead>,
    /// Where the value comes from.
    pub(crate) input: OutGiven,
    /// What null is written as.
    pub(crate) null: Cell<'static>,
    /// Conversions, in the order in which they are applied on the way out.
    pub(crate) chain: Vec<Arc<dyn Conversion>>,
    /// What is computed of the converted value, called `value`, and of other inputs.
    pub(crate) inverse: Option<Inverse>,
    /// Limits of the field for conversions.
    pub(crate) target: Target,
    /// Every value stands alone at its place (`*` on both sides).
    pub(crate) rows: bool,
    /// Its values never stand in messages.
    pub(crate) personal: bool,
    /// The path in the document, for messages.
    pub(crate) text: Box<str>,
    /// Its expression says what stands in for inputs that are missing.
    pub(crate) stands_in: bool,
    /// Its own `none:` says what is written for nothing.
    pub(crate) own_none: bool,
    /// Only where the value of this rule (an object) is there.
    pub(crate) guard: Option<usize>,
}

/// An expression over a converted value.
#[derive(Debug)]
pub(crate) struct Inverse {
    /// Other inputs by name.
    pub(crate) inputs: Vec<(String, OutSource)>,
    /// The expression.
    pub(crate) expression: Arc<dyn Expression>,
    /// The inputs of the rule's formula that read the place it writes.
    pub(crate) reads: Vec<usize>,
}

/// Where an outgoing value comes from.
#[derive(Debug)]
pub(crate) enum OutGiven {
    /// A constant.
    Constant(Cell<'static>),
    /// The first of these that is not null.
    First(Vec<OutSource>),
    /// Named inputs.
    Named(Vec<OutSource>),
    /// An expression over named inputs.
    Expression(Vec<(String, OutSource)>, Arc<dyn Expression>),
    /// Null where the address is null, an object where it has parts: nothing of its own.
    Object(HubPath),
    /// The element's id at the system; absent while unlinked.
    Key,
    /// Our id of the element.
    Ours,
}

/// A place to read on the hub side.
#[derive(Debug)]
pub(crate) enum OutSource {
    /// In the order.
    Hub(HubPath),
    /// A setting of the system.
    Setting(String),
}

/// One place in the outgoing template.
#[derive(Debug, Default)]
pub(crate) struct OutNode {
    /// Values that may stand here; the first that gives one does.
    pub(crate) leaves: Vec<Leaf>,
    /// Keys of an object, in file order.
    pub(crate) keys: Vec<(OutKey, OutNode)>,
    /// Parts of an array.
    pub(crate) items: Vec<OutItem>,
}

/// A value of a rule: the main one, or one beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// Which rule of the element.
    pub(crate) rule: usize,
    /// Which of its values.
    pub(crate) part: LeafPart,
}

/// Which value of a rule stands at a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafPart {
    /// The main one.
    Main,
    /// One beside it.
    Beside(usize),
    /// One of named values.
    Named(usize),
    /// Null, at a further place that the rule reads: what is empty is empty at all of them, or the next would be
    /// taken for the value. It gives way to what another rule says there.
    Emptied,
}

/// A key of an outgoing object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutKey {
    /// Written in the file.
    Name(KeyName),
    /// A setting's value.
    Setting(String),
}

/// A name of the file, with how it stands in an object: `"name":`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName {
    name: Box<str>,
    /// In its quotes, with its colon.
    pub(crate) written: Box<[u8]>,
}

impl From<&str> for KeyName {
    fn from(name: &str) -> Self {
        let mut written = Vec::with_capacity(name.len() + 3);
        crate::written::text(name, &mut written);
        written.push(b':');
        Self { name: name.into(), written: written.into() }
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl std::ops::Deref for KeyName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

/// A part of an outgoing array.
#[derive(Debug)]
pub(crate) enum OutItem {
    /// One element for each hub element, within commands of the target if there are any.
    Each(HubPath, OutElement, Option<Commands>),
    /// At a place.
    Place(u32, OutNode),
    /// The element where a key has a text or a number.
    Where(Box<str>, Cell<'static>, OutNode),
    /// One for each value of the fan-outs inside.
    Rows(OutNode),
}
