//! Reads `flow.yaml` and `ownership.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source};
use orderhub_lang::path::Path;
use orderhub_lang::yaml::{self, Budget, Fields, Key, Node};

use super::{
    Assign, EVENTS, Flow, ORDER_CHANGED, Others, Ownership, OwnershipRule, Release, Target,
};
use crate::catalogue::{FieldSet, Owner, catalogue, read_owner};
use crate::codes;
use crate::condition::{Condition, field_of_order, is_holds, is_lifecycle};
use crate::ids::{Collection, Role};

/// What releases may be about, besides the order.
const SUBJECTS: [Collection; 5] = [
    Collection::Fulfilments,
    Collection::Shipments,
    Collection::Returns,
    Collection::Invoices,
    Collection::Payments,
];

pub(super) fn flow(source: &Arc<Source>) -> Result<Flow, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    let Some(node) = yaml::parse_on(&mut findings, &Budget::default()) else {
        return Err(findings.into_vec());
    };
    let flow = Fields::of(&node, "a flow", &mut findings).map(|mut fields| {
        language(&mut fields, &mut findings);
        let name = fields.text("flow", &mut findings).unwrap_or_default();
        let list = fields.required("releases", &mut findings);
        let releases = list.map(|list| releases(list, &mut findings)).unwrap_or_default();
        let assign = fields.optional("assign").map(|node| assign(node, &mut findings));
        fields.finish(&mut findings);
        Flow { name, releases, assign: assign.unwrap_or_default() }
    });
    findings.into_result(flow).map(|(flow, _)| flow)
}

/// The version of the language: 1, or nothing.
fn language(fields: &mut Fields<'_>, findings: &mut Findings) {
    if let Some(node) = fields.optional("orderhub")
        && node.scalar_text().as_deref() != Some("1")
    {
        findings
            .report(findings.wrong_type(node, "`orderhub` is the version of the language, `1`"));
    }
}

fn releases(list: &Node, findings: &mut Findings) -> Vec<Release> {
    let Some(nodes) = list.as_list() else {
        findings.report(findings.wrong_type(list, "`releases` is a list"));
        return Vec::new();
    };
    let mut all: Vec<Release> = Vec::new();
    for node in nodes {
        let Some(release) = release(node, findings) else { continue };
        let twice = all.iter().any(|one| one.emits == release.emits && one.to == release.to);
        if twice {
            let message =
                format!("`{}` to `{}` is given twice", release.emits, release.to.as_str());
            let finding = findings.error(codes::TWICE, node.span, message);
            findings.report(finding.with_hint("make one release of the two, with both conditions"));
        }
        all.push(release);
    }
    all
}

fn release(node: &Node, findings: &mut Findings) -> Option<Release> {
    let mut fields = Fields::of(node, "a release", findings)?;
    let emits = fields.required("emits", findings).and_then(|node| event(node, findings));
    let to = fields.required("to", findings).and_then(|node| target(node, findings));
    let subject = fields.optional("for").and_then(|node| subject(node, findings));
    let subject = subject.unwrap_or(Collection::Root);
    let when = fields.optional("when").map(|node| condition(node, subject, findings));
    let fields_node = fields.optional("fields");
    let creates = fields.optional("creates").is_some_and(|node| creates(node, subject, findings));
    fields.finish(findings);
    let watched = fields_node.map(|node| watched(node, subject, findings));
    let when = when.unwrap_or_default();
    let (holds, lifecycle) = (when.only(is_holds), when.only(is_lifecycle));
    let (emits, to) = (emits?, to?);
    if creates && !matches!(to, Target::Role(_)) {
        let finding =
            findings.error(codes::CREATES, node.span, "a fulfilment is released to a role");
        findings.report(finding.with_hint("write `to: wms`"));
    }
    if &*emits == ORDER_CHANGED && (watched.is_some() || subject != Collection::Root) {
        let message = format!("`{ORDER_CHANGED}` is emitted at every version of the order");
        findings.report(findings.error(codes::SUBJECT, node.span, message));
    }
    Some(Release { emits, to, subject, when, fields: watched, creates, holds, lifecycle })
}

fn event(node: &Node, findings: &mut Findings) -> Option<Box<str>> {
    let name = node.scalar_text()?;
    if !EVENTS.contains(&name.as_ref()) {
        let finding = findings.error(codes::EVENT, node.span, format!("unknown event `{name}`"));
        findings.report(finding.with_label("no such event").with_one_of(&name, EVENTS));
        return None;
    }
    Some(name.as_ref().into())
}

fn target(node: &Node, findings: &mut Findings) -> Option<Target> {
    let name = node.scalar_text().unwrap_or_default();
    let found = match name.as_ref() {
        "origin" => Some(Target::Origin),
        "linked" => Some(Target::Linked),
        "all" => Some(Target::All),
        role => Role::parse(role).map(Target::Role),
    };
    if found.is_none() {
        let names = Role::ALL.iter().map(|role| role.as_str()).chain(["origin", "linked", "all"]);
        let finding = findings.error(codes::TARGET, node.span, format!("unknown target `{name}`"));
        findings.report(finding.with_one_of(&name, names));
    }
    found
}

fn subject(node: &Node, findings: &mut Findings) -> Option<Collection> {
    let name = node.scalar_text().unwrap_or_default();
    let found = SUBJECTS.into_iter().find(|collection| collection.name() == name);
    if found.is_none() {
        let names = SUBJECTS.iter().map(|collection| collection.name());
        let finding =
            findings.error(codes::SUBJECT, node.span, format!("unknown subject `{name}`"));
        findings.report(finding.with_one_of(&name, names));
    }
    found
}

fn creates(node: &Node, subject: Collection, findings: &mut Findings) -> bool {
    let right = node.scalar_text().as_deref() == Some("fulfilment") && subject == Collection::Root;
    if !right {
        let message = "a release creates a `fulfilment`, of the order";
        let finding = findings.error(codes::CREATES, node.span, message);
        findings.report(finding.with_hint("write `creates: fulfilment`, and no `for:`"));
    }
    right
}

fn condition(node: &Node, subject: Collection, findings: &mut Findings) -> Condition {
    Condition::parse(findings.source(), node, subject).unwrap_or_else(|found| {
        findings.extend(found);
        Condition::default()
    })
}

/// The fields of the subject whose change fires; `/…` are the order's.
fn watched(node: &Node, subject: Collection, findings: &mut Findings) -> FieldSet {
    let mut set = FieldSet::default();
    for item in node.list_or_single() {
        let name = item.scalar_text().unwrap_or_default();
        let full = match name.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None if subject == Collection::Root => name.to_string(),
            None => format!("{}.{name}", subject.path()),
        };
        set = set.union(below(&full, item, findings));
    }
    set
}

fn below(path: &str, node: &Node, findings: &mut Findings) -> FieldSet {
    let set = catalogue().below(path);
    if set.is_empty() {
        let finding =
            findings.error(codes::FIELD, node.span, format!("unknown hub field `{path}`"));
        let near = if findings.is_full() { None } else { catalogue().nearest(path) };
        let near = near.map(|near| format!("did you mean `{near}`?"));
        let finding = finding.with_label("no such field in an order");
        findings.report(match near {
            Some(hint) => finding.with_hint(hint),
            None => finding,
        });
    }
    set
}

fn assign(node: &Node, findings: &mut Findings) -> BTreeMap<Role, Assign> {
    let mut all = BTreeMap::new();
    let Some(entries) = node.as_map() else {
        findings.report(findings.wrong_type(node, "`assign` is a mapping of roles"));
        return all;
    };
    for (key, node) in entries {
        if let (Some(role), Some(one)) = (role(key, findings), assignment(node, findings)) {
            all.insert(role, one);
        }
    }
    all
}

fn role(key: &Key, findings: &mut Findings) -> Option<Role> {
    let found = Role::parse(&key.name);
    if found.is_none() {
        let roles = Role::ALL.iter().map(|role| role.as_str());
        let finding = findings.error(codes::ROLE, key.span, format!("unknown role `{}`", key.name));
        findings.report(finding.with_one_of(&key.name, roles));
    }
    found
}

fn assignment(node: &Node, findings: &mut Findings) -> Option<Assign> {
    let mut fields = Fields::of(node, "an assignment", findings)?;
    let by = fields.optional("by").and_then(|node| look(node, findings));
    let table = fields.optional("table").map(|node| table(node, findings));
    let other = fields.optional("else");
    fields.finish(findings);
    let only = other.is_none_or(|node| {
        let only = node.scalar_text().as_deref() == Some("only");
        if !only {
            let finding = findings.error(codes::ASSIGN, node.span, "`else` is `only`");
            findings.report(finding.with_hint("leave it out, or write `else: only`"));
        }
        only
    });
    // Without a word on other values, they are assigned to nobody; without a table, to the only one.
    let only = only && (other.is_some() || table.is_none());
    Some(Assign { by, table: table.unwrap_or_default(), only })
}

fn look(node: &Node, findings: &mut Findings) -> Option<crate::condition::FieldLook> {
    let text = node.scalar_text().unwrap_or_default();
    let report =
        |code, message: String| Diagnostic::error(code, findings.source(), node.span, message);
    let found = match Path::parse(&text) {
        Ok(path) => field_of_order(&path, &report),
        Err(error) => Err(Box::new(report(codes::FIELD, error.message))),
    };
    found.map_err(|finding| findings.report(*finding)).ok()
}

fn table(node: &Node, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(entries) = node.as_map() else {
        findings.report(findings.wrong_type(node, "`table` is a mapping of values to tags"));
        return BTreeMap::new();
    };
    let mut table = BTreeMap::new();
    for (key, node) in entries {
        match node.scalar_text() {
            Some(tag) => drop(table.insert(key.name.clone(), tag.into_owned())),
            None => findings.report(findings.wrong_type(node, "a tag is a text")),
        }
    }
    table
}

pub(super) fn ownership(source: &Arc<Source>) -> Result<Ownership, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    let Some(node) = yaml::parse_on(&mut findings, &Budget::default()) else {
        return Err(findings.into_vec());
    };
    let rules = Fields::of(&node, "an ownership file", &mut findings).map(|mut fields| {
        language(&mut fields, &mut findings);
        fields.allow(&["ownership"]);
        let list = fields.required("rules", &mut findings);
        fields.finish(&mut findings);
        let nodes = list.map_or(&[][..], Node::list_or_single);
        nodes.iter().filter_map(|node| ownership_rule(node, &mut findings)).collect()
    });
    let ownership = rules.map(|rules| Ownership { rules });
    findings.into_result(ownership).map(|(ownership, _)| ownership)
}

fn ownership_rule(node: &Node, findings: &mut Findings) -> Option<OwnershipRule> {
    let mut fields = Fields::of(node, "a rule", findings)?;
    let named = fields.required("fields", findings);
    let when_node = fields.optional("when");
    let owners = fields.required("owner", findings);
    let others = fields.optional("others");
    fields.finish(findings);
    let when = when_node.map(|node| condition(node, Collection::Root, findings));
    let when = when.unwrap_or_default();
    if when.asks_links() {
        let span = when_node.map_or(node.span, |node| node.span);
        let message = "who owns a field does not hang on who is linked";
        findings.report(findings.error(codes::TEST, span, message));
    }
    let mut set = FieldSet::default();
    for item in named?.list_or_single() {
        set = set.union(below(&item.scalar_text().unwrap_or_default(), item, findings));
    }
    let owners = owners?.list_or_single().iter().filter_map(|node| owner(node, findings)).collect();
    let others = others.and_then(|node| treatment(node, findings)).unwrap_or_default();
    Some(OwnershipRule { fields: set, when, owners, others })
}

fn owner(node: &Node, findings: &mut Findings) -> Option<Owner> {
    let name = node.scalar_text().unwrap_or_default();
    let found = read_owner(&name);
    if found.is_none() {
        let names = Role::ALL.iter().map(|role| role.as_str()).chain(["service", "hub", "any"]);
        let finding = findings.error(codes::OWNER, node.span, format!("unknown owner `{name}`"));
        findings.report(finding.with_one_of(&name, names));
    }
    found
}

fn treatment(node: &Node, findings: &mut Findings) -> Option<Others> {
    match node.scalar_text().unwrap_or_default().as_ref() {
        "keep" => Some(Others::Keep),
        "propose" => Some(Others::Propose),
        "correct" => Some(Others::Correct),
        other => {
            let message = format!("unknown treatment `{other}`");
            let finding = findings.error(codes::OTHERS, node.span, message);
            findings.report(finding.with_one_of(other, ["keep", "propose", "correct"]));
            None
        }
    }
}
