//! A connector file, compiled.

use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::convert::Convert;
use orderhub_lang::diagnostic::Span;
use orderhub_lang::expression::{Expression, StandIn};
use orderhub_lang::path::{Path, Segment};
use orderhub_lang::template::{Template, Tree};

use crate::contract::{Idempotency, Operation};
use crate::native::Native;
use crate::sign::{Format, Signer};

pub(super) type Expr = Arc<dyn Expression>;

/// One operation with its steps.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) operation: Operation,
    pub(super) steps: Vec<Step>,
    pub(super) reply: Reply,
    /// Its own address, in place of the file's.
    pub(super) base: Option<Template>,
    /// What proves us to it, in place of what the file says.
    pub(super) signer: Option<Arc<Signer>>,
    /// Trees that its reply names.
    pub(super) lets: Vec<(String, Tree)>,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) when: Option<Expr>,
    pub(super) each: Option<Each>,
    /// One request for all elements, and an answer that says of each what became of it.
    pub(super) items: Option<Items>,
    /// Trees that its templates name, those of its operation first; each reads those before it.
    pub(super) lets: Vec<(String, Tree)>,
    /// The job that it asks for.
    pub(super) until: Option<Until>,
    pub(super) method: &'static str,
    /// Below the operation's address; of a step that goes elsewhere the whole address.
    pub(super) path: Template,
    /// It goes to an address that an earlier answer gave.
    pub(super) elsewhere: bool,
    pub(super) query: Vec<(String, Tree)>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Body,
    /// Its answer is one JSON value a line.
    pub(super) lines: bool,
    pub(super) idempotency: Idempotency,
    pub(super) save: Vec<Save>,
    /// What the program works out of its answer besides.
    pub(super) native: Option<&'static Native>,
    /// Its answer must have what it keeps: it may be asked again, or steps follow that would go on without.
    pub(super) held: bool,
    pub(super) classes: Classes,
    /// What a read gives, of its last step.
    pub(super) gives: Option<Gives>,
    /// Its answer's body is read: one that is no JSON says nothing.
    pub(super) needs_body: bool,
    pub(super) timeout: Duration,
    pub(super) limit: String,
    /// How the listing that it reads goes on.
    pub(super) page: Option<Page>,
    /// The longest time that it lists at once.
    pub(super) window: Option<Duration>,
}

/// What a step keeps of its answer.
#[derive(Debug)]
pub(super) struct Save {
    pub(super) name: String,
    pub(super) value: Expr,
    /// What the file says of what the answer does not have.
    pub(super) stands_in: StandIn,
    /// It is the reference of the operation's entity: the thing is known by it from then on.
    pub(super) names: bool,
    /// A step that writes keeps it as the id of what it made, and later steps send it.
    pub(super) sent: bool,
    /// The step that keeps it writes.
    pub(super) written: bool,
    /// Where its value stands in the file.
    pub(super) at: Span,
}

/// What a read gives of the answer.
#[derive(Debug)]
pub(super) struct Gives {
    pub(super) value: Expr,
    /// `documents:`, not `document:`.
    pub(super) list: bool,
}

/// A job that is asked for until it is done.
#[derive(Debug)]
pub(super) struct Until {
    /// It is done.
    pub(super) done: Expr,
    /// No sooner than this again.
    pub(super) every: Duration,
}

/// How an answer speaks of the elements that a step sent at once.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) at: Expr,
    pub(super) ours: OursRule,
    /// Where the id stands within an element of ours.
    pub(super) id: Path,
    pub(super) ok: Expr,
    /// Refused for now.
    pub(super) again: Option<Expr>,
    pub(super) why: Vec<Expr>,
}

/// How a listing is confirmed.
#[derive(Debug)]
pub(super) struct Ack {
    pub(super) operation: String,
    pub(super) args: Vec<(String, Expr)>,
}

/// How a listing goes on behind a page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) kind: PageKind,
    /// The parameter that names the page.
    pub(super) into: Option<String>,
    /// Documents of a page.
    pub(super) size: Option<i64>,
    /// The parameter that asks for so many.
    pub(super) size_into: Option<String>,
    /// Whether there is another page.
    pub(super) more: Option<Expr>,
    /// Nothing moves from one page to another.
    pub(super) snapshot: bool,
}

/// What the next page is known by.
#[derive(Debug)]
pub(super) enum PageKind {
    /// A link, or a `Link` header.
    Next(Expr),
    /// A name that the answer gives.
    Cursor(Expr),
    /// Its number, from this one on.
    Number(i64),
    /// How many documents are before it, from so many on.
    Offset(i64),
    /// By nothing: a queue, which is asked again while it has something.
    Again(Expr),
}

/// The list that a step runs over.
#[derive(Debug)]
pub(super) enum Each {
    Expression(Expr),
    Tree(Tree),
}

/// What a step sends.
#[derive(Debug)]
pub(super) enum Body {
    None,
    /// The mapped-out document, byte for byte.
    Document,
    Json {
        tree: Tree,
        put: Vec<(Vec<Segment>, Tree)>,
    },
    Form(Vec<(String, Tree)>),
    /// A document, sent as it stands, and its variables.
    Graphql {
        query: Arc<str>,
        variables: Vec<(String, Tree)>,
    },
}

/// How answers are judged; `None`: the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    pub(super) throttled: Option<Expr>,
    pub(super) not_allowed: Option<Expr>,
    pub(super) not_acted: Option<Expr>,
    pub(super) may_have_acted: Option<Expr>,
    pub(super) already: Option<Expr>,
    /// It says that there is none: a safe step keeps nothing, and is done.
    pub(super) none: Option<Expr>,
    pub(super) ok: Option<Expr>,
    pub(super) why: Vec<Expr>,
}

/// What an operation gives.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) xrefs: Vec<Xref>,
    pub(super) document: Option<Expr>,
    pub(super) documents: Option<Expr>,
    pub(super) ack: Option<Ack>,
}

/// References of one kind.
#[derive(Debug)]
pub(super) struct Xref {
    pub(super) kind: String,
    pub(super) rule: XrefRule,
    /// From the system's form of their ids.
    pub(super) convert: Option<Arc<dyn Convert>>,
}

/// Where references of one kind stand in a reply.
#[derive(Debug)]
pub(super) enum XrefRule {
    /// Of the subject: a value or a list of them.
    Value(Template),
    /// The same as an expression.
    Expression(Expr),
    /// Of elements.
    Elements { at: Expr, ours: OursRule, ext: Path },
}

/// How an element of a reply names ours.
#[derive(Debug)]
pub(super) enum OursRule {
    Position,
    Id(Path),
}

/// A limit's key: `by: args.number`.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) name: String,
    pub(super) by: Expr,
}

/// Where answers say the limit that holds from then on.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    /// Calls a second.
    pub(super) rate: Option<Expr>,
    pub(super) burst: Option<Expr>,
    /// Calls that there are now.
    pub(super) left: Option<Expr>,
}

/// What a call takes of its limit before it is made: `reserve: { first: 1000, then: body.cost.asked }`.
#[derive(Debug)]
pub(super) struct Reserve {
    pub(super) name: String,
    /// Until an answer says it.
    pub(super) first: u32,
    /// Where its answer says what it might have counted as.
    pub(super) then: Expr,
}

/// A setting or a secret that a file reads.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) secret: bool,
    pub(super) name: String,
    /// Where it is read.
    pub(super) place: String,
    /// The operation that reads it; `None`: whoever uses the file needs it.
    pub(super) operation: Option<Arc<str>>,
}

/// How webhooks are read.
#[derive(Debug)]
pub(super) struct Hooks {
    /// None: the file says `verify: none`.
    pub(super) verify: Option<crate::sign::Verifier>,
    pub(super) format: Format,
    /// The list of which each element is a notice; none: the body is one.
    pub(super) each: Option<Expr>,
    pub(super) id: Option<Text>,
    pub(super) kind: Text,
    pub(super) document: Expr,
    pub(super) respond: Option<Tree>,
    pub(super) handshake: Option<Greeting>,
}

/// How a sender is answered that asks first.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) when: Expr,
    pub(super) respond: Tree,
}

/// A text that is written as a template (`{…}`) or as an expression.
#[derive(Debug)]
pub(super) enum Text {
    Template(Template),
    Expression(Expr),
}
