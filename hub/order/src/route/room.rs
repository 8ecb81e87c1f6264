//! Room in a lane: what is wanted of a full one, and what gives way.
//!
//! **Invariant:** what waits for a rule that is gone takes no room from what can be sent: it is added only where fewer than
//! 16 such wishes wait, a quarter of a lane (a sink that is told of every change is owed some of them, and a living rule has
//! the rest), and in a full lane the newest of them gives way to one whose rule is there. Tests:
//! `what_waits_for_its_rule_has_a_share_of_a_lane`, `what_waits_for_its_rule_gives_way_in_a_full_lane`.
//! **Invariant:** a fact that has no room is kept as one that was given up, for a person who has the order sent again; a
//! finding, one for each lane and rule, says so. Test: `a_fact_that_has_no_room_can_be_sent_again`. All in
//! `tests/it/gone.rs`.
//!
//! **Bounds:** a lane has at most 64 wishes, those of rules that are gone among them.

use super::told::EVENT;
use super::{Unrouted, unrouted};
use crate::causes;
use crate::fold::{Effect, TodoItem, TodoKind};
use crate::lane::{GivenUp, Lane, MOST_WANTS, Want, WantKey};
use crate::rules::Rules;

/// A wish that waits for its rule is added to a lane that has fewer such wishes than this.
const SHARE: usize = 16;

/// What a wish asks for: the order version, and the release that made it.
pub(crate) type Asked = (u32, Option<(Box<str>, Box<str>)>);

/// Wants `key`, in the place of a wish whose rule is gone where there is no other.
///
/// # Errors
///
/// The lane has no room, and the wish was not taken: why, for a person.
pub(crate) fn want(
    lane: &mut Lane,
    key: &WantKey,
    (version, release): Asked,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) -> Result<(), String> {
    make_room(lane, key, rules, effects)?;
    // There is room: it is taken.
    lane.want(key.clone(), version, release);
    Ok(())
}

/// The same, and a finding where it has no room.
pub(crate) fn want_or_tell(
    lane: &mut Lane,
    key: &WantKey,
    (version, release): Asked,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    if let Err(why) = want(lane, key, (version, release.clone()), rules, effects) {
        effects.push(left_out(lane, key, (version, release), why));
    }
}

/// Makes room in a lane for a new wish, of a rule that is there or of one that is gone. What gives way is named by an
/// effect.
fn make_room(
    lane: &mut Lane,
    key: &WantKey,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) -> Result<(), String> {
    if lane.wants.iter().any(|want| want.key == *key) {
        return Ok(());
    }
    let waits = |key: &WantKey| unrouted(rules, &lane.system, &key.rule) == Unrouted::Waits;
    let waiting = lane.wants.iter().filter(|want| waits(&want.key)).count();
    if waits(key) && waiting >= SHARE {
        return Err(format!(
            "the entry of `deliver:` of `{}` is gone, and {SHARE} wishes of this order wait for such already, which is as many \
             as are kept",
            key.rule
        ));
    }
    if lane.wants.len() < MOST_WANTS {
        return Ok(());
    }
    let newest = lane.wants.iter().rposition(|want| gives_way(lane, want, rules));
    let Some(at) = newest.filter(|_| !waits(key)) else {
        return Err(format!(
            "{MOST_WANTS} wishes of this order wait for `{0}` already: `orderhub why ORDER {0}` says what stands in their way",
            lane.system
        ));
    };
    let left = lane.wants.remove(at);
    effects.extend(lane.asks_no_more(&left.key, "it was left out"));
    let why = format!(
        "it waited for its entry of `deliver:`, and gave way to `{}`: no more than {MOST_WANTS} wishes wait in one lane",
        key.rule
    );
    effects.push(left_out(lane, &left.key, (left.version, left.release), why));
    Ok(())
}

/// What is said of a wish that has no room; a fact is kept, for it is of one firing, and no later change asks for it.
fn left_out(lane: &mut Lane, key: &WantKey, (version, release): Asked, why: String) -> Effect {
    if key.fact.is_some() && !key.rule.starts_with(EVENT) {
        lane.give_up(key, GivenUp { version, release, may_be_there: false, whole: false });
    }
    Effect::Todo(TodoItem {
        kind: TodoKind::Finding,
        cause: causes::LANE_FULL.word.into(),
        system: Some(lane.system.clone()),
        why: format!("`{}` of {} is left out: {why}", key.rule, key.subject),
        about: Some(key.rule.clone()),
    })
}

/// How many wishes of a lane would give way.
pub(crate) fn yields(lane: &Lane, rules: &Rules<'_>) -> usize {
    lane.wants.iter().filter(|want| gives_way(lane, want, rules)).count()
}

/// Whether it waits for its rule, and no call of it is frozen or under way.
fn gives_way(lane: &Lane, want: &Want, rules: &Rules<'_>) -> bool {
    let flies = lane.flying.as_ref().is_some_and(|flight| flight.want == want.key);
    !flies && unrouted(rules, &lane.system, &want.key.rule) == Unrouted::Waits
}
