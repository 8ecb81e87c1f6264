//! The mapping language: bytes of a system's document ► contribution, and subject ► bytes.
//!
//! parse (with spans) ► check (against the catalogue) ► compile ► run and reverse. Pure.
//!
//! **Invariant:** absent, null and value stay apart in both directions, no number becomes a float, and
//! mapping the same bytes twice in one context gives the same. Tests: the cases under
//! `tests/data/mapping`, each run twice, and `src/scan/tests.rs` for the reader of JSON.

mod ast;
mod carries;
pub mod cases;
pub mod causes;
mod cell;
pub mod codes;
mod compile;
mod conversions;
mod converter;
pub mod coverage;
pub mod diff;
pub mod draft;
mod error;
pub mod explain;
pub mod facts;
mod format;
pub mod given;
mod hub_path;
pub mod integration;
pub mod laws;
pub mod library;
mod listing;
mod literal;
pub mod mutate;
pub mod open;
pub mod pages;
mod parse;
mod paths;
mod program;
mod quote;
mod reverse;
mod rules;
mod run;
mod scan;
pub mod view;
pub mod watch;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{self, Budget};
use orderhub_order::catalogue::{FieldId, FieldSet};
use orderhub_order::contribution::{Contribution, Revision, Stated};
use orderhub_order::ids::{At, Entity, SystemName};
use orderhub_order::model::Subject;

pub use ast::Direction;
pub use error::{MapError, Unwritten};
pub use integration::{Integration, Loaded};
pub use rules::{RuleInfo, RuleNo, Way};
pub(crate) use run::{
    checked as run_stated_checked, compute as run_compute, hub_value_of as run_stated,
    means_none as run_means_none,
};

/// A compiled mapping: one shape of document, both ways.
#[derive(Debug)]
pub struct Mapping {
    /// `shopify.order_rest`
    pub name: String,
    /// What it is about.
    pub entity: Entity,
    /// The file: places of rules in errors.
    pub source: Arc<Source>,
    /// The kind of document, `order_rest`.
    document: Arc<str>,
    creates: bool,
    /// `creates:` as the file says it.
    says_creates: Option<bool>,
    none: Vec<cell::Cell<'static>>,
    compiled: compile::Compiled,
    cases: Vec<cases::Case>,
    format: format::Format,
    grouping: Option<format::Grouping>,
    warnings: Vec<Diagnostic>,
    /// As it was read, for tools that change it.
    file: Arc<ast::File>,
}

/// What surrounds a document besides its bytes, and all that a mapping sees besides them. Whoever stores
/// a message keeps with it what was read of this ([`facts`]), so that it can be mapped again as it was.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The account.
    pub system: &'a SystemName,
    /// `[systems.<name>.settings]`.
    pub settings: &'a BTreeMap<String, String>,
    /// Arguments of the operation that fetched the document.
    pub args: &'a BTreeMap<String, Value>,
    /// The subject's order as it stands, for `$hub.`; `None` while it is not known yet: what comes in
    /// on its own. Then `$hub.` paths are absent.
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

impl Mapped {
    /// What it looks up and is not known, for which it cannot be mapped.
    pub fn lacks(&self) -> &[facts::LookupKey] {
        match self {
            Self::Failed(error) => &error.lacks.keys,
            Self::Document(_) | Self::Skipped => &[],
        }
    }
}

/// A mapped-out document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The document's bytes, stable: the same subject gives the same bytes.
    pub bytes: Vec<u8>,
    /// What they are on the wire: `application/json`, `text/csv; charset=windows-1252`.
    pub media: Cow<'static, str>,
    /// The hub values that went out, for ring and base.
    pub values: Vec<(At, FieldId, Stated)>,
}

/// Why a subject cannot be mapped out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReverseError {
    /// A reference is missing: nothing is sent, code `not_linked`. Names its kind.
    NotLinked(String),
    /// A value cannot be written.
    Failed(Box<Unwritten>),
}

impl Mapping {
    /// Parses, checks and compiles one mapping file. All errors of the file in one run.
    ///
    /// # Errors
    ///
    /// The diagnostics, ordered by place. There are none where all that is wrong is in files that it shares
    /// with others: that is told there.
    pub fn compile(source: &Arc<Source>, named: &Named) -> Result<Mapping, Vec<Diagnostic>> {
        let mut findings = Findings::new(source);
        let Some(root) = yaml::parse_on(&mut findings, &Budget::default()) else {
            return Err(findings.into_vec());
        };
        let mut reader = parse::Reader::new(&mut findings, named.clone());
        let file = reader.file(&root);
        let judged = reader.unjudged == 0;
        let mapping = file.and_then(|file| Mapping::of(file, &mut findings));
        match findings.into_result(mapping.filter(|_| judged)) {
            Ok((mapping, found)) => {
                Ok(Mapping { warnings: library::told_where_included(found), ..mapping })
            }
            Err(found) => Err(library::told_where_included(found)),
        }
    }

    /// What is probably not meant, and does not stop it.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Checks and compiles a file that was read; what it includes stands in it, and in the source of the
    /// findings.
    pub(crate) fn of(mut file: ast::File, findings: &mut Findings) -> Option<Mapping> {
        let rules = rules::number(&mut file);
        let compiled = compiled(&file, rules, findings);
        let name = file.name.clone()?;
        let document = name.is.rsplit('.').next().unwrap_or_default();
        Some(Mapping {
            document: document.into(),
            entity: file.entity,
            source: Arc::clone(findings.source()),
            creates: file.creates.unwrap_or(file.entity == Entity::Order),
            says_creates: file.creates,
            none: file.none.clone(),
            compiled,
            cases: file.cases.clone(),
            format: file.format.clone(),
            grouping: file.grouping.clone(),
            name: name.is,
            warnings: Vec::new(),
            file: Arc::new(file),
        })
    }

    /// Maps a body in: one result per document, in order.
    pub fn run(&self, body: &[u8], context: &Context<'_>) -> Vec<Mapped> {
        run::run(self, body, context, (&facts::NoFacts, None))
    }

    /// Maps a subject out.
    ///
    /// # Errors
    ///
    /// See [`ReverseError`].
    pub fn reverse(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Projection, ReverseError> {
        reverse::reverse(self, subject, context, None)
    }

    /// Maps a body in, with what was looked up for it, while somebody watches: slower, and the same otherwise.
    pub fn watch_in(
        &self,
        body: &[u8],
        context: &Context<'_>,
        facts: &dyn facts::Facts,
        watch: &dyn watch::Watch,
    ) -> Vec<Mapped> {
        run::run(self, body, context, (facts, Some(watch)))
    }

    /// Maps a subject out while somebody watches.
    ///
    /// # Errors
    ///
    /// See [`ReverseError`].
    pub fn watch_out(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
        watch: &dyn watch::Watch,
    ) -> Result<Projection, ReverseError> {
        reverse::reverse(self, subject, context, Some(watch))
    }

    /// The hub fields that mapping out reads.
    pub fn reads(&self) -> FieldSet {
        self.compiled.output.reads
    }

    /// The system paths that mapping in reads: `{fields}` of a connector.
    pub fn paths(&self) -> &[String] {
        &self.compiled.paths
    }

    /// The places of a body that may be shown to people who look at traffic.
    pub fn open(&self) -> open::Open {
        let paths = open::paths(&self.compiled.input);
        open::Open { roots: self.compiled.roots.clone(), paths }
    }

    /// The names of the settings that it reads.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.compiled.settings.iter().map(|(name, _)| name.as_str())
    }

    /// The names of those that a system must set: the others are only asked for, or read where they are there.
    pub fn needed_settings(&self) -> impl Iterator<Item = &str> {
        self.settings().filter(|name| !self.compiled.optional.contains(*name))
    }

    /// The kind of document: `order_rest`.
    pub fn document(&self) -> &Arc<str> {
        &self.document
    }

    /// Its bodies are UTF-8, whatever they say of themselves.
    pub fn is_utf8(&self) -> bool {
        self.format.is_utf8()
    }

    /// Whether it is written as JSON.
    pub fn is_json(&self) -> bool {
        matches!(self.format, format::Format::Json)
    }

    /// Where the documents of an alternative stand in a body.
    pub(crate) fn root(&self, alternative: Option<u8>) -> &str {
        let at = self.compiled.roots.get(usize::from(alternative.unwrap_or_default()));
        at.map(String::as_str).unwrap_or_default()
    }

    /// Documents carry a key: it can map what comes in on its own.
    pub fn has_key(&self) -> bool {
        self.compiled.input.key.is_some()
    }

    /// Documents carry a revision.
    pub fn has_revision(&self) -> bool {
        self.compiled.input.revision.is_some()
    }

    /// A moment as its documents write their revisions, for listings that are asked for what changed
    /// since then; `None`: they do not write times.
    pub fn revision_at(&self, at: jiff::Timestamp) -> Option<Value> {
        let rule = self.compiled.input.revision.as_ref()?;
        let whole = rule.fold.is_none() && rule.after.is_empty() && !rule.each.is_empty();
        let mut cell = cell::Cell::Timestamp(at);
        for conversion in rule.each.iter().rev().filter(|_| whole) {
            if !conversion.two_way() {
                return None;
            }
            cell = conversion.put(cell, conversions::Target::default()).ok()?.main;
        }
        let written = !matches!(cell, cell::Cell::Timestamp(_)) && cell.is_value();
        written.then(|| cell.to_lang())
    }

    /// The revision that a value is, which stands elsewhere than in a document, as in a listing; `None`: it is none, or
    /// documents have none that can be told by one value.
    pub fn revision_of(&self, value: Value) -> Option<Revision> {
        let rule = self.compiled.input.revision.as_ref()?;
        if rule.fold.is_some() || !rule.after.is_empty() {
            return None;
        }
        let target = conversions::Target { is_revision: true, ..conversions::Target::default() };
        let mut cell = Some(cell::Cell::from_lang(value)).filter(cell::Cell::is_value)?;
        for conversion in &rule.each {
            cell = conversion.get(cell, &[], target).ok().filter(cell::Cell::is_value)?;
        }
        run::revision(&cell)
    }

    /// It can map a subject out.
    pub fn goes_out(&self) -> bool {
        self.compiled.output.any
    }

    /// Its cases.
    pub fn cases(&self) -> &[cases::Case] {
        &self.cases
    }

    /// Every rule, by number ([`RuleNo`]).
    pub fn rules(&self) -> &[RuleInfo] {
        &self.compiled.rules
    }

    /// One rule; `None`: it is no rule of the file.
    pub fn rule(&self, no: RuleNo) -> Option<&RuleInfo> {
        self.compiled.rules.get(usize::from(no.0))
    }
}

/// Compiles a file. Of a file about nobody knows what, only that is said which holds for every entity.
fn compiled(file: &ast::File, rules: Vec<RuleInfo>, findings: &mut Findings) -> compile::Compiled {
    if file.known_entity {
        return compile::compile(file, rules, findings);
    }
    let mut apart = Findings::new(findings.source());
    let compiled = compile::compile(file, rules, &mut apart);
    let anyhow = |code: &str| {
        let own = [codes::SYSTEM_PATH, codes::WHERE, codes::CONVERSION, codes::OPTION];
        code.starts_with('L') || own.contains(&code)
    };
    findings.extend(apart.into_vec().into_iter().filter(|finding| anyhow(finding.code)));
    compiled
}

/// The names of the conversions, for editors.
pub fn conversion_names() -> Vec<&'static str> {
    conversions::names().collect()
}

/// What a file may name besides its own: the conversion chains of its integration (`use:`), groups of rules
/// and tables.
#[derive(Clone, Debug, Default)]
pub struct Named {
    pub(crate) chains: Arc<BTreeMap<String, ast::Chain>>,
    /// Names whose chain is wrong, which was told where it stands.
    pub(crate) wrong: Arc<BTreeSet<String>>,
    /// The file with the names could not be read: any name may be one of them.
    pub(crate) unread: bool,
    /// Groups of rules and tables.
    pub(crate) library: Arc<library::Library>,
    /// The integration's cached reads, each with how many arguments it has; `None`: nobody knows them.
    pub(crate) reads: Option<Arc<BTreeMap<String, usize>>>,
    /// The folder whose `tables` are meant, below the mappings folder.
    pub(crate) folder: Arc<str>,
}
