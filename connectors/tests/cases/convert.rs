//! A conversion for cases, in the place of those of mappings.

use std::sync::Arc;

use orderhub_lang::convert::{Conversions, Convert};
use orderhub_lang::diagnostic::Findings;
use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;

/// `gid` is the one that there is, and `one_way` has no way out.
#[derive(Debug)]
pub(super) struct Known;

#[derive(Debug)]
struct Gid(bool);

const PREFIX: &str = "gid://shop/Order/";

impl Convert for Gid {
    fn get(&self, value: Value) -> Result<Value, String> {
        let text = value.scalar_text().unwrap_or_default().into_owned();
        Ok(Value::text(text.strip_prefix(PREFIX).unwrap_or(&text)))
    }

    fn put(&self, value: Value) -> Result<Value, String> {
        let text = value.scalar_text().ok_or_else(|| "it is no text".to_owned())?;
        Ok(Value::Text(format!("{PREFIX}{text}")))
    }

    fn one_way(&self) -> Option<String> {
        (!self.0).then(|| "it has no way back".to_owned())
    }
}

impl Conversions for Known {
    fn chain(&self, node: &Node, findings: &mut Findings) -> Option<Arc<dyn Convert>> {
        match self.named(node.as_text().unwrap_or_default()) {
            Ok(convert) => Some(convert),
            Err((message, hint)) => {
                let finding = findings.error("M0202", node.span, message).with_hint(hint);
                findings.report(finding);
                None
            }
        }
    }

    fn named(&self, name: &str) -> Result<Arc<dyn Convert>, (String, String)> {
        match name {
            "gid" => Ok(Arc::new(Gid(true))),
            "one_way" => Ok(Arc::new(Gid(false))),
            _ => Err((format!("unknown conversion `{name}`"), "did you mean `gid`?".to_owned())),
        }
    }
}

/// Any name is one: those of the shipped integrations stand in files that this crate does not read.
#[derive(Debug)]
pub(super) struct Any;

impl Conversions for Any {
    fn chain(&self, _: &Node, _: &mut Findings) -> Option<Arc<dyn Convert>> {
        Some(Arc::new(Gid(true)))
    }

    fn named(&self, _: &str) -> Result<Arc<dyn Convert>, (String, String)> {
        Ok(Arc::new(Gid(true)))
    }
}
