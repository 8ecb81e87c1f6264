//! Expressions over named values: bounded, exact, without I/O, behind one trait.
//!
//! Dotted names are paths of the mapping language: total, `()` when missing, a hyphen inside belongs to
//! the name, `list.one` is the only element. Texts stand in `'…'`. There is no `/`: `div(a, b, scale)`
//! says how many decimals it keeps.
//!
//! **Invariant:** an expression reads the names it lists in [`Expression::reads`] and nothing else, and
//! ends within [`MOST_OPERATIONS`]. Only a closed set of tokens and functions reaches the engine, and no
//! text of a value or of the file does. Tests: `an_expression_asks_for_what_it_lists_and_for_nothing_else`,
//! `nesting_and_length_are_bounded`, `the_engine_sees_no_text_of_the_file`.

mod absent;
mod engine;
mod filter;
mod functions;
mod kind;
mod literals;
mod name;
mod small;
mod token;
mod translate;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;

pub use self::absent::StandIn;
pub use self::functions::NAMES as FUNCTIONS;
pub use self::kind::Kind;
pub use self::literals::{literals, ordered};
pub use self::name::Name;
use crate::codes;
use crate::diagnostic::{Findings, Span, nearest};
use crate::room::Room;
use crate::value::Value;
use crate::yaml::Node;

/// Longest text of an expression, in bytes.
pub const LONGEST: usize = 4096;

/// Most steps that one evaluation may take.
pub const MOST_OPERATIONS: u64 = 20_000;

/// What an expression works on.
pub trait Scope {
    /// The value of a dotted name; [`Value::Null`] when it is missing. [`Name::within`] looks up the
    /// segments behind the root.
    ///
    /// # Errors
    ///
    /// [`EvalError::Several`] for `list.one` of several; [`EvalError::Secret`] for one that is not set.
    fn get(&self, name: &Name) -> Result<Value, EvalError>;

    /// The bytes of a name that need not be text: `raw`. They win over [`Scope::get`].
    fn bytes(&self, _name: &Name) -> Option<Vec<u8>> {
        None
    }

    /// Room for all that templates make here; without, each of them has room of its own.
    fn room(&self) -> Option<&Room> {
        None
    }
}

/// A compiled expression. Small ones are computed by themselves, all others by the engine; both agree.
pub trait Expression: Debug + Send + Sync {
    /// Computes it.
    ///
    /// # Errors
    ///
    /// [`EvalError`]: types that do not fit, division by zero, a bound reached, several for `.one`.
    fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError>;

    /// The names it reads, each once, in order of first use.
    fn reads(&self) -> &[Name];

    /// The kind of what it gives, as far as it is known before.
    fn kind(&self) -> Kind {
        Kind::Unknown
    }

    /// Whether it is one name and nothing else.
    fn is_name(&self) -> bool {
        false
    }
}

/// Why an expression has no value. Never holds a value: values may be personal or secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvalError {
    /// `list.one` and the list has several.
    #[error("`{0}` has several elements; one was expected")]
    Several(String),
    /// A secret that is not configured.
    #[error("secret `{0}` is not configured")]
    Secret(String),
    /// Something is missing that it computes with: nothing stands where a value is needed.
    #[error("{0}")]
    Nothing(String),
    /// A value that a name stands for needs another, which is missing: its name.
    #[error("`{0}` is missing")]
    Missing(String),
    /// Anything else, for a person.
    #[error("{0}")]
    Failed(String),
}

/// Why a text is no expression, and where within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The code of the finding.
    pub code: &'static str,
    /// Bytes within the text.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Compiles an expression that may read the root names `roots`.
///
/// # Errors
///
/// [`ExpressionError`] at the place within `text`: a token that is not of the language, an unknown root
/// name or function, a syntax error, too long.
pub fn compile(text: &str, roots: &[&str]) -> Result<Arc<dyn Expression>, ExpressionError> {
    if text.len() > LONGEST {
        return Err(ExpressionError {
            code: codes::EXPRESSION,
            span: Span::new(0, text.len()),
            message: format!("an expression has at most {LONGEST} bytes"),
            hint: None,
        });
    }
    let tokens = token::tokens(text)?;
    for (token, span) in &tokens {
        if let token::Token::Name(name) = token
            && !roots.contains(&name.root.as_str())
        {
            return Err(unknown_root(name, *span, roots));
        }
    }
    filter::check(&tokens, roots)?;
    if let [(token::Token::Name(name), _)] = tokens.as_slice() {
        return Ok(Arc::new(Lookup { reads: [name.clone()] }));
    }
    let script = translate::script(text, &tokens)?;
    kind::check(&tokens)?;
    engine::compile(script, kind::kind(&tokens), Some(&tokens))
}

/// The finding is about a name that is nothing like those that can be read: its hint lists them, and who knows
/// where names come from may say how to make one.
fn is_foreign(error: &ExpressionError, roots: &[&str]) -> bool {
    error.code == codes::UNKNOWN_NAME && error.hint == Some(listed(roots))
}

fn listed(roots: &[&str]) -> String {
    if roots.is_empty() {
        return "no names can be read here".to_owned();
    }
    format!("names here: {}", roots.join(", "))
}

fn unknown_root(name: &Name, span: Span, roots: &[&str]) -> ExpressionError {
    let hint = if matches!(name.root.as_str(), "if" | "then" | "else") {
        Some(token::NO_IF.to_owned())
    } else if name.root.contains('-') {
        Some("between a name and a minus write blanks: `a - b`".to_owned())
    } else if FUNCTIONS.contains(&name.root.as_str()) {
        Some(format!("`{0}` is a function: `{0}(…)`", name.root))
    } else if let Some(near) = nearest(&name.root, roots.iter().copied()) {
        Some(format!("did you mean `{near}`?"))
    } else if let Some((_, sign)) =
        [("and", "&&"), ("or", "||"), ("not", "!")].iter().find(|(word, _)| *word == name.root)
    {
        Some(format!("write `{sign}`"))
    } else {
        Some(listed(roots))
    };
    ExpressionError {
        code: codes::UNKNOWN_NAME,
        span,
        message: format!("nothing is called `{}` here", name.root),
        hint,
    }
}

/// Compiles the expression that a node holds; reports mistakes at their place in the file. Numbers and
/// booleans are expressions too.
pub fn compile_node(
    node: &Node,
    roots: &[&str],
    findings: &mut Findings,
) -> Option<Arc<dyn Expression>> {
    let Some(text) = node.scalar_text() else {
        findings.report(findings.wrong_type(node, "an expression is a text"));
        return None;
    };
    match compile(&text, roots) {
        Ok(expression) => Some(expression),
        Err(error) => {
            report(node, error, findings);
            None
        }
    }
}

/// The same, with what to do about a name that is nothing like those that can be read.
pub fn compile_naming(
    node: &Node,
    roots: &[&str],
    naming: &str,
    findings: &mut Findings,
) -> Option<Arc<dyn Expression>> {
    let Some(text) = node.scalar_text() else { return compile_node(node, roots, findings) };
    let mut error = match compile(&text, roots) {
        Ok(expression) => return Some(expression),
        Err(error) => error,
    };
    if is_foreign(&error, roots) {
        error.hint = Some(naming.to_owned());
    }
    report(node, error, findings);
    None
}

/// Reports an error within a node's text.
pub(crate) fn report(node: &Node, error: ExpressionError, findings: &mut Findings) {
    let span = node.inner(findings.source(), error.span);
    let mut finding = findings.error(error.code, span, error.message);
    finding.hint = error.hint;
    findings.report(finding);
}

/// An expression that is one name: no engine is asked.
#[derive(Debug)]
struct Lookup {
    reads: [Name; 1],
}

impl Expression for Lookup {
    fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let [name] = &self.reads;
        match scope.bytes(name) {
            Some(bytes) => String::from_utf8(bytes)
                .map(Value::Text)
                .map_err(|_| EvalError::Failed(format!("`{name}` is not text"))),
            None => scope.get(name),
        }
    }

    fn reads(&self) -> &[Name] {
        &self.reads
    }

    fn is_name(&self) -> bool {
        true
    }
}

/// Root names and their values.
impl Scope for BTreeMap<String, Value> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        self.get(&name.root).map_or(Ok(Value::Null), |value| name.within(value))
    }
}

/// An object whose keys are the root names.
impl Scope for Value {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Value::get(self, &name.root).map_or(Ok(Value::Null), |value| name.within(value))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
