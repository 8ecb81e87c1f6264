//! What connector, flow and integration say of each other: operations that there are, of the right kind, with the
//! arguments that they take.

use orderhub_connectors::contract::{Connector, Operation, OperationKind};
use orderhub_lang::diagnostic::{self, Diagnostic};
use orderhub_lang::path::Path;
use orderhub_mapping::codes as mapping_codes;
use orderhub_mapping::integration::{IntakeFrom, Integration};
use orderhub_order::flow::Flow;
use orderhub_order::ids::Role;

/// What only connector, flow and integration together can tell.
pub(super) fn check(
    integration: &Integration,
    connector: &dyn Connector,
    flow: &Flow,
) -> Vec<Diagnostic> {
    let operations = connector.operations();
    let mut found = Vec::new();
    let mut error = |span, message: String| {
        let code = mapping_codes::INTEGRATION;
        found.push(Diagnostic::error(code, &integration.source, span, message));
    };
    for rule in &integration.deliver {
        if !flow.emits_to(&rule.on, integration.role) {
            error(rule.span, unheard(&rule.on, integration.role, flow));
        }
        for name in rule.operation.all() {
            match find(operations, name).map(|operation| operation.kind) {
                Some(OperationKind::State | OperationKind::Fact) => {}
                Some(OperationKind::Read) => {
                    error(rule.span, format!("`{name}` only reads: nothing is delivered by it"));
                }
                None => error(rule.span, no_operation(operations, name)),
            }
        }
    }
    for intake in &integration.intake {
        let mut needs_read =
            |name: &String, args: Option<&[(String, Path)]>| match find(operations, name) {
                Some(operation) if operation.kind == OperationKind::Read => {
                    for message in args.into_iter().flat_map(|args| misfits(operation, args)) {
                        error(intake.span, message);
                    }
                }
                Some(_) => error(intake.span, format!("`{name}` writes: an intake only reads")),
                None => error(intake.span, no_operation(operations, name)),
            };
        if let Some(fetch) = intake.from.fetch() {
            needs_read(&fetch.operation, Some(&fetch.args));
        }
        if let IntakeFrom::Poll(poll) = &intake.from {
            needs_read(&poll.operation, None);
            if let Some(message) = lists_none(operations, &poll.operation) {
                error(intake.span, message);
            }
        }
    }
    for (read_name, read) in &integration.reads {
        let at = integration.source.text.find(read.operation.as_str()).unwrap_or_default();
        let span = diagnostic::Span::new(at, at + read.operation.len());
        match find(operations, &read.operation).map(|operation| operation.kind) {
            Some(OperationKind::Read) => {}
            Some(OperationKind::State | OperationKind::Fact) => {
                error(
                    span,
                    format!(
                        "`{}` writes: the read `{read_name}` needs one that reads",
                        read.operation
                    ),
                );
            }
            None => error(span, no_operation(operations, &read.operation)),
        }
    }
    found.extend(super::windows::findings(integration, operations));
    found
}

/// An event that systems of a role never hear of.
fn unheard(on: &str, role: Role, flow: &Flow) -> String {
    let heard: Vec<&str> = flow.events_to(role).collect();
    // One that others hear of is not mistyped.
    let mistyped = flow.subject_of(on).is_none();
    let hint = match diagnostic::nearest(on, heard.iter().copied()).filter(|_| mistyped) {
        Some(near) => format!("did you mean `{near}`?"),
        None if heard.is_empty() => {
            "it hears of nothing, add a release to `hub/flow.yaml`".to_owned()
        }
        None => format!("it hears of {}", heard.join(", ")),
    };
    format!("no release of the flow emits `{on}` to a {}; {hint}", role.as_str())
}

/// A poll goes through a list: of an operation that gives one document nothing would ever come.
fn lists_none(operations: &[Operation], name: &str) -> Option<String> {
    let read = find(operations, name).filter(|found| found.kind == OperationKind::Read)?;
    (!read.lists).then(|| {
        format!("`{name}` is polled, and gives one document: say `documents:` in the connector, for a list of them")
    })
}

/// Arguments that a fetch gives and its operation does not take, or the other way round.
fn misfits(operation: &Operation, given: &[(String, Path)]) -> Vec<String> {
    let name = &operation.name;
    if operation.args.is_empty() {
        return vec![format!(
            "`{name}` takes no arguments: it cannot tell one document from another"
        )];
    }
    if given.is_empty() {
        return Vec::new();
    }
    let unknown = given.iter().filter(|(arg, _)| !operation.args.contains(arg));
    let unknown = unknown.map(|(arg, _)| {
        let near = diagnostic::nearest(arg, operation.args.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("`{name}` takes no argument `{arg}`{hint}")
    });
    let missing = operation.args.iter().filter(|arg| given.iter().all(|(name, _)| name != *arg));
    let missing =
        missing.map(|arg| format!("`{name}` needs the argument `{arg}`: add it to `args`"));
    unknown.chain(missing).collect()
}

pub(super) fn find<'o>(operations: &'o [Operation], name: &str) -> Option<&'o Operation> {
    operations.iter().find(|operation| operation.name == name)
}

fn no_operation(operations: &[Operation], name: &str) -> String {
    let known = operations.iter().map(|operation| operation.name.as_str());
    let near = diagnostic::nearest(name, known);
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("the connector has no operation `{name}`{hint}")
}

#[cfg(test)]
mod tests {
    use crate::bundle::Bundle;
    use crate::config::Config;

    /// What a check says of the shipped files, one of them changed.
    fn said(file: &str, from: &str, to: &str) -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
        let mut looked = Bundle::look(&folder).unwrap();
        let text = String::from_utf8(looked.files[file].clone()).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        looked.files.insert(file.to_owned(), text.replace(from, to).into_bytes());
        let found = Bundle::check(&looked, &Config::default()).unwrap();
        found.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_poll_of_one_document_is_refused() {
        assert_eq!(
            said("shopify/integration.yaml", "do: list_orders", "do: get_order"),
            [
                "`get_order` is polled, and gives one document: say `documents:` in the connector, for a list of them"
            ]
        );
    }

    #[test]
    fn an_event_that_nobody_hears_of_is_told_with_one_that_there_is() {
        let file = "rest_wms/integration.yaml";
        assert_eq!(
            said(file, "on: fulfilment.released", "on: fulfilment.relased"),
            [
                "no release of the flow emits `fulfilment.relased` to a wms; did you mean `fulfilment.released`?"
            ]
        );
        let found = said(file, "on: fulfilment.released", "on: order.accepted");
        assert!(found[0].contains("; it hears of fulfilment.cancelled, "), "{found:?}");
    }
}
