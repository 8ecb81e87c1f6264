//! What answers say of limits: what a call counted as or might have, how fast calls may be from then on, and how many
//! there are.
//!
//! **Invariant:** a limit that no system would mean (none at all, below zero, no number, beyond [`FASTEST`] or
//! [`MOST_BURST`], slower than [`SLOWEST`]) is passed over: what held before stays. Test: the case
//! `tests/data/connectors/told-limit-nonsense.yaml`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::login::AnswerScope;
use super::model::{Expr, Told};
use super::scope::Answered;
use crate::contract::{Answer, Call, ToldLimit};

/// The fastest rate that is taken for meant: a call in a tenth of a millisecond.
const FASTEST: Duration = Duration::from_micros(100);
/// The slowest: one call a day.
const SLOWEST: Duration = Duration::from_secs(24 * 3_600);
/// The largest burst.
const MOST_BURST: u32 = 100_000;

/// How many calls a call counted as, or might have.
pub(super) fn cost(cost: &Expr, call: &Call<'_>, answer: &Answer) -> Option<u32> {
    let (number, more) = parts(&said(cost, call, &Answered::new(answer))?)?;
    Some(number.saturating_add(u32::from(more)))
}

/// The limit that an answer tells.
pub(super) fn told(told: &Told, call: &Call<'_>, answer: &Answer) -> ToldLimit {
    let answered = Answered::new(answer);
    let said = |expression: &Option<Expr>| said(expression.as_ref()?, call, &answered);
    let every = said(&told.rate).and_then(|text| {
        let rate: f64 = text.trim().parse().ok()?;
        let every = Duration::try_from_secs_f64(1.0 / rate).ok()?;
        (FASTEST..=SLOWEST).contains(&every).then_some(every)
    });
    let burst = said(&told.burst).and_then(|text| match parts(&text)? {
        (burst, false) if burst <= MOST_BURST => NonZeroU32::new(burst),
        _ => None,
    });
    let left = said(&told.left).and_then(|text| parts(&text)).map(|(left, _)| left);
    ToldLimit { every, burst, left }
}

/// What an expression reads of an answer.
fn said(expression: &Expr, call: &Call<'_>, answered: &Answered<'_>) -> Option<String> {
    let scope = AnswerScope { settings: call.settings, answered };
    let value = expression.eval(&scope).ok()?;
    value.scalar_text().map(std::borrow::Cow::into_owned)
}

/// A number that is not negative: its whole part, and whether there is more.
fn parts(text: &str) -> Option<(u32, bool)> {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = whole.parse().ok().filter(|_| digits(whole) && digits(rest))?;
    Some((number, rest.bytes().any(|digit| digit != b'0')))
}
