//! Who calls: known by the token in `Authorization: Bearer …` before anything else of the call is looked at.
//!
//! **Invariant:** a handler has no scope, and so reads nothing, without a caller and the right that it
//! names in its first argument. Test: `every_call_is_open_to_the_roles_of_the_table_and_to_no_other`.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;

use super::{Api, Problem};
use crate::access::{Caller, Denied, Right};

/// Knows the caller, or refuses the call.
pub(super) async fn known(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match api.guard.caller(bearer(request.headers()).as_ref()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(denied) => refused(denied).into_response(),
    }
}

/// Metrics are open on loopback; on an address that others can reach they want a token of a role that may.
pub(super) async fn may_scrape(State(api): State<Api>, request: Request, next: Next) -> Response {
    if api.config.server.listen.ip().is_loopback() {
        return next.run(request).await;
    }
    let caller = api.guard.caller(bearer(request.headers()).as_ref()).map_err(refused);
    match caller.and_then(|caller| allowed(&caller, Right::ReadMetrics)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The token of a call, if it brings one. It does not print.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?;
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    // Of another scheme, or unreadable: something was brought, and it is no token.
    Some(if bearer { token.trim() } else { "" }.to_owned().into())
}

fn refused(denied: Denied) -> Problem {
    let (code, detail, challenge) = match denied {
        Denied::Missing => (
            "token_required",
            "send an access token: `Authorization: Bearer <token>`; `orderhub token create` makes one",
            "Bearer realm=\"orderhub\"",
        ),
        Denied::NoToken => (
            "token_malformed",
            "`Authorization` holds no access token of this hub, or only a part of one; send it whole, as \
             `orderhub token create` printed it: `Authorization: Bearer orderhub_…`",
            "Bearer realm=\"orderhub\", error=\"invalid_token\"",
        ),
        Denied::Unknown => (
            "token_unknown",
            "the access token is not known here, or not any more; its hash must stand in `[access.tokens]` \
             of the hub's settings",
            "Bearer realm=\"orderhub\", error=\"invalid_token\"",
        ),
    };
    Problem::new(StatusCode::UNAUTHORIZED, code, detail).challenge(challenge)
}

fn allowed(caller: &Caller, right: Right) -> Result<(), Problem> {
    if caller.role.may(right) {
        return Ok(());
    }
    tracing::warn!(actor = &*caller.actor, right = ?right, "a call was refused: its role may not");
    let detail = format!(
        "the role `{}` of this token may not {}; use a token of the role {}",
        caller.role.as_str(),
        right.words(),
        right.roles().join(" or ")
    );
    let challenge = "Bearer realm=\"orderhub\", error=\"insufficient_scope\"";
    Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail).challenge(challenge))
}

/// A caller who has the right `R`.
#[derive(Debug)]
pub(crate) struct May<R>(Caller, PhantomData<R>);

/// The right that a handler needs, as a type.
pub(crate) trait Needs {
    /// Which.
    const RIGHT: Right;
}

impl<R> Deref for May<R> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<R: Needs, S: Sync> FromRequestParts<S> for May<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without the layer above nobody is known, and nothing is open.
        let caller = parts.extensions.get::<Caller>().ok_or_else(|| refused(Denied::Missing))?;
        allowed(caller, R::RIGHT)?;
        Ok(Self(caller.clone(), PhantomData))
    }
}

/// Each right as a type.
pub(crate) mod to {
    use super::{Needs, Right};

    #[derive(Debug)]
    pub(crate) struct ReadOrders;
    #[derive(Debug)]
    pub(crate) struct Edit;
    #[derive(Debug)]
    pub(crate) struct ReleaseHolds;
    #[derive(Debug)]
    pub(crate) struct ReadTodos;
    #[derive(Debug)]
    pub(crate) struct Settle;
    #[derive(Debug)]
    pub(crate) struct ReadSystems;
    #[derive(Debug)]
    pub(crate) struct ReadReplies;
    #[derive(Debug)]
    pub(crate) struct Operate;
    #[derive(Debug)]
    pub(crate) struct Intake;

    impl Needs for ReadOrders {
        const RIGHT: Right = Right::ReadOrders;
    }
    impl Needs for Edit {
        const RIGHT: Right = Right::Edit;
    }
    impl Needs for ReleaseHolds {
        const RIGHT: Right = Right::ReleaseHolds;
    }
    impl Needs for ReadTodos {
        const RIGHT: Right = Right::ReadTodos;
    }
    impl Needs for Settle {
        const RIGHT: Right = Right::Settle;
    }
    impl Needs for ReadSystems {
        const RIGHT: Right = Right::ReadSystems;
    }
    impl Needs for ReadReplies {
        const RIGHT: Right = Right::ReadReplies;
    }
    impl Needs for Operate {
        const RIGHT: Right = Right::Operate;
    }
    impl Needs for Intake {
        const RIGHT: Right = Right::Intake;
    }
}
