//! From files and settings to a bundle: every folder is compiled and checked, all findings in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_connectors::contract::{Connector, OperationKind};
use orderhub_connectors::declared;
use orderhub_lang::codes;
use orderhub_lang::diagnostic::{self, Diagnostic, Severity, Source};
use orderhub_lang::yaml::source_from_bytes;
use orderhub_mapping::cases::{missing, silent};
use orderhub_mapping::codes as mapping_codes;
use orderhub_mapping::integration::{
    ConnectorUse, Integration, OperationFacts, OperationUse, SystemShape, SystemShapes,
};
use orderhub_mapping::laws;
use orderhub_mapping::library::{Folder, Library};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Entity, SystemName};
use orderhub_order::rules::{OperationKind as Kind, SystemRules};
use rayon::prelude::*;

use super::check::{check, find};
use super::system::{System, needs};
use super::{Bundle, BundleError, Files, cores, facts, files, given, queues};
use crate::config::{self, Config};
use crate::events;

/// What the files are, before settings say which systems there are.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    flow: Option<Flow>,
    ownership: Option<Ownership>,
    integrations: BTreeMap<String, Arc<Integration>>,
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    /// Connectors that are there and wrong.
    unjudged: BTreeSet<String>,
    library: Arc<Library>,
    findings: Vec<Diagnostic>,
}

/// Compiles and checks everything.
pub(super) fn bundle(files: &Files, config: &Config) -> Result<Bundle, BundleError> {
    with_settings(files, compile(files, &BTreeSet::new()), config)
}

/// Everything that can be found without running anything: what keeps the files from being used, what
/// probably is not meant, and what cases name and is not there. `unread` are files that could not be read.
pub(super) fn check_all(
    files: &Files,
    unread: &BTreeSet<String>,
    config: &Config,
) -> Result<Vec<Diagnostic>, BundleError> {
    let compiled = compile(files, unread);
    let mut beside = compiled.cases(files, unread);
    beside.extend(files::unread_by_name(files));
    let mut found = match with_settings(files, compiled, config) {
        Ok(bundle) => bundle.warnings,
        Err(BundleError::Files(found)) => found,
        Err(error) => return Err(error),
    };
    found.extend(beside);
    diagnostic::sort(&mut found);
    Ok(found)
}

/// A bundle of other days, to map what it mapped: of the systems of these settings those that its files speak to,
/// whatever else they lack.
pub(super) fn former(files: &Files, config: &Config) -> Result<Bundle, BundleError> {
    assembled(files, compile(files, &BTreeSet::new()), config).map(|(bundle, _)| bundle)
}

/// The `deliver:` of the systems of these settings by files that this program may take for wrong; `None`: that of some
/// system cannot be read. Of operations nothing is said but their names.
pub(super) fn entries(files: &Files, config: &Config) -> Option<BTreeMap<SystemName, SystemRules>> {
    let compiled = compile(files, &BTreeSet::new());
    let any =
        OperationFacts { kind: OperationUse::Write(Kind::State), entity: None, creates: false };
    let mut rules = BTreeMap::new();
    for (name, settings) in &config.systems {
        let folder = &settings.integration;
        let Some(integration) = compiled.integrations.get(folder) else {
            if files.contains_key(&format!("{folder}/integration.yaml")) {
                return None;
            }
            continue;
        };
        let known = |_: &str| Some(any.clone());
        let (unit, mode) = (settings.unit.as_str().into(), settings.mode.into());
        rules.insert(name.clone(), integration.system_rules(&known, Vec::new(), unit, mode));
    }
    Some(rules)
}

/// The connectors that folders have of their own, whatever is wrong with the files beside them.
pub(super) fn connectors(
    files: &Files,
) -> Result<BTreeMap<String, Arc<dyn Connector>>, BundleError> {
    let mut compiled = Compiled::default();
    compiled.connect(&Bundle::folder(files, &BTreeSet::new()));
    let found = compiled.findings.into_iter();
    let mut errors: Vec<_> = found.filter(|one| one.severity == Severity::Error).collect();
    if errors.is_empty() {
        return Ok(compiled.connectors);
    }
    diagnostic::sort(&mut errors);
    Err(BundleError::Files(errors))
}

fn with_settings(
    files: &Files,
    compiled: Compiled,
    config: &Config,
) -> Result<Bundle, BundleError> {
    match assembled(files, compiled, config)? {
        (bundle, problems) if problems.is_empty() => Ok(bundle),
        (_, problems) => Err(BundleError::Settings(problems.join("\n"))),
    }
}

/// The bundle, and in what settings and files disagree.
fn assembled(
    files: &Files,
    mut compiled: Compiled,
    config: &Config,
) -> Result<(Bundle, Vec<String>), BundleError> {
    diagnostic::sort(&mut compiled.findings);
    if compiled.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(BundleError::Files(compiled.findings));
    }
    let (mut systems, mut rules) = (BTreeMap::new(), BTreeMap::new());
    let (mut shapes, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, settings) in &config.systems {
        let Some((integration, connector)) = compiled.integration(&settings.integration) else {
            problems.push(unknown(name, &settings.integration, &compiled));
            continue;
        };
        let needed = connector.needs_of(&|operation| integration.uses(operation));
        problems.extend(needs(name, settings, &integration, &needed));
        problems.extend(limits(name, settings, connector.as_ref()));
        rules.insert(name.clone(), system_rules(&integration, connector.as_ref(), settings));
        let system = System::new(name.clone(), settings, &integration, connector);
        let shape = SystemShape { integration, settings: Arc::clone(&system.settings) };
        shapes.insert(name.clone(), shape);
        systems.insert(name.clone(), system);
    }
    if let Some((system, listens)) = config.bus.as_ref().and_then(events::system) {
        rules.insert(system.name.clone(), listens);
        systems.insert(system.name.clone(), system);
    }
    problems.extend(queues::problems(config, &systems));
    let judging = files::judging(files, rules.iter()).into();
    let bundle = Bundle {
        hash: files::hash(files).into(),
        flow: compiled.flow.unwrap_or_else(Flow::embedded),
        ownership: compiled.ownership.unwrap_or_else(Ownership::embedded),
        rules,
        systems,
        shapes: Box::new(SystemShapes::new(shapes)),
        warnings: compiled.findings,
        gone: Vec::new(),
        judging,
    };
    Ok((bundle, problems))
}

impl Compiled {
    /// Files that cases name and that are not there, and what stands at the head of a mapping and no case shows. They change
    /// nothing that runs; those of an integration with other errors are looked for once those are mended.
    fn cases(&self, files: &Files, unread: &BTreeSet<String>) -> Vec<Diagnostic> {
        // Each folder looks at its own files alone: a look at all for each takes longer the more there are.
        let below = |folder: &str| -> BTreeSet<&str> {
            let before = format!("{folder}/");
            let read = files.range(before.clone()..).map(|(file, _)| file);
            let read = read.map_while(|file| file.strip_prefix(&before));
            let unread = unread.range(before.clone()..);
            read.chain(unread.map_while(|file| file.strip_prefix(&before))).collect()
        };
        let mut found = Vec::new();
        for (name, integration) in &self.integrations {
            let names = below(name);
            let sample = |sample: &str| files.get(&format!("{name}/{sample}")).cloned();
            let mappings = integration.mappings.values();
            found.extend(mappings.flat_map(|mapping| {
                let silent = silent(mapping, &sample);
                missing(mapping, &names).into_iter().chain(silent)
            }));
        }
        let files = below("common");
        found.extend(self.library.mappings().flat_map(|(_, group)| missing(group, &files)));
        found
    }

    fn integration(&self, name: &str) -> Option<(Arc<Integration>, Arc<dyn Connector>)> {
        let integration = self.integrations.get(name)?;
        let connector = self.connectors.get(name)?;
        Some((Arc::clone(integration), Arc::clone(connector)))
    }
}

fn unknown(name: &SystemName, integration: &str, compiled: &Compiled) -> String {
    let known = compiled.integrations.keys().map(String::as_str);
    let near = diagnostic::nearest(integration, known);
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!(
        "`[systems.{name}] integration` is `{integration}`, but `mappings/` has no such folder with an \
         integration.yaml{hint}"
    )
}

/// Limits of the settings that lower nothing, because the connector has none of that name.
fn limits(name: &SystemName, settings: &config::System, connector: &dyn Connector) -> Vec<String> {
    let declared: Vec<&str> = connector.limits().iter().map(|limit| limit.name.as_str()).collect();
    let unknown = settings
        .limits
        .keys()
        .filter(|limit| !declared.contains(&limit.as_str()) && limit.as_str() != "default");
    let problem = |limit: &String| {
        let near = diagnostic::nearest(limit, declared.iter().copied().chain(["default"]));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!(
            "`[systems.{name}.limits]` names `{limit}`, which its connector does not declare{hint}"
        )
    };
    unknown.map(problem).collect()
}

/// The exceptions of a folder; those of this build where it has none, or none that can be read.
pub(super) fn ownership(files: &Files) -> Ownership {
    let path = "hub/ownership.yaml";
    let source = files.get(path).and_then(|bytes| source_from_bytes(path, bytes).ok());
    source.and_then(|source| Ownership::parse(&source).ok()).unwrap_or_else(Ownership::embedded)
}

fn compile(files: &Files, unread: &BTreeSet<String>) -> Compiled {
    cores::run(|| compile_here(files, unread))
}

fn compile_here(files: &Files, unread: &BTreeSet<String>) -> Compiled {
    let folder = Folder::load(files, unread);
    let mut compiled = Compiled { findings: folder.findings(), ..Compiled::default() };
    compiled.hub(&folder.hub);
    compiled.connect(&folder);
    for (name, loaded) in folder.integrations {
        compiled.integrations.extend(loaded.integration.map(|found| (name, Arc::new(found))));
    }
    compiled.share();
    let flow = compiled.flow.take().unwrap_or_else(Flow::embedded);
    let integrations: Vec<_> = compiled.integrations.values().map(Arc::clone).collect();
    for integration in &integrations {
        if let Some(connector) = compiled.connectors.get(&integration.name) {
            let found = check(integration, connector.as_ref(), &flow);
            compiled.findings.extend(found);
            compiled.findings.extend(facts::waiting_replies(integration));
        }
    }
    compiled.flow = Some(flow);
    compiled.findings.extend(given::findings(&integrations, &compiled.connectors));
    compiled.laws(&integrations);
    compiled.library = folder.library;
    compiled
}

impl Compiled {
    fn hub(&mut self, sources: &[(String, Arc<Source>)]) {
        for (name, source) in sources {
            match name.as_str() {
                "flow.yaml" => match Flow::parse(source) {
                    Ok(flow) => self.flow = Some(flow),
                    Err(findings) => self.findings.extend(findings),
                },
                "ownership.yaml" => match Ownership::parse(source) {
                    Ok(ownership) => self.ownership = Some(ownership),
                    Err(findings) => self.findings.extend(findings),
                },
                other => {
                    let message = format!("`hub/{other}` is not a file of this version");
                    let finding =
                        Diagnostic::error(codes::UNKNOWN_NAME, source, Default::default(), message);
                    self.findings
                        .push(finding.with_nearest(other, ["flow.yaml", "ownership.yaml"]));
                }
            }
        }
    }

    /// What goes out comes back, and no two systems push a field back and forth.
    fn laws(&mut self, integrations: &[Arc<Integration>]) {
        let of_each = integrations.par_iter().map(|integration| laws::findings(integration));
        self.findings.extend(of_each.collect::<Vec<_>>().into_iter().flatten());
        let ownership = self.ownership.get_or_insert_with(Ownership::embedded);
        self.findings.extend(laws::loops(integrations, ownership));
    }

    /// Compiles each connector file once, whatever is wrong with the integration beside it: another may
    /// share it.
    fn connect(&mut self, folder: &Folder) {
        self.unjudged.extend(folder.unread_connectors.iter().cloned());
        let none = declared::Documents::new();
        let compiled = folder.connectors.par_iter().map(|(name, source)| {
            let beside = folder.documents.get(name).unwrap_or(&none);
            (name, declared::compile_naming(source, beside, &folder.named(name)))
        });
        for (name, connector) in compiled.collect::<Vec<_>>() {
            match connector {
                Ok(connector) => {
                    self.findings.extend_from_slice(connector.warnings());
                    self.connectors.insert(name.clone(), Arc::new(connector));
                }
                Err(findings) => {
                    self.findings.extend(findings);
                    self.unjudged.insert(name.clone());
                }
            }
        }
    }

    /// Finds who speaks for the integrations that have no connector of their own.
    fn share(&mut self) {
        for (name, integration) in &self.integrations {
            let ConnectorUse::Named(other) = &integration.connector else { continue };
            match self.connectors.get(other).map(Arc::clone) {
                Some(connector) => {
                    self.connectors.insert(name.clone(), connector);
                }
                // It is there, and what is wrong with it was told.
                None if self.unjudged.contains(other) => {}
                None => {
                    let message = format!("there is no connector `{other}`");
                    let source = &integration.source;
                    let at = source.text.find(other.as_str()).unwrap_or_default();
                    let span = diagnostic::Span::new(at, at + other.len());
                    let finding =
                        Diagnostic::error(mapping_codes::INTEGRATION, source, span, message);
                    let known = self.connectors.keys().map(String::as_str);
                    let finding = finding.with_nearest(other, known);
                    self.findings.push(match finding.hint {
                        Some(_) => finding,
                        None => finding.with_hint(
                            "write `connector: declared` for the connector.yaml beside this file, or the folder that has one",
                        ),
                    });
                }
            }
        }
    }
}

fn system_rules(
    integration: &Integration,
    connector: &dyn Connector,
    settings: &crate::config::System,
) -> SystemRules {
    let facts = |name: &str| {
        let operation = find(connector.operations(), name)?;
        let kind = match operation.kind {
            OperationKind::State => OperationUse::Write(Kind::State),
            OperationKind::Fact => OperationUse::Write(Kind::Fact),
            OperationKind::Read => OperationUse::Read,
        };
        let entity = operation.entity.as_deref().and_then(Entity::parse);
        Some(OperationFacts { kind, entity, creates: operation.creates })
    };
    let tags = settings.tags.iter().map(|tag| tag.as_str().into()).collect();
    integration.system_rules(&facts, tags, settings.unit.as_str().into(), settings.mode.into())
}
