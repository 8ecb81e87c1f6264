//! `native: NAME`: what the program works out of a step's answer.

use orderhub_lang::yaml::Fields;

use super::Ctx;
use crate::codes;
use crate::native::{self, Native};

pub(super) fn native(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Option<&'static Native> {
    let node = fields.optional("native")?;
    let name = node.scalar_text().unwrap_or_default();
    let found = native::named(&name);
    if found.is_none() {
        let message = format!("there is no native step `{name}`");
        let finding = ctx.findings.error(codes::CHOICE, node.span, message);
        let known = native::ALL.iter().map(|native| native.name);
        ctx.findings.report(finding.with_one_of(&name, known));
    }
    found
}
