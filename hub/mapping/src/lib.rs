//! The mapping language: bytes of a system's document ► contribution, and subject ► bytes.
//!
//! parse (with spans) ► check (against the catalogue) ► compile ► run and reverse. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source};
use orderhub_lang::value::Value;
use orderhub_order::catalogue::{FieldId, FieldSet};
use orderhub_order::contribution::{Contribution, Stated};
use orderhub_order::ids::{At, Entity, SystemName};
use orderhub_order::model::Subject;

/// A compiled mapping: one shape of document, both ways.
#[derive(Debug)]
pub struct Mapping {
    /// `shopify.order_rest`
    pub name: String,
    /// What it is about.
    pub entity: Entity,
}

/// What surrounds a document besides its bytes: recorded, so that a replay gives the same.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The account.
    pub system: &'a SystemName,
    /// `[systems.<name>.settings]`.
    pub settings: &'a BTreeMap<String, String>,
    /// Arguments of the operation that fetched the document.
    pub args: &'a BTreeMap<String, Value>,
    /// The subject's order as it stands, for `$hub.` (a recorded fact).
    pub hub: Option<Subject<'a>>,
}

/// What one body gave.
#[derive(Debug)]
pub enum Mapped {
    /// A document.
    Document(Box<Contribution>),
    /// A document that `where:` leaves to others.
    Skipped,
    /// A document that cannot be mapped; its neighbours are not touched.
    Failed(MapError),
}

/// Why a document cannot be mapped: the rule's place and the document's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// A stable cause: `malformed`, `key_missing`, `unknown_value`, `amount_scale`, `currency`, ….
    pub cause: &'static str,
    /// `file:line:column` of the rule, if a rule is to blame.
    pub rule: Option<String>,
    /// Path in the document.
    pub path: String,
    /// A sentence for the operator; personal values masked.
    pub why: String,
    /// The key, where it was readable: a later full document of that key supersedes.
    pub key: Option<String>,
}

/// A mapped-out document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The document's bytes, stable: the same subject gives the same bytes.
    pub bytes: Vec<u8>,
    /// The hub values that went out, for ring and base.
    pub values: Vec<(At, FieldId, Stated)>,
}

/// Why a subject cannot be mapped out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReverseError {
    /// A reference is missing: nothing is sent, code `not_linked`.
    NotLinked(String),
    /// A value cannot be written.
    Failed(MapError),
}

impl Mapping {
    /// Parses, checks and compiles one mapping file. All errors of the file in one run.
    ///
    /// # Errors
    ///
    /// The diagnostics, ordered by place, at least one of them an error.
    pub fn compile(_source: &Arc<Source>, _use_: &Named) -> Result<Mapping, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    /// Maps a body in: one result per document, in order.
    pub fn run(&self, _body: &[u8], _context: &Context<'_>) -> Vec<Mapped> {
        Vec::new()
    }

    /// Maps a subject out.
    ///
    /// # Errors
    ///
    /// See [`ReverseError`].
    pub fn reverse(
        &self,
        _subject: Subject<'_>,
        _context: &Context<'_>,
    ) -> Result<Projection, ReverseError> {
        Err(ReverseError::NotLinked(String::new()))
    }

    /// The hub fields that mapping out reads.
    pub fn reads(&self) -> FieldSet {
        FieldSet::default()
    }
}

/// Named conversion chains of an integration (`use:`).
#[derive(Clone, Debug, Default)]
pub struct Named {}
