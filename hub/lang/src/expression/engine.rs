//! The only place that knows the expression engine: limits, conversions, its errors in our words.

use std::sync::{Arc, LazyLock};

use rhai::{AST, Array, Blob, Dynamic, Engine, EvalAltResult, ImmutableString};
use rust_decimal::Decimal;

use super::small::{self, Small};
use super::token::Token;
use super::translate::Script;
use super::{
    EvalError, Expression, ExpressionError, Kind, MOST_OPERATIONS, Name, Scope, functions,
};
use crate::codes;
use crate::diagnostic::Span;
use crate::room::Room;
use crate::value::Value;

/// Longest text that an evaluation may make, in bytes: a whole webhook body may be signed.
pub(super) const LONGEST_TEXT: usize = 16 << 20;

/// Most elements of a list that an evaluation may make.
const MOST_ELEMENTS: usize = 100_000;

/// Deepest nesting of brackets.
const DEPTH: usize = 48;

/// An object inside the engine: opaque, so that the order of its keys is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object(pub(super) Arc<Value>);

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = Engine::new();
    engine
        .set_max_operations(MOST_OPERATIONS)
        .set_max_string_size(LONGEST_TEXT)
        .set_max_array_size(MOST_ELEMENTS)
        .set_max_map_size(MOST_ELEMENTS)
        .set_max_expr_depths(DEPTH, DEPTH)
        .set_max_call_levels(8);
    engine.register_type_with_name::<Object>("object");
    engine.register_fn("==", |a: Object, b: Object| a == b);
    engine.register_fn("!=", |a: Object, b: Object| a != b);
    engine.register_indexer_get(|object: &mut Object, key: ImmutableString| {
        object.0.get(&key).map_or(Dynamic::UNIT, to_dynamic)
    });
    functions::register(&mut engine);
    engine
});

/// An expression that the engine computes.
#[derive(Debug)]
struct Compiled {
    ast: AST,
    names: Vec<Name>,
    constants: Vec<Dynamic>,
    kind: Kind,
    /// `v0`, `v1`, … and `c0`, `c1`, …, made once.
    name_variables: Vec<String>,
    constant_variables: Vec<String>,
    /// The same without the engine, where it can be.
    small: Option<Small>,
}

/// The expression as the engine alone computes it, for tests.
#[cfg(test)]
pub(super) fn alone(text: &str, roots: &[&str]) -> Arc<dyn Expression> {
    let tokens = super::token::tokens(text).unwrap();
    if tokens.len() == 1 {
        return super::compile(text, roots).unwrap();
    }
    let script = super::translate::script(text, &tokens).unwrap();
    compile(script, Kind::Unknown, None).unwrap()
}

pub(super) fn compile(
    script: Script,
    kind: Kind,
    tokens: Option<&[(Token, Span)]>,
) -> Result<Arc<dyn Expression>, ExpressionError> {
    match ENGINE.compile_expression(&script.text) {
        Ok(ast) => {
            let variables = |letter: char, count: usize| {
                (0..count).map(|index| format!("{letter}{index}")).collect()
            };
            Ok(Arc::new(Compiled {
                ast,
                name_variables: variables('v', script.names.len()),
                constant_variables: variables('c', script.constants.len()),
                small: tokens.and_then(|tokens| small::read(tokens, &script.names)),
                names: script.names,
                constants: script.constants,
                kind,
            }))
        }
        Err(error) => {
            let position = error.position().position().unwrap_or(1);
            Err(ExpressionError {
                code: codes::EXPRESSION,
                // A place without a position is the end, where something is missing.
                span: if error.position().is_none() {
                    script.place(script.text.len())
                } else {
                    script.place(position.saturating_sub(1))
                },
                message: "the expression cannot be read here".to_owned(),
                hint: Some("an operator, a value or a bracket is missing or too much".to_owned()),
            })
        }
    }
}

impl Compiled {
    /// Asks the engine.
    fn ask(&self, given: Vec<Dynamic>) -> Result<Value, EvalError> {
        let mut variables = rhai::Scope::new();
        for (value, variable) in given.into_iter().zip(&self.name_variables) {
            variables.push_constant_dynamic(variable.as_str(), value);
        }
        for (constant, variable) in self.constants.iter().zip(&self.constant_variables) {
            variables.push_constant_dynamic(variable.as_str(), constant.clone());
        }
        let result =
            ENGINE.eval_ast_with_scope::<Dynamic>(&mut variables, &self.ast).map_err(|error| {
                let why = in_our_words(&error);
                if of_nothing(&error) { EvalError::Nothing(why) } else { EvalError::Failed(why) }
            })?;
        from_dynamic(result).map_err(EvalError::Failed)
    }

    /// What the names hold, for the engine; bytes that are no text stay bytes.
    fn given(&self, scope: &dyn Scope) -> Result<Vec<Dynamic>, EvalError> {
        let given = self.names.iter().map(|name| match scope.bytes(name) {
            Some(bytes) => Ok(String::from_utf8(bytes)
                .map_or_else(|bytes| Dynamic::from_blob(bytes.into_bytes()), Dynamic::from)),
            None => scope.get(name).map(|value| to_dynamic(&value)),
        });
        given.collect()
    }

    /// The same as values; `None`: some are bytes.
    fn values(&self, scope: &dyn Scope) -> Result<Option<Vec<Value>>, EvalError> {
        let mut values = Vec::with_capacity(self.names.len());
        for name in &self.names {
            if scope.bytes(name).is_some() {
                return Ok(None);
            }
            values.push(scope.get(name)?);
        }
        Ok(Some(values))
    }
}

impl Expression for Compiled {
    fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        if let Some(small) = &self.small
            && let Some(values) = self.values(scope)?
        {
            if let Some(value) = small.value(&values) {
                return Ok(value.into_owned());
            }
            return self.ask(values.iter().map(to_dynamic).collect());
        }
        self.ask(self.given(scope)?)
    }

    fn reads(&self) -> &[Name] {
        &self.names
    }

    fn kind(&self) -> Kind {
        self.kind
    }
}

/// For the engine. Objects stay closed; everything else is its own kind.
pub(super) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(yes) => Dynamic::from_bool(*yes),
        Value::Int(number) => Dynamic::from_int(*number),
        Value::Decimal(number) => Dynamic::from_decimal(*number),
        Value::Text(text) => Dynamic::from(text.clone()),
        Value::List(list) => Dynamic::from_array(list.iter().map(to_dynamic).collect()),
        Value::Map(_) => Dynamic::from(Object(Arc::new(value.clone()))),
    }
}

/// From the engine; bytes are no value.
pub(super) fn from_dynamic(value: Dynamic) -> Result<Value, String> {
    in_room(value, &Room::default())
}

/// What stands many times within is one thing there, and many here.
fn in_room(value: Dynamic, room: &Room) -> Result<Value, String> {
    let take = |more: usize| {
        room.take(size_of::<Value>().saturating_add(more)).map_err(|full| full.to_string())
    };
    take(0)?;
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(yes) = value.as_bool() {
        return Ok(Value::Bool(yes));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::Int(number));
    }
    if let Some(number) = value.clone().try_cast::<Decimal>() {
        return Ok(Value::Decimal(number));
    }
    if value.is_string() || value.is_char() {
        let text = value.to_string();
        take(text.len())?;
        return Ok(Value::Text(text));
    }
    if let Some(object) = value.clone().try_cast::<Object>() {
        take(object.0.size())?;
        return Ok((*object.0).clone());
    }
    if value.is::<Blob>() {
        return Err("bytes are no text; write `hex(…)` or `base64(…)`".to_owned());
    }
    match value.try_cast::<Array>() {
        Some(list) => {
            let values = list.into_iter().map(|item| in_room(item, room));
            values.collect::<Result<_, _>>().map(Value::List)
        }
        None => Err("the result is no value".to_owned()),
    }
}

/// What a function says that was given nothing.
#[derive(Clone, Debug)]
pub(super) struct OfNothing(pub(super) &'static str);

/// Whether an evaluation failed because nothing stands where a value is needed, and not for what is there.
fn of_nothing(error: &EvalAltResult) -> bool {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the engine's enum is open")]
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => of_nothing(inner),
        EvalAltResult::ErrorRuntime(message, _) => message.is::<OfNothing>(),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let types = signature.split_once('(').map_or("", |(_, types)| types);
            let types = types.strip_suffix(')').unwrap_or(types);
            types.split(',').any(|name| name.trim() == "()")
        }
        EvalAltResult::ErrorMismatchDataType(_, found, _) => found == "()",
        _ => false,
    }
}

/// The engine's error without values and without its own names of types.
fn in_our_words(error: &EvalAltResult) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the engine's enum is open")]
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => in_our_words(inner),
        EvalAltResult::ErrorRuntime(message, _) => match message.clone().try_cast::<OfNothing>() {
            Some(OfNothing(function)) => format!("{function}: there is nothing to work on"),
            None => message.to_string(),
        },
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let words = [
                ("rust_decimal::decimal::Decimal", "number"),
                ("i64", "number"),
                ("&str | ImmutableString | String", "text"),
                ("string", "text"),
                ("array", "list"),
                ("blob", "bytes"),
                ("()", "nothing"),
                ("f_", ""),
            ];
            let signature =
                words.iter().fold(signature.clone(), |text, (from, to)| text.replace(from, to));
            format!("these do not go together: `{signature}`")
        }
        EvalAltResult::ErrorTooManyOperations(_) => {
            format!("it takes more than {MOST_OPERATIONS} steps")
        }
        EvalAltResult::ErrorDataTooLarge(what, _) if what.contains("string") => {
            format!("a text of more than {LONGEST_TEXT} bytes would be made")
        }
        EvalAltResult::ErrorDataTooLarge(..) => {
            format!("a list of more than {MOST_ELEMENTS} elements would be made")
        }
        EvalAltResult::ErrorArithmetic(why, _) => {
            // The engine's sentence ends with the operands, which may be personal.
            why.split(':').next().unwrap_or("arithmetic").to_lowercase()
        }
        EvalAltResult::ErrorMismatchDataType(..) | EvalAltResult::ErrorMismatchOutputType(..) => {
            "a value has another type than is needed".to_owned()
        }
        _ => "it has no value".to_owned(),
    }
}
