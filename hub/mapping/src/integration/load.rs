//! Loads a folder whose files were read: all of them, with all their mistakes, in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Findings, Severity, Source, Span};
use orderhub_lang::yaml::{self, Budget};
use orderhub_order::ids::{Entity, Role};

use super::read::{Draft, read};
use super::{ConnectorUse, IntakeFrom, Integration, Loaded, Ordering, SendFields};
use crate::library::{COMMON, Library};
use crate::{Mapping, Named, codes};

/// What the folder's files are called.
const INTEGRATION: &str = "integration.yaml";
const CONNECTOR: &str = "connector.yaml";

/// The files of an integration, read.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'p> {
    /// Names within the folder and what they hold. What is not `.yaml` directly in the folder (samples,
    /// tables) is left alone.
    pub files: &'p [(&'p str, Arc<Source>)],
    /// Names of files that are there and could not be read, which was told.
    pub unread: &'p [&'p str],
    /// What all folders share, and this one's tables.
    pub library: &'p Arc<Library>,
}

impl Integration {
    /// Loads the integration `name` from texts of its files: (name within the folder, text); those below
    /// `common/` are what all folders share.
    pub fn load(name: &str, files: &[(&str, &str)]) -> Loaded {
        let path = |file: &str| match file.split_once('/') {
            Some((COMMON, _)) => file.to_owned(),
            _ => format!("{name}/{file}"),
        };
        let made = |(file, text): &(&str, &str)| {
            (path(file), Source::new(format!("mappings/{}", path(file)), *text))
        };
        let all: Vec<(String, Arc<Source>)> = files.iter().map(made).collect();
        let all: Vec<(&str, Arc<Source>)> =
            all.iter().map(|(path, source)| (path.as_str(), Arc::clone(source))).collect();
        let (library, found) = Library::load(&all, &BTreeSet::new());
        let prefix = format!("{name}/");
        let own = |(path, source): &(&'_ str, Arc<Source>)| {
            Some((path.strip_prefix(prefix.as_str())?.to_owned(), Arc::clone(source)))
        };
        let own: Vec<(String, Arc<Source>)> = all.iter().filter_map(own).collect();
        let own: Vec<(&str, Arc<Source>)> =
            own.iter().map(|(file, source)| (file.as_str(), Arc::clone(source))).collect();
        let mut loaded = Self::of(name, &Parts { files: &own, unread: &[], library: &library });
        loaded.diagnostics.extend(found);
        diagnostic::sort(&mut loaded.diagnostics);
        diagnostic::distinct(&mut loaded.diagnostics);
        loaded
    }

    /// Loads the integration `name` from its files.
    pub fn of(name: &str, parts: &Parts<'_>) -> Loaded {
        let mut all = Vec::new();
        let find = |wanted: &str| parts.files.iter().find(|(file, _)| *file == wanted);
        let connector = find(CONNECTOR).map(|(_, source)| Arc::clone(source));
        let mut named = parts.library.named(name);
        let mut draft = None;
        let mut own = None;
        if let Some((_, source)) = find(INTEGRATION) {
            let mut findings = Findings::new(source);
            let root = yaml::parse_on(&mut findings, &Budget::default());
            draft = root.and_then(|root| read(&root, &named, &mut findings));
            own = Some(findings);
        } else if !parts.unread.contains(&INTEGRATION) {
            let missing = Source::new(format!("mappings/{name}/{INTEGRATION}"), "");
            let message = format!("`mappings/{name}` has no integration.yaml");
            let finding = Diagnostic::error(codes::FILE, &missing, Span::default(), message);
            all.push(finding.with_hint(format!(
                "write one: `orderhub: 1`, `integration: {name}`, `role: …`, `connector: declared`, and in `intake:` what comes in; \
                 a folder that is no integration stands outside the mappings folder"
            )));
        }
        match &draft {
            Some(draft) => {
                let reads = draft.reads.iter().map(|(name, read)| (name.clone(), read.args.len()));
                named = Named { reads: Some(Arc::new(reads.collect())), ..draft.named.clone() };
            }
            None => named.unread = true,
        }
        let role = draft.as_ref().and_then(|draft| draft.role);
        let Compiled { mappings, seen, failed } =
            Compiled::new(name, parts, &named, role, &mut all);
        let mut integration = None;
        if let Some(mut findings) = own {
            let source = Arc::clone(findings.source());
            if let Some(draft) = draft {
                let declared = connector.is_some() || parts.unread.contains(&CONNECTOR);
                let (seen, mappings, findings) = (&seen, &mappings, &mut findings);
                Check { name, seen, mappings, declared, findings }.run(&draft);
                integration = draft.integration(name, source);
            }
            all.extend(findings.into_vec());
        }
        diagnostic::sort(&mut all);
        let wrong = all.iter().any(|finding| finding.severity == Severity::Error);
        let whole = !wrong && !failed && parts.unread.is_empty();
        let sound = mappings.clone();
        let filled =
            |integration| Integration { mappings, connector_source: connector, ..integration };
        let integration = integration.filter(|_| whole).map(filled);
        Loaded { integration, mappings: sound, named, diagnostics: all }
    }
}

impl Draft {
    /// The integration, its mappings and its connector's file to be filled in.
    fn integration(self, name: &str, source: Arc<Source>) -> Option<Integration> {
        Some(Integration {
            name: name.to_owned(),
            role: self.role?,
            connector: self.connector?.0,
            intake: self.intake,
            deliver: self.deliver,
            reads: self.reads,
            owns: self.owns,
            mappings: BTreeMap::new(),
            connector_source: None,
            source,
        })
    }
}

/// The mappings of a folder.
struct Compiled<'p> {
    mappings: BTreeMap<String, Arc<Mapping>>,
    /// The documents that have a file, right or wrong.
    seen: Vec<&'p str>,
    /// One of them cannot be used.
    failed: bool,
}

impl<'p> Compiled<'p> {
    fn new(
        name: &str,
        parts: &Parts<'p>,
        named: &Named,
        role: Option<Role>,
        all: &mut Vec<Diagnostic>,
    ) -> Self {
        let document = |file: &'p str| {
            let stem = file.strip_suffix(".yaml").filter(|stem| !stem.contains('/'));
            stem.filter(|_| ![INTEGRATION, CONNECTOR].contains(&file))
        };
        let seen = parts.unread.iter().filter_map(|file| document(file)).collect();
        let mut compiled = Self { mappings: BTreeMap::new(), seen, failed: false };
        for (file, source) in parts.files {
            let Some(document) = document(file) else { continue };
            compiled.seen.push(document);
            match compile(name, document, source, named, role) {
                Ok(mapping) => {
                    all.extend_from_slice(mapping.warnings());
                    compiled.mappings.insert(document.to_owned(), Arc::new(mapping));
                }
                Err(more) => {
                    compiled.failed = true;
                    all.extend(more);
                }
            }
        }
        compiled
    }
}

/// One mapping of the folder; its name is the folder's and the file's.
fn compile(
    integration: &str,
    document: &str,
    source: &Arc<Source>,
    named: &Named,
    role: Option<Role>,
) -> Result<Mapping, Vec<Diagnostic>> {
    let mut mapping = Mapping::compile(source, named)?;
    let wanted = format!("{integration}.{document}");
    if mapping.name != wanted {
        let at = source.text.find(&mapping.name).unwrap_or_default();
        let span = Span::new(at, at + mapping.name.len());
        let message = format!("this file holds `{wanted}`, not `{}`", mapping.name);
        let finding = Diagnostic::error(codes::NAME, source, span, message);
        // A name with a blank is one that a file manager gave a copy.
        return Err(vec![match document.contains(char::is_whitespace) {
            true => finding
                .with_hint("rename the file, or delete it: no document has a blank in its name"),
            false => finding.with_hint(format!("write `mapping: {wanted}`")),
        }]);
    }
    let channel = role == Some(Role::Channel) && mapping.entity == Entity::Order;
    mapping.creates = mapping.says_creates.unwrap_or(channel);
    Ok(mapping)
}

/// Whether the parts of an integration fit each other.
struct Check<'c, 'f> {
    name: &'c str,
    /// Documents that have a file, right or wrong.
    seen: &'c [&'c str],
    mappings: &'c BTreeMap<String, Arc<Mapping>>,
    /// The folder has a `connector.yaml`.
    declared: bool,
    findings: &'f mut Findings,
}

impl Check<'_, '_> {
    fn run(mut self, draft: &Draft) {
        if let Some((name, span)) = &draft.name
            && name != self.name
        {
            let message = format!("the folder is `{}`, not `{name}`", self.name);
            self.error(codes::NAME, *span, message, &format!("write `integration: {}`", self.name));
        }
        if let Some((ConnectorUse::Declared, span)) = &draft.connector
            && !self.declared
        {
            let message = "a declared connector needs a connector.yaml in this folder";
            self.error(
                codes::FILE,
                *span,
                message,
                "add it, or name the folder whose connector.yaml is shared: `connector: rest_wms`",
            );
        }
        for (at, intake) in draft.intake.iter().enumerate() {
            self.intake(intake);
            let before = draft.intake.get(..at).unwrap_or_default();
            self.fetched_alike(intake, before);
            self.polled_alike(intake, before);
        }
        let mut ids: Vec<&str> = Vec::new();
        for (at, deliver) in draft.deliver.iter().enumerate() {
            self.nothing_and_something(deliver, draft.deliver.get(..at).unwrap_or_default());
            if ids.contains(&deliver.id.as_str()) {
                let message = format!("`{}` is there twice", deliver.id);
                let hint = "remove one: a deliver rule is known by its event and its operation";
                self.error(codes::TWICE, deliver.span, message, hint);
            }
            ids.push(&deliver.id);
            for document in deliver.with.all() {
                if let Some(mapping) = self.mapping(document, deliver.span)
                    && !mapping.goes_out()
                {
                    let message = format!("no rule of `{document}` goes out");
                    let hint = "`with:` maps the subject out; `reply:` maps what came back";
                    self.error(codes::INTEGRATION, deliver.span, message, hint);
                }
            }
            self.sent_in_part(deliver);
            for document in deliver.reply.all() {
                self.mapping(document, deliver.span);
            }
        }
    }

    /// `do: none` says that nothing is done at an event: no other entry may do something there.
    fn nothing_and_something(&mut self, deliver: &super::Deliver, before: &[super::Deliver]) {
        let is_nothing = |entry: &super::Deliver| entry.operation.all().next().is_none();
        let other = |entry: &&super::Deliver| {
            entry.on == deliver.on && is_nothing(entry) != is_nothing(deliver)
        };
        if before.iter().any(|entry| other(&entry)) {
            let message = format!("`{}` has `do: none` and an operation", deliver.on);
            let hint = "take the entry with `do: none` out, or those that do something";
            self.error(codes::INTEGRATION, deliver.span, message, hint);
        }
    }

    /// What changed is found in documents of fields.
    fn sent_in_part(&mut self, deliver: &super::Deliver) {
        if deliver.send != SendFields::Changed {
            return;
        }
        if deliver.with.all().next().is_none() {
            let message = "`send: changed` needs a `with:`: there is no document to compare";
            let hint = "add `with:`, or write `send: all`";
            self.error(codes::INTEGRATION, deliver.span, message, hint);
        }
        for document in deliver.with.all() {
            let whole = self.mappings.get(document).is_some_and(|mapping| !mapping.is_json());
            if whole {
                let message =
                    format!("`send: changed`: `{document}` is no JSON, and is sent whole");
                self.error(codes::INTEGRATION, deliver.span, message, "write `send: all`");
            }
        }
    }

    fn intake(&mut self, intake: &super::Intake) {
        if intake.documents.is_empty() {
            let message = "an intake names the document that it brings";
            self.error(codes::INTEGRATION, intake.span, message, "add `document: order`");
        }
        for document in &intake.documents {
            let Some(mapping) = self.mapping(document, intake.span) else { continue };
            if !mapping.has_key() {
                let message = format!("`{document}` comes in on its own and has no `key:`");
                self.error(codes::KEY, intake.span, message, "add a key to the mapping");
            }
            if intake.ordering == Ordering::Revision && !mapping.has_revision() {
                let message = format!("`{document}` is ordered by revision and has no `revision:`");
                let hint = "add `revision: { system: updated_at, as: timestamp }` to the mapping";
                self.error(codes::INTEGRATION, intake.span, message, hint);
            }
            let sweeps = matches!(&intake.from, IntakeFrom::Poll(poll) if poll.newer.is_some());
            if sweeps && !mapping.has_revision() {
                let message = format!("`newer` compares revisions, and `{document}` has none");
                let hint = "add `revision: { system: updated_at, as: timestamp }` to the mapping, or leave it out";
                self.error(codes::INTEGRATION, intake.span, message, hint);
            }
            // A revision always counts: an entry that says otherwise would not be believed.
            let orders = matches!(intake.ordering, Ordering::Queue | Ordering::Commutative);
            if orders && mapping.has_revision() {
                let message = format!("`{document}` has a `revision:`, which is what orders it");
                let hint = "write `ordering: revision`, or take `revision:` out of the mapping";
                self.error(codes::INTEGRATION, intake.span, message, hint);
            }
        }
    }

    /// A document is known by its kind and its arguments, whatever hinted at it: one way to fetch it.
    fn fetched_alike(&mut self, intake: &super::Intake, before: &[super::Intake]) {
        let (Some(fetch), Some(document)) = (intake.from.fetch(), intake.documents.first()) else {
            return;
        };
        let other = before.iter().find_map(|other| {
            let alike = other.documents.first() == Some(document);
            other.from.fetch().filter(|other| alike && other.operation != fetch.operation)
        });
        if let Some(other) = other {
            let message = format!(
                "`{document}` is fetched by `{}` above, and by `{}` here",
                other.operation, fetch.operation
            );
            let hint =
                "fetch it by one operation, or map the other's answer by a document of its own";
            self.error(codes::INTEGRATION, intake.span, message, hint);
        }
    }

    /// A document has one listing, and one beside it that only looks for what is newer than what the hub has: how far it was
    /// read is kept by the document's name.
    fn polled_alike(&mut self, intake: &super::Intake, before: &[super::Intake]) {
        let IntakeFrom::Poll(poll) = &intake.from else { return };
        let document = intake.documents.first();
        let sweeps = poll.newer.is_some();
        let alike = |other: &super::Intake| {
            let same =
                matches!(&other.from, IntakeFrom::Poll(other) if other.newer.is_some() == sweeps);
            same && other.documents.first() == document
        };
        if let (Some(document), true) = (document, before.iter().any(alike)) {
            let message =
                format!("`{document}` is polled above; `{}` would never be called", poll.operation);
            let hint = "list both in one operation, map the other's documents by a document of its own, or say by `newer:` that it only looks for what the hub does not have";
            self.error(codes::INTEGRATION, intake.span, message, hint);
        }
    }

    /// The mapping of a document; reports one that has no file.
    fn mapping(&mut self, document: &str, span: Span) -> Option<Arc<Mapping>> {
        if let Some(mapping) = self.mappings.get(document) {
            return Some(Arc::clone(mapping));
        }
        if !self.seen.contains(&document) {
            let message = format!("there is no `{document}.yaml`");
            let finding = self.findings.error(codes::FILE, span, message);
            let known = self.seen.iter().copied();
            let finding = finding.with_nearest(document, known);
            let finding = match finding.hint {
                Some(_) => finding,
                None => finding.with_hint(format!(
                    "write `{document}.yaml` beside this file: `mapping: {}.{document}`, `key: …`, `fields: …`; `orderhub mapping new` drafts it from samples",
                    self.name
                )),
            };
            self.findings.report(finding);
        }
        None
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, hint: &str) {
        let finding = self.findings.error(code, span, message).with_hint(hint);
        self.findings.report(finding);
    }
}
