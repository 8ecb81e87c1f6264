//! Conversions as templates and references of connectors use them: by name, `{x as name}`, or as a chain of a file.
//!
//! What conversions there are is another crate's matter; this is how they are asked for.

use std::fmt::Debug;
use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::value::Value;
use crate::yaml::Node;

/// A chain of conversions. It is never asked about nothing: nothing stays nothing.
pub trait Convert: Debug + Send + Sync {
    /// From the system's form to ours.
    ///
    /// # Errors
    ///
    /// Why, without the value: the value is not what it takes, or it has no such way.
    fn get(&self, value: Value) -> Result<Value, String>;

    /// From our form to the system's.
    ///
    /// # Errors
    ///
    /// As [`Convert::get`].
    fn put(&self, value: Value) -> Result<Value, String>;

    /// Why it cannot be asked for the system's form; `None`: it can.
    fn one_way(&self) -> Option<String> {
        None
    }
}

/// The conversions that a file may name.
pub trait Conversions: Debug {
    /// The chain that a node says: a name, one conversion with options, or a list; reports mistakes at their place.
    fn chain(&self, node: &Node, findings: &mut Findings) -> Option<Arc<dyn Convert>>;

    /// The chain of a name.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to do.
    fn named(&self, name: &str) -> Result<Arc<dyn Convert>, (String, String)>;
}

/// None at all.
#[derive(Clone, Copy, Debug)]
pub struct NoConversions;

impl Conversions for NoConversions {
    fn chain(&self, node: &Node, findings: &mut Findings) -> Option<Arc<dyn Convert>> {
        findings.report(findings.wrong_type(node, "no conversions are known here"));
        None
    }

    fn named(&self, name: &str) -> Result<Arc<dyn Convert>, (String, String)> {
        let hint = "use a function: `{text(x)}`".to_owned();
        Err((format!("no conversion `{name}` is known here"), hint))
    }
}
