//! The connector that a `connector.yaml` describes: operations as steps, answers judged by expressions,
//! webhooks verified by templates.
//!
//! **Invariant:** the same call and memo give the same request, byte for byte, all but credentials.
//! Secrets are read in
//! [`Connector::authorize`], in [`Connector::login`] and in the verification of webhooks, nowhere else. Tests:
//! `every_case_of_the_declared_connector_holds` asks for every request twice; that no other place can
//! name a secret is in `tests/data/connectors/wrong/many-mistakes.txt`.

mod elsewhere;
mod hook;
mod invent;
mod items;
mod judge;
mod lines;
mod login;
mod model;
mod page;
mod parse;
mod rates;
mod reply;
mod request;
mod scope;
mod take;
mod told;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::asked::Asked;
use orderhub_lang::convert::{Conversions, NoConversions};
use orderhub_lang::diagnostic::{Diagnostic, Source};
use orderhub_lang::path::Segment;
use orderhub_lang::template::Template;
use orderhub_lang::value::Value;

use self::login::Login;
use self::model::{Compiled, Hooks, Keyed, Needed};
use self::scope::Document;
use crate::contract::{
    Answer, Call, Connector, Credentials, Handshake, Heard, Limit, Memo, Needs, NextStep,
    Operation, ReplyXref, Request, Session, StepInfo, Tested, ToldLimit, Webhook,
};
use crate::error::{BuildError, CallError, VerifyError};
use crate::invent::Invents;
use crate::parts::REFUSED;
use crate::sign::Signer;

/// Kept in the memo once a step that is not safe was answered: what the operation looked for was not
/// there before. No expression can read it, as no name has a `$`.
const ACTED: &str = "$acted";
/// Kept in the memo while its last answer said that there is none.
const NONE: &str = "$none";

/// A compiled connector file.
#[derive(Debug)]
pub struct Declared {
    name: String,
    tested: Option<Tested>,
    base: Template,
    signer: Signer,
    login: Option<Login>,
    limits: Vec<Limit>,
    keyed: Vec<Keyed>,
    /// How many calls a call counted as, by limit.
    costs: Vec<(String, model::Expr)>,
    /// Where answers say the limit that holds from then on.
    told: Vec<model::Told>,
    /// What calls take of a limit before they are made.
    reserves: Vec<model::Reserve>,
    list: Vec<Operation>,
    operations: Vec<Compiled>,
    hooks: Option<Hooks>,
    needs: Needs,
    needed: Vec<Needed>,
    asked: Vec<Asked>,
    /// What its expressions are written with, by operation; `None`: of all of them.
    words: Vec<(Option<Arc<str>>, Value)>,
    /// What of an answer they order by its size, in the same way.
    ordered: Vec<(Option<Arc<str>>, Vec<Segment>)>,
    warnings: Vec<Diagnostic>,
}

/// The documents that stand beside a connector file (`order.graphql`), by file name.
pub type Documents = BTreeMap<String, Arc<Source>>;

/// Compiles a connector file that stands alone.
///
/// # Errors
///
/// Every mistake of the file, ordered by place.
pub fn compile(source: &Arc<Source>) -> Result<Declared, Vec<Diagnostic>> {
    compile_with(source, &Documents::new())
}

/// Compiles a connector file with the documents that stand beside it.
///
/// # Errors
///
/// Every mistake of the file, ordered by place, then those of its documents.
pub fn compile_with(source: &Arc<Source>, beside: &Documents) -> Result<Declared, Vec<Diagnostic>> {
    parse::compile(source, beside, &NoConversions)
}

/// Compiles a connector file that may name conversions: `{x as name}`.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_naming(
    source: &Arc<Source>,
    beside: &Documents,
    conversions: &dyn Conversions,
) -> Result<Declared, Vec<Diagnostic>> {
    parse::compile(source, beside, conversions)
}

impl Declared {
    /// The name that the file gives.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Findings that are no errors.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn compiled(&self, name: &str) -> Result<&Compiled, BuildError> {
        self.operations
            .iter()
            .find(|compiled| compiled.operation.name == name)
            .ok_or_else(|| BuildError::UnknownOperation(name.to_owned()))
    }
}

impl Connector for Declared {
    fn operations(&self) -> &[Operation] {
        &self.list
    }

    fn steps(&self, operation: &str) -> Vec<StepInfo<'_>> {
        let Ok(compiled) = self.compiled(operation) else { return Vec::new() };
        let steps = compiled.steps.iter();
        steps.map(|step| StepInfo { name: &step.id, idempotency: &step.idempotency }).collect()
    }

    fn next(&self, call: &Call<'_>, memo: &Memo) -> Result<NextStep, BuildError> {
        let compiled = self.compiled(call.operation)?;
        let document = Document::new(call);
        if let Some(wait) = take::waits(compiled, memo) {
            return Ok(NextStep::Wait(wait));
        }
        let at = walk::current(compiled, call, memo, &document)?;
        if memo.saved.contains_key(REFUSED) {
            let xrefs = reply::named(compiled, call, memo, &document);
            if let Some(part) = items::part(at.as_ref(), memo, xrefs) {
                return Ok(NextStep::Part(Box::new(part)));
            }
        }
        match at {
            Some(at) => {
                let request = request::build((self, compiled), &at, call, memo, &document)?;
                Ok(NextStep::Send(Box::new(request)))
            }
            None => {
                reply::reply(compiled, call, memo, &document).map(|r| NextStep::Done(Box::new(r)))
            }
        }
    }

    fn answer(&self, call: &Call<'_>, memo: &mut Memo, answer: &Answer) -> Result<(), CallError> {
        let unreadable = |why: String| CallError::MayHaveActed { why };
        let compiled = self.compiled(call.operation).map_err(|e| unreadable(e.to_string()))?;
        take::answer(compiled, call, memo, answer)
    }

    fn authorize(&self, request: &mut Request, with: &Credentials<'_>) -> Result<(), BuildError> {
        match request.own.clone() {
            Some(own) => own.apply(request, with),
            None => self.signer.apply(request, with),
        }
    }

    fn logs_in(&self) -> Option<Duration> {
        self.login.as_ref().map(|login| login.timeout)
    }

    fn login(&self, base_url: &str, with: &Credentials<'_>) -> Result<Request, BuildError> {
        let none = || BuildError::UnknownOperation("login".to_owned());
        login::request(self.login.as_ref().ok_or_else(none)?, base_url, with)
    }

    fn logged_in(&self, with: &Credentials<'_>, answer: &Answer) -> Result<Session, CallError> {
        match &self.login {
            Some(login) => login::answer(login, with, answer),
            None => Ok(Session::default()),
        }
    }

    fn cost(&self, call: &Call<'_>, request: &Request, answer: &Answer) -> Option<u32> {
        let (_, cost) = self.costs.iter().find(|(name, _)| *name == request.limit)?;
        rates::cost(cost, call, answer)
    }

    fn reserve(&self, limit: &str) -> Option<u32> {
        self.reserves.iter().find(|reserve| reserve.name == limit).map(|reserve| reserve.first)
    }

    fn may_cost(&self, call: &Call<'_>, request: &Request, answer: &Answer) -> Option<u32> {
        let reserve = self.reserves.iter().find(|reserve| reserve.name == request.limit)?;
        rates::cost(&reserve.then, call, answer)
    }

    fn told(&self, call: &Call<'_>, request: &Request, answer: &Answer) -> ToldLimit {
        let told = self.told.iter().find(|told| told.name == request.limit);
        told.map_or_else(ToldLimit::default, |told| rates::told(told, call, answer))
    }

    fn handshake(
        &self,
        hook: &Webhook<'_>,
        settings: &BTreeMap<String, String>,
    ) -> Option<Handshake> {
        hook::handshake(self.hooks.as_ref()?, hook, settings)
    }

    fn webhook(&self, hook: &Webhook<'_>, with: &Credentials<'_>) -> Result<Heard, VerifyError> {
        let hooks = self.hooks.as_ref().ok_or(VerifyError::None)?;
        if let Some(verifier) = &hooks.verify {
            verifier.verify(hook, with)?;
        }
        Ok(hook::read(hooks, hook, with.settings))
    }

    fn heard(&self, hook: &Webhook<'_>, settings: &BTreeMap<String, String>) -> Option<Heard> {
        Some(hook::read(self.hooks.as_ref()?, hook, settings))
    }

    fn known(&self, call: &Call<'_>, memo: &Memo) -> Vec<ReplyXref> {
        let Ok(compiled) = self.compiled(call.operation) else { return Vec::new() };
        reply::known(compiled, call, memo, &Document::new(call))
    }

    fn limits(&self) -> &[Limit] {
        &self.limits
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    fn needs_of(&self, used: &dyn Fn(&str) -> bool) -> Needs {
        let asked = self.operations.iter().filter(|compiled| used(&compiled.operation.name));
        let acks = asked.filter_map(|compiled| compiled.reply.ack.as_ref());
        let acks: Vec<&str> = acks.map(|ack| ack.operation.as_str()).collect();
        let mut needs = Needs::default();
        for needed in &self.needed {
            let is = |operation: &str| used(operation) || acks.contains(&operation);
            if !needed.operation.as_deref().is_none_or(is) {
                continue;
            }
            let list = if needed.secret { &mut needs.secrets } else { &mut needs.settings };
            if !list.iter().any(|(known, _)| *known == needed.name) {
                list.push((needed.name.clone(), needed.place.clone()));
            }
        }
        needs
    }

    fn asks(&self) -> &[Asked] {
        &self.asked
    }

    fn tested(&self) -> Option<Tested> {
        self.tested
    }

    fn invents(&self) -> Option<&dyn Invents> {
        Some(self)
    }

    fn binds(&self) -> Vec<&str> {
        let kinds = self.operations.iter().flat_map(|compiled| &compiled.reply.xrefs);
        kinds.map(|xref| xref.kind.as_str()).collect()
    }
}
