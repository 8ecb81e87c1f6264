//! Loads a folder whose files were read: all of them, with all their mistakes, in one run.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Findings, Severity, Source, Span};
use orderhub_lang::yaml::{self, Budget};
use orderhub_order::ids::{Entity, Role};

use super::read::{Draft, read};
use super::{ConnectorUse, Integration, Loaded, Ordering};
use crate::{Mapping, Named, codes};

/// What the folder's files are called.
const INTEGRATION: &str = "integration.yaml";
const CONNECTOR: &str = "connector.yaml";

impl Integration {
    /// Loads the integration `name` from its files: (name within the folder, text). Files that are not
    /// `.yaml` directly in the folder (samples, tables) are left alone.
    pub fn load(name: &str, files: &[(&str, &str)]) -> Loaded {
        let mut all = Vec::new();
        let source = |file: &str, text: &str| source(name, file, text);
        let find = |wanted: &str| files.iter().find(|(file, _)| *file == wanted);
        let Some((file, text)) = find(INTEGRATION) else {
            let missing = source(INTEGRATION, "");
            let message = format!("`mappings/{name}` has no integration.yaml");
            all.push(Diagnostic::error(codes::FILE, &missing, Span::default(), message));
            return Loaded { integration: None, diagnostics: all };
        };
        let own = source(file, text);
        let mut findings = Findings::new(&own);
        let root = yaml::parse_on(&mut findings, &Budget::default());
        let draft = root.and_then(|root| read(&root, &mut findings));
        let (mappings, seen) = compiled(name, files, draft.as_ref(), &mut all);
        let connector = find(CONNECTOR).map(|(file, text)| source(file, text));
        let integration = draft.and_then(|draft| {
            let check = Check {
                name,
                seen: &seen,
                mappings: &mappings,
                connector: connector.as_ref(),
                findings: &mut findings,
            };
            check.run(&draft);
            Some(Integration {
                name: name.to_owned(),
                role: draft.role?,
                connector: draft.connector?.0,
                intake: draft.intake,
                deliver: draft.deliver,
                reads: draft.reads,
                owns: draft.owns,
                mappings,
                connector_source: connector,
                source: Arc::clone(&own),
            })
        });
        all.extend(findings.into_vec());
        diagnostic::sort(&mut all);
        let failed = all.iter().any(|finding| finding.severity == Severity::Error);
        Loaded { integration: integration.filter(|_| !failed), diagnostics: all }
    }
}

fn source(integration: &str, file: &str, text: &str) -> Arc<Source> {
    Source::new(format!("mappings/{integration}/{file}"), text)
}

/// The mappings of the folder, and the documents that have a file, right or wrong.
fn compiled<'f>(
    name: &str,
    files: &[(&'f str, &str)],
    draft: Option<&Draft>,
    all: &mut Vec<Diagnostic>,
) -> (BTreeMap<String, Arc<Mapping>>, Vec<&'f str>) {
    let named = draft.map(|draft| draft.named.clone()).unwrap_or_default();
    let role = draft.and_then(|draft| draft.role);
    let (mut mappings, mut seen) = (BTreeMap::new(), Vec::new());
    for (file, text) in files {
        let document = file.strip_suffix(".yaml").filter(|stem| !stem.contains('/'));
        let Some(document) = document.filter(|_| ![INTEGRATION, CONNECTOR].contains(file)) else {
            continue;
        };
        seen.push(document);
        match compile(name, document, &source(name, file, text), &named, role) {
            Ok(mapping) => {
                all.extend_from_slice(mapping.warnings());
                mappings.insert(document.to_owned(), Arc::new(mapping));
            }
            Err(more) => all.extend(more),
        }
    }
    (mappings, seen)
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
        return Err(vec![finding.with_hint(format!("write `mapping: {wanted}`"))]);
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
    /// The `connector.yaml` of the folder, if it has one.
    connector: Option<&'c Arc<Source>>,
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
            && self.connector.is_none()
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
            self.fetched_alike(intake, draft.intake.get(..at).unwrap_or_default());
        }
        let mut ids: Vec<&str> = Vec::new();
        for deliver in &draft.deliver {
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
            for document in deliver.reply.all() {
                self.mapping(document, deliver.span);
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

    /// The mapping of a document; reports one that has no file.
    fn mapping(&mut self, document: &str, span: Span) -> Option<Arc<Mapping>> {
        if let Some(mapping) = self.mappings.get(document) {
            return Some(Arc::clone(mapping));
        }
        if !self.seen.contains(&document) {
            let message = format!("there is no `{document}.yaml`");
            let finding = self.findings.error(codes::FILE, span, message);
            let known = self.seen.iter().copied();
            self.findings.report(finding.with_nearest(document, known));
        }
        None
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, hint: &str) {
        let finding = self.findings.error(code, span, message).with_hint(hint);
        self.findings.report(finding);
    }
}
