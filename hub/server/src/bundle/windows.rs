//! Listings that a system gives for so long a time at once only: what polls of them must say.

use orderhub_connectors::contract::Operation;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::Integration;
use orderhub_mapping::codes::INTEGRATION;
use orderhub_mapping::integration::IntakeFrom;

/// Polls that could never get on: without a beginning, or that look back as far as they get.
pub(super) fn findings(integration: &Integration, operations: &[Operation]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for intake in &integration.intake {
        let IntakeFrom::Poll(poll) = &intake.from else { continue };
        let operation = operations.iter().find(|operation| operation.name == poll.operation);
        let Some(window) = operation.and_then(|operation| operation.window) else { continue };
        let mut error = |message: String, hint: &str| {
            let finding = Diagnostic::error(INTEGRATION, &integration.source, intake.span, message);
            found.push(finding.with_hint(hint));
        };
        let (name, seconds) = (&poll.operation, window.as_secs());
        if poll.reach.is_none() {
            let message =
                format!("`{name}` lists {seconds} s at once, and the first poll has no beginning");
            error(message, "add `reach: 30d`: how far back the first poll looks");
        }
        if poll.overlap >= window {
            let message =
                format!("`{name}` lists {seconds} s at once, and each poll looks back as far");
            error(message, "write an `overlap` that is shorter than the `window` of its `page`");
        }
    }
    found
}
