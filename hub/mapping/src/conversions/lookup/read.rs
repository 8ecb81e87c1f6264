//! What a cached read of the integration answers, `lookup: { read: products, take: code }`.

use orderhub_lang::yaml::Node;

use super::super::Options;
use super::Unknown;
use super::asked::Asked;
use crate::codes;
use crate::facts::LookupOf;

/// Reads what is looked up: a value of the reply document of a cached read, at the path `take`.
pub(super) fn read(
    node: &Node,
    (from, take): (Option<&Node>, Option<&Node>),
    on_unknown: Unknown,
    options: &mut Options<'_>,
) -> Option<Asked> {
    let name = options.only_text(node, "a name is needed: `read: products`")?;
    if let Some(from) = from {
        options
            .wrong(from, "`from` names a column of master data: a read is asked by its argument");
        return None;
    }
    let Some(take) = take else {
        options.wrong(node, "`take` is the value's path in the answer: add `take: id`");
        return None;
    };
    // Only that it is a path: its text is what is asked for.
    let _path = options.path(take)?;
    let take = options.only_text(take, "a path is needed")?;
    known(&name, node, options)?;
    Some(Asked { of: LookupOf::Read, name: name.into(), take: take.into(), on_unknown })
}

/// Whether the integration has the read, with one argument. A file that is read alone may name any.
fn known(name: &str, node: &Node, options: &mut Options<'_>) -> Option<()> {
    let Some(reads) = options.named.reads.clone() else { return Some(()) };
    let Some(args) = reads.get(name) else {
        let message = format!("there is no read `{name}`");
        let finding = options.findings.error(codes::NO_READ, node.span, message);
        let finding = match finding.with_nearest(name, reads.keys().map(String::as_str)) {
            near if near.hint.is_some() => near,
            other => other.with_hint("reads stand in `reads:` of the integration.yaml"),
        };
        options.findings.report(finding);
        return None;
    };
    if *args != 1 {
        let message = format!("the read `{name}` has {args} arguments: a look-up gives it one");
        let finding = options.findings.error(codes::NO_READ, node.span, message);
        options.findings.report(finding.with_hint("look up a read with one entry in `args:`"));
        return None;
    }
    Some(())
}
