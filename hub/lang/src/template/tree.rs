//! A YAML tree whose texts are templates: bodies of requests.

use super::{RenderError, Template, within};
use crate::diagnostic::Findings;
use crate::expression::{Name, Scope};
use crate::room::Room;
use crate::value::Value;
use crate::yaml::{Node, NodeValue};

/// A compiled tree.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Nothing to compute.
    Constant(Value),
    /// A text with expressions; exactly one keeps its type.
    Template(Template),
    /// A list.
    List(Vec<Tree>),
    /// An object; keys are plain texts.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Compiles a node; reports mistakes at their places.
    pub fn parse(node: &Node, roots: &[&str], findings: &mut Findings) -> Option<Self> {
        match &node.value {
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {
                Some(Self::Constant(node.to_value()))
            }
            NodeValue::Text(_) => {
                let template = Template::parse_node(node, roots, findings)?;
                Some(match template.as_literal() {
                    Some(text) => Self::Constant(Value::text(text)),
                    None => Self::Template(template),
                })
            }
            NodeValue::List(list) => {
                let parsed: Vec<_> =
                    list.iter().map(|item| Self::parse(item, roots, findings)).collect();
                parsed.into_iter().collect::<Option<_>>().map(Self::List)
            }
            NodeValue::Map(map) => {
                let parsed: Vec<_> = map
                    .iter()
                    .map(|(key, item)| {
                        Self::parse(item, roots, findings).map(|tree| (key.name.clone(), tree))
                    })
                    .collect();
                parsed.into_iter().collect::<Option<_>>().map(Self::Map)
            }
        }
    }

    /// The value; a missing `{x}` is null.
    ///
    /// # Errors
    ///
    /// [`RenderError`] of the first template that fails.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, RenderError> {
        within(scope, |room| self.made(scope, room))
    }

    fn made(&self, scope: &dyn Scope, room: &Room) -> Result<Value, RenderError> {
        let made = |item: &Self| item.made(scope, room);
        match self {
            // No larger than its file.
            Self::Constant(value) => Ok(value.clone()),
            Self::Template(template) => template.made(scope, room),
            Self::List(list) => list.iter().map(made).collect::<Result<_, _>>().map(Value::List),
            Self::Map(map) => map
                .iter()
                .map(|(key, item)| Ok((key.clone(), made(item)?)))
                .collect::<Result<_, _>>()
                .map(Value::Map),
        }
    }

    /// Calls `see` with every name that stands alone in its braces: its value is put there as it is.
    pub fn puts(&self, see: &mut dyn FnMut(&Name)) {
        match self {
            Self::Constant(_) => {}
            Self::Template(template) => {
                template.only_name().into_iter().chain(template.needs()).for_each(see)
            }
            Self::List(list) => list.iter().for_each(|item| item.puts(see)),
            Self::Map(map) => map.iter().for_each(|(_, item)| item.puts(see)),
        }
    }

    /// Calls `see` with every name it reads.
    pub fn reads(&self, see: &mut dyn FnMut(&Name)) {
        match self {
            Self::Constant(_) => {}
            Self::Template(template) => template.reads().for_each(see),
            Self::List(list) => list.iter().for_each(|item| item.reads(see)),
            Self::Map(map) => map.iter().for_each(|(_, item)| item.reads(see)),
        }
    }
}
